//! Tool calls: arguments against the action's schema, notifications in short, plain words.

use serde_json::Value;
use types::{ActionSpec, Effect};

use super::Reader;
use super::missing::required;
use super::older::OlderArgument;
use crate::bind::Binder;
use crate::check::{Binding, Dialect};
use crate::diagnostic::At;
use crate::expr::nearest;
use crate::ipav::is_plain_words;
use crate::program::{Expr, Kind, Template};
use crate::yaml::{Data, Node};

/// The most findings about one argument.
const MAX_PER_ARGUMENT: usize = 5;

impl Reader<'_, '_, '_> {
    pub(crate) fn action(&mut self, node: &Node, said: &Node) -> Option<Kind> {
        let name = self.text(said)?;
        if is_plain_words(&name) && matches!(self.context.catalog.find(&name), types::Lookup::Unknown) {
            if self.dialect == Dialect::IpavLists {
                return self.plain_step(node, said);
            }
            self.error(
                "unknown_action",
                said.at,
                &said.path,
                "an action is called tool.action, and these are words",
            );
            self.findings
                .suggest(format!("step: {}", crate::traps::quoted(&name)));
            return None;
        }
        let (action, spec) = self.resolve(said, &name)?;
        let args = self.arguments(node, spec.as_ref(), said.at);
        Some(Kind::Action { action, args })
    }

    /// The arguments under `with`, checked against the schema; in the older form, missing ones are
    /// taken from what was saved or asked.
    fn arguments(&mut self, node: &Node, spec: Option<&ActionSpec>, at: At) -> Template {
        let nothing = Node {
            at,
            path: format!("{}/with", node.path),
            data: Data::Map(Vec::new()),
        };
        let with = node.get("with").unwrap_or(&nothing);
        let Some(entries) = self.map(with, "'with'") else {
            return Template::literal(serde_json::Map::new());
        };
        let mut args: Vec<(String, Template)> = Vec::new();
        let mut whole = true;
        for entry in entries {
            let older = match spec {
                Some(spec) if self.dialect != Dialect::Native => self.older_argument(entry, entries, spec),
                _ => OlderArgument::Taken(entry.clone()),
            };
            let entry = match older {
                OlderArgument::Taken(entry) => entry,
                OlderArgument::Dropped => continue,
                OlderArgument::NotTaken(entry) => {
                    whole = false;
                    let template = self.template(&entry.value);
                    args.push((entry.key, template));
                    continue;
                }
            };
            let template = self.template(&entry.value);
            if let Some(spec) = spec {
                self.argument(&entry.value, entry.key_at, &entry.key, &template, spec);
            }
            args.push((entry.key, template));
        }
        if let Some(spec) = spec {
            if self.dialect == Dialect::IpavLists {
                self.fill(&mut args, spec);
            }
            // What is missing could be what isn't taken under the name that it has.
            if whole {
                self.missing(with, at, &args, spec);
            }
        }
        Template::map(args)
    }

    fn argument(&mut self, node: &Node, key_at: At, key: &str, template: &Template, spec: &ActionSpec) {
        let Some(properties) = spec.input.get("properties").and_then(Value::as_object) else {
            return;
        };
        let Some(schema) = properties.get(key) else {
            if spec
                .input
                .get("additionalProperties")
                .is_some_and(|more| *more != Value::Bool(false))
            {
                return;
            }
            let known: Vec<&str> = properties.keys().map(String::as_str).collect();
            let message = format!(
                "'{}' has no argument '{key}'; it takes {}",
                spec.name(),
                known.join(", ")
            );
            self.error("bad_argument", key_at, &node.path, message);
            if let Some(near) = nearest(key, known) {
                self.findings.suggest(near);
            }
            return;
        };
        let what = format!("the argument '{key}'");
        match template {
            Template::Literal { v } => self.fits(node, v, schema, &spec.input, &what),
            Template::Text { .. } if !allows(schema, "string") => {
                let message = format!("{what} must be {}, but this always gives a text", kinds(schema));
                self.error("bad_argument", node.at, &node.path, message);
                self.findings
                    .suggest("write one whole {{ … }} to keep the value's type");
            }
            _ => {}
        }
    }

    /// Reports where a constant doesn't fit a schema; `root` holds its definitions.
    pub(crate) fn fits(&mut self, node: &Node, value: &Value, schema: &Value, root: &Value, what: &str) {
        if matches!(node.data, Data::Broken) {
            return;
        }
        let mut whole = schema.clone();
        if let (Value::Object(whole), Some(defs)) = (&mut whole, root.get("$defs")) {
            whole.entry("$defs").or_insert_with(|| defs.clone());
        }
        let Ok(validator) = jsonschema::validator_for(&whole) else {
            // A schema that isn't one is the tool's fault, and the door checks the call anyway.
            return;
        };
        match &node.data {
            Data::Number(_, written)
                if !allows(schema, "number") && !allows(schema, "integer") && allows(schema, "string") =>
            {
                let message = format!("{what} must be a text, but {written} without quotes is a number");
                self.error("yaml_number", node.at, &node.path, message);
                self.findings.suggest(crate::traps::quoted(written));
                return;
            }
            Data::Text(_, true) if !allows(schema, "string") && allows(schema, "boolean") => {
                self.boolean(node);
                return;
            }
            _ => {}
        }
        for error in validator.iter_errors(value).take(MAX_PER_ARGUMENT) {
            let inside = error.instance_path().to_string();
            let mut detail = error.to_string();
            detail.truncate(detail.char_indices().nth(300).map_or(detail.len(), |(at, _)| at));
            let place = find(node, &inside).unwrap_or(node);
            let message = format!(
                "{what} doesn't fit: {}{}{detail}",
                inside.trim_start_matches('/'),
                if inside.is_empty() { "" } else { ": " }
            );
            self.error("bad_argument", place.at, &place.path, message);
            if let (Some(options), Some(word)) =
                (schema.get("enum").and_then(Value::as_array), value.as_str())
            {
                let near = nearest(word, options.iter().filter_map(Value::as_str)).map(str::to_owned);
                if let Some(near) = near {
                    self.findings.suggest(near);
                }
            }
        }
    }

    /// Takes arguments that the author left out from what is in scope.
    fn fill(&mut self, args: &mut Vec<(String, Template)>, spec: &ActionSpec) {
        let properties = spec.input.get("properties").and_then(Value::as_object);
        for (name, schema) in properties.into_iter().flatten() {
            if args.iter().any(|(given, _)| given == name) {
                continue;
            }
            let must = required(&spec.input).any(|required| required == name);
            let takes_object = schema.get("type").is_some() && allows(schema, "object");
            let source = self.names.source_of(name, takes_object).or_else(|| {
                let room =
                    must && matches!(name.as_str(), "room" | "query") && self.names.inputs.contains("room");
                room.then(|| "intake.room".to_owned())
            });
            if let Some(e) = source.and_then(|source| Expr::parse(&source).ok()) {
                args.push((name.clone(), Template::Whole { e }));
            }
        }
    }

    /// A notification in short: `scheme:target text`.
    pub(crate) fn notify(&mut self, said: &Node) -> Option<Kind> {
        let text = self.text(said)?;
        self.notification(said, &text)
    }

    pub(crate) fn notification(&mut self, said: &Node, text: &str) -> Option<Kind> {
        const SCHEMES: &[&str] = &["slack", "pagerduty", "email"];
        let (scheme, rest) = text.split_once(':').unwrap_or(("", text));
        let (action, target_name, text_name) = match scheme.trim() {
            "slack" => ("slack.post_message", Some("channel"), "text"),
            "email" => ("email.send", Some("to"), "text"),
            "pagerduty" => ("pagerduty.trigger", None, "summary"),
            other => {
                let message = match other {
                    "" => {
                        "a notification begins with where it goes, such as 'slack:#channel text'".to_owned()
                    }
                    _ => format!(
                        "'{other}' isn't a way to notify: expected one of {}",
                        SCHEMES.join(", ")
                    ),
                };
                self.error("bad_notify", said.at, &said.path, message);
                match nearest(other, SCHEMES.iter().copied()) {
                    Some(near) => self.findings.suggest(format!("{near}:{}", rest.trim())),
                    None => self.findings.suggest(format!("slack:#channel {}", text.trim())),
                }
                return None;
            }
        };
        let (target, words) = match target_name {
            Some(_) => split_target(rest.trim_start()),
            None => ("", rest.trim()),
        };
        let words = unquoted(words);
        if words.is_empty() || (target_name.is_some() && target.is_empty()) {
            let message = "a notification needs a target and a text, such as 'slack:#channel text'";
            self.error("bad_notify", said.at, &said.path, message);
            return None;
        }
        let part = |text: &str| Node {
            at: said.at,
            path: said.path.clone(),
            data: Data::Text(text.to_owned(), false),
        };
        let mut args = Vec::new();
        if let Some(name) = target_name {
            args.push((name.to_owned(), self.template(&part(target))));
        }
        args.push((text_name.to_owned(), self.template(&part(words))));
        let (action, _) = self.resolve(said, action)?;
        Some(Kind::Action {
            action,
            args: Template::map(args),
        })
    }

    /// A step in plain words: bound to an action if one is clearly meant, else a person's task.
    pub(crate) fn plain_step(&mut self, node: &Node, said: &Node) -> Option<Kind> {
        let words = self.text(said)?;
        let names: Vec<&str> = node
            .get("with")
            .map(|with| with.entries().iter().map(|entry| entry.key.as_str()).collect())
            .unwrap_or_default();
        let fit = self.binder().fit(&words, &names);
        let best = fit.ranked.first().cloned();
        let spec = best
            .as_ref()
            .and_then(|(name, _)| match self.context.catalog.find(name) {
                types::Lookup::Found(spec) => Some(spec.clone()),
                _ => None,
            });
        let given = !names.is_empty();
        let found = spec
            .as_ref()
            .filter(|_| fit.clear)
            .map(|spec| self.bound_arguments(node, spec, said.at, given));
        let (args, missing) = match found {
            Some(Ok(args)) => (Some(args), Vec::new()),
            Some(Err(missing)) => (None, missing),
            None => (None, Vec::new()),
        };
        let bound = spec.filter(|_| args.is_some());
        self.bindings.push(Binding {
            step: String::new(),
            words: words.clone(),
            action: bound.as_ref().map(ActionSpec::name),
            score: best.map_or(0.0, |(_, score)| score),
            alternatives: fit
                .ranked
                .iter()
                .skip(usize::from(bound.is_some()))
                .cloned()
                .collect(),
            writes: bound.as_ref().is_some_and(|spec| spec.effect > Effect::Read),
            line: node.at.line,
        });
        self.pending_title = Some(words.clone());
        match (bound, args) {
            (Some(spec), Some(args)) => Some(Kind::Action {
                action: spec.name(),
                args,
            }),
            _ => {
                self.unbound(said, fit.ranked.first().map(|(name, _)| name.as_str()), &missing);
                Some(Kind::Manual {
                    text: self.words(said)?,
                })
            }
        }
    }

    /// Says why words stay a person's task: no action is clearly meant, or `best` is and lacks arguments.
    fn unbound(&mut self, said: &Node, best: Option<&str>, missing: &[String]) {
        let message = match best.filter(|_| !missing.is_empty()) {
            Some(name) => format!(
                "bound to {name}, but it needs: {}: give them in 'with', for until then this will be a task for a person",
                missing.join(", ")
            ),
            None => "nothing could be bound to these words: this will be a task for a person".to_owned(),
        };
        self.warning("unbound_step", said.at, &said.path, message);
        if !missing.is_empty() {
            let arguments: Vec<String> = missing.iter().map(|name| format!("{name}: …")).collect();
            self.findings
                .suggest(format!("with: {{{}}}", arguments.join(", ")));
        }
    }

    /// The arguments of a bound action, or the required ones that have no source.
    fn bound_arguments(
        &mut self,
        node: &Node,
        spec: &ActionSpec,
        at: At,
        given: bool,
    ) -> Result<Template, Vec<String>> {
        if given {
            return Ok(self.arguments(node, Some(spec), at));
        }
        let mut args = Vec::new();
        self.fill(&mut args, spec);
        let missing: Vec<String> = required(&spec.input)
            .filter(|name| args.iter().all(|(given, _)| given != name))
            .map(str::to_owned)
            .collect();
        if missing.is_empty() {
            Ok(Template::map(args))
        } else {
            Err(missing)
        }
    }

    pub(crate) fn binder(&mut self) -> &Binder {
        let catalog = self.context.catalog;
        self.binder.get_or_insert_with(|| Binder::new(catalog))
    }
}

