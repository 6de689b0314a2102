//! The run machine: two pure functions. [`evolve`] folds an event into the state; [`decide`] looks
//! at a state and says which events to append and which actions to perform.
//!
//! Boundary: [`accept`] turns what comes from outside (results, messages, a take-over) into events;
//! [`advance`] repeats `decide` until nothing is left to do now; [`rows()`] says what lists show.
//! Deliberately absent: IO, clocks, randomness (they come in as values), and any recipe by name.

mod accept;
mod approval;
mod backoff;
mod control;
mod decide;
pub mod event;
mod evolve;
mod fold;
mod fork;
pub mod frozen;
mod held;
mod key;
mod locate;
mod message;
mod parallel;
mod program;
mod progress;
mod project;
mod question;
pub mod rows;
mod schedule;
mod scope;
mod settle;
pub mod snapshot;
pub mod state;
mod undo;
mod unknown;

pub use accept::{Accepted, Input, accept};
pub use decide::{Advanced, Decided, advance, decide};
pub use event::{EVENT_VERSION, Event, Recorded, RunCreated};
pub use evolve::evolve;
pub use fork::{ForkError, fork};
pub use held::{HELD_BACK, show_held_back};
pub use key::StepKey;
pub use message::Message;
pub use program::{Action, ChildRecipe, Limits, Program, complete_inputs};
pub use project::rows;
pub use question::{Asking, question_name};
pub use state::State;
