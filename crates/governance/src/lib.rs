//! Pure decisions: whether a tool call may run, must be approved first, or is refused.
//!
//! Boundary: [`decide`] takes a [`Request`] and [`Facts`] and returns a [`Verdict`]; a [`Permit`] can
//! be made nowhere else, and `tools` performs nothing without one. Deliberately absent: any state,
//! any knowledge of connectors, and (until the governed-agents issue) the policy engine, budgets
//! and the audit tree, whose room this is.

mod door;
mod matrix;
mod schema;

pub use door::{Facts, Granted, Need, Permit, Request, Verdict, decide, permit_look_up};
pub use matrix::{Matrix, Rule};
pub use schema::Schemas;
