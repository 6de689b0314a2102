//! Encoded queries (`sysparm_query`): conditions joined by `^` (and), `^OR` (or, binding
//! tighter) and `^NQ` (a new query), with `ORDERBY` and `ORDERBYDESC`.
//!
//! As in ServiceNow, a condition on a field that the table doesn't have is ignored, which widens
//! the result; a client that looks something up by such a field learns it here.

use std::cmp::Ordering;

use super::schema::Table;
use crate::state::Record;

/// The most conditions read; further ones are ignored.
const MAX_CONDITIONS: usize = 100;

/// A query, read.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Query {
    /// Any of these must hold; each is a list of which all must hold; each of those, any.
    alternatives: Vec<Vec<Vec<Condition>>>,
    order: Vec<(String, bool)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Condition {
    field: String,
    operator: Operator,
    value: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Is,
    IsNot,
    Like,
    NotLike,
    StartsWith,
    EndsWith,
    In,
    NotIn,
    IsEmpty,
    IsNotEmpty,
    AtLeast,
    AtMost,
    Above,
    Below,
}

/// Longest first, so that none hides another.
const OPERATORS: [(&str, Operator); 16] = [
    ("ISNOTEMPTY", Operator::IsNotEmpty),
    ("STARTSWITH", Operator::StartsWith),
    ("NOT LIKE", Operator::NotLike),
    ("NOTLIKE", Operator::NotLike),
    ("ENDSWITH", Operator::EndsWith),
    ("CONTAINS", Operator::Like),
    ("ISEMPTY", Operator::IsEmpty),
    ("NOT IN", Operator::NotIn),
    ("LIKE", Operator::Like),
    ("IN", Operator::In),
    ("!=", Operator::IsNot),
    (">=", Operator::AtLeast),
    ("<=", Operator::AtMost),
    ("=", Operator::Is),
    (">", Operator::Above),
    ("<", Operator::Below),
];

impl Query {
    /// Reads a query for records of `table`.
    pub(super) fn read(text: &str, table: &Table) -> Self {
        let mut query = Query {
            alternatives: vec![Vec::new()],
            order: Vec::new(),
        };
        for part in split(text).into_iter().take(MAX_CONDITIONS) {
            if let Some(field) = part.strip_prefix("ORDERBYDESC") {
                query.order.push((field.to_owned(), true));
            } else if let Some(field) = part.strip_prefix("ORDERBY") {
                query.order.push((field.to_owned(), false));
            } else {
                query.add(&part, table);
            }
        }
        query
    }

    /// True if the record is one of those asked for.
    pub(super) fn matches(&self, record: &Record) -> bool {
        let any = |conditions: &Vec<Condition>| conditions.iter().any(|condition| condition.holds(record));
        self.alternatives.iter().any(|all| all.iter().all(any))
    }

    /// Puts records in the order asked for.
    pub(super) fn sort(&self, records: &mut [&Record]) {
        records.sort_by(|left, right| {
            let by = |(field, down): &(String, bool)| {
                let order = compare(value(left, field), value(right, field));
                if *down { order.reverse() } else { order }
            };
            self.order
                .iter()
                .map(by)
                .find(|order| *order != Ordering::Equal)
                .unwrap_or(Ordering::Equal)
        });
    }

    fn add(&mut self, part: &str, table: &Table) {
        let (part, new, or) = match (part.strip_prefix("NQ"), part.strip_prefix("OR")) {
            (Some(rest), _) => (rest, true, false),
            (_, Some(rest)) => (rest, false, true),
            _ => (part, false, false),
        };
        if new {
            self.alternatives.push(Vec::new());
        }
        let Some(condition) = Condition::read(part).filter(|condition| table.has(&condition.field)) else {
            return;
        };
        let Some(all) = self.alternatives.last_mut() else {
            return;
        };
        match all.last_mut() {
            Some(group) if or => group.push(condition),
            _ => all.push(vec![condition]),
        }
    }
}

