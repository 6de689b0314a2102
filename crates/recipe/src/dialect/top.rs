//! The top of an older document: name, inputs, params, checks, outputs; and the sections that its
//! steps are laid out in, in their order.

use types::Phase;

use super::build::{self, first, many, scalar};
use super::step::Made;
use super::{Older, Today};
use crate::ipav::is_plain_words;
use crate::yaml::{Data, Entry, Node};

const NAME: &[&str] = &["name", "title", "agent_name"];
/// Keys that say something to people only.
pub(super) const TALK: &[&str] = &[
    "owner",
    "owners",
    "tags",
    "policy_tags",
    "author",
    "authors",
    "category",
    "metadata",
    "created",
    "created_at",
    "updated",
    "updated_at",
    "notes",
    "note",
    "comment",
    "documentation",
    "links",
    "references",
    "license",
    "status",
    "maturity",
    "team",
    "contact",
    "summary",
    "schema_version",
    "kind",
    "type",
    "outcomes",
];
/// What this file reads of any document.
const READ: &[&str] = &[
    "id",
    "name",
    "title",
    "agent_name",
    "description",
    "version",
    "changelog",
    "agent",
    "inputs",
    "params",
    "preconditions",
    "verify",
    "assertions",
    "outputs",
    "guardrails",
    "success_metrics",
];

/// The four sections as they fill. A step never goes back to an earlier one, so order never changes.
#[derive(Default)]
pub(super) struct Sections {
    current: usize,
    steps: [Vec<Node>; 4],
}

impl Sections {
    /// Lays out a step; says whether it had to stay in a later section than the one it wants.
    pub(super) fn put(&mut self, phase: Phase, made: Made) -> bool {
        let wanted = place(phase);
        let stays = wanted < self.current;
        self.current = self.current.max(wanted);
        let section = &mut self.steps[self.current];
        section.extend(made.before);
        section.push(made.node);
        stays
    }

    /// The section that steps go to now.
    pub(super) fn now(&self) -> Phase {
        Phase::ALL[self.current]
    }

    fn entries(self, root: &Node) -> impl Iterator<Item = Entry> {
        let sections = Phase::ALL.iter().zip(self.steps);
        let named: Vec<Entry> = sections
            .map(|(phase, steps)| build::entry(phase.as_str(), build::list(root, steps)))
            .collect();
        named.into_iter()
    }
}

fn place(phase: Phase) -> usize {
    Phase::ALL
        .iter()
        .position(|known| *known == phase)
        .unwrap_or_default()
}

