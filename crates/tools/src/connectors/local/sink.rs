//! Where drafts and files go, and the two actions that send them there.

use async_trait::async_trait;
use serde_json::{Value, json};
use types::{Artifact, ArtifactKind, Failure, Labels, RunId, TenantId};

use crate::arguments::{content, invalid, text};
use crate::{Answer, CallContext, CallError};

/// The largest file, in bytes.
const MOST_BYTES: usize = 1_000_000;

/// What was kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Saved {
    /// What it is called where it is kept.
    pub id: String,
    /// Where to see or fetch it, if anywhere.
    pub url: Option<String>,
}

/// Keeps what local actions make; the composition root supplies it. Both are idempotent by key: a
/// second call with the same key keeps nothing more and gives the first one's answer.
#[async_trait]
pub trait LocalSink: Send + Sync + 'static {
    /// Saves a recipe as a draft. `labels` say where the text came from.
    ///
    /// # Errors
    /// Why nothing was kept.
    async fn save_recipe_draft(
        &self,
        tenant: TenantId,
        name: &str,
        text: &str,
        labels: Labels,
        key: &str,
    ) -> Result<Saved, Failure>;

    /// Keeps a file of a run. `name` holds no path separator.
    ///
    /// # Errors
    /// Why nothing was kept.
    async fn save_file(
        &self,
        tenant: TenantId,
        run: RunId,
        name: &str,
        bytes: Vec<u8>,
        key: &str,
    ) -> Result<Saved, Failure>;
}

/// `local.save_recipe_draft`.
pub(super) async fn save_recipe_draft(
    sink: &dyn LocalSink,
    ctx: &CallContext,
    args: &Value,
) -> Result<Answer, CallError> {
    let name = text(args, "name").unwrap_or_default();
    let recipe = text(args, "text").unwrap_or_default();
    let labels = ctx.labels.within("/text");
    ctx.begin_effect()?;
    let saved = sink
        .save_recipe_draft(ctx.tenant, name, recipe, labels, &ctx.key)
        .await
        .map_err(CallError::retryable)?;
    Ok(Answer::new(json!({ "id": saved.id, "url": saved.url })))
}

/// `local.save_file`.
pub(super) async fn save_file(
    sink: &dyn LocalSink,
    ctx: &CallContext,
    args: &Value,
) -> Result<Answer, CallError> {
    let name = text(args, "name").unwrap_or_default();
    if matches!(name, "." | "..") {
        return Err(invalid(format!("'{name}' can't name a file")));
    }
    let bytes = content(args, MOST_BYTES)?;
    let Some(run) = ctx.run else {
        return Err(invalid("a file belongs to a run"));
    };
    let size = bytes.len();
    ctx.begin_effect()?;
    let saved = sink
        .save_file(ctx.tenant, run, name, bytes, &ctx.key)
        .await
        .map_err(CallError::retryable)?;
    let artifact = Artifact {
        kind: ArtifactKind::File,
        external_id: saved.id.clone(),
        url: saved.url.clone(),
        data: json!({ "name": name, "size_bytes": size }),
    };
    Ok(
        Answer::new(json!({ "id": saved.id, "name": name, "size_bytes": size, "url": saved.url }))
            .with(artifact),
    )
}
