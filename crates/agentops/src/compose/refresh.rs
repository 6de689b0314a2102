//! Plain HTTP tools from the store, kept current while another process may add one.

use std::sync::Arc;
use std::time::Duration;

use ports::Store;
use tools::{HttpTool, Registry};
use types::{Failure, TenantId, Timestamp};

/// How often the store is asked for changes.
const EVERY: Duration = Duration::from_millis(250);
/// After this long a server on the same folder works with the tools as they are now.
pub(super) const TAKEN_UP: Duration = Duration::from_millis(1_000);

/// What the tools were read from: names and when each was changed.
pub(super) type Mark = Vec<(String, Timestamp, bool)>;

/// The enabled plain HTTP tools. A manifest that this binary can't read is left out and logged.
pub(super) async fn http_tools(
    store: &dyn Store,
    tenant: TenantId,
) -> Result<(Mark, Vec<HttpTool>), Failure> {
    let rows = store.tools(tenant).await?;
    let rows: Vec<_> = rows
        .into_iter()
        .filter(|row| row.kind == services::tools::HTTP)
        .collect();
    let mark = rows
        .iter()
        .map(|row| (row.name.clone(), row.updated_at, row.enabled))
        .collect();
    let read = rows.iter().filter(|row| row.enabled).filter_map(|row| {
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
    Ok((mark, read.collect()))
}

/// Looks for changes until it is aborted.
pub(super) async fn keep_current(store: Arc<dyn Store>, tenant: TenantId, registry: Arc<Registry>) {
    let mut known: Option<Mark> = None;
    loop {
        match http_tools(store.as_ref(), tenant).await {
            Ok((mark, tools)) if known.as_ref() != Some(&mark) => {
                if let Err(failure) = registry.replace_http_tools(tools) {
                    tracing::error!(%failure, "the tools could not be replaced");
                }
                known = Some(mark);
            }
            Ok(_) => {}
            Err(failure) => tracing::warn!(%failure, "the tools could not be looked at"),
        }
        tokio::time::sleep(EVERY).await;
    }
}