impl Older<'_, '_, '_> {
    /// The recipe of today. `own` are keys that the dialect has read itself.
    pub(super) fn finish(
        &mut self,
        root: &Node,
        mut sections: Sections,
        params: Option<Node>,
        own: &[&str],
    ) -> Today {
        for key in ["verify", "assertions"] {
            if let Some(checks) = first(root, &[key]) {
                for made in self.checks(&checks.value) {
                    sections.put(Phase::Verify, made);
                }
            }
        }
        let outputs = first(root, &["outputs"]).map(|outputs| {
            let value = self.outputs(&outputs.value);
            build::renamed(outputs, "outputs", value)
        });
        let mut entries = Vec::new();
        let name = first(root, NAME).map(|name| build::renamed(name, "name", self.text(&name.value)));
        entries.extend(name);
        if let Some(description) = self.description(root) {
            entries.push(build::entry("description", description));
        }
        for key in ["version", "changelog", "agent"] {
            let found = first(root, &[key]);
            entries.extend(found.map(|found| build::renamed(found, key, self.plain(found))));
        }
        let inputs = self.inputs(root);
        if !inputs.is_empty() {
            entries.push(build::entry("inputs", build::map(root, inputs)));
        }
        if let Some(params) = params.or_else(|| first(root, &["params"]).map(|params| params.value.clone())) {
            self.placeholders(&params);
            entries.push(build::entry("params", params));
        }
        entries.extend(sections.entries(root));
        for key in ["guardrails", "success_metrics"] {
            let found = first(root, &[key]);
            entries.extend(found.map(|found| build::renamed(found, key, found.value.clone())));
        }
        entries.extend(outputs);
        for entry in root.entries() {
            let known = [READ, own].concat();
            if !known.contains(&entry.key.as_str()) {
                self.left_over(entry, &known, TALK, "this form");
            }
        }
        let entries = entries.into_iter().map(|entry| self.guarded(entry)).collect();
        Today::recipe(build::map(root, entries), slug_of(root))
    }

    /// Guardrails and metrics as every older form has them.
    fn guarded(&mut self, entry: Entry) -> Entry {
        let value = match entry.key.as_str() {
            "guardrails" => self.guardrails(&entry.value),
            "success_metrics" => self.metrics(&entry.value),
            _ => return entry,
        };
        build::renamed(&entry, &entry.key, value)
    }

    fn plain(&self, entry: &Entry) -> Node {
        match (&entry.value.data, entry.key.as_str()) {
            (Data::Number(_, written), "version") => build::text(&entry.value, written.clone()),
            (Data::Text(id, _), "agent") => build::text(&entry.value, super::workflow::agent_called(id)),
            _ => entry.value.clone(),
        }
    }

    /// A text even where a number was written.
    fn text(&self, node: &Node) -> Node {
        match &node.data {
            Data::Number(_, written) => build::text(node, written.clone()),
            _ => node.clone(),
        }
    }

    fn description(&self, root: &Node) -> Option<Node> {
        let own = first(root, &["description"]);
        let scope = || first(root, &["scope"]).and_then(|scope| first(&scope.value, &["description"]));
        let node = &own.or_else(scope)?.value;
        Some(build::text(node, node.as_text()?.trim_end()))
    }

    /// Assertions and preconditions: expressions, plain words, steps, or `{check, message}`.
    pub(super) fn checks(&mut self, node: &Node) -> Vec<Made> {
        let items = match &node.data {
            Data::Null => &[],
            _ => many(node),
        };
        items.iter().filter_map(|item| self.check(item)).collect()
    }

    fn check(&mut self, node: &Node) -> Option<Made> {
        let simple = |kind: &str, value: Node, more: Vec<Entry>| {
            let entries = std::iter::once(build::entry(kind, value)).chain(more);
            Made {
                node: build::map(node, entries.collect()),
                before: Vec::new(),
                phase: None,
                reads: true,
            }
        };
        if let Some(words) = node.as_text() {
            if is_plain_words(words) {
                return Some(simple("confirm", build::text(node, words), Vec::new()));
            }
            let condition = self.refs.expression(node);
            return Some(simple("check", condition, Vec::new()));
        }
        const CONDITIONS: &[&str] = &[
            "check",
            "assert",
            "expr",
            "expression",
            "condition",
            "that",
            "expect",
            "rule",
        ];
        if super::action::Call::of(node).is_none()
            && let Some(condition) = first(node, CONDITIONS)
        {
            let kind = if condition.value.as_text().is_some_and(is_plain_words) {
                "confirm"
            } else {
                "check"
            };
            let title = first(node, &["message", "description", "name", "title"]);
            let title = title.map(|title| build::renamed(title, "title", title.value.clone()));
            let id = first(node, super::step::ID);
            let id = id.and_then(|id| {
                Some(build::text(
                    &id.value,
                    crate::reader::snake_case(&scalar(&id.value)?),
                ))
            });
            let more = title.into_iter().chain(id.map(|id| build::entry("id", id)));
            let value = match kind {
                "confirm" => condition.value.clone(),
                _ => self.refs.expression(&condition.value),
            };
            return Some(simple(kind, value, more.collect()));
        }
        self.step(node)
    }

    /// Outputs: a map of values, or names of what was saved.
    fn outputs(&mut self, node: &Node) -> Node {
        let saved = |name: &str| build::text(node, format!("{{{{ s.{name} }}}}"));
        match &node.data {
            Data::List(items) => {
                let names = items.iter().filter_map(scalar);
                build::map(
                    node,
                    names.map(|name| build::entry(&name, saved(&name))).collect(),
                )
            }
            Data::Map(entries) => {
                let entries = entries.iter().map(|entry| {
                    let value = self.output(&entry.value);
                    build::renamed(entry, &entry.key, value)
                });
                build::map(node, entries.collect())
            }
            _ => node.clone(),
        }
    }

    fn output(&mut self, node: &Node) -> Node {
        if let Some(text) = node.as_text() {
            let bare = text.trim();
            let path = bare.strip_prefix("$.").unwrap_or(bare);
            let root = path.split(['.', '[']).next().unwrap_or_default();
            let is_path = !bare.contains([' ', '{'])
                && (path.contains('.') || bare != path || self.refs.saved.contains(path));
            let known = ["s", "steps", "inputs", "params", "run"].contains(&root)
                || self.refs.saved.contains(root)
                || self
                    .refs
                    .ids
                    .keys()
                    .any(|id| path == id || path.starts_with(&format!("{id}.")));
            if is_path && known {
                let message = "this is read as a value, not as the words it is made of";
                self.assumed(node, message);
                let braced = build::text(node, format!("{{{{ {path} }}}}"));
                return self.refs.template(&braced);
            }
        }
        self.refs.template(node)
    }

    /// Values that their author meant to be replaced.
    fn placeholders(&mut self, node: &Node) {
        match &node.data {
            Data::Text(text, _) if text.contains("<<<") || text.starts_with("<PUT_") => {
                let message =
                    format!("'{text}' is a placeholder: put the real value here before the recipe runs");
                self.findings.add(
                    crate::Severity::Warning,
                    "older_assumed",
                    node.at,
                    &node.path,
                    message,
                );
            }
            Data::List(items) => items.iter().for_each(|item| self.placeholders(item)),
            Data::Map(entries) => entries.iter().for_each(|entry| self.placeholders(&entry.value)),
            _ => {}
        }
    }
}

/// The short name that an older id gives: without the version that some put behind it.
pub(super) fn slug_of(root: &Node) -> Option<String> {
    let id = first(root, &["id"]).and_then(|entry| scalar(&entry.value))?;
    Some(slug_from(&id)).filter(|slug| !slug.is_empty())
}

/// `zoom-room-healthcheck-v1` is a version of `zoom-room-healthcheck`.
pub(crate) fn slug_from(id: &str) -> String {
    let slug = slug::slugify(id);
    match slug.rsplit_once("-v") {
        Some((stem, version))
            if !stem.is_empty() && !version.is_empty() && version.chars().all(|c| c.is_ascii_digit()) =>
        {
            stem.to_owned()
        }
        _ => slug,
    }
}
