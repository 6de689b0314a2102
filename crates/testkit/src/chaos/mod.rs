//! Chaos: a server under seeded random runs is killed and stopped at random times, and afterwards the
//! ledger's record is judged by the model.

mod crash;
mod driver;
mod fence;
mod node;
mod processes;
mod report;

pub use crash::{Crash, crash};
pub use driver::{Options, Report, run};
pub(crate) use driver::{first_line, signal};
pub(crate) use node::say;
pub use node::{NodeOptions, node};
pub(crate) use processes::Process;
pub use processes::{Command, serve_ledger};
pub use report::inspect;
