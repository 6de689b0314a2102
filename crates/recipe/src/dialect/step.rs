//! One older step, whatever its dialect calls its parts, as a step of today.

use types::Phase;

use super::Older;
use super::action::{Call, Meant};
use super::build::{self, first, many, scalar};
use crate::ipav::is_plain_words;
use crate::reader::snake_case;
use crate::yaml::{Data, Entry, Node};

/// A step of today, and what else came of the older one.
pub(super) struct Made {
    /// The step.
    pub node: Node,
    /// Steps that must come before it: approvals that can't be one with its own.
    pub before: Vec<Node>,
    /// The phase that the older step names.
    pub phase: Option<Phase>,
    /// Whether it changes nothing.
    pub reads: bool,
}

pub(super) const ID: &[&str] = &["id", "key", "step_id"];
const TITLE: &[&str] = &["title", "name", "label"];
const ARGS: &[&str] = &[
    "params",
    "input",
    "args",
    "with",
    "arguments",
    "parameters",
    "inputs",
];
const WHEN: &[&str] = &["when", "if", "condition", "only_if"];
const EACH: &[&str] = &["foreach", "for_each", "each", "loop", "with_items", "items"];
const EACH_NAME: &[&str] = &["as", "item_name", "loop_var"];
const TIMEOUTS: &[(&str, f64)] = &[
    ("timeout_s", 1.0),
    ("timeout", 1.0),
    ("timeout_sec", 1.0),
    ("timeout_seconds", 1.0),
    ("timeout_ms", 0.001),
    ("timeout_minutes", 60.0),
    ("timeout_min", 60.0),
];
const CALLS: &[&str] = &[
    "using",
    "tool",
    "server",
    "connector",
    "mcp",
    "action",
    "call",
    "function",
    "operation",
    "method",
];
/// Other things that a step can do, and what they are called today.
const OTHERS: &[(&str, &str)] = &[
    ("check", "check"),
    ("assert", "check"),
    ("confirm", "confirm"),
    ("notify", "notify"),
    ("manual", "manual"),
    ("prompt", "manual"),
    ("wait", "wait"),
    ("sleep", "wait"),
    ("delay", "wait"),
    ("run", "run"),
    ("recipe", "run"),
    ("ask", "ask"),
    ("gather", "gather"),
    ("step", "step"),
];
/// Keys of this file's readers and of those beside it.
const KNOWN: &[&str] = &[
    "phase",
    "section",
    "stage",
    "description",
    "desc",
    "approval",
    "approvals",
    "approve",
    "requires_approval",
    "approval_required",
    "risk",
    "evidence",
    "fallback",
    "retry",
    "retries",
    "saves",
    "save",
    "save_as",
    "register",
    "output",
    "outputs",
    "on_error",
    "on_failure",
    "on_fail",
    "continue_on_error",
    "ignore_errors",
    "undo",
    "rollback",
    "compensate",
    "until",
    "every_s",
    "interval_s",
    "unless",
    "agent",
];
/// Keys that say something to people only.
const TALK: &[&str] = &[
    "note",
    "notes",
    "comment",
    "comments",
    "owner",
    "tags",
    "policy_tags",
    "description",
    "desc",
    "doc",
    "docs",
    "expected",
    "outcomes",
];

