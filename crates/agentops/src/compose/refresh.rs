//! Tools that people add, and the limits of calls, from the store and the configuration, kept current
//! while another process may change them.

use std::sync::Arc;
use std::time::Duration;

use ports::{Store, ToolRecord};
use serde_json::Value;
use services::settings;
use tools::Registry;
use types::{CallLimits, Failure, TenantId, Timestamp};

use super::current::Current;
use super::mcp::Commands;

/// How often the store is asked for changes.
const EVERY: Duration = Duration::from_millis(250);
/// After this long a server on the same folder works with the tools as they are now.
pub(super) const TAKEN_UP: Duration = Duration::from_millis(1_000);

/// What the tools were read from: names and when each was changed.
pub(super) type Mark = Vec<(String, Timestamp, bool)>;

/// The tools that people added, as they are kept.
///
/// # Errors
/// The store can't be read.
pub(super) async fn added(store: &dyn Store, tenant: TenantId) -> Result<Vec<ToolRecord>, Failure> {
    let kinds = [services::tools::HTTP, services::mcp::MCP];
    let mut rows = store.tools(tenant).await?;
    rows.retain(|row| kinds.contains(&row.kind.as_str()));
    Ok(rows)
}

/// By what a later look sees that they were changed.
pub(super) fn mark(rows: &[ToolRecord]) -> Mark {
    rows.iter()
        .map(|row| (row.name.clone(), row.updated_at, row.enabled))
        .collect()
}

/// Works with the enabled ones of these tools from here on. A manifest that this binary can't read is left
/// out and logged.
pub(super) fn replace(registry: &Registry, commands: &Commands, rows: &[ToolRecord]) {
    let servers = super::mcp::servers(commands, rows);
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
    registry.replace_http_tools(read.collect());
    registry.replace_mcp_servers(servers);
}

/// Limits of calls and places of tools, as they are set.
#[derive(PartialEq)]
pub(super) struct Set {
    limits: Option<Value>,
    places: Option<Value>,
}

/// Takes up the limits of calls, and that tools have moved, as far as they differ from `known`.
///
/// # Errors
/// The store can't be read.
pub(super) async fn take_up_settings(
    store: &dyn Store,
    tenant: TenantId,
    registry: &Registry,
    known: &mut Option<Set>,
) -> Result<(), Failure> {
    let now = Set {
        limits: store.setting(tenant, settings::LIMITS).await?,
        places: store.setting(tenant, settings::BASE_URLS).await?,
    };
    let was = known.as_ref();
    if was.is_none_or(|was| was.limits != now.limits) {
        let limits = now.limits.clone().map(serde_json::from_value::<CallLimits>);
        match limits.transpose() {
            Ok(limits) => registry.set_limits(limits.unwrap_or_default()),
            Err(error) => {
                tracing::error!(%error, "the stored limits of calls can't be read; the shipped ones hold")
            }
        }
    }
    if was.is_some_and(|was| was.places != now.places) {
        registry.moved();
    }
    *known = Some(now);
    Ok(())
}

/// Looks for changes of other processes until it is aborted.
pub(super) async fn keep_current(tools: Arc<Current>) {
    let mut trouble = None;
    loop {
        let now = tools
            .take_up(false)
            .await
            .err()
            .map(|failure| failure.to_string());
        if now != trouble {
            // Once for each trouble, not at each look.
            match &now {
                Some(failure) => tracing::warn!(failure, "the tools can't be looked at"),
                None => tracing::info!("the tools are looked at again"),
            }
            trouble = now;
        }
        tokio::time::sleep(EVERY).await;
    }
}
