//! Every connector action against the real sandbox: over HTTP and TLS, well and misbehaving.

mod actions;
mod code;
mod faults;
mod lines;
mod mail;
mod rig;
mod tracking;
