//! Servers of the Model Context Protocol: those that the configuration starts and those that the
//! database names, and what they are seen to offer kept there.

use std::path::Path;
use std::sync::OnceLock;

use async_trait::async_trait;
use ports::{McpRecord, McpSeen, ToolRecord};
use services::{Services, mcp};
use tools::{McpCommand, McpNotes, McpServer};
use types::{Failure, TenantId};

use super::App;
use crate::config::Config;

/// Where servers work, in the data folder.
const FOLDERS: &str = "mcp";

/// How servers are started, as the configuration says.
pub(super) type Commands = Vec<(String, McpCommand, bool, bool)>;

/// The servers of the configuration: name, command, trusted, mock.
pub(super) fn commands(config: &Config) -> Commands {
    let folder =
        |name: &str| std::path::absolute(config.data.path()).map(|data| data.join(FOLDERS).join(name));
    let servers = config.mcp.servers.iter().map(|(name, server)| {
        let command = McpCommand {
            command: server.command.clone(),
            args: server.args.clone(),
            env: server.env.clone(),
            folder: folder(name).unwrap_or_else(|_| Path::new(FOLDERS).join(name)),
        };
        (name.clone(), command, server.trusted, server.mock)
    });
    servers.collect()
}

/// The enabled servers. What the configuration says of a server beats the database.
pub(super) fn servers(commands: &Commands, rows: &[ToolRecord]) -> Vec<McpServer> {
    let row_of = |name: &str| rows.iter().find(|row| row.name == name);
    let started = commands.iter().map(|(name, command, trusted, mock)| {
        let record = row_of(name).and_then(mcp::record_of).unwrap_or_default();
        McpServer {
            name: name.clone(),
            record: McpRecord {
                url: None,
                trusted: *trusted,
                mock: *mock,
                ..record
            },
            command: Some(command.clone()),
        }
    });
    let answering = rows.iter().filter_map(|row| {
        let record = mcp::record_of(row)?;
        let ours = commands.iter().any(|(name, ..)| *name == row.name);
        (record.url.is_some() && !ours).then(|| McpServer {
            name: row.name.clone(),
            record,
            command: None,
        })
    });
    let enabled = |server: &McpServer| row_of(&server.name).is_none_or(|row| row.enabled);
    started.chain(answering).filter(enabled).collect()
}

/// Keeps what servers are seen to offer.
#[derive(Default)]
pub(super) struct Notes {
    services: OnceLock<Services>,
}

impl Notes {
    /// Gives it the use cases, which need the registry that tells it.
    pub(super) fn serve(&self, services: &Services) {
        // Set once, directly after the registry was made.
        let _ = self.services.set(services.clone());
    }
}

#[async_trait]
impl McpNotes for Notes {
    async fn offers(&self, tenant: TenantId, server: &str, seen: &McpSeen) {
        let Some(services) = self.services.get() else {
            return;
        };
        let services = Services {
            tenant,
            ..services.clone()
        };
        if let Err(failure) = mcp::offers(&services, server, seen).await {
            tracing::warn!(server, %failure, "what an MCP server offers could not be kept");
        }
    }
}

impl App {
    /// Looks at the servers that nobody has looked at yet. Whatever keeps one from being looked at is
    /// logged, and said again whenever it is asked for.
    pub async fn look_at_new_servers(&self) {
        let Ok(rows) = self.services.store.tools(self.services.tenant).await else {
            return;
        };
        let servers = servers(self.tools.commands(), &rows);
        for server in servers.iter().filter(|server| server.record.seen.is_none()) {
            if let Err(failure) = self.services.tools.look(self.services.tenant, &server.name).await {
                tracing::warn!(server = server.name, %failure, "an MCP server could not be looked at");
            }
        }
    }

    /// Ends the servers that this process has started.
    pub(super) fn stop_servers(&self) {
        self.tools.registry().replace_mcp_servers(Vec::new());
    }

    /// Keeps in the database what the configuration says of servers, so that people see it.
    pub(super) async fn configured_servers(&self) -> Result<(), Failure> {
        for (name, _, trusted, mock) in self.tools.commands() {
            mcp::configured(&self.services, name, *trusted, *mock).await?;
        }
        Ok(())
    }
}