impl Condition {
    fn read(part: &str) -> Option<Self> {
        let end = part.find(|letter: char| !matches!(letter, 'a'..='z' | '0'..='9' | '_' | '.'))?;
        let (field, rest) = part.split_at(end);
        let (sign, operator) = OPERATORS.into_iter().find(|(sign, _)| rest.starts_with(sign))?;
        let value = rest.strip_prefix(sign)?;
        Some(Condition {
            field: field.to_owned(),
            operator,
            value: value.to_owned(),
        })
    }

    fn holds(&self, record: &Record) -> bool {
        let have = value(record, &self.field);
        let lower = have.to_lowercase();
        let wanted = self.value.to_lowercase();
        match self.operator {
            Operator::Is => have == self.value,
            Operator::IsNot => have != self.value,
            Operator::Like => lower.contains(&wanted),
            Operator::NotLike => !lower.contains(&wanted),
            Operator::StartsWith => lower.starts_with(&wanted),
            Operator::EndsWith => lower.ends_with(&wanted),
            Operator::In => self.value.split(',').any(|one| one == have),
            Operator::NotIn => !self.value.split(',').any(|one| one == have),
            Operator::IsEmpty => have.is_empty(),
            Operator::IsNotEmpty => !have.is_empty(),
            Operator::AtLeast => compare(have, &self.value) != Ordering::Less,
            Operator::AtMost => compare(have, &self.value) != Ordering::Greater,
            Operator::Above => compare(have, &self.value) == Ordering::Greater,
            Operator::Below => compare(have, &self.value) == Ordering::Less,
        }
    }
}

/// Splits at `^`; a doubled one is a `^` inside a value.
fn split(text: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        if letter == '^' && letters.next_if_eq(&'^').is_none() {
            parts.push(String::new());
        } else if let Some(part) = parts.last_mut() {
            part.push(letter);
        }
    }
    parts.retain(|part| !part.is_empty());
    parts
}

fn value<'a>(record: &'a Record, field: &str) -> &'a str {
    record.get(field).map_or("", String::as_str)
}

/// Numbers as numbers, everything else as text (times sort rightly that way).
fn compare(left: &str, right: &str) -> Ordering {
    match (left.parse::<f64>(), right.parse::<f64>()) {
        (Ok(left), Ok(right)) => left.total_cmp(&right),
        _ => left.cmp(right),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(query: &str, expected: &[&str]) {
        let table = Table::find("incident").expect("a table");
        let record = |number: &str, text: &str, state: &str| -> Record {
            [("number", number), ("short_description", text), ("state", state)]
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect()
        };
        let records = [
            record("INC1", "HDMI black in 4A", "1"),
            record("INC2", "Echo in 2B", "2"),
            record("INC3", "hdmi ^ dead", "10"),
        ];
        let query = Query::read(query, table);
        let mut found: Vec<&Record> = records.iter().filter(|record| query.matches(record)).collect();
        query.sort(&mut found);
        let numbers: Vec<&str> = found.iter().map(|record| record["number"].as_str()).collect();
        assert_eq!(numbers, expected, "{query:?}");
    }

    #[test]
    fn conditions_combine_as_documented() {
        check("", &["INC1", "INC2", "INC3"]);
        check("number=INC2", &["INC2"]);
        check("short_descriptionLIKEhdmi", &["INC1", "INC3"]);
        check("short_descriptionLIKEhdmi^state=1", &["INC1"]);
        check("state=1^ORstate=2^short_descriptionLIKEecho", &["INC2"]);
        check("state=1^NQnumber=INC3", &["INC1", "INC3"]);
        check("state!=1^ORDERBYDESCnumber", &["INC3", "INC2"]);
        check("ORDERBYDESCstate", &["INC3", "INC2", "INC1"]);
        check("state>=2", &["INC2", "INC3"]);
        check("stateIN1,2", &["INC1", "INC2"]);
        check(
            "close_notesISEMPTY^numberSTARTSWITHINC",
            &["INC1", "INC2", "INC3"],
        );
        check("short_descriptionLIKE^^", &["INC3"]);
    }

    #[test]
    fn a_condition_on_an_unknown_field_widens_the_result() {
        check("nonsense=1^number=INC1", &["INC1"]);
        check("nonsense=1", &["INC1", "INC2", "INC3"]);
        check("u_marker=x", &[]);
    }
}
