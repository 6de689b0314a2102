//! Servers of the Model Context Protocol: those that the configuration starts and those that the
//! database names, and what they are seen to offer kept there.

use std::path::Path;
use std::sync::OnceLock;

use async_trait::async_trait;
use futures::StreamExt as _;
use ports::{McpRecord, McpSeen, ToolRecord};
use services::{Services, mcp};
use tools::{McpCommand, McpNotes, McpServer};
use types::{Failure, TenantId};

use super::App;
use crate::config::Config;

/// Servers that are looked at side by side.
const LOOKS: usize = 8;
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

/// Whether a server was well, and there is no sign that it isn't.
fn may_sleep(server: &McpServer) -> bool {
    let well = server
        .record
        .stand
        .as_ref()
        .is_none_or(|stand| stand.trouble.is_none());
    let there = server.command.as_ref().is_some_and(McpCommand::is_there);
    server.record.seen.is_some() && well && there
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

    async fn stands(&self, tenant: TenantId, server: &str, trouble: Option<&Failure>) {
        let Some(services) = self.services.get() else {
            return;
        };
        let services = Services {
            tenant,
            ..services.clone()
        };
        let trouble = trouble.map(ToString::to_string);
        if let Err(failure) = mcp::stands(&services, server, trouble.as_deref()).await {
            tracing::warn!(server, %failure, "how an MCP server stands could not be kept");
        }
    }
}

impl App {
    /// Looks at the servers, side by side, each within its own time: at those that nobody has looked at yet,
    /// that could not be worked with before, or whose word is older than this process. One that was well
    /// and whose program is there isn't started before it is needed. Whatever keeps one from being looked
    /// at is logged, and shown with the tool.
    pub async fn look_at_servers(&self) {
        let Ok(rows) = self.services.store.tools(self.services.tenant).await else {
            return;
        };
        let unsure = servers(self.tools.commands(), &rows)
            .into_iter()
            .filter(|server| !may_sleep(server));
        let looks = futures::stream::iter(unsure).for_each_concurrent(LOOKS, async |server| {
            if let Err(failure) = mcp::refresh(&self.services, &server.name).await {
                tracing::warn!(server = server.name, %failure, "an MCP server could not be looked at");
            }
        });
        looks.await;
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
