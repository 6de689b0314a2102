//! Knowledge articles: create, get, update. The marker stands among the article's keywords (`meta`).

use serde_json::{Map, Value, json};
use types::{Artifact, ArtifactKind};

use super::table;
use crate::arguments::text;
use crate::{Answer, CallContext, CallError};

const TABLE: &str = "kb_knowledge";
const MARKED: &str = "meta";

/// Writes an article.
pub(super) async fn create(ctx: &CallContext, args: &Value) -> Result<Answer, CallError> {
    let mut fields = fields(args);
    let tags = args["tags"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str);
    let words: Vec<String> = tags.map(str::to_owned).chain([ctx.marker()]).collect();
    fields.insert(MARKED.to_owned(), words.join(", ").into());
    if let Some(base) = text(args, "knowledge_base") {
        fields.insert("kb_knowledge_base".to_owned(), base.into());
    }
    let state = if args["publish"].as_bool().unwrap_or(false) {
        "published"
    } else {
        "draft"
    };
    fields.insert("workflow_state".to_owned(), state.into());
    let record = table::create(ctx, TABLE, fields).await?;
    Ok(kept(ctx, &record))
}

/// Looks for the article that this call wrote.
pub(super) async fn look_up(ctx: &CallContext) -> Result<Option<Answer>, CallError> {
    let found = table::find_marked(ctx, TABLE, MARKED, "LIKE").await?;
    Ok(found.map(|record| kept(ctx, &record)))
}

/// Reads an article.
pub(super) async fn get(ctx: &CallContext, args: &Value) -> Result<Answer, CallError> {
    let record = table::get(ctx, TABLE, text(args, "article").unwrap_or_default()).await?;
    let mut output = output(ctx, &record);
    output["html"] = table::json_of(&record, "text");
    output["category"] = table::json_of(&record, "category");
    Ok(Answer::new(output))
}

/// Replaces parts.
pub(super) async fn update(ctx: &CallContext, args: &Value) -> Result<Answer, CallError> {
    let id = table::id_of(ctx, TABLE, text(args, "article").unwrap_or_default()).await?;
    let record = table::change(ctx, TABLE, &id, fields(args)).await?;
    Ok(kept(ctx, &record))
}

fn fields(args: &Value) -> Map<String, Value> {
    let mut fields = Map::new();
    table::copy(args, &["category", "workflow_state"], &mut fields);
    for (argument, field) in [("title", "short_description"), ("html", "text")] {
        if let Some(words) = text(args, argument) {
            fields.insert(field.to_owned(), words.into());
        }
    }
    fields
}

fn output(ctx: &CallContext, record: &Value) -> Value {
    json!({
        "sys_id": table::json_of(record, "sys_id"),
        "number": table::json_of(record, "number"),
        "url": url(ctx, record),
        "title": table::json_of(record, "short_description"),
        "workflow_state": table::json_of(record, "workflow_state"),
    })
}

fn kept(ctx: &CallContext, record: &Value) -> Answer {
    let id = table::value(record, "sys_id").unwrap_or_default();
    let artifact = Artifact {
        kind: ArtifactKind::Kb,
        external_id: table::value(record, "number").unwrap_or(id).to_owned(),
        url: Some(url(ctx, record)),
        data: json!({ "sys_id": id, "title": table::json_of(record, "short_description") }),
    };
    Answer::new(output(ctx, record)).with(artifact)
}

/// Articles are read by number, everything else by sys_id.
fn url(ctx: &CallContext, record: &Value) -> String {
    match (table::value(record, "number"), ctx.endpoint()) {
        (Some(number), Ok(endpoint)) => {
            format!(
                "{}/kb_view.do?sysparm_article={number}",
                endpoint.base_url.trim_end_matches('/')
            )
        }
        _ => table::record_url(ctx, TABLE, table::value(record, "sys_id").unwrap_or_default()),
    }
}
