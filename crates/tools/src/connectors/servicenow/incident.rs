//! Incidents: create, get, find, update, and notes in their journal.

use serde_json::{Map, Value, json};
use types::{Artifact, ArtifactKind};

use super::table;
use crate::arguments::text;
use crate::{Answer, CallContext, CallError};

const TABLE: &str = "incident";
const MARKED: &str = "correlation_id";
/// How many records a filtered search reads at most.
const MOST_READ: u32 = 200;
/// ServiceNow's numbers of states that are no longer worked on.
const CLOSED: [&str; 3] = ["6", "7", "8"];

/// Opens an incident.
pub(crate) async fn create(ctx: &CallContext, args: &Value) -> Result<Answer, CallError> {
    let mut fields = fields(args);
    fields.insert(MARKED.to_owned(), ctx.marker().into());
    let record = table::create(ctx, TABLE, fields).await?;
    Ok(answer(ctx, &record).with(artifact(ctx, &record)))
}

/// Looks for the incident that this call opened.
pub(crate) async fn look_up(ctx: &CallContext) -> Result<Option<Answer>, CallError> {
    let found = table::find_marked(ctx, TABLE, MARKED, "=").await?;
    Ok(found.map(|record| answer(ctx, &record).with(artifact(ctx, &record))))
}

/// Reads one incident.
pub(crate) async fn get(ctx: &CallContext, args: &Value) -> Result<Answer, CallError> {
    let record = table::get(ctx, TABLE, text(args, "incident").unwrap_or_default()).await?;
    Ok(answer(ctx, &record))
}

/// Finds incidents, newest first. What is open is chosen here: instances differ in their states' order.
pub(crate) async fn find(ctx: &CallContext, args: &Value) -> Result<Answer, CallError> {
    let mut conditions = Vec::new();
    if let Some(words) = text(args, "text").filter(|words| !words.trim().is_empty()) {
        table::check_value(words)?;
        conditions.push(format!("short_descriptionLIKE{}", words.trim()));
    }
    conditions.extend(
        text(args, "query")
            .filter(|query| !query.is_empty())
            .map(str::to_owned),
    );
    conditions.push("ORDERBYDESCsys_created_on".to_owned());
    let open_only = args["open_only"].as_bool().unwrap_or(true);
    let limit = args["limit"].as_u64().unwrap_or(10);
    let records = table::list(ctx, TABLE, &conditions.join("^"), MOST_READ).await?;
    let open = |record: &&Value| !table::value(record, "state").is_some_and(|state| CLOSED.contains(&state));
    let incidents: Vec<Value> = records
        .iter()
        .filter(|record| !open_only || open(record))
        .take(usize::try_from(limit).unwrap_or(10))
        .map(|record| output(ctx, record))
        .collect();
    Ok(Answer::new(json!({ "incidents": incidents })))
}

/// Sets fields.
pub(crate) async fn update(ctx: &CallContext, args: &Value) -> Result<Answer, CallError> {
    let id = table::id_of(ctx, TABLE, text(args, "incident").unwrap_or_default()).await?;
    let record = table::change(ctx, TABLE, &id, fields(args)).await?;
    Ok(answer(ctx, &record).with(artifact(ctx, &record)))
}

/// Adds an entry to the journal.
pub(crate) async fn add_work_note(ctx: &CallContext, args: &Value) -> Result<Answer, CallError> {
    let id = table::id_of(ctx, TABLE, text(args, "incident").unwrap_or_default()).await?;
    let mut fields = Map::new();
    fields.insert("work_notes".to_owned(), args["note"].clone());
    let record = table::change(ctx, TABLE, &id, fields).await?;
    Ok(answer(ctx, &record))
}

fn fields(args: &Value) -> Map<String, Value> {
    let mut fields = Map::new();
    let same = [
        "short_description",
        "description",
        "category",
        "assignment_group",
        "assigned_to",
        "caller_id",
        "cmdb_ci",
        "close_code",
        "close_notes",
    ];
    table::copy(args, &same, &mut fields);
    for (name, known) in [("urgency", LEVELS), ("impact", LEVELS), ("state", STATES)] {
        if let Some(number) = args.get(name).and_then(|value| number(value, known)) {
            fields.insert(name.to_owned(), number.into());
        }
    }
    fields
}

/// Urgency and impact in words, and ServiceNow's numbers for them.
pub(crate) const LEVELS: &[(&str, &str)] = &[("high", "1"), ("medium", "2"), ("low", "3")];
/// States in words, and ServiceNow's numbers for them.
pub(crate) const STATES: &[(&str, &str)] = &[
    ("new", "1"),
    ("in_progress", "2"),
    ("on_hold", "3"),
    ("resolved", "6"),
    ("closed", "7"),
    ("canceled", "8"),
];

/// ServiceNow's number for a word, or the number that was given.
fn number(value: &Value, known: &[(&str, &str)]) -> Option<String> {
    match value {
        Value::Number(number) => Some(number.to_string()),
        Value::String(word) => {
            let lower = word.to_lowercase();
            let found = known.iter().find(|(name, _)| *name == lower);
            Some(found.map_or(lower.clone(), |(_, number)| (*number).to_owned()))
        }
        _ => None,
    }
}

/// The word for ServiceNow's number, or what was told if there is none.
pub(crate) fn word(told: &Value, known: &[(&str, &str)]) -> Value {
    let found = told
        .as_str()
        .and_then(|told| known.iter().find(|(_, number)| *number == told));
    found.map_or_else(|| told.clone(), |(word, _)| (*word).into())
}

fn answer(ctx: &CallContext, record: &Value) -> Answer {
    Answer::new(output(ctx, record))
}

fn output(ctx: &CallContext, record: &Value) -> Value {
    let mut output = Map::new();
    for name in [
        "sys_id",
        "number",
        "short_description",
        "description",
        "state",
        "urgency",
        "impact",
        "priority",
        "opened_at",
    ] {
        output.insert(name.to_owned(), table::json_of(record, name));
    }
    let id = table::value(record, "sys_id").unwrap_or_default();
    output.insert("url".to_owned(), table::record_url(ctx, TABLE, id).into());
    Value::Object(output)
}

fn artifact(ctx: &CallContext, record: &Value) -> Artifact {
    let id = table::value(record, "sys_id").unwrap_or_default();
    Artifact {
        kind: ArtifactKind::Incident,
        external_id: table::value(record, "number").unwrap_or(id).to_owned(),
        url: Some(table::record_url(ctx, TABLE, id)),
        data: json!({ "table": TABLE, "sys_id": id }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_become_numbers() {
        assert_eq!(number(&json!("Medium"), LEVELS), Some("2".into()));
        assert_eq!(number(&json!(3), LEVELS), Some("3".into()));
        assert_eq!(number(&json!("resolved"), STATES), Some("6".into()));
        assert_eq!(number(&json!("2"), STATES), Some("2".into()));
        assert_eq!(
            fields(&json!({"urgency": "High", "state": "closed"}))["urgency"],
            "1"
        );
    }
}
