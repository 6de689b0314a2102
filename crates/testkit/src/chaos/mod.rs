//! Chaos: a server under seeded random runs is killed and stopped at random times, and afterwards the
//! ledger's record is judged by the model.

mod driver;
mod fence;
mod node;
mod processes;
mod report;

pub use driver::{Options, Report, run};
pub use node::{NodeOptions, node};
pub use processes::{Command, serve_ledger};
pub use report::inspect;
