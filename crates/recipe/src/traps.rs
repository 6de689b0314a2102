//! Messages of their own for the places where YAML surprises people.

use crate::diagnostic::{At, Findings, Severity};
use crate::yaml::{Data, Node};

/// Explains a text that isn't YAML, by the usual causes first.
pub(crate) fn explain_syntax(findings: &mut Findings<'_>, line: u32, column: u32, detail: &str) {
    // The parser often notices only on the next line.
    for number in [line, line.saturating_sub(1)] {
        let text = findings.line(number);
        if let Some(at) = template_start(text) {
            let column = u32::try_from(text[..at].chars().count() + 1).unwrap_or(1);
            return unquoted_template(
                findings,
                At {
                    line: number,
                    column,
                    length: 2,
                },
                "",
            );
        }
        let indent = &text[..text.len() - text.trim_start().len()];
        if indent.contains('\t') {
            let column = u32::try_from(indent.find('\t').unwrap_or(0) + 1).unwrap_or(1);
            let message = "a tab stands in the indentation, where YAML takes only spaces";
            findings.add(
                Severity::Error,
                "yaml_syntax",
                At {
                    line: number,
                    column,
                    length: 1,
                },
                "",
                message,
            );
            findings.suggest("use two spaces for each level");
            return;
        }
    }
    let text = findings.line(line);
    let at = At {
        line,
        column,
        length: 1,
    };
    findings.add(
        Severity::Error,
        "yaml_syntax",
        at,
        "",
        format!("this isn't YAML: {}", detail.to_lowercase()),
    );
    if let Some((key, value)) = text.split_once(": ")
        && value.contains(": ")
        && !value.trim_start().starts_with(['"', '\'', '{', '['])
    {
        findings.suggest(format!("{key}: {}", quoted(value.trim())));
    } else if text
        .trim_start_matches([' ', '-'])
        .split_once(": ")
        .is_some_and(|(_, v)| v.starts_with(['@', '`', '%', '&', '*', '!']))
    {
        findings.suggest("put the value in quotes");
    }
}

/// Where a value begins with `{{` outside quotes.
fn template_start(line: &str) -> Option<usize> {
    let at = line.find("{{")?;
    let before = line[..at].trim_end();
    (before.is_empty() || before.ends_with([':', '-', ',', '[']) || before.ends_with(": {")).then_some(at)
}

/// A value that begins with `{{` and has no quotes.
pub(crate) fn unquoted_template(findings: &mut Findings<'_>, at: At, path: &str) {
    let line = findings.line(at.line);
    let skip = (at.column as usize).saturating_sub(1);
    let rest: String = line.chars().skip(skip).collect();
    if !rest.starts_with("{{") {
        findings.add(
            Severity::Error,
            "yaml_syntax",
            at,
            path,
            "a key must be a word, not a map",
        );
        return;
    }
    let inside_flow = line.chars().take(skip).any(|c| c == '{' || c == '[');
    let end = rest.find("}}").map_or(rest.len(), |end| end + 2);
    let value = if inside_flow {
        &rest[..end]
    } else {
        rest.trim_end()
    };
    let at = At {
        length: u32::try_from(value.chars().count()).unwrap_or(2),
        ..at
    };
    let message = "a value that begins with '{{' needs quotes, otherwise YAML reads it as a map";
    findings.add(Severity::Error, "yaml_unquoted_template", at, path, message);
    findings.suggest(quoted(value));
}

/// `channel: #avops`, which leaves no value, and text that is cut off by ` #`. Says whether the
/// value was lost.
pub(crate) fn hash_comment(findings: &mut Findings<'_>, key_at: At, value: &Node) -> bool {
    let (line, from) = match &value.data {
        Data::Null => (key_at.line, key_at.column + key_at.length),
        Data::Text(_, true) => (value.at.line, value.at.column + value.at.length),
        _ => return false,
    };
    let text: String = findings
        .line(line)
        .chars()
        .skip(from.saturating_sub(1) as usize)
        .collect();
    let rest = text.trim_start_matches([':', ' ', '\t', '"', '\'']);
    let Some(comment) = rest.strip_prefix('#') else {
        return false;
    };
    if !comment.starts_with(|c: char| c.is_alphanumeric() || c == '{') {
        return false;
    }
    let column = from + u32::try_from(text.chars().count() - rest.chars().count()).unwrap_or(0);
    let at = At {
        line,
        column,
        length: u32::try_from(rest.trim_end().chars().count()).unwrap_or(1),
    };
    if let Data::Text(kept, _) = &value.data {
        let message = "everything from ' #' on is a comment and not part of the value";
        findings.add(Severity::Warning, "yaml_comment", at, &value.path, message);
        findings.suggest(quoted(&format!("{kept} {}", rest.trim_end())));
        return false;
    }
    let message = "YAML takes what follows '#' for a comment, so there is no value here";
    findings.add(Severity::Error, "yaml_comment", at, &value.path, message);
    findings.suggest(quoted(rest.trim_end()));
    true
}

/// A text in double quotes, as JSON and YAML both read it.
pub(crate) fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
