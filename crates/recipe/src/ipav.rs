//! Which form a text is written in, and what the older IPAV lists mean by what they leave out.

use types::{Catalog, Lookup};

use crate::check::Dialect;
use crate::diagnostic::At;
use crate::expr::parse;
use crate::program::{Kind, Save, SaveFrom};
use crate::reader::snake_case;
use crate::yaml::{Data, Entry, Node};

/// What form a document has.
pub(crate) enum Recognised {
    Dialect(Dialect),
    /// A recipe of a form that is known by name only, and where it shows.
    NotYet(&'static str, At),
    /// Something else of an earlier tool, and where that shows.
    Other(&'static str, At),
    /// The manifest of a tool, which is read elsewhere.
    Manifest(At),
    NotARecipe,
}

/// Chooses the reader for a document.
pub(crate) fn recognise(root: &Node, catalog: &Catalog) -> Recognised {
    let Data::Map(entries) = &root.data else {
        return Recognised::NotARecipe;
    };
    let key = |name: &str| entries.iter().find(|entry| entry.key == name);
    if let Some(entry) = key("steps_by_agent") {
        return Recognised::NotYet("orchestrator", entry.key_at);
    }
    if let Some(entry) = key("agent_name") {
        return Recognised::NotYet("fixed agents", entry.key_at);
    }
    if let Some(entry) = key("steps")
        && matches!(entry.value.data, Data::List(_))
        && key("plan").is_none()
        && key("act").is_none()
    {
        let has = |name: &str| entry.value.items().iter().any(|step| step.get(name).is_some());
        if has("using") {
            return Recognised::NotYet("step list", entry.key_at);
        }
        if has("tool") || has("input") {
            return Recognised::NotYet("tool list", entry.key_at);
        }
        if has("call") {
            return Recognised::NotYet("fixed agents", entry.key_at);
        }
    }
    let sections = || {
        ["intake", "plan", "act", "verify"]
            .iter()
            .filter_map(|section| key(section))
    };
    if sections().next().is_none()
        && let Some(other) = other_document(key)
    {
        return other;
    }
    let steps = || sections().flat_map(|section| section.value.items());
    // Words alone make a text older only if nothing in it is of today: a slip in one condition
    // must not turn it into a person's task.
    let today = TODAY_TOP.iter().any(|name| key(name).is_some()) || steps().any(today_step);
    let older = key("guardrails").is_some_and(|entry| older_guardrails(&entry.value))
        || (!today && steps().any(|step| older_step(step, catalog)));
    Recognised::Dialect(if older {
        Dialect::IpavLists
    } else {
        Dialect::Native
    })
}

/// A document of an earlier tool that is no recipe at all.
fn other_document<'a>(key: impl Fn(&str) -> Option<&'a Entry>) -> Option<Recognised> {
    let list = |name: &str| key(name).filter(|entry| matches!(entry.value.data, Data::List(_)));
    let map = |name: &str| key(name).filter(|entry| matches!(entry.value.data, Data::Map(_)));
    if let Some(entry) = list("graph") {
        return Some(Recognised::Other("a workflow", entry.key_at));
    }
    if let (Some(entry), Some(_)) = (list("recipes"), list("tools")) {
        return Some(Recognised::Other("an agent", entry.key_at));
    }
    if let Some(entry) = list("allow_tools") {
        return Some(Recognised::Other("a set of guardrails", entry.key_at));
    }
    map("actions").map(|entry| Recognised::Manifest(entry.key_at))
}

/// Keys at the top that only today's form has.
const TODAY_TOP: &[&str] = &["inputs", "outputs", "params", "success_metrics"];
/// Keys of a step that only today's form has.
const TODAY_STEP: &[&str] = &[
    "id",
    "save",
    "when",
    "until",
    "undo",
    "for_each",
    "retry",
    "timeout_s",
    "on_error",
    "on_uncertain",
    "approval",
    "evidence",
    "confirm",
    "manual",
    "wait",
    "run",
    "parallel",
    "agent",
];

fn today_step(step: &Node) -> bool {
    step.entries()
        .iter()
        .any(|entry| TODAY_STEP.contains(&entry.key.as_str()))
}

fn older_guardrails(node: &Node) -> bool {
    matches!(node.data, Data::List(_))
        || node.get("timeout_minutes").is_some()
        || node.get("rollback_actions").is_some()
}

/// A step that only the older form has: an action or a check in plain words.
fn older_step(step: &Node, catalog: &Catalog) -> bool {
    let words = |key: &str| {
        step.get(key)
            .and_then(Node::as_text)
            .filter(|text| is_plain_words(text))
    };
    words("action").is_some_and(|action| matches!(catalog.find(action), Lookup::Unknown))
        || words("check").is_some()
}

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
    /// Today's condition for an older one: a room that is `online` is Available or InMeeting.
    pub(crate) fn condition(self, source: &str) -> String {
        if self == Dialect::Native {
            return source.to_owned();
        }
        let mut out = source.to_owned();
        for quote in ['\'', '"'] {
            for (operator, now) in [("==", "in"), ("!=", "not in")] {
                for space in [" ", ""] {
                    let older = format!(".status{space}{operator}{space}{quote}online{quote}");
                    out = out.replace(&older, &format!(".status {now} ['Available', 'InMeeting']"));
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
    if dialect == Dialect::Native || !matches!(kind, Kind::Action { .. }) {
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
