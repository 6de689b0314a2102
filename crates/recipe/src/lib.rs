//! The recipe language: text to a checked tree with source positions, templates and conditions
//! that keep types and record labels, and plain words bound to tool actions.
//!
//! Boundary: [`check`] turns bytes into a [`Recipe`] and diagnostics; [`eval`], [`condition`] and
//! [`render`] compute values. Deliberately absent: IO, clocks, and any idea of a run.

mod eval;
mod expr;
pub mod program;

pub use eval::{EvalError, Scope, condition, eval, render};
pub use program::Recipe;
