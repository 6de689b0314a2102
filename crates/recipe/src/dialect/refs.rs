//! References of older documents: names in templates and conditions become today's. Words inside
//! quotes are never touched, and what isn't known here stays as it was, to be reported where it stands.

use std::collections::{BTreeMap, BTreeSet};

use minijinja::machinery::{self, Token};

use super::build;
use crate::expr::parse::{config, path_length};
use crate::yaml::{Data, Node};

/// What an older id stands for.
#[derive(Debug, Clone, Default)]
pub(super) struct Target {
    /// Today's id.
    pub id: String,
    /// The top-level fields of its action's output, if they are known.
    pub fields: Option<BTreeSet<String>>,
}

/// Every name that an older document gives and that templates may read.
#[derive(Debug, Default)]
pub(super) struct Refs {
    /// Ids as they were written.
    pub ids: BTreeMap<String, Target>,
    /// Names with a dash, and what they are called today.
    pub dashed: BTreeMap<String, String>,
    /// Names that steps save.
    pub saved: BTreeSet<String>,
    /// Declared inputs.
    pub inputs: BTreeSet<String>,
    /// Whether the document declares its inputs, so that another one is a slip.
    pub declares: bool,
    /// Profiles by the name they give a default for: the entry of `params`.
    pub profiles: BTreeMap<String, String>,
    /// Inputs that are read but not declared, in order, and whether a profile stands in for them.
    pub wanted: Vec<(String, bool)>,
}

/// What a result is wrapped in.
const ENVELOPES: &[&str] = &["result", "results", "response", "data", "body", "value"];
/// Roots that may stand after a `$`.
const DOLLARS: &[&str] = &[
    "context", "ctx", "inputs", "input", "params", "param", "steps", "step", "s", "item", "run_id", "run",
    "profile", "profiles", "vars", "event",
];

impl Refs {
    /// The value with today's references, all the way down.
    pub(super) fn template(&mut self, node: &Node) -> Node {
        match &node.data {
            Data::Text(text, bare) => {
                let bare = *bare;
                build::with(node, Data::Text(self.rewrite(text, false), bare))
            }
            Data::List(items) => {
                let items = items.iter().map(|item| self.template(item)).collect();
                build::list(node, items)
            }
            Data::Map(entries) => {
                let entries = entries
                    .iter()
                    .map(|entry| build::renamed(entry, &entry.key, self.template(&entry.value)));
                build::map(node, entries.collect())
            }
            _ => node.clone(),
        }
    }

    /// A condition with today's references; braces around it may stay.
    pub(super) fn expression(&mut self, node: &Node) -> Node {
        match &node.data {
            Data::Text(text, bare) => {
                let braces = text.contains("{{");
                build::with(node, Data::Text(self.rewrite(text, !braces), *bare))
            }
            _ => node.clone(),
        }
    }

    fn rewrite(&mut self, source: &str, in_expression: bool) -> String {
        let source = self.dollars(&self.dashes(source, in_expression), in_expression);
        if !in_expression && !source.contains("{{") && !source.contains("{%") {
            return source;
        }
        self.paths(&source, in_expression)
    }

    /// Names with a dash, where they stand in an expression: `get-status.metrics` is no subtraction
    /// if a step is called so.
    fn dashes(&self, source: &str, in_expression: bool) -> String {
        if self.dashed.is_empty() || !source.contains('-') {
            return source.to_owned();
        }
        let part = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
        let mut out = String::with_capacity(source.len());
        let mut place = Place::new(in_expression);
        let mut rest = source;
        while let Some(first) = rest.chars().next() {
            let before = out.chars().next_back();
            let starts = part(first) && !before.is_some_and(part);
            let readable = place.code() || before.is_some_and(|c| "$.{".contains(c));
            if starts && readable {
                let end = rest.find(|c| !part(c)).unwrap_or(rest.len());
                let word = &rest[..end];
                out.push_str(self.dashed.get(word).map_or(word, String::as_str));
                rest = &rest[end..];
                continue;
            }
            place.step(rest);
            out.push(first);
            rest = &rest[first.len_utf8()..];
        }
        out
    }

