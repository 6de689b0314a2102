//! A part of JQL: conditions joined by AND, and one ORDER BY.

use super::fixed::STATUSES;
use super::state::{Issue, Jira};

/// The longest query, in characters.
const MAX_QUERY: usize = 10_000;

/// A query that can be run.
pub(super) struct Query {
    conditions: Vec<Condition>,
    order: Option<(String, bool)>,
}

struct Condition {
    field: String,
    operator: Operator,
    values: Vec<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Operator {
    Is,
    IsNot,
    Contains,
    ContainsNot,
    Empty,
    NotEmpty,
}

/// A word or a sign; what stood in quotes is never a keyword.
#[derive(Debug, Clone, PartialEq)]
enum Token {
    Word(String),
    Quoted(String),
    Sign(&'static str),
}

const FIELDS: [&str; 13] = [
    "project",
    "status",
    "statuscategory",
    "labels",
    "issuetype",
    "type",
    "key",
    "issuekey",
    "summary",
    "text",
    "assignee",
    "priority",
    "parent",
];

/// Reads a query.
pub(super) fn parse(text: &str) -> Result<Query, String> {
    if text.chars().count() > MAX_QUERY {
        return Err("Error in the JQL Query: it is too long.".to_owned());
    }
    let tokens = tokens(text)?;
    let mut rest = tokens.as_slice();
    let mut conditions = Vec::new();
    while !rest.is_empty() && !is_word(rest.first(), "order") {
        let (condition, after) = condition(rest)?;
        conditions.push(condition);
        rest = after;
        match rest.first() {
            first if is_word(first, "and") => {
                rest = &rest[1..];
                if rest.is_empty() {
                    return Err(unexpected(None));
                }
            }
            None => break,
            first if is_word(first, "order") => break,
            other => return Err(unexpected(other)),
        }
    }
    if conditions.is_empty() {
        return Err(
            "Unbounded JQL queries are not allowed here. Please add a search restriction to your query."
                .to_owned(),
        );
    }
    let order = order(rest)?;
    Ok(Query { conditions, order })
}

impl Query {
    /// The issues that fit: newest first, unless the query says otherwise.
    pub(super) fn run<'a>(&self, jira: &'a Jira) -> Vec<(u64, &'a Issue)> {
        let mut found: Vec<(u64, &Issue)> = jira
            .issues
            .iter()
            .filter(|(_, issue)| self.conditions.iter().all(|condition| condition.fits(issue)))
            .map(|(id, issue)| (*id, issue))
            .collect();
        let (field, ascending) = self.order.clone().unwrap_or(("created".to_owned(), false));
        found.sort_by_key(|(id, issue)| match field.as_str() {
            "updated" => (issue.updated, *id),
            _ => (issue.created, *id),
        });
        if !ascending {
            found.reverse();
        }
        found
    }
}

impl Condition {
    fn fits(&self, issue: &Issue) -> bool {
        let held = held(issue, &self.field);
        let any = |fits: &dyn Fn(&str, &str) -> bool| {
            self.values
                .iter()
                .any(|value| held.iter().any(|text| fits(text, value)))
        };
        let equal = |text: &str, value: &str| text.eq_ignore_ascii_case(value);
        let holds = |text: &str, value: &str| text.to_lowercase().contains(&value.to_lowercase());
        match self.operator {
            Operator::Is => any(&equal),
            Operator::IsNot => !held.is_empty() && !any(&equal),
            Operator::Contains => any(&holds),
            Operator::ContainsNot => !any(&holds),
            Operator::Empty => held.is_empty(),
            Operator::NotEmpty => !held.is_empty(),
        }
    }
}

/// What an issue holds in a field.
fn held(issue: &Issue, field: &str) -> Vec<String> {
    match field {
        "project" => vec![issue.project.clone()],
        "status" => vec![issue.status.clone()],
        "statuscategory" => STATUSES
            .iter()
            .filter(|(_, name, _, _)| *name == issue.status)
            .flat_map(|(_, _, key, category)| [(*key).to_owned(), (*category).to_owned()])
            .collect(),
        "labels" => issue.labels.clone(),
        "issuetype" | "type" => vec![issue.issue_type.clone()],
        "key" | "issuekey" => vec![issue.key.clone()],
        "priority" => vec![issue.priority.clone()],
        "assignee" => issue.assignee.iter().cloned().collect(),
        "parent" => issue.parent.iter().cloned().collect(),
        "summary" => vec![issue.summary.clone()],
        _ => vec![issue.summary.clone(), issue.description.to_string()],
    }
}

fn condition(tokens: &[Token]) -> Result<(Condition, &[Token]), String> {
    let field = match tokens.first() {
        Some(Token::Word(word) | Token::Quoted(word)) => word.to_lowercase(),
        other => return Err(unexpected(other)),
    };
    if !FIELDS.contains(&field.as_str()) {
        return Err(format!(
            "Field '{field}' does not exist or you do not have permission to view it."
        ));
    }
    let make = |operator, values| Condition {
        field: field.clone(),
        operator,
        values,
    };
    let rest = &tokens[1..];
    let (operator, rest) = match rest {
        [Token::Sign("="), rest @ ..] => (Operator::Is, rest),
        [Token::Sign("!="), rest @ ..] => (Operator::IsNot, rest),
        [Token::Sign("~"), rest @ ..] => (Operator::Contains, rest),
        [Token::Sign("!~"), rest @ ..] => (Operator::ContainsNot, rest),
        [is, not, empty, rest @ ..]
            if is_word(Some(is), "is") && is_word(Some(not), "not") && is_empty(empty) =>
        {
            return Ok((make(Operator::NotEmpty, Vec::new()), rest));
        }
        [is, empty, rest @ ..] if is_word(Some(is), "is") && is_empty(empty) => {
            return Ok((make(Operator::Empty, Vec::new()), rest));
        }
        [not, within, rest @ ..] if is_word(Some(not), "not") && is_word(Some(within), "in") => {
            let (values, rest) = list(rest)?;
            return Ok((make(Operator::IsNot, values), rest));
        }
        [within, rest @ ..] if is_word(Some(within), "in") => {
            let (values, rest) = list(rest)?;
            return Ok((make(Operator::Is, values), rest));
        }
        other => return Err(unexpected(other.first())),
    };
    let about_text = matches!(field.as_str(), "summary" | "text");
    if about_text != matches!(operator, Operator::Contains | Operator::ContainsNot) {
        return Err(format!("The operator is not supported by the '{field}' field."));
    }
    match rest.first() {
        Some(Token::Word(value) | Token::Quoted(value)) => {
            Ok((make(operator, vec![value.clone()]), &rest[1..]))
        }
        other => Err(unexpected(other)),
    }
}

/// `(a, b, …)`.
fn list(tokens: &[Token]) -> Result<(Vec<String>, &[Token]), String> {
    let [Token::Sign("("), rest @ ..] = tokens else {
        return Err(unexpected(tokens.first()));
    };
    let mut rest = rest;
    let mut values = Vec::new();
    loop {
        match rest {
            [
                Token::Word(value) | Token::Quoted(value),
                sign @ Token::Sign("," | ")"),
                after @ ..,
            ] => {
                values.push(value.clone());
                rest = after;
                if *sign == Token::Sign(")") {
                    return Ok((values, rest));
                }
            }
            other => return Err(unexpected(other.first())),
        }
    }
}

fn order(tokens: &[Token]) -> Result<Option<(String, bool)>, String> {
    match tokens {
        [] => Ok(None),
        [_, by, Token::Word(field), direction @ ..] if is_word(Some(by), "by") => {
            let field = field.to_lowercase();
            if !matches!(field.as_str(), "created" | "updated" | "key") {
                return Err(format!("Not able to sort using field '{field}'."));
            }
            match direction {
                [] => Ok(Some((field, false))),
                [last] if is_word(Some(last), "asc") => Ok(Some((field, true))),
                [last] if is_word(Some(last), "desc") => Ok(Some((field, false))),
                other => Err(unexpected(other.first())),
            }
        }
        other => Err(unexpected(other.get(1))),
    }
}

fn is_word(token: Option<&Token>, word: &str) -> bool {
    matches!(token, Some(Token::Word(text)) if text.eq_ignore_ascii_case(word))
}

fn is_empty(token: &Token) -> bool {
    is_word(Some(token), "empty") || is_word(Some(token), "null")
}

fn unexpected(token: Option<&Token>) -> String {
    match token {
        Some(token) => format!("Error in the JQL Query: {token:?} was not expected here."),
        None => "Error in the JQL Query: it ends too early.".to_owned(),
    }
}

fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        if matches!(first, '"' | '\'') {
            let Some((words, after)) = quoted(&rest[1..], first) else {
                return Err("Error in the JQL Query: a quote isn't closed.".to_owned());
            };
            tokens.push(Token::Quoted(words));
            rest = after;
        } else if let Some(sign) = ["!=", "!~", "=", "~", "(", ")", ","]
            .into_iter()
            .find(|sign| rest.starts_with(sign))
        {
            tokens.push(Token::Sign(sign));
            rest = &rest[sign.len()..];
        } else {
            let end = rest
                .find(|c: char| c.is_whitespace() || "=!~(),\"'".contains(c))
                .unwrap_or(rest.len());
            if end == 0 {
                return Err(format!(
                    "Error in the JQL Query: '{first}' was not expected here."
                ));
            }
            tokens.push(Token::Word(rest[..end].to_owned()));
            rest = &rest[end..];
        }
        rest = rest.trim_start();
    }
    Ok(tokens)
}

/// The words up to the closing quote, and what follows it; a backslash takes the next character as it is.
fn quoted(text: &str, quote: char) -> Option<(String, &str)> {
    let mut words = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '\\' => words.push(characters.next()?.1),
            end if end == quote => return Some((words, &text[at + end.len_utf8()..])),
            other => words.push(other),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_understood_reads_and_the_rest_is_refused() {
        for good in [
            "project = OPS",
            r#"text ~ "a \"quoted\" word" AND project = OPS"#,
            "project = \"OPS\" AND labels = \"a-b\" ORDER BY created ASC",
            "status in (Done, \"To Do\") and summary ~ screen",
            "status not in (Done) AND assignee is EMPTY",
            "assignee is not empty order by updated",
        ] {
            assert!(parse(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "ORDER BY created",
            "colour = red",
            "project =",
            "project = OPS OR project = AV",
            "project = OPS AND",
            "status in (Done",
            "summary = x",
            "status ~ x",
            "labels = \"a",
            "project = OPS ORDER BY colour",
            "project ! OPS",
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
