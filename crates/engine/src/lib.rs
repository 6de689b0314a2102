//! The run machine: two pure functions. [`evolve`] folds an event into the state; [`decide`] looks
//! at a state and says which events to append and which actions to perform.
//!
//! Boundary: [`accept`] turns what comes from outside (results, messages, a take-over) into events;
//! [`advance`] repeats `decide` until nothing is left to do now; [`rows`] says what lists show.
//! Deliberately absent: IO, clocks, randomness (they come in as values), and any recipe by name.

pub mod event;
pub mod frozen;
mod key;
mod message;
pub mod rows;

pub use event::{EVENT_VERSION, Event, Recorded, RunCreated};
pub use key::StepKey;
pub use message::Message;
