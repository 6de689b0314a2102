//! The checks of webhooks' signatures, as whoever takes a webhook in will use them: one request, one
//! verifier, and what comes of it.

mod headers;
mod properties;
mod sample;
mod secrets;
mod time;
mod twilio;
mod vectors;
