//! A step's turn comes: its condition is asked, its values are resolved, and `StepScheduled` freezes them.

use recipe::program::{Kind, OnUncertain, Step, Template, Wait};
use serde_json::json;
use types::{ActionSpec, Failure, Labeled, Lookup, RunId, Timestamp};

use crate::decide::Decider;
use crate::event::{Event, RecipeRef, Saved};
use crate::frozen::{Frozen, FrozenCall};
use crate::key::StepKey;
use crate::locate::Items;
use crate::program::{Action, complete_inputs};
use crate::scope::Names;

impl Decider<'_> {
    pub(crate) fn schedule(&mut self, key: &StepKey, step: &Step, items: &Items) {
        match self.wanted(step, items) {
            Ok(true) => {}
            Ok(false) => return self.skip(key, step),
            Err(failure) => return self.fail(key, 0, failure),
        }
        match self.freeze(key, step, items) {
            Ok(what) => self.begin(
                key,
                &step.title,
                what,
                step.timeout_ms.map(|timeout| self.now + timeout),
            ),
            Err(failure) => self.fail(key, 0, failure),
        }
    }

    /// Appends `StepScheduled` and what follows from it without waiting for anything.
    pub(crate) fn begin(&mut self, key: &StepKey, title: &str, what: Frozen, deadline: Option<Timestamp>) {
        let scheduled = Event::StepScheduled {
            step: key.clone(),
            title: title.to_owned(),
            what: Box::new(what.clone()),
            deadline,
        };
        self.events.push(scheduled);
        match what {
            Frozen::Ask { name, prompt, schema } if self.input(&name).is_none() => {
                self.events.push(Event::InputRequested {
                    step: key.clone(),
                    name,
                    prompt,
                    schema,
                });
                self.actions.push(Action::AskPerson { step: key.clone() });
            }
            Frozen::Confirm { .. } | Frozen::Manual { .. } => {
                self.actions.push(Action::AskPerson { step: key.clone() });
            }
            Frozen::Wait { until: Some(at), .. } => {
                self.events.push(Event::TimerSet {
                    step: Some(key.clone()),
                    at,
                });
            }
            Frozen::Child {
                recipe,
                inputs,
                child,
            } if !key.is_compensation() => {
                self.start_child(key, recipe, inputs, child);
            }
            Frozen::Child { child, .. } => {
                let reason = self.state.undoing.clone().unwrap_or_default();
                self.actions.push(Action::Tell {
                    run: child,
                    message: crate::Message::Undo { reason },
                });
            }
            _ => {}
        }
    }

    pub(crate) fn start_loop(&mut self, key: &StepKey, step: &Step, items: &Items) {
        let Some(each) = &step.for_each else { return };
        match self.names(items).render(&each.items) {
            Ok(list)
                if list
                    .value
                    .as_array()
                    .is_some_and(|list| list.len() <= self.program.limits.items) =>
            {
                self.begin(key, &step.title, Frozen::ForEach { items: list }, None);
            }
            Ok(list) => {
                let most = self.program.limits.items;
                let message = match list.value.as_array() {
                    Some(long) => format!("for_each has {} items, more than {most}", long.len()),
                    None => format!("for_each needs a list, not {}", kind_of(&list.value)),
                };
                self.fail(key, 0, Failure::new("for_each_items", message));
            }
            Err(failure) => self.fail(key, 0, failure),
        }
    }

    /// All items are done: what they saved becomes lists in item order.
    pub(crate) fn finish_loop(&mut self, key: &StepKey, step: &Step, count: usize) {
        let instances = |at: usize| self.state.steps.get(&key.item(at));
        let output = |at: usize| {
            instances(at)
                .and_then(|state| state.output.as_deref().cloned())
                .unwrap_or_else(Labeled::null)
        };
        let saves = step.save.iter().map(|save| {
            let values = (0..count).map(|at| crate::settle::saved_part(&output(at), &save.from));
            Saved {
                name: save.name.clone(),
                pointer: None,
                value: Some(Labeled::array(values)),
            }
        });
        let saves: Vec<Saved> = saves.collect();
        let output = Labeled::array((0..count).map(output));
        self.events.push(Event::StepSucceeded {
            step: key.clone(),
            attempt: 0,
            output,
            saves,
            artifacts: Vec::new(),
            undo: Vec::new(),
        });
    }

    pub(crate) fn names<'s>(&'s self, items: &'s Items) -> Names<'s> {
        Names {
            state: self.state,
            program: self.program,
            items,
            fresh: &[],
            own: None,
        }
    }

    pub(crate) fn input(&self, name: &str) -> Option<Labeled> {
        let answered = self.state.intake.get(name).map(|value| (**value).clone());
        answered.or_else(|| {
            self.state
                .created
                .inputs
                .pointer(&format!("/{}", name.replace('~', "~0").replace('/', "~1")))
        })
    }

    fn wanted(&self, step: &Step, items: &Items) -> Result<bool, Failure> {
        match &step.when {
            Some(when) => self.names(items).condition(when).map(|(holds, _)| holds),
            None => Ok(true),
        }
    }

    fn skip(&mut self, key: &StepKey, step: &Step) {
        // Inside a loop the loop itself saves the list.
        let saves = if step.for_each.is_some() {
            Vec::new()
        } else {
            step.save.iter().map(|save| save.name.clone()).collect()
        };
        self.events.push(Event::StepSkipped {
            step: key.clone(),
            title: step.title.clone(),
            saves,
        });
    }

    fn freeze(&self, key: &StepKey, step: &Step, items: &Items) -> Result<Frozen, Failure> {
        let names = self.names(items);
        Ok(match &step.kind {
            Kind::Ask { name, prompt } => {
                let declared = self
                    .program
                    .recipe
                    .inputs
                    .iter()
                    .find(|input| input.name == *name);
                let schema = declared.map_or_else(|| json!({}), |input| input.schema.clone());
                Frozen::Ask {
                    name: name.clone(),
                    prompt: plain(&names.text(prompt)?),
                    schema,
                }
            }
            Kind::Action { action, args } => Frozen::Call(self.freeze_call(step, action, args, &names)?),
            Kind::Agent { agent, goal, .. } => Frozen::Agent {
                agent: agent.clone(),
                goal: names.render(goal)?,
            },
            Kind::Check { condition } => {
                let (holds, labels) = names.condition(condition)?;
                Frozen::Check {
                    condition: condition.source.clone(),
                    holds,
                    labels,
                }
            }
            Kind::Confirm { text } => Frozen::Confirm {
                text: names.text(text)?,
            },
            Kind::Manual { text } => Frozen::Manual {
                text: names.text(text)?,
            },
            Kind::Wait { wait } => self.freeze_wait(wait, &names)?,
            Kind::Run { recipe, inputs } => self.freeze_child(key, recipe, inputs, &names)?,
            Kind::Parallel { branches, .. } => Frozen::Parallel {
                branches: branches.len(),
            },
        })
    }

    pub(crate) fn freeze_call(
        &self,
        step: &Step,
        action: &str,
        args: &Template,
        names: &Names<'_>,
    ) -> Result<FrozenCall, Failure> {
        let spec = self.find_action(action)?;
        let args = names.render(args)?;
        let tool = self.program.catalog.tool(&spec.tool);
        let default = if spec.notification {
            OnUncertain::Redo
        } else {
            OnUncertain::Ask
        };
        Ok(FrozenCall {
            action: spec.name(),
            connector: tool.map_or_else(String::new, |tool| tool.version.clone()),
            digest: types::digest(&args.value),
            args,
            effect: spec.effect,
            idempotency: spec.idempotency,
            probe: spec.probe,
            on_uncertain: step.on_uncertain.unwrap_or(default),
            timeout_ms: spec.timeout_ms,
            retry: step.retry,
            approval: step.approval.clone(),
        })
    }

    pub(crate) fn find_action(&self, action: &str) -> Result<&ActionSpec, Failure> {
        match self.program.catalog.find(action) {
            Lookup::Found(spec) => Ok(spec),
            Lookup::MissingTool => {
                let tool = action.split('.').next().unwrap_or(action);
                Err(Failure::new(
                    "tool_not_configured",
                    format!("the tool '{tool}' is not configured"),
                )
                .hint(format!(
                    "add it with `agentops tool add`, then restart the run from this step ({action})"
                )))
            }
            Lookup::Unknown | Lookup::Ambiguous => Err(Failure::new(
                "unknown_action",
                format!("no tool has the action '{action}'"),
            )),
        }
    }

    fn freeze_wait(&self, wait: &Wait, names: &Names<'_>) -> Result<Frozen, Failure> {
        let until = match wait {
            Wait::Span { millis } => Some(self.now + *millis),
            Wait::Until { at } => {
                let text = plain(&names.text(at)?);
                Some(instant(&text, self.now).ok_or_else(|| {
                    Failure::new(
                        "wait_unreadable",
                        format!("'{text}' is neither a time nor a span"),
                    )
                    .hint("write a time such as 2026-11-21T17:00:00Z or a span such as 10m")
                })?)
            }
            Wait::Signal { name } => {
                return Ok(Frozen::Wait {
                    until: None,
                    signal: Some(name.clone()),
                });
            }
        };
        Ok(Frozen::Wait { until, signal: None })
    }

    fn freeze_child(
        &self,
        key: &StepKey,
        name: &str,
        inputs: &Template,
        names: &Names<'_>,
    ) -> Result<Frozen, Failure> {
        let Some(child) = self.program.children.get(name) else {
            return Err(Failure::new(
                "recipe_missing",
                format!("there is no active recipe '{name}' to run"),
            ));
        };
        let created = &self.state.created;
        if child.reference.id == created.recipe.id || created.lineage.contains(&child.reference.id) {
            return Err(Failure::new(
                "child_cycle",
                format!("the recipe '{name}' would run inside itself"),
            )
            .hint("break the circle: a recipe may not run itself, nor one that runs it"));
        }
        if created.lineage.len() + 1 >= self.program.limits.depth {
            let most = self.program.limits.depth;
            return Err(Failure::new(
                "child_depth",
                format!("more than {most} recipes run inside each other"),
            ));
        }
        let (inputs, missing) = complete_inputs(&child.recipe, &names.render(inputs)?);
        if !missing.is_empty() {
            let missing = missing.join(", ");
            return Err(Failure::new(
                "inputs_missing",
                format!("the recipe '{name}' needs the inputs {missing}"),
            ));
        }
        Ok(Frozen::Child {
            recipe: child.reference.clone(),
            inputs,
            child: self.child_id(key, 0),
        })
    }

    /// Each poll of a `run` step is a child of its own.
    pub(crate) fn child_id(&self, key: &StepKey, poll: u32) -> RunId {
        let run = self.state.created.run.to_string();
        RunId::derive(self.now, &[&run, key.as_str(), &poll.to_string()])
    }

    pub(crate) fn start_child(&mut self, key: &StepKey, recipe: RecipeRef, inputs: Labeled, child: RunId) {
        let created = &self.state.created;
        let mut lineage = created.lineage.clone();
        lineage.push(created.recipe.id);
        self.actions.push(Action::StartChild(Box::new(crate::RunCreated {
            tenant: created.tenant,
            run: child,
            recipe,
            agent: created.agent.clone(),
            inputs,
            mode: created.mode,
            requester: created.requester.clone(),
            seed: created.seed.rotate_left(7) ^ u64::from(child.as_bytes()[15]),
            parent: Some(crate::event::Parent {
                run: created.run,
                step: key.clone(),
            }),
            lineage,
            fork: None,
        })));
        self.events.push(Event::ChildStarted {
            step: key.clone(),
            child,
        });
    }
}

/// An RFC 3339 instant, or a span from `now`.
fn instant(text: &str, now: Timestamp) -> Option<Timestamp> {
    text.parse()
        .ok()
        .or_else(|| types::parse_span(text).map(|span| now + span))
}

/// The text of a labelled string.
pub(crate) fn plain(text: &Labeled) -> String {
    text.value
        .as_str()
        .map_or_else(|| text.value.to_string(), str::to_owned)
}

fn kind_of(value: &serde_json::Value) -> &'static str {
    match value {
        serde_json::Value::Null => "nothing",
        serde_json::Value::Bool(_) => "a truth value",
        serde_json::Value::Number(_) => "a number",
        serde_json::Value::String(_) => "a text",
        serde_json::Value::Array(_) => "a list",
        serde_json::Value::Object(_) => "an object",
    }
}