    /// `$context.x`, `${item}` and their like, with braces where they stand in a text.
    fn dollars(&self, source: &str, in_expression: bool) -> String {
        let mut out = String::with_capacity(source.len());
        let mut place = Place::new(in_expression);
        let mut rest = source;
        while let Some(first) = rest.chars().next() {
            if first == '$'
                && let Some((path, used)) = self.dollar(&rest[1..])
            {
                match place.code() {
                    true => out.push_str(path),
                    false => out.push_str(&format!("{{{{ {path} }}}}")),
                }
                rest = &rest[1 + used..];
                continue;
            }
            place.step(rest);
            out.push(first);
            rest = &rest[first.len_utf8()..];
        }
        out
    }

    /// The path after a `$` that stands for a value here, and how many bytes it took.
    fn dollar<'s>(&self, after: &'s str) -> Option<(&'s str, usize)> {
        let known = |path: &str| {
            let root = path.split('.').next().unwrap_or_default();
            DOLLARS.contains(&root) || self.saved.contains(root) || self.ids.contains_key(root)
        };
        if let Some(inner) = after.strip_prefix('{')
            && let Some(end) = inner.find('}')
        {
            let path = inner[..end].trim();
            let whole = !path.is_empty() && path_length(path) == path.len();
            return (whole && known(path)).then_some((path, end + 2));
        }
        let length = path_length(after);
        let path = &after[..length];
        (length > 0 && known(path)).then_some((path, length))
    }

    /// Every path of names, one after the other.
    fn paths(&mut self, source: &str, in_expression: bool) -> String {
        let tokens: Vec<(Token<'_>, usize, usize)> = machinery::tokenize(source, in_expression, config())
            .map_while(Result::ok)
            .map(|(token, span)| (token, span.start_offset as usize, span.end_offset as usize))
            .collect();
        let mut out = String::with_capacity(source.len());
        let mut copied = 0;
        let mut at = 0;
        while at < tokens.len() {
            let before = at.checked_sub(1).map(|before| &tokens[before].0);
            if !matches!(tokens[at].0, Token::Ident(_)) || matches!(before, Some(Token::Dot | Token::Pipe)) {
                at += 1;
                continue;
            }
            let (parts, used) = path(&tokens[at..]);
            let called = matches!(
                tokens.get(at + used),
                Some((Token::ParenOpen | Token::Assign, ..))
            );
            let names: Vec<&str> = parts.iter().map(|(name, _)| *name).collect();
            let found = if called && names.len() == 1 {
                None
            } else {
                self.resolve(&names)
            };
            if let Some((consumed, today)) = found
                && let Some((_, end)) = parts.get(consumed.saturating_sub(1))
                && let Some(between) = source.get(copied..tokens[at].1)
            {
                out.push_str(between);
                out.push_str(&today);
                copied = *end;
            }
            at += used;
        }
        out.push_str(source.get(copied..).unwrap_or_default());
        out
    }

    /// What the first parts of a path are called today, and how many they are.
    fn resolve(&mut self, parts: &[&str]) -> Option<(usize, String)> {
        let (root, rest) = parts.split_first()?;
        if let Some((used, target)) = self.id_at(parts)
            && !self.saved.contains(*root)
        {
            let (more, today) = tail(target, &parts[used..], false, &self.saved);
            return Some((used + more, today));
        }
        let next = rest.first().copied();
        match *root {
            "inputs" | "intake" | "input" => {
                self.want(next?);
                (*root == "input").then(|| (1, "inputs".to_owned()))
            }
            // What set off a run comes with it.
            "event" if !self.saved.contains("event") => {
                self.want("event");
                let declared = self.inputs.contains("event") || !self.declares;
                declared.then(|| (1, "inputs.event".to_owned()))
            }
            "context" | "ctx" => Some((2, self.context(next?))),
            "param" | "profile" | "profiles" => Some((1, "params".to_owned())),
            "run_id" => Some((1, "run.id".to_owned())),
            "vars" | "saved" | "saves" | "state" if next.is_some_and(|name| self.saved.contains(name)) => {
                Some((1, "s".to_owned()))
            }
            "steps" | "step" => {
                let (used, target) = self.id_at(rest)?;
                let (more, today) = tail(target, &rest[used..], true, &self.saved);
                Some((1 + used + more, today))
            }
            _ => None,
        }
    }

    /// The longest id at the beginning of a path.
    fn id_at(&self, parts: &[&str]) -> Option<(usize, &Target)> {
        (1..=parts.len().min(5)).rev().find_map(|used| {
            let written = parts[..used].join(".");
            self.ids.get(&written).map(|target| (used, target))
        })
    }

    /// A variable of the older context: an input, else what a step saved, else an input to be asked
    /// for, with the profile's value where there is one.
    fn context(&mut self, name: &str) -> String {
        if self.inputs.contains(name) {
            return format!("inputs.{name}");
        }
        if self.saved.contains(name) {
            return format!("s.{name}");
        }
        let profile = self.profiles.get(name).cloned();
        if !self.wanted.iter().any(|(wanted, _)| wanted == name) {
            self.wanted.push((name.to_owned(), profile.is_some()));
        }
        match profile {
            Some(profile) => format!("(inputs.{name} | default(params.{profile}, true))"),
            None => format!("inputs.{name}"),
        }
    }

    fn want(&mut self, name: &str) {
        if self.declares || self.inputs.contains(name) {
            return;
        }
        if !self.wanted.iter().any(|(wanted, _)| wanted == name) {
            self.wanted.push((name.to_owned(), false));
        }
    }
}

