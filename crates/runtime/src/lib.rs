//! Workers, leases, timers, recovery, and performing what the engine chose.
//!
//! Boundary: [`Runtime::start`] takes [`Options`] and returns a cheap [`Handle`]; everything else
//! happens inside. Deliberately absent: any choice of what comes next (the engine chooses), any SQL,
//! HTTP or vendor, and any recipe by name.

mod drive;
mod effects;
mod facts;
mod guard;
mod node;
mod options;
mod programs;
mod session;
mod slots;
pub mod system;
mod trouble;

pub use node::{Handle, Runtime};
pub use options::Options;

/// Names of the points at which a test can make the process die (feature `failpoints` of the crate
/// `fail`).
pub const CRASH_POINTS: &[&str] = &[
    "runtime.append.before",
    "runtime.append.after",
    "runtime.call.before",
    "runtime.call.after",
    "runtime.look_up.before",
    "runtime.look_up.after",
    "runtime.result.before",
    "runtime.result.after",
    "runtime.claim.after",
    "runtime.start.before",
    "runtime.start.after",
];

/// Dies here if a test says so.
macro_rules! crash_point {
    ($name:literal) => {
        fail::fail_point!($name, |_| std::process::abort())
    };
}
pub(crate) use crash_point;
