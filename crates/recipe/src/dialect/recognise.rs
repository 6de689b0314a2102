//! Which form a document has: chosen once for the file, by its shape and never by a single value.

use types::{Catalog, Lookup};

use crate::check::Dialect;
use crate::ipav::is_plain_words;
use crate::yaml::{Data, Entry, Node};

const SECTIONS: &[&str] = &["intake", "plan", "act", "verify"];
/// Keys that only a set of guardrails has at its top.
const GUARDRAILS: &[&str] = &[
    "allow_tools",
    "deny_tools",
    "allowed_tools",
    "denied_tools",
    "blocked_tools",
    "deny_domains",
    "allow_domains",
    "pii_filters",
    "rate_limits",
    "max_consecutive_failures",
    "on_violation",
    "deny_actions",
    "require_approval",
];

/// The form of a document; `None` if it is no map at all.
pub(crate) fn recognise(root: &Node, catalog: &Catalog) -> Option<Dialect> {
    let Data::Map(entries) = &root.data else {
        return None;
    };
    let key = |name: &str| entries.iter().find(|entry| entry.key == name);
    if key("steps_by_agent").is_some() {
        return Some(Dialect::Orchestrator);
    }
    if key("agent_name").is_some() {
        return Some(Dialect::FixedAgents);
    }
    if key("plan").is_none()
        && key("act").is_none()
        && let Some(steps) = key("steps").filter(|steps| matches!(steps.value.data, Data::List(_)))
    {
        return Some(steps_of(&steps.value));
    }
    let sections = SECTIONS.iter().filter_map(|section| key(section));
    if sections.clone().next().is_none()
        && let Some(other) = other_document(entries)
    {
        return Some(other);
    }
    // Words alone make a text older only if nothing in it is of today: a slip in one condition must
    // not turn it into a person's task.
    let steps = || sections.clone().flat_map(|section| section.value.items());
    let today = TODAY_TOP.iter().any(|name| key(name).is_some()) || steps().any(today_step);
    let older = key("guardrails").is_some_and(|entry| older_guardrails(&entry.value))
        || (!today && steps().any(|step| older_step(step, catalog)));
    Some(if older {
        Dialect::IpavLists
    } else {
        Dialect::Native
    })
}

/// The form of a list of steps: what its steps say of how they call decides.
fn steps_of(steps: &Node) -> Dialect {
    let count = |keys: &[&str]| {
        let has = |step: &&Node| keys.iter().any(|key| step.get(key).is_some());
        steps.items().iter().filter(has).count()
    };
    let dotted = steps.items().iter().filter(|step| {
        let id = step.get("id").and_then(Node::as_text).unwrap_or_default();
        id.split_once('.')
            .is_some_and(|(head, _)| super::phase_named(head).is_some())
    });
    let by_step = count(&["using", "saves", "fallback"]);
    let by_tool = count(&["tool", "input"]) + dotted.count();
    let by_call = count(&["call"]);
    if by_call > by_step && by_call >= by_tool {
        return Dialect::FixedAgents;
    }
    if by_tool > by_step {
        return Dialect::ToolList;
    }
    if by_step > 0 || count(&["action", "params"]) > 0 {
        return Dialect::StepList;
    }
    // A list of steps of today has lost its sections, and is told so.
    Dialect::Native
}

/// A document of an earlier tool that is no recipe by itself.
fn other_document(entries: &[Entry]) -> Option<Dialect> {
    let key = |name: &str| entries.iter().find(|entry| entry.key == name);
    let list = |name: &str| key(name).is_some_and(|entry| matches!(entry.value.data, Data::List(_)));
    let map = |name: &str| key(name).is_some_and(|entry| matches!(entry.value.data, Data::Map(_)));
    if list("graph")
        || map("graph")
        || (key("trigger").is_some() && (list("nodes") || key("recipe").is_some()))
    {
        return Some(Dialect::Workflow);
    }
    if map("actions") || (list("actions") && (list("endpoints") || key("base_url").is_some())) {
        return Some(Dialect::Manifest);
    }
    if GUARDRAILS.iter().any(|name| key(name).is_some()) {
        return Some(Dialect::Guardrails);
    }
    let of_an_agent = [
        "role",
        "recipes",
        "fallback_ok",
        "domain",
        "persona",
        "instructions",
    ];
    if list("tools") && of_an_agent.iter().any(|name| key(name).is_some()) {
        return Some(Dialect::Agent);
    }
    (list("recipes") && (key("role").is_some() || key("fallback_ok").is_some())).then_some(Dialect::Agent)
}

/// Keys at the top that only today's form has.
const TODAY_TOP: &[&str] = &["inputs", "outputs", "params"];
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
    "mock",
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

/// A step that only the older form has: bare words, or an action or a check in plain words.
fn older_step(step: &Node, catalog: &Catalog) -> bool {
    if let Some(text) = step.as_text() {
        return is_plain_words(text);
    }
    let words = |key: &str| {
        step.get(key)
            .and_then(Node::as_text)
            .filter(|text| is_plain_words(text))
    };
    words("action").is_some_and(|action| matches!(catalog.find(action), Lookup::Unknown))
        || words("check").is_some()
}