/// What follows an id: how many parts are taken, and what stands for them.
fn tail(target: &Target, rest: &[&str], by_steps: bool, saved: &BTreeSet<String>) -> (usize, String) {
    let has = |field: &str| {
        target
            .fields
            .as_ref()
            .is_some_and(|fields| fields.contains(field))
    };
    let output = format!("steps.{}.output", target.id);
    match rest.first() {
        Some(&("output" | "outputs")) => (1, output),
        Some(field) if ENVELOPES.contains(field) && !has(field) => (1, output),
        Some(&("saves" | "saved")) if rest.get(1).is_some_and(|name| saved.contains(*name)) => {
            (1, "s".to_owned())
        }
        Some(&("status" | "error")) if by_steps && !has(rest[0]) => (0, format!("steps.{}", target.id)),
        _ => (0, output),
    }
}

/// The names of a path that begins here with the end of each, and how many tokens it has.
fn path<'t>(tokens: &[(Token<'t>, usize, usize)]) -> (Vec<(&'t str, usize)>, usize) {
    let mut parts = Vec::new();
    let mut at = 0;
    if let Some((Token::Ident(name), _, end)) = tokens.first() {
        parts.push((*name, *end));
        at = 1;
    }
    loop {
        match (tokens.get(at), tokens.get(at + 1), tokens.get(at + 2)) {
            (Some((Token::Dot, ..)), Some((Token::Ident(name), _, end)), _) => {
                parts.push((*name, *end));
                at += 2;
            }
            (
                Some((Token::BracketOpen, ..)),
                Some((Token::Str(name), ..)),
                Some((Token::BracketClose, _, end)),
            ) => {
                parts.push((*name, *end));
                at += 3;
            }
            _ => return (parts, at),
        }
    }
}

/// Whether a place in a text is code outside quotes.
struct Place {
    whole: bool,
    inside: bool,
    quote: Option<char>,
}

impl Place {
    fn new(whole: bool) -> Self {
        Self {
            whole,
            inside: false,
            quote: None,
        }
    }

    fn code(&self) -> bool {
        (self.whole || self.inside) && self.quote.is_none()
    }

    /// Goes on by the first character of what is left.
    fn step(&mut self, rest: &str) {
        let Some(first) = rest.chars().next() else { return };
        match self.quote {
            Some(quote) if quote == first => self.quote = None,
            Some(_) => {}
            None if (self.whole || self.inside) && (first == '\'' || first == '"') => {
                self.quote = Some(first)
            }
            None if rest.starts_with("{{") || rest.starts_with("{%") => self.inside = true,
            None if rest.starts_with("}}") || rest.starts_with("%}") => self.inside = false,
            None => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refs() -> Refs {
        let target = |id: &str, fields: Option<&[&str]>| Target {
            id: id.into(),
            fields: fields.map(|fields| fields.iter().map(|&field| field.to_owned()).collect()),
        };
        Refs {
            ids: BTreeMap::from([
                ("act.create".into(), target("act_create", Some(&["number"]))),
                (
                    "get_status".into(),
                    target("get_status", Some(&["status", "data"])),
                ),
                ("getLog".into(), target("get_log", None)),
            ]),
            dashed: BTreeMap::from([("get-status".into(), "get_status".into())]),
            saved: BTreeSet::from(["metrics".to_owned()]),
            profiles: BTreeMap::from([("room_type".to_owned(), "default_room_type".to_owned())]),
            ..Refs::default()
        }
    }

    #[test]
    fn paths_become_todays_and_words_stay() {
        let check = |source: &str, in_expression: bool, expected: &str| {
            assert_eq!(refs().rewrite(source, in_expression), expected, "{source}");
        };
        check(
            "act.create.result.number != none",
            true,
            "steps.act_create.output.number != none",
        );
        check(
            "steps.get-status.status == 'get-status'",
            true,
            "steps.get_status.output.status == 'get-status'",
        );
        check("steps.get_status.data.x", true, "steps.get_status.output.data.x");
        check(
            "getLog.result.x and steps.getLog.status == 'failed'",
            true,
            "steps.get_log.output.x and steps.get_log.status == 'failed'",
        );
        check(
            "metrics.cpu - 1 > s.metrics.x",
            true,
            "metrics.cpu - 1 > s.metrics.x",
        );
        check(
            "act.create is defined",
            true,
            "steps.act_create.output is defined",
        );
        check(
            "See $run_id of $context.room_id.",
            false,
            "See {{ run.id }} of {{ inputs.room_id }}.",
        );
        check(
            "${item} costs $5 or $beans",
            false,
            "{{ item }} costs $5 or $beans",
        );
        check(
            "$context.room_type",
            false,
            "{{ (inputs.room_type | default(params.default_room_type, true)) }}",
        );
        check(
            "{{ input.name | upper }} act.create",
            false,
            "{{ inputs.name | upper }} act.create",
        );
        check(
            "{% if act.create.number %}yes{% endif %}",
            false,
            "{% if steps.act_create.output.number %}yes{% endif %}",
        );
        check(
            "{{ steps['get-status'].metrics }}",
            false,
            "{{ steps['get-status'].metrics }}",
        );
        check(
            "a | default(act.create.number)",
            true,
            "a | default(steps.act_create.output.number)",
        );
    }

    #[test]
    fn inputs_that_nobody_declared_are_told() {
        let mut refs = refs();
        refs.rewrite(
            "{{ input.a }} $context.b $context.room_type {{ inputs.a }}",
            false,
        );
        assert_eq!(
            refs.wanted,
            [
                ("a".into(), false),
                ("b".into(), false),
                ("room_type".into(), true)
            ]
        );
        refs.declares = true;
        refs.rewrite("{{ inputs.c }}", false);
        assert_eq!(refs.wanted.len(), 3);
    }
}