/// Whether a schema lets values of this type through, as far as `type` says.
fn allows(schema: &Value, kind: &str) -> bool {
    match schema.get("type") {
        Some(Value::String(only)) => only == kind,
        Some(Value::Array(several)) => several.iter().any(|one| one == kind),
        _ => true,
    }
}

fn kinds(schema: &Value) -> String {
    match schema.get("type") {
        Some(Value::String(only)) => format!("of type {only}"),
        Some(Value::Array(several)) => {
            let names: Vec<&str> = several.iter().filter_map(Value::as_str).collect();
            format!("of type {}", names.join(" or "))
        }
        _ => "something else".to_owned(),
    }
}

/// The node at a JSON Pointer below `node`.
fn find<'n>(node: &'n Node, pointer: &str) -> Option<&'n Node> {
    pointer
        .split('/')
        .skip(1)
        .try_fold(node, |at, token| match &at.data {
            Data::List(items) => items.get(token.parse::<usize>().ok()?),
            _ => at.get(&token.replace("~1", "/").replace("~0", "~")),
        })
}

/// The target up to the first space outside `{{ … }}`, and the rest.
fn split_target(text: &str) -> (&str, &str) {
    let mut from = 0;
    loop {
        let space = text[from..].find(char::is_whitespace).map(|at| from + at);
        let brace = text[from..].find("{{").map(|at| from + at);
        match (space, brace) {
            (Some(space), Some(brace)) if brace < space => {
                let Some(close) = text[brace..].find("}}") else {
                    return (text, "");
                };
                from = brace + close + 2;
            }
            (Some(space), _) => return (&text[..space], text[space..].trim()),
            (None, _) => return (text, ""),
        }
    }
}

/// A text without one pair of quotes around all of it.
fn unquoted(text: &str) -> &str {
    for quote in ['\'', '"'] {
        let inner = text.strip_prefix(quote).and_then(|text| text.strip_suffix(quote));
        if let Some(inner) = inner
            && !inner.contains(quote)
        {
            return inner;
        }
    }
    text
}