impl Older<'_, '_, '_> {
    /// The steps of a list.
    pub(super) fn steps(&mut self, node: &Node) -> Vec<Made> {
        many(node).iter().filter_map(|step| self.step(step)).collect()
    }

    /// Nested steps, where there is no place for what must come before: it comes in their row.
    pub(super) fn nested(&mut self, node: &Node) -> Node {
        let steps = self.steps(node).into_iter();
        let row = steps.flat_map(|made| made.before.into_iter().chain(std::iter::once(made.node)));
        build::list(node, row.collect())
    }

    pub(super) fn step(&mut self, node: &Node) -> Option<Made> {
        if let Some(words) = node.as_text() {
            return Some(self.worded(node, words));
        }
        let Data::Map(_) = node.data else {
            if !matches!(node.data, Data::Broken) {
                let message = format!("a step is a map with an id and what to call, not {}", node.kind());
                self.wrong("step_kind", node, message);
            }
            return None;
        };
        let mut entries = Vec::new();
        let id = self.id(node, &mut entries);
        let called = id.clone().unwrap_or_else(|| "step".to_owned());
        if let Some(title) = first(node, TITLE).or_else(|| first(node, &["description", "desc"]))
            && let Some(words) = scalar(&title.value)
        {
            let words: String = words.split_whitespace().collect::<Vec<_>>().join(" ");
            let words: String = words.chars().take(200).collect();
            entries.push(build::renamed(title, "title", build::text(&title.value, words)));
        }
        let mut made = Made {
            node: node.clone(),
            before: Vec::new(),
            phase: self.phase_of(node),
            reads: false,
        };
        let call = Call::of(node);
        let action = self.what(node, call.as_ref(), &mut entries)?;
        made.reads = action.as_ref().is_some_and(|name| self.reads(name));
        let when = self.when(node);
        entries.extend(when.clone());
        self.each(node, &mut entries);
        self.saves_and_fallback(node, action.is_some(), &mut entries);
        self.modifiers(node, &mut entries);
        self.approvals(
            node,
            call.as_ref(),
            action.as_deref(),
            &called,
            when,
            &mut entries,
            &mut made.before,
        );
        self.leftovers(node);
        made.node = build::map(node, entries);
        Some(made)
    }

    /// A step that is nothing but words.
    fn worded(&mut self, node: &Node, words: &str) -> Made {
        let kind = if is_plain_words(words) { "step" } else { "check" };
        let value = if kind == "check" {
            self.refs.expression(node)
        } else {
            node.clone()
        };
        Made {
            node: build::map(node, vec![build::entry(kind, value)]),
            before: Vec::new(),
            phase: None,
            reads: kind == "check",
        }
    }

    fn id(&mut self, node: &Node, entries: &mut Vec<Entry>) -> Option<String> {
        let given = first(node, ID)?;
        let written = scalar(&given.value)?;
        let id = snake_case(&written);
        entries.push(build::renamed(given, "id", build::text(&given.value, id.clone())));
        Some(id)
    }

    /// What the step does; the name of its action if it calls one.
    fn what(
        &mut self,
        node: &Node,
        call: Option<&Call<'_>>,
        entries: &mut Vec<Entry>,
    ) -> Option<Option<String>> {
        let Some(call) = call else {
            let other = node.entries().iter().find_map(|entry| {
                let (_, today) = OTHERS.iter().find(|(older, _)| *older == entry.key)?;
                Some((entry, *today))
            });
            let Some((entry, today)) = other else {
                let at = node.entries().first().map_or(node.at, |entry| entry.key_at);
                let message = "this step says nothing to do: it needs an action, a call or a tool";
                self.findings
                    .add(crate::Severity::Error, "step_kind", at, &node.path, message);
                return None;
            };
            let value = match today {
                "check" => self.refs.expression(&entry.value),
                "run" => self.recipe_name(&entry.value),
                _ => self.refs.template(&entry.value),
            };
            entries.push(build::renamed(entry, today, value));
            if today == "run" {
                self.arguments(node, entries);
            }
            return Some(None);
        };
        let (key, name) = match self.meant(call) {
            Meant::Action(name) => ("action", name),
            Meant::Words(words) => ("step", words),
        };
        entries.push(build::entry(key, build::text(call.node, name.clone())));
        self.arguments(node, entries);
        Some((key == "action").then_some(name))
    }

    fn arguments(&mut self, node: &Node, entries: &mut Vec<Entry>) {
        if let Some(args) = first(node, ARGS) {
            let value = self.refs.template(&args.value);
            entries.push(build::renamed(args, "with", value));
        }
    }

    fn when(&mut self, node: &Node) -> Option<Entry> {
        if let Some(when) = first(node, WHEN) {
            return Some(build::renamed(when, "when", self.refs.expression(&when.value)));
        }
        let unless = first(node, &["unless"])?;
        let condition = self.refs.expression(&unless.value);
        let text = condition.as_text()?.trim();
        let inner = text
            .strip_prefix("{{")
            .and_then(|text| text.strip_suffix("}}"))
            .unwrap_or(text);
        let negated = format!("not ({})", inner.trim());
        Some(build::renamed(
            unless,
            "when",
            build::text(&unless.value, negated),
        ))
    }

    fn each(&mut self, node: &Node, entries: &mut Vec<Entry>) {
        let Some(each) = first(node, EACH) else { return };
        let (items, name) = match first(&each.value, &["in", "items", "list"]) {
            Some(items) => (&items.value, first(&each.value, EACH_NAME)),
            None => (&each.value, first(node, EACH_NAME)),
        };
        let value = match items.as_text() {
            Some(text) if !text.contains("{{") && !text.starts_with("${") => self.refs.expression(items),
            _ => self.refs.template(items),
        };
        entries.push(build::renamed(each, "for_each", value));
        if let Some(name) = name {
            entries.push(build::renamed(name, "as", name.value.clone()));
        }
    }

    fn modifiers(&mut self, node: &Node, entries: &mut Vec<Entry>) {
        self.retry(node, entries);
        for (key, factor) in TIMEOUTS {
            let Some(given) = first(node, &[key]) else {
                continue;
            };
            entries.push(build::renamed(
                given,
                "timeout_s",
                self.span(&given.value, *factor),
            ));
            break;
        }
        if let Some(evidence) = first(node, &["evidence"]) {
            let names = many(&evidence.value).iter().map(evidence_name).collect();
            entries.push(build::renamed(
                evidence,
                "evidence",
                build::list(&evidence.value, names),
            ));
        }
        if let Some(until) = first(node, &["until"]) {
            entries.push(build::renamed(until, "until", self.refs.expression(&until.value)));
            let every = first(node, &["every_s", "interval_s"]);
            entries.extend(every.map(|every| build::renamed(every, "every_s", every.value.clone())));
        }
        if let Some(undo) = first(node, &["undo", "rollback", "compensate"]) {
            let steps = self.nested(&undo.value);
            entries.push(build::renamed(undo, "undo", steps));
        }
        self.on_error(node, entries);
    }

    fn retry(&mut self, node: &Node, entries: &mut Vec<Entry>) {
        if let Some(retries) = first(node, &["retries"])
            && let Data::Number(number, _) = &retries.value.data
            && let Some(more) = number.as_u64()
        {
            let attempts = build::json(&retries.value, &serde_json::json!(more + 1));
            return entries.push(build::renamed(retries, "retry", attempts));
        }
        let Some(retry) = first(node, &["retry"]) else {
            return;
        };
        let Data::Map(parts) = &retry.value.data else {
            return entries.push(build::renamed(retry, "retry", retry.value.clone()));
        };
        const KEYS: &[(&str, &[&str])] = &[
            (
                "max_attempts",
                &["max_attempts", "attempts", "max", "count", "times"],
            ),
            (
                "backoff_s",
                &[
                    "backoff_s",
                    "backoff",
                    "delay",
                    "delay_s",
                    "wait",
                    "wait_s",
                    "interval",
                ],
            ),
            ("factor", &["factor", "multiplier"]),
            ("max_backoff_s", &["max_backoff_s", "max_backoff", "max_delay"]),
        ];
        let parts = parts.iter().map(|part| {
            let today = KEYS.iter().find(|(_, older)| older.contains(&part.key.as_str()));
            build::renamed(
                part,
                today.map_or(part.key.as_str(), |(today, _)| today),
                part.value.clone(),
            )
        });
        let value = build::map(&retry.value, parts.collect());
        entries.push(build::renamed(retry, "retry", value));
    }

    fn on_error(&mut self, node: &Node, entries: &mut Vec<Entry>) {
        if let Some(flag) = first(node, &["continue_on_error", "ignore_errors"]) {
            if matches!(flag.value.data, Data::Bool(true)) {
                entries.push(build::renamed(
                    flag,
                    "on_error",
                    build::text(&flag.value, "continue"),
                ));
            }
            return;
        }
        let Some(given) = first(node, &["on_error", "on_failure", "on_fail"]) else {
            return;
        };
        let value = match given.value.as_text().map(str::to_lowercase).as_deref() {
            Some("fail" | "stop" | "abort" | "halt") => build::text(&given.value, "fail"),
            Some("continue" | "ignore" | "skip" | "warn") => build::text(&given.value, "continue"),
            Some("rollback" | "undo" | "revert" | "compensate") => {
                self.assumed(
                    &given.value,
                    "a run that fails is undone and rolled back by itself",
                );
                build::text(&given.value, "fail")
            }
            Some(word @ ("escalate" | "notify" | "alert" | "retry" | "manual")) => {
                let message = format!("'{word}' isn't a way to go on after a failure here: the run fails");
                self.dropped(&given.value, message);
                build::text(&given.value, "fail")
            }
            Some(_) => given.value.clone(),
            None => self.nested(&given.value),
        };
        entries.push(build::renamed(given, "on_error", value));
    }

    /// A span as it is, or a number in another unit as seconds.
    pub(super) fn span(&self, node: &Node, factor: f64) -> Node {
        match &node.data {
            Data::Number(number, _) if factor != 1.0 => {
                let seconds = number.as_f64().unwrap_or_default() * factor;
                build::json(node, &serde_json::json!(seconds))
            }
            _ => node.clone(),
        }
    }

    fn phase_of(&self, node: &Node) -> Option<Phase> {
        let named = first(node, &["phase", "section", "stage"]).and_then(|entry| scalar(&entry.value));
        let by_id = || {
            let id = first(node, ID).and_then(|entry| scalar(&entry.value))?;
            let (head, _) = id.split_once(['.', '/'])?;
            super::phase_named(head)
        };
        named.as_deref().and_then(super::phase_named).or_else(by_id)
    }

    /// Keys that nothing reads: talk is told, a slip is an error.
    fn leftovers(&mut self, node: &Node) {
        let groups = [ID, TITLE, ARGS, WHEN, EACH, EACH_NAME, CALLS, KNOWN];
        let known: Vec<&str> = groups
            .iter()
            .flat_map(|group| group.iter().copied())
            .chain(TIMEOUTS.iter().map(|(key, _)| *key))
            .chain(OTHERS.iter().map(|(key, _)| *key))
            .collect();
        let titled = first(node, TITLE).is_some();
        for entry in node.entries() {
            let key = entry.key.as_str();
            let spare = titled && matches!(key, "description" | "desc");
            if known.contains(&key) && !spare {
                continue;
            }
            self.left_over(entry, &known, TALK, "a step");
        }
    }
}

/// `json:zoom_health` keeps the output under `zoom_health`.
fn evidence_name(node: &Node) -> Node {
    match node.as_text() {
        Some(text) => {
            let name = text.split_once(':').map_or(text, |(_, name)| name).trim();
            build::text(node, if name.is_empty() { text } else { name })
        }
        None => node.clone(),
    }
}
