//! Agile stories, their subtasks, and plain tasks: three tables that extend one, so one shape.

use serde_json::{Map, Value, json};
use types::{Artifact, ArtifactKind};

use super::table;
use crate::arguments::text;
use crate::{Answer, CallContext, CallError};

/// The table of stories.
pub(super) const STORY: &str = "rm_story";
/// The table of tasks under a story.
pub(super) const SUBTASK: &str = "rm_scrum_task";
/// The table of plain tasks.
pub(super) const TASK: &str = "task";
const MARKED: &str = "correlation_id";

/// Creates a story.
pub(super) async fn create_story(ctx: &CallContext, args: &Value) -> Result<Answer, CallError> {
    let names = [
        "short_description",
        "description",
        "acceptance_criteria",
        "assignment_group",
    ];
    create(ctx, STORY, args, &names, Map::new()).await
}

/// Creates a task under a story.
pub(super) async fn create_subtask(ctx: &CallContext, args: &Value) -> Result<Answer, CallError> {
    let story = table::id_of(ctx, STORY, text(args, "story").unwrap_or_default()).await?;
    let mut fields = Map::new();
    fields.insert("story".to_owned(), story.into());
    if let Some(hours) = args["planned_hours"].as_f64() {
        fields.insert("planned_hours".to_owned(), hours.to_string().into());
    }
    create(
        ctx,
        SUBTASK,
        args,
        &["short_description", "description", "assigned_to"],
        fields,
    )
    .await
}

/// Creates a plain task.
pub(super) async fn create_task(ctx: &CallContext, args: &Value) -> Result<Answer, CallError> {
    let names = ["short_description", "description", "assignment_group", "due_date"];
    create(ctx, TASK, args, &names, Map::new()).await
}

/// Looks for the record that this call created in `table`.
pub(super) async fn look_up(ctx: &CallContext, table: &str) -> Result<Option<Answer>, CallError> {
    let found = table::find_marked(ctx, table, MARKED, "=").await?;
    Ok(found.map(|record| answer(ctx, table, &record)))
}

async fn create(
    ctx: &CallContext,
    table: &str,
    args: &Value,
    names: &[&str],
    mut fields: Map<String, Value>,
) -> Result<Answer, CallError> {
    table::copy(args, names, &mut fields);
    fields.insert(MARKED.to_owned(), ctx.marker().into());
    let record = table::create(ctx, table, fields).await?;
    Ok(answer(ctx, table, &record))
}

fn answer(ctx: &CallContext, table: &str, record: &Value) -> Answer {
    let id = table::value(record, "sys_id").unwrap_or_default();
    let url = table::record_url(ctx, table, id);
    let mut output = json!({
        "sys_id": id,
        "number": table::json_of(record, "number"),
        "url": url,
        "short_description": table::json_of(record, "short_description"),
        "state": table::json_of(record, "state"),
    });
    if table == SUBTASK {
        output["story"] = table::json_of(record, "story");
    }
    Answer::new(output).with(Artifact {
        kind: if table == STORY {
            ArtifactKind::Story
        } else {
            ArtifactKind::Task
        },
        external_id: table::value(record, "number").unwrap_or(id).to_owned(),
        url: Some(url),
        data: json!({ "table": table, "sys_id": id }),
    })
}
