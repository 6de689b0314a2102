//! One step: what kind it is, and its modifiers.

use types::{Effect, Lookup};

use super::values::{is_identifier, snake_case};
use super::{MAX_STEPS, Reader, default_title};
use crate::check::Dialect;
use crate::diagnostic::At;
use crate::names::BUILT_IN;
use crate::program::{ForEach, Kind, OnError, Save, SaveFrom, Step};
use crate::yaml::{Data, Node};

/// The keys that say what a step is.
pub(crate) const KINDS: &[&str] = &[
    "ask", "gather", "action", "agent", "check", "confirm", "notify", "manual", "wait", "run", "parallel",
    "step",
];

/// The keys that every kind of step takes.
pub(crate) const MODIFIERS: &[&str] = &[
    "id",
    "title",
    "when",
    "save",
    "for_each",
    "as",
    "retry",
    "timeout_s",
    "until",
    "every_s",
    "on_error",
    "undo",
    "on_uncertain",
    "approval",
    "evidence",
];

/// The keys that only this kind takes.
fn keys_of(kind: &str) -> &'static [&'static str] {
    match kind {
        "action" | "step" => &["with", "mock"],
        "run" => &["with"],
        "agent" => &["goal", "tools", "output", "limits"],
        "parallel" => &["max_concurrency"],
        _ => &[],
    }
}

