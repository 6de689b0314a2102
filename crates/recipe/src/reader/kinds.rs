//! What each kind of step says.

use serde_json::Value;
use types::Lookup;

use super::Reader;
use super::values::{is_identifier, shown_duration, snake_case, span};
use crate::check::Dialect;
use crate::diagnostic::Severity;
use crate::expr::nearest;
use crate::ipav::is_plain_words;
use crate::program::{Kind, Template, Wait};
use crate::yaml::{Data, Node};

impl Reader<'_, '_, '_> {
    pub(crate) fn kind(&mut self, node: &Node, key: &str) -> Option<Kind> {
        let said = node.get(key)?;
        match key {
            "ask" => self.ask(node, said),
            "gather" => self.gather(said),
            "action" => self.action(node, said),
            "agent" => self.agent(node, said),
            "check" => self.check(said),
            "confirm" => Some(Kind::Confirm {
                text: self.words(said)?,
            }),
            "notify" => self.notify(said),
            "manual" => Some(Kind::Manual {
                text: self.words(said)?,
            }),
            "wait" => Some(Kind::Wait {
                wait: self.wait(said)?,
            }),
            "run" => self.run(node, said),
            "parallel" => self.parallel(node, said),
            _ => self.plain_step(node, said),
        }
    }

    fn ask(&mut self, node: &Node, said: &Node) -> Option<Kind> {
        let prompt = self.words(said)?;
        let name = match node.get("as") {
            Some(name) => {
                let text = self.text(name)?;
                self.identifier(&text, name.at, &name.path).then_some(text)?
            }
            None => self.asked_name(said)?,
        };
        self.names.inputs.insert(name.clone());
        self.asked.insert(name.clone());
        Some(Kind::Ask { name, prompt })
    }

    /// What an `ask` without `as` fills: the one required input that nothing asks for yet, else
    /// the one `intake.*` name that is read but never given.
    fn asked_name(&mut self, said: &Node) -> Option<String> {
        let open: Vec<String> = self
            .required_inputs
            .iter()
            .filter(|name| !self.asked.contains(*name))
            .cloned()
            .collect();
        let unbound: Vec<String> = self
            .names
            .wanted
            .iter()
            .filter(|name| !self.names.inputs.contains(*name))
            .cloned()
            .collect();
        match (open.as_slice(), unbound.as_slice()) {
            ([one], _) | ([], [one]) => Some(one.clone()),
            (several, others) => {
                let candidates: Vec<&str> = several.iter().chain(others).map(String::as_str).collect();
                let message = match candidates.is_empty() {
                    true => "nothing says which name this answer gets".to_owned(),
                    false => format!(
                        "nothing says which name this answer gets: it could be {}",
                        candidates.join(", ")
                    ),
                };
                self.error("unresolved_ask", said.at, &said.path, message);
                let name = candidates.first().map_or_else(
                    || snake_case(said.as_text().unwrap_or("answer")),
                    |name| (*name).to_owned(),
                );
                self.findings.suggest(format!("as: {name}"));
                // Any of them may be meant: don't report them as undefined as well.
                self.names.inputs.extend(unbound);
                None
            }
        }
    }

    fn gather(&mut self, said: &Node) -> Option<Kind> {
        let text = self.text(said)?;
        let name = if self.dialect == Dialect::Native {
            text.clone()
        } else {
            snake_case(&text)
        };
        if !self.identifier(&name, said.at, &said.path) {
            return None;
        }
        self.names.inputs.insert(name.clone());
        self.asked.insert(name.clone());
        let mut prompt = if is_identifier(&text) {
            text.replace('_', " ")
        } else {
            text
        };
        prompt.push('?');
        Some(Kind::Ask {
            name,
            prompt: Template::literal(prompt),
        })
    }

    fn agent(&mut self, node: &Node, said: &Node) -> Option<Kind> {
        let agent = self.text(said)?;
        let goal = self
            .required(node, "goal", "an agent step")
            .and_then(|node| self.words(node))?;
        let tools = node.get("tools").map(|node| self.tools(node)).unwrap_or_default();
        let output = node.get("output").map_or(Value::Null, Node::to_json);
        let limits = match node.get("limits") {
            Some(limits) => {
                self.map(limits, "'limits'");
                self.keys(
                    limits,
                    &["max_turns", "max_tokens", "max_cost_usd", "timeout_s"],
                    "'limits'",
                );
                limits.to_json()
            }
            None => Value::Null,
        };
        self.warning(
            "no_agent_runtime",
            said.at,
            &said.path,
            "no agent runtime yet: this step will fail when it runs",
        );
        Some(Kind::Agent {
            agent,
            goal,
            tools,
            output,
            limits,
        })
    }

    fn tools(&mut self, node: &Node) -> Vec<String> {
        let Some(items) = self.list(node, "'tools'") else {
            return Vec::new();
        };
        let mut tools = Vec::new();
        for item in items {
            let Some(name) = self.text(item) else { continue };
            if let Some(whole) = name.strip_suffix(".*") {
                if self.context.catalog.tool(whole).is_none() {
                    self.needs_tool(item, whole);
                }
                tools.push(name);
            } else {
                tools.extend(self.resolve(item, &name).map(|(name, _)| name));
            }
        }
        tools
    }

    fn check(&mut self, said: &Node) -> Option<Kind> {
        if let Some(words) = said.as_text()
            && is_plain_words(words)
        {
            if self.dialect == Dialect::Native {
                let message = "a check is an expression, and these are words";
                self.error("template_syntax", said.at, &said.path, message);
                self.findings
                    .suggest(format!("confirm: {}", crate::traps::quoted(words)));
                return None;
            }
            self.warning(
                "unbound_step",
                said.at,
                &said.path,
                "a person will have to confirm this: it isn't an expression",
            );
            return Some(Kind::Confirm {
                text: Template::literal(words),
            });
        }
        self.expression(said).map(|condition| Kind::Check { condition })
    }

    fn wait(&mut self, said: &Node) -> Option<Wait> {
        if let Data::Map(_) = &said.data {
            self.keys(said, &["signal", "until", "for"], "'wait'");
            if let Some(signal) = said.get("signal") {
                return self.text(signal).map(|name| Wait::Signal { name });
            }
            if let Some(until) = said.get("until") {
                return self.instant(until);
            }
            return self
                .required(said, "for", "'wait'")
                .and_then(|node| self.duration(node))
                .map(|millis| Wait::Span { millis });
        }
        match said.as_text() {
            Some(text) if text.starts_with("signal:") => Some(Wait::Signal {
                name: text["signal:".len()..].trim().to_owned(),
            }),
            Some(text) if span(text).is_none() => self.instant(said),
            _ => self.duration(said).map(|millis| Wait::Span { millis }),
        }
    }

    fn instant(&mut self, node: &Node) -> Option<Wait> {
        let text = self.text(node)?;
        let template = self.template(node);
        let constant = matches!(template, Template::Literal { .. });
        if constant && text.parse::<jiff::Timestamp>().is_err() && span(&text).is_none() {
            let message = format!("'{text}' is neither a span of time, nor a time, nor a signal");
            self.error("wrong_value", node.at, &node.path, message);
            self.findings.suggest("10m, 2027-01-31T08:00:00Z, or signal:name");
            return None;
        }
        Some(Wait::Until { at: template })
    }

    fn run(&mut self, node: &Node, said: &Node) -> Option<Kind> {
        let recipe = self.text(said)?;
        if let Some(known) = self.context.recipes
            && !known.contains(&recipe)
            && !known.contains(&slug::slugify(&recipe))
        {
            // It may come later, so the recipe can be kept.
            let near = nearest(&recipe, known.iter().map(String::as_str));
            let message = format!("there is no recipe '{recipe}': this one can be kept but not run");
            self.findings.add(
                Severity::NeedsTool,
                "unknown_recipe",
                said.at,
                &said.path,
                message,
            );
            match near {
                Some(near) => self.findings.suggest(near),
                None => self.findings.suggest("save that recipe too before this one runs"),
            }
        }
        if let Some(circle) = self.circle(&recipe) {
            self.error(
                "cyclic_run",
                said.at,
                &said.path,
                format!("these recipes run each other for ever: {circle}"),
            );
        }
        let inputs = match node.get("with") {
            Some(with) => {
                self.map(with, "'with'")?;
                self.template(with)
            }
            None => Template::literal(serde_json::Map::new()),
        };
        Some(Kind::Run { recipe, inputs })
    }

    /// The way from a child recipe back to this one, if there is one.
    fn circle(&self, child: &str) -> Option<String> {
        const MOST: usize = 1_000;
        let own = slug::slugify(&self.recipe_name);
        let mut trails = vec![vec![child.to_owned()]];
        let mut seen = std::collections::BTreeSet::new();
        while let Some(trail) = trails.pop() {
            let last = trail.last()?.clone();
            if slug::slugify(&last) == own {
                return Some(format!("{} → {}", self.recipe_name, trail.join(" → ")));
            }
            if seen.len() >= MOST || !seen.insert(slug::slugify(&last)) {
                continue;
            }
            for next in self
                .context
                .children
                .and_then(|children| children(&last))
                .unwrap_or_default()
            {
                let mut longer = trail.clone();
                longer.push(next);
                trails.push(longer);
            }
        }
        None
    }

    fn parallel(&mut self, node: &Node, said: &Node) -> Option<Kind> {
        let nodes = self.list(said, "'parallel'")?;
        let before = self.names.saved.clone();
        let mut all = before.clone();
        let mut branches = Vec::new();
        for branch in nodes {
            self.names.saved.clone_from(&before);
            let steps = match (&branch.data, branch.get("steps")) {
                (Data::List(_), _) => self.steps(branch, "a branch"),
                (_, Some(steps)) => {
                    self.keys(branch, &["steps"], "a branch");
                    self.steps(steps, "a branch")
                }
                _ => self.step(branch).into_iter().collect(),
            };
            for name in self.names.saved.difference(&before) {
                if all.contains(name) {
                    let message =
                        format!("two parallel branches save '{name}', and nobody knows which comes last");
                    self.findings.add(
                        Severity::Error,
                        "duplicate_save",
                        branch.at,
                        &branch.path,
                        message,
                    );
                }
            }
            all.append(&mut self.names.saved);
            branches.push(steps);
        }
        self.names.saved = all;
        let max_concurrency = node
            .get("max_concurrency")
            .and_then(|node| self.count(node, 1, 1_000))
            .and_then(|count| u32::try_from(count).ok());
        Some(Kind::Parallel {
            branches,
            max_concurrency,
        })
    }

    /// Resolves an action's name; reports what is wrong with it.
    pub(crate) fn resolve(&mut self, node: &Node, name: &str) -> Option<(String, Option<types::ActionSpec>)> {
        match self.context.catalog.find(name) {
            Lookup::Found(spec) => Some((spec.name(), Some(spec.clone()))),
            Lookup::MissingTool => {
                let tool = name.split('.').next().unwrap_or(name).to_owned();
                self.needs_tool(node, &tool);
                Some((name.to_owned(), None))
            }
            Lookup::Ambiguous => {
                let holders = self.context.catalog.actions().filter(|spec| spec.action == name);
                let names: Vec<String> = holders.map(types::ActionSpec::name).collect();
                let message = format!("several tools have an action '{name}': {}", names.join(", "));
                self.error("unknown_action", node.at, &node.path, message);
                if let Some(first) = names.first() {
                    self.findings.suggest(first.clone());
                }
                None
            }
            Lookup::Unknown => {
                self.error(
                    "unknown_action",
                    node.at,
                    &node.path,
                    format!("there is no action '{name}'"),
                );
                let near = nearest(name, self.context.catalog.names()).map(str::to_owned);
                let found = near.or_else(|| {
                    // What is done comes first in a sentence, and where comes last.
                    let (tool, action) = name.rsplit_once('.').unwrap_or(("", name));
                    let words = format!("{action} {tool}").replace('_', " ");
                    let ranked = self.binder().fit(&words, &[]).ranked;
                    (!ranked.is_empty()).then(|| {
                        ranked
                            .into_iter()
                            .map(|(name, _)| name)
                            .collect::<Vec<_>>()
                            .join(" or ")
                    })
                });
                if let Some(found) = found {
                    self.findings.suggest(found);
                }
                None
            }
        }
    }

    fn needs_tool(&mut self, node: &Node, tool: &str) {
        let (severity, message) = match self.stands_in {
            true => (
                Severity::Warning,
                format!(
                    "the tool '{tool}' isn't configured: only in mock mode does something stand in for it"
                ),
            ),
            false => (
                Severity::NeedsTool,
                format!("the tool '{tool}' isn't configured: the recipe can be kept but not run"),
            ),
        };
        self.findings
            .add(severity, "needs_tool", node.at, &node.path, message);
        if let Some(near) = nearest(tool, self.context.catalog.tools().map(|tool| tool.name.as_str())) {
            self.findings
                .suggest(format!("configure '{tool}', or did you mean '{near}'"));
        }
    }
}

/// The title of a step that got none from its author.
pub(crate) fn default_title(kind: &Kind, id: &str) -> String {
    let words = |template: &Template| match template {
        Template::Literal {
            v: Value::String(text),
        } => text.clone(),
        Template::Text { e } => e.source.clone(),
        Template::Whole { e } => format!("{{{{ {} }}}}", e.source),
        _ => id.to_owned(),
    };
    match kind {
        Kind::Ask { prompt, .. } => words(prompt),
        Kind::Action { action, .. } => action.clone(),
        Kind::Agent { agent, .. } => format!("agent {agent}"),
        Kind::Check { condition } => condition.source.clone(),
        Kind::Confirm { text } | Kind::Manual { text } => words(text),
        Kind::Wait {
            wait: Wait::Span { millis },
        } => format!("wait {}", shown_duration(*millis)),
        Kind::Wait {
            wait: Wait::Until { at },
        } => format!("wait until {}", words(at)),
        Kind::Wait {
            wait: Wait::Signal { name },
        } => format!("wait for the signal {name}"),
        Kind::Run { recipe, .. } => format!("run {recipe}"),
        Kind::Parallel { branches, .. } => format!("{} branches side by side", branches.len()),
    }
}
