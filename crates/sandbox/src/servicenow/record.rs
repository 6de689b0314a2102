//! What happens to a record when it is written: names become references, labels become values,
//! numbers, times, journals and the fields that follow from others.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use types::Timestamp;

use super::schema::{Kind, Table};
use crate::state::{Record, State};

/// The longest journal of a record, in bytes; older entries go.
const MAX_JOURNAL_BYTES: usize = 200_000;
/// The number after which new ones are given, as in a fresh instance.
const FIRST_NUMBER: u32 = 10_000;

/// When and by whom something is written.
pub(crate) struct Stamp {
    pub at: Timestamp,
    pub by: &'static str,
}

/// Adds a record with its number, times and defaults. Fields the table doesn't have are dropped.
pub(crate) fn insert(
    state: &mut State,
    table: &str,
    id: String,
    fields: BTreeMap<String, String>,
    stamp: &Stamp,
) {
    let Some(table) = Table::find(table) else { return };
    let mut record = Record::new();
    let at = instant(stamp.at);
    if let Some(prefix) = table.prefix {
        let last = state
            .servicenow
            .numbers
            .entry(table.name.to_owned())
            .or_insert(FIRST_NUMBER);
        *last += 1;
        record.insert("number".to_owned(), format!("{prefix}{last:07}"));
    }
    for (name, value) in defaults(table, &at) {
        if table.has(name) {
            record.insert(name.to_owned(), value);
        }
    }
    record.insert("sys_id".to_owned(), id.clone());
    record.insert("sys_class_name".to_owned(), table.name.to_owned());
    record.insert("sys_created_on".to_owned(), at);
    record.insert("sys_created_by".to_owned(), stamp.by.to_owned());
    record.insert("sys_mod_count".to_owned(), "0".to_owned());
    write(table, &mut record, fields, stamp);
    state.servicenow.records.insert(id, record);
}

/// A time as ServiceNow writes it, in UTC.
pub(super) fn instant(at: Timestamp) -> String {
    let at = jiff::Timestamp::from_millisecond(at.as_millis()).unwrap_or_default();
    at.strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// What was sent as field texts: unknown fields dropped, names of referenced records resolved.
pub(super) fn texts(state: &State, table: &Table, sent: &Map<String, Value>) -> BTreeMap<String, String> {
    let known = sent
        .iter()
        .filter(|(name, _)| table.has(name) && !name.starts_with("sys_") && *name != "number");
    known
        .map(|(name, value)| {
            let text = match value {
                Value::Null => String::new(),
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            let text = match table.kind(name) {
                Kind::Reference(target) => resolve(state, target, text),
                Kind::Choice(choices) => {
                    let label = choices.iter().find(|(_, label)| *label == text);
                    label.map_or(text, |(value, _)| (*value).to_owned())
                }
                _ => text,
            };
            (name.clone(), text)
        })
        .collect()
}

/// A reference given by its display value becomes the sys_id; anything else stays as it is.
fn resolve(state: &State, target: &str, text: String) -> String {
    if text.is_empty() || state.servicenow.records.contains_key(&text) {
        return text;
    }
    let named = state.servicenow.records.iter().find(|(_, record)| {
        class(record).is_some_and(|class| {
            let named = |field: &str| record.get(field).is_some_and(|value| *value == text);
            class.is_a(target) && (named(class.display) || named("number") || named("user_name"))
        })
    });
    named.map_or(text, |(id, _)| id.clone())
}

/// Writes fields and what follows from them.
pub(super) fn write(table: &Table, record: &mut Record, fields: BTreeMap<String, String>, stamp: &Stamp) {
    let at = instant(stamp.at);
    let prioritised = fields.contains_key("priority");
    for (name, value) in fields {
        if !table.has(&name) {
            continue;
        }
        if table.kind(&name) != Kind::Journal {
            record.insert(name, value);
        } else if !value.is_empty() {
            let title = if name == "comments" {
                "Additional comments"
            } else {
                "Work notes"
            };
            let before = record.get(&name).map_or("", String::as_str);
            let mut journal = format!("{at} - {} ({title})\n{value}\n\n{before}", stamp.by);
            let mut end = journal.len().min(MAX_JOURNAL_BYTES);
            while !journal.is_char_boundary(end) {
                end -= 1;
            }
            journal.truncate(end);
            record.insert(name, journal);
        }
    }
    record.insert("sys_updated_on".to_owned(), at.clone());
    record.insert("sys_updated_by".to_owned(), stamp.by.to_owned());
    if table.name == "incident" {
        if !prioritised {
            let priority = priority(record.get("impact"), record.get("urgency"));
            record.insert("priority".to_owned(), priority.to_owned());
        }
        let state = record.get("state").cloned().unwrap_or_default();
        let open = !matches!(state.as_str(), "7" | "8");
        record.insert("active".to_owned(), open.to_string());
        record.insert("incident_state".to_owned(), state.clone());
        if state == "6" {
            record.entry("resolved_at".to_owned()).or_insert(at);
        }
    } else if table.name == "kb_knowledge"
        && record
            .get("workflow_state")
            .is_some_and(|state| state == "published")
    {
        record
            .entry("published".to_owned())
            .or_insert_with(|| at.chars().take(10).collect());
    }
}

/// The usual matrix of impact and urgency.
fn priority(impact: Option<&String>, urgency: Option<&String>) -> &'static str {
    let level = |text: Option<&String>| {
        text.and_then(|text| text.parse::<u8>().ok())
            .unwrap_or(3)
            .clamp(1, 3)
    };
    match level(impact) + level(urgency) {
        2 => "1",
        3 => "2",
        4 => "3",
        5 => "4",
        _ => "5",
    }
}

fn defaults(table: &Table, at: &str) -> Vec<(&'static str, String)> {
    let mut all = vec![("active", "true".to_owned())];
    if table.is_a("task") {
        let state = if table.name == "rm_story" || table.name == "rm_scrum_task" {
            "-6"
        } else {
            "1"
        };
        all.extend([
            ("state", state.to_owned()),
            ("urgency", "3".to_owned()),
            ("impact", "3".to_owned()),
            ("priority", "4".to_owned()),
            ("opened_at", at.to_owned()),
        ]);
    }
    if table.name == "kb_knowledge" {
        all.push(("workflow_state", "draft".to_owned()));
        all.push(("article_type", "text".to_owned()));
    }
    all
}

/// The table whose fields the record has.
pub(super) fn class(record: &Record) -> Option<&'static Table> {
    Table::find(record.get("sys_class_name")?)
}
