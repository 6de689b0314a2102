//! `[mcp.servers.NAME]`: servers of the Model Context Protocol that this host starts. Commands come
//! from the configuration file only: no environment variable, flag, setting or import can name one.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, de};

/// The most servers.
const MOST: usize = 50;

/// Servers of the Model Context Protocol.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mcp {
    /// By the name of the tool that each becomes.
    #[serde(deserialize_with = "named")]
    pub servers: BTreeMap<String, McpServer>,
}

/// How a server is started.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct McpServer {
    /// The program.
    pub command: String,
    /// Its arguments.
    #[serde(default)]
    pub args: Vec<String>,
    /// Its environment.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// Whether its own word about its actions counts.
    #[serde(default)]
    pub trusted: bool,
    /// Whether it may be called in mock mode.
    #[serde(default)]
    pub mock: bool,
}

fn named<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<String, McpServer>, D::Error> {
    let servers = BTreeMap::<String, McpServer>::deserialize(deserializer)?;
    if servers.len() > MOST {
        return Err(de::Error::custom(format_args!(
            "at most {MOST} servers are started"
        )));
    }
    for (name, server) in &servers {
        let inside = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-';
        let good = name.starts_with(|c: char| c.is_ascii_lowercase()) && name.chars().all(inside);
        if !good || name.len() > 40 {
            return Err(de::Error::custom(format_args!(
                "'{name}' is no name for a tool: write up to 40 lower-case letters, digits, '_' and '-', beginning with a letter"
            )));
        }
        if server.command.is_empty() {
            return Err(de::Error::custom(format_args!(
                "the command of '{name}' is empty"
            )));
        }
    }
    Ok(servers)
}
