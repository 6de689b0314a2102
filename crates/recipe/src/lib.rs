//! The recipe language: text to a checked tree with source positions, templates and conditions
//! that keep types and record labels, and plain words bound to tool actions.
//!
//! Boundary: [`check`] turns bytes into a [`Recipe`] and diagnostics; [`eval`], [`condition`] and
//! [`render`] compute values. Deliberately absent: IO, clocks, and any idea of a run.

mod bind;
mod check;
mod diagnostic;
mod dialect;
mod eval;
mod expr;
mod ipav;
mod names;
pub mod program;
mod reader;
mod schema;
mod show;
mod traps;
mod yaml;

pub use check::{Binding, CheckContext, Checked, Children, Dialect, check, check_as, short_name};
pub use diagnostic::{CODES, Diagnostic, Severity};
pub use dialect::{Brings, BroughtAgent, BroughtGuardrails};
pub use eval::{EvalError, Scope, condition, eval, render};
pub use program::Recipe;
pub use schema::schema;
pub use show::show;
