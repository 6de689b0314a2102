//! How records look in answers: which fields, and as stored values, as labels, or both.

use serde_json::{Map, Value, json};

use super::schema::{Kind, Table};
use crate::call::Call;
use crate::state::{Record, State};

/// How an answer shows fields.
pub(super) struct View {
    style: Style,
    links: bool,
    fields: Option<Vec<String>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Style {
    Values,
    Labels,
    Both,
}

impl View {
    /// From `sysparm_display_value`, `sysparm_fields` and `sysparm_exclude_reference_link`.
    pub(super) fn of(call: &Call) -> Self {
        let style = match call.query.get("sysparm_display_value").map(String::as_str) {
            Some("true") => Style::Labels,
            Some("all") => Style::Both,
            _ => Style::Values,
        };
        let fields = call
            .query
            .get("sysparm_fields")
            .filter(|fields| !fields.is_empty());
        View {
            style,
            links: call
                .query
                .get("sysparm_exclude_reference_link")
                .is_none_or(|flag| flag != "true"),
            fields: fields.map(|fields| fields.split(',').map(|field| field.trim().to_owned()).collect()),
        }
    }

    /// The record as an answer shows it. `base` is the vendor's base, for links.
    pub(super) fn show(&self, state: &State, table: &Table, record: &Record, base: &str) -> Value {
        let own = record
            .keys()
            .filter(|name| name.starts_with("u_") || name.starts_with("x_"))
            .cloned();
        let all = || table.fields().map(str::to_owned).chain(own).collect();
        let names: Vec<String> = self.fields.clone().unwrap_or_else(all);
        let shown = names.into_iter().filter(|name| table.has(name)).map(|name| {
            let value = self.field(
                state,
                table,
                &name,
                record.get(&name).map_or("", String::as_str),
                base,
            );
            (name, value)
        });
        Value::Object(shown.collect::<Map<String, Value>>())
    }

    fn field(&self, state: &State, table: &Table, name: &str, stored: &str, base: &str) -> Value {
        let kind = table.kind(name);
        // Plain reads of a journal show nothing; its entries are display text.
        let value = if kind == Kind::Journal { "" } else { stored };
        let label = label(state, kind, stored);
        let link = match kind {
            Kind::Reference(target) if self.links && !stored.is_empty() => {
                Some(format!("{base}/api/now/table/{target}/{stored}"))
            }
            _ => None,
        };
        match (self.style, link) {
            (Style::Values, None) => json!(value),
            (Style::Values, Some(link)) => json!({"link": link, "value": value}),
            (Style::Labels, None) => json!(label),
            (Style::Labels, Some(link)) => json!({"display_value": label, "link": link}),
            (Style::Both, None) => json!({"display_value": label, "value": value}),
            (Style::Both, Some(link)) => json!({"display_value": label, "link": link, "value": value}),
        }
    }
}

/// What people see for a stored value; a reference to nothing shows nothing.
fn label(state: &State, kind: Kind, stored: &str) -> String {
    match kind {
        Kind::Text | Kind::Journal => stored.to_owned(),
        Kind::Choice(choices) => {
            let found = choices.iter().find(|(value, _)| *value == stored);
            found.map_or(stored, |(_, label)| label).to_owned()
        }
        Kind::Reference(_) => {
            let record = state.servicenow.records.get(stored);
            let table = record.and_then(|record| Table::find(record.get("sys_class_name")?));
            let shown = record
                .zip(table)
                .and_then(|(record, table)| record.get(table.display));
            shown.cloned().unwrap_or_default()
        }
    }
}
