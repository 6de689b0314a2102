//! The configuration: one typed [`Config`], merged once from the defaults, a file, the environment
//! and flags, and passed on explicitly. `agentops.default.toml` is the source of the defaults and of
//! every key there is.

mod data;
mod database;
mod log;
mod mcp;
mod merge;
mod runtime;
mod sandbox;
mod server;
mod user;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use types::Failure;

pub use data::Data;
pub use database::Database;
pub use log::{Log, LogFormat};
pub use mcp::Mcp;
pub use runtime::Runtime;
pub use sandbox::Sandbox;
pub use server::Server;
pub use user::User;

/// The defaults, commented.
pub const DEFAULTS: &str = include_str!("../../agentops.default.toml");
/// The file's name in the data folder.
const FILE: &str = "agentops.toml";
/// The largest file read, in bytes.
const LARGEST: u64 = 1024 * 1024;

/// Everything that can be configured.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where things are kept.
    pub data: Data,
    /// Which database.
    pub database: Database,
    /// The HTTP server.
    pub server: Server,
    /// The vendors' stand-ins.
    pub sandbox: Sandbox,
    /// Workers.
    pub runtime: Runtime,
    /// What is logged.
    pub log: Log,
    /// Servers of the Model Context Protocol.
    pub mcp: Mcp,
    /// Who is at the keyboard.
    pub user: User,
}

/// What the command line says about the configuration.
#[derive(Debug, Clone, Default)]
pub struct Flags {
    /// `--config`.
    pub file: Option<PathBuf>,
    /// `--data`.
    pub data: Option<PathBuf>,
    /// `--database`.
    pub database: Option<String>,
    /// `--node`.
    pub node: Option<String>,
    /// `--as`.
    pub user: Option<String>,
}

/// Merges the configuration. `env` is the whole environment.
///
/// # Errors
/// `config_unreadable`, `config_unknown_key`, `config_invalid`.
pub fn load(flags: &Flags, env: &[(OsString, OsString)]) -> Result<Config, Failure> {
    let mut merged = merge::Merged::new()?;
    if let Some(file) = &flags.file {
        merged.file(file, &read(file)?)?;
    }
    merged.environment(env)?;
    merged.flags(flags)?;
    let data = merged.config()?.data.folder(env);
    let file = data.join(FILE);
    // The data folder's own file, unless another one was named. It is found only now, since the
    // other sources say where the folder is, but they still beat it.
    if flags.file.is_none() && file.exists() {
        merged = merge::Merged::new()?;
        merged.file(&file, &read(&file)?)?;
        merged.environment(env)?;
        merged.flags(flags)?;
    }
    let mut config = merged.config()?;
    // A data folder's file can't move the data folder.
    config.data = Data::at(data);
    config.user = config.user.or_login(env);
    Ok(config)
}

fn read(file: &Path) -> Result<String, Failure> {
    let failed = |why: String| {
        Failure::new(
            "config_unreadable",
            format!("failed to read the configuration '{}': {why}", file.display()),
        )
    };
    let size = std::fs::metadata(file)
        .map_err(|error| failed(error.to_string()))?
        .len();
    if size > LARGEST {
        return Err(failed(format!("it has {size} bytes; at most {LARGEST} are read")));
    }
    std::fs::read_to_string(file).map_err(|error| failed(error.to_string()))
}

#[cfg(test)]
mod tests;
