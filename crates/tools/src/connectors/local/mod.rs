//! What AgentOps does by itself: no network, no credentials. Texts and judgements are pure; drafts
//! and files go to a [`LocalSink`] under the call's key.

mod article;
mod checklist;
mod report;
mod sink;
mod thresholds;

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::{Value, json};
use types::ToolSpec;

use crate::arguments::text;
use crate::connector::unknown_action;
use crate::{Answer, CallContext, CallError, Connector, load};

pub use sink::{LocalSink, Saved};

/// The connector.
pub(crate) struct Local {
    sink: Arc<dyn LocalSink>,
}

impl Local {
    /// The local actions, which keep things in `sink`.
    pub(crate) fn new(sink: Arc<dyn LocalSink>) -> Self {
        Self { sink }
    }
}

/// The tool's specification.
pub(crate) fn spec() -> ToolSpec {
    load::embedded(include_str!("spec.json"))
}

#[async_trait]
impl Connector for Local {
    fn spec(&self) -> ToolSpec {
        spec()
    }

    fn remote(&self) -> bool {
        false
    }

    async fn call(&self, ctx: &CallContext, action: &str, args: &Value) -> Result<Answer, CallError> {
        let output = match action {
            "echo" => args.clone(),
            "noop" => json!({}),
            "note" => json!({ "text": args["text"] }),
            "slug" => json!({ "slug": slug::slugify(text(args, "text").unwrap_or_default()) }),
            "run_checklist" => checklist::run(args),
            "evaluate_thresholds" => thresholds::evaluate(args)?,
            "report_status" => report::compose(args),
            "sop_to_article" => article::convert(args),
            "save_recipe_draft" => return sink::save_recipe_draft(self.sink.as_ref(), ctx, args).await,
            "save_file" => return sink::save_file(self.sink.as_ref(), ctx, args).await,
            other => return Err(unknown_action(other)),
        };
        Ok(Answer::new(output))
    }

    async fn health(&self, _ctx: &CallContext) -> Result<String, CallError> {
        Ok("built in".to_owned())
    }
}