impl Reader<'_, '_, '_> {
    /// The steps of a list.
    pub(crate) fn steps(&mut self, node: &Node, what: &str) -> Vec<Step> {
        let Some(items) = self.list(node, what) else {
            return Vec::new();
        };
        items.iter().filter_map(|item| self.step(item)).collect()
    }

    pub(crate) fn step(&mut self, node: &Node) -> Option<Step> {
        self.steps += 1;
        if self.steps > MAX_STEPS {
            if self.steps == MAX_STEPS + 1 {
                let message = format!("the recipe has more than {MAX_STEPS} steps");
                self.error("recipe_too_large", node.at, &node.path, message);
            }
            return None;
        }
        let kind_key = self.kind_of(node)?;
        let known: Vec<&str> = [kind_key]
            .iter()
            .chain(keys_of(kind_key))
            .chain(MODIFIERS)
            .copied()
            .collect();
        self.keys(node, &known, &format!("a step with '{kind_key}'"));
        let for_each = node.get("for_each").map(|items| self.for_each(node, items));
        let locals = self.names.locals.len();
        if let Some(for_each) = &for_each {
            self.names.locals.push(for_each.name.clone());
        }
        let when = node.get("when").and_then(|node| self.expression(node));
        let bound = self.bindings.len();
        self.stands_in = node.get("mock").is_some();
        let kind = self.kind(node, kind_key);
        self.stands_in = false;
        let pending_title = self.pending_title.take();
        let mut step = Step {
            id: self.id(node, kind_key, kind.as_ref()),
            line: node.at.line,
            title: String::new(),
            kind: kind.unwrap_or(Kind::Manual {
                text: crate::program::Template::literal(""),
            }),
            when,
            save: Vec::new(),
            for_each,
            retry: node.get("retry").map(|node| self.retry(node)).unwrap_or_default(),
            timeout_ms: node.get("timeout_s").and_then(|node| self.duration(node)),
            until: None,
            on_error: OnError::Fail,
            undo: Vec::new(),
            on_uncertain: node.get("on_uncertain").and_then(|node| self.on_uncertain(node)),
            approval: node.get("approval").map(|node| self.approval(node)),
            evidence: Vec::new(),
            mock: node.get("mock").map(Node::to_json),
        };
        let title = node.get("title").and_then(|node| self.text(node));
        step.title = title
            .or(pending_title)
            .unwrap_or_else(|| default_title(&step.kind, &step.id));
        if let Some(binding) = self
            .bindings
            .get_mut(bound)
            .filter(|binding| binding.step.is_empty())
        {
            binding.step.clone_from(&step.id);
        }
        step.save = self.saves(node, &step);
        self.names
            .saved
            .extend(step.save.iter().map(|save| save.name.clone()));
        self.names.steps.insert(step.id.clone());
        step.until = self.until(node);
        step.evidence = node
            .get("evidence")
            .map(|node| self.evidence(node, &step.id))
            .unwrap_or_default();
        step.undo = node
            .get("undo")
            .map(|node| self.steps(node, "undo"))
            .unwrap_or_default();
        step.on_error = node
            .get("on_error")
            .map(|node| self.on_error(node))
            .unwrap_or_default();
        self.names.locals.truncate(locals);
        self.check_undo(node, &step);
        Some(step)
    }

    fn kind_of(&mut self, node: &Node) -> Option<&'static str> {
        let Data::Map(entries) = &node.data else {
            if !matches!(node.data, Data::Broken) {
                let message = format!(
                    "a step is a map with a key such as 'action' or 'check', not {}",
                    node.kind()
                );
                self.error("step_kind", node.at, &node.path, message);
                if let Some(words) = node.as_text() {
                    self.findings
                        .suggest(format!("step: {}", crate::traps::quoted(words)));
                }
            }
            return None;
        };
        let kinds: Vec<&'static str> = KINDS
            .iter()
            .filter(|kind| entries.iter().any(|entry| entry.key == **kind))
            .copied()
            .collect();
        match kinds.as_slice() {
            [kind] => Some(kind),
            [] => {
                let at = super::values::first_key(node);
                let near = entries
                    .iter()
                    .find_map(|entry| crate::expr::nearest(&entry.key, KINDS.iter().copied()));
                self.error(
                    "step_kind",
                    at,
                    &node.path,
                    format!(
                        "this step says nothing to do: it needs one of {}",
                        KINDS.join(", ")
                    ),
                );
                if let Some(near) = near {
                    self.findings.suggest(near);
                }
                None
            }
            [first, second, ..] => {
                let at = entries
                    .iter()
                    .find(|entry| entry.key == *second)
                    .map_or(node.at, |entry| entry.key_at);
                let message =
                    format!("a step does one thing, but this one has both '{first}' and '{second}'");
                self.error("step_kind", at, &node.path, message);
                self.findings.suggest("make two steps of it");
                None
            }
        }
    }

    fn id(&mut self, node: &Node, kind_key: &str, kind: Option<&Kind>) -> String {
        if let Some(given) = node.get("id")
            && let Some(id) = self.text(given)
        {
            let id = if self.dialect == Dialect::Native {
                id
            } else {
                snake_case(&id)
            };
            if !is_identifier(&id) {
                self.identifier(&id, given.at, &given.path);
            } else if !self.used_ids.insert(id.clone()) {
                let first = self.given_ids.get(&id).copied().unwrap_or_default();
                let message = format!("the id '{id}' is taken by another step (line {first})");
                self.error("duplicate_id", given.at, &given.path, message);
            }
            return id;
        }
        let base = match kind {
            Some(Kind::Action { action, .. }) if kind_key != "notify" => {
                snake_case(action.rsplit('.').next().unwrap_or(action))
            }
            Some(Kind::Ask { name, .. }) => format!("ask_{name}"),
            Some(Kind::Manual { .. }) => "manual".to_owned(),
            Some(Kind::Confirm { .. }) => "confirm".to_owned(),
            _ => kind_key.to_owned(),
        };
        let taken =
            |reader: &Self, id: &str| reader.used_ids.contains(id) || reader.given_ids.contains_key(id);
        let mut id = base.clone();
        let mut number = 2;
        while taken(self, &id) {
            id = format!("{base}_{number}");
            number += 1;
        }
        self.used_ids.insert(id.clone());
        id
    }

    fn for_each(&mut self, step: &Node, items: &Node) -> ForEach {
        let name = step
            .get("as")
            .filter(|_| step.get("ask").is_none())
            .and_then(|node| {
                let name = self.text(node)?;
                (self.identifier(&name, node.at, &node.path)
                    && (name == "item" || !self.reserved(&name, node.at, &node.path)))
                .then_some(name)
            });
        let template = match &items.data {
            // A bare path is what people write; it can't be a list otherwise.
            Data::Text(text, _) if !text.contains("{{") && !text.starts_with('$') => self
                .expression(items)
                .map_or(crate::program::Template::literal(Vec::<String>::new()), |e| {
                    crate::program::Template::Whole { e }
                }),
            Data::Text(..) | Data::List(_) => self.template(items),
            _ => {
                let message = format!(
                    "'for_each' takes a list or an expression that gives one, not {}",
                    items.kind()
                );
                self.error("wrong_value", items.at, &items.path, message);
                crate::program::Template::literal(Vec::<String>::new())
            }
        };
        ForEach {
            items: template,
            name: name.unwrap_or_else(|| "item".to_owned()),
        }
    }

    pub(crate) fn reserved(&mut self, name: &str, at: At, path: &str) -> bool {
        let reserved = BUILT_IN.contains(&name);
        if reserved {
            let message = format!("'{name}' is a name of the language and can't be given to a value");
            self.error("reserved_name", at, path, message);
        }
        reserved
    }

    fn saves(&mut self, node: &Node, step: &Step) -> Vec<Save> {
        let Some(saved) = node.get("save") else {
            let implied = crate::ipav::implied_save(self.dialect, node, &step.kind);
            if let (Some(save), Some(said)) = (implied.first(), node.get("action")) {
                let message = format!("what this finds is saved as '{}'", save.name);
                self.note("older_assumed", said.at, &said.path, message);
            }
            return implied;
        };
        let mut saves = Vec::new();
        match &saved.data {
            Data::Text(name, _) => {
                if self.identifier(name, saved.at, &saved.path) && !self.reserved(name, saved.at, &saved.path)
                {
                    saves.push(Save {
                        name: name.clone(),
                        from: SaveFrom::Output(String::new()),
                    });
                }
            }
            Data::Map(entries) => {
                for entry in entries {
                    let path = &entry.value.path;
                    if self.identifier(&entry.key, entry.key_at, path)
                        && !self.reserved(&entry.key, entry.key_at, path)
                        && let Some(from) = self.save_from(&entry.value)
                    {
                        saves.push(Save {
                            name: entry.key.clone(),
                            from,
                        });
                    }
                }
            }
            Data::Broken => {}
            _ => {
                let message = format!(
                    "'save' takes a name, or a map such as {{status: $.status}}, not {}",
                    saved.kind()
                );
                self.error("wrong_value", saved.at, &saved.path, message);
            }
        }
        saves
    }

    fn save_from(&mut self, node: &Node) -> Option<SaveFrom> {
        let text = node.as_text().unwrap_or_default();
        if let Some(pointer) = json_path(text) {
            return Some(SaveFrom::Output(pointer));
        }
        if let [only] = node.entries()
            && only.key == "value"
        {
            return Some(SaveFrom::Literal(only.value.to_json()));
        }
        if self.dialect != Dialect::Native {
            return Some(SaveFrom::Literal(node.to_json()));
        }
        let message = "what is saved must be a path into the output, such as $.status or $ for all of it; \
                       {value: …} saves a constant";
        self.error("wrong_value", node.at, &node.path, message);
        if is_path(text) {
            self.findings.suggest(format!("$.{text}"));
        }
        None
    }

    fn check_undo(&mut self, node: &Node, step: &Step) {
        let Kind::Action { action, .. } = &step.kind else {
            return;
        };
        if !step.undo.is_empty()
            || self.has_rollback
            || node.path.contains("/undo/")
            || node.path.contains("/rollback")
        {
            return;
        }
        if let Lookup::Found(spec) = self.context.catalog.find(action)
            && spec.effect > Effect::Read
            && !spec.notification
        {
            let at = super::values::first_key(node);
            let message =
                format!("'{action}' changes something, but neither 'undo' nor a rollback takes it back");
            self.warning("no_undo", at, &node.path, message);
            self.findings
                .suggest("add 'undo' to the step, or 'rollback' to the guardrails");
        }
    }
}

fn is_path(text: &str) -> bool {
    !text.is_empty() && text.split('.').all(is_identifier)
}

/// A path such as `$.rooms[0].id` or `$['a b']` as a JSON Pointer.
pub(crate) fn json_path(text: &str) -> Option<String> {
    let mut rest = text.trim().strip_prefix('$')?;
    let mut pointer = String::new();
    while !rest.is_empty() {
        let token;
        if let Some(after) = rest.strip_prefix('.') {
            let end = after.find(['.', '[']).unwrap_or(after.len());
            token = after[..end].to_owned();
            rest = &after[end..];
        } else {
            let after = rest.strip_prefix('[')?;
            let end = after.find(']')?;
            token = after[..end].trim_matches(['\'', '"']).to_owned();
            rest = &after[end + 1..];
        }
        if token.is_empty() {
            return None;
        }
        pointer.push('/');
        pointer.push_str(&token.replace('~', "~0").replace('/', "~1"));
    }
    Some(pointer)
}
