//! What older recipes mean by what they leave out, and what counts as plain words.

use crate::check::Dialect;
use crate::expr::parse;
use crate::program::{Kind, Save, SaveFrom};
use crate::reader::snake_case;
use crate::yaml::Node;

/// Whether a value is words and no attempt at an expression: it has spaces and no operator,
/// quote, dot path or bracket, and doesn't read as an expression.
pub(crate) fn is_plain_words(text: &str) -> bool {
    let text = text.trim();
    let operators = |c: char| "=<>!'\"()[]{}|+*/%~$".contains(c);
    let dot_path = text
        .split('.')
        .skip(1)
        .any(|after| after.starts_with(|c: char| c.is_alphanumeric() || c == '_'));
    text.contains(' ') && !text.contains(operators) && !dot_path && parse::expression(text).is_err()
}

impl Dialect {
    /// Today's condition for an older one: a room that is `online` is Available or InMeeting. Where a
    /// stand-in of the recipe's own may answer `online`, that counts as well.
    pub(crate) fn condition(self, source: &str) -> String {
        let rooms = match self {
            Dialect::Native => return source.to_owned(),
            Dialect::IpavLists => "['Available', 'InMeeting']",
            _ => "['Available', 'InMeeting', 'online']",
        };
        let mut out = source.to_owned();
        for quote in ['\'', '"'] {
            for (operator, now) in [("==", "in"), ("!=", "not in")] {
                for space in [" ", ""] {
                    let older = format!(".status{space}{operator}{space}{quote}online{quote}");
                    out = out.replace(&older, &format!(".status {now} {rooms}"));
                }
            }
        }
        out
    }
}

/// A look-up or check of the older form without `save` is saved under its subject.
pub(crate) fn implied_save(dialect: Dialect, node: &Node, kind: &Kind) -> Vec<Save> {
    let Some(written) = node.get("action").and_then(Node::as_text) else {
        return Vec::new();
    };
    if dialect != Dialect::IpavLists || !matches!(kind, Kind::Action { .. }) {
        return Vec::new();
    }
    let name = snake_case(written.rsplit('.').next().unwrap_or(written));
    let subject = ["lookup_", "look_up_", "find_", "get_", "fetch_", "check_"]
        .iter()
        .find_map(|verb| name.strip_prefix(verb));
    subject
        .filter(|subject| !crate::names::BUILT_IN.contains(subject))
        .map(|subject| Save {
            name: subject.to_owned(),
            from: SaveFrom::Output(String::new()),
        })
        .into_iter()
        .collect()
}
