//! Tools that people add, from the store and the configuration, kept current while another process may
//! add or change one.

use std::sync::Arc;
use std::time::Duration;

use ports::Store;
use tools::{HttpTool, McpServer, Registry};
use types::{Failure, TenantId, Timestamp};

use super::mcp::Commands;

/// How often the store is asked for changes.
const EVERY: Duration = Duration::from_millis(250);
/// After this long a server on the same folder works with the tools as they are now.
pub(super) const TAKEN_UP: Duration = Duration::from_millis(1_000);

/// What the tools were read from: names and when each was changed.
pub(super) type Mark = Vec<(String, Timestamp, bool)>;

/// Tools that people add.
pub(super) struct Added {
    mark: Mark,
    pub(super) http_tools: Vec<HttpTool>,
    pub(super) servers: Vec<McpServer>,
}

/// The enabled tools that people added. A manifest that this binary can't read is left out and logged.
pub(super) async fn added(
    store: &dyn Store,
    tenant: TenantId,
    commands: &Commands,
) -> Result<Added, Failure> {
    let kinds = [services::tools::HTTP, services::mcp::MCP];
    let mut rows = store.tools(tenant).await?;
    rows.retain(|row| kinds.contains(&row.kind.as_str()));
    let mark = rows
        .iter()
        .map(|row| (row.name.clone(), row.updated_at, row.enabled))
        .collect();
    let servers = super::mcp::servers(commands, &rows);
    let plain = rows.iter().filter(|row| row.kind == services::tools::HTTP);
    let read = plain.filter(|row| row.enabled).filter_map(|row| {
        let manifest = row
            .config
            .get("manifest")
            .map(ToString::to_string)
            .unwrap_or_default();
        tools::http_tool(&manifest)
            .inspect_err(|problems| {
                let first = problems.first().map(ToString::to_string).unwrap_or_default();
                tracing::error!(
                    tool = row.name,
                    problem = first,
                    "a stored manifest can't be read"
                );
            })
            .ok()
    });
    Ok(Added {
        mark,
        http_tools: read.collect(),
        servers,
    })
}

/// Looks for changes until it is aborted.
pub(super) async fn keep_current(
    store: Arc<dyn Store>,
    tenant: TenantId,
    registry: Arc<Registry>,
    commands: Commands,
) {
    let mut known: Option<Mark> = None;
    loop {
        match added(store.as_ref(), tenant, &commands).await {
            Ok(added) if known.as_ref() != Some(&added.mark) => {
                known = Some(added.mark.clone());
                if let Err(failure) = replace(&registry, added) {
                    tracing::error!(%failure, "the tools could not be replaced");
                }
            }
            Ok(_) => {}
            Err(failure) => tracing::warn!(%failure, "the tools could not be looked at"),
        }
        tokio::time::sleep(EVERY).await;
    }
}

/// Works with these tools from here on.
pub(super) fn replace(registry: &Registry, added: Added) -> Result<(), Failure> {
    registry.replace_http_tools(added.http_tools)?;
    registry.replace_mcp_servers(added.servers)
}
