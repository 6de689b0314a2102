//! Logging to standard error, as configured.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;
use types::Failure;

use crate::config::{Log, LogFormat};

/// Begins to log.
///
/// # Errors
/// `config_invalid` if the filter can't be read.
pub fn start(log: &Log) -> Result<(), Failure> {
    let filter = EnvFilter::try_new(&log.filter)
        .map_err(|error| Failure::new("config_invalid", format!("log.filter: {error}")))?;
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(
            std::io::stderr().is_terminal()
                && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()),
        )
        .with_writer(std::io::stderr);
    // A second start in one process keeps the first one's form.
    let _ = match log.format {
        LogFormat::Text => subscriber.try_init(),
        LogFormat::Json => subscriber.json().try_init(),
    };
    Ok(())
}
