//! The names that an expression of a run can read, put together only as far as it reads them.

use std::collections::BTreeSet;
use std::sync::Arc;

use recipe::program::{Expr, Template};
use recipe::{EvalError, Scope};
use types::{Failure, Label, Labeled, Labels, StepStatus};

use crate::key::StepKey;
use crate::program::Program;
use crate::state::State;

/// Where expressions are evaluated: state, program, loop items, and values not saved yet.
pub(crate) struct Names<'a> {
    pub(crate) state: &'a State,
    pub(crate) program: &'a Program,
    pub(crate) items: &'a [(String, Arc<Labeled>)],
    /// What the step at hand is about to save.
    pub(crate) fresh: &'a [(String, Arc<Labeled>)],
    /// The step at hand and its output, if it is about to succeed.
    pub(crate) own: Option<(&'a StepKey, &'a Labeled)>,
}

impl Names<'_> {
    pub(crate) fn condition(&self, expr: &Expr) -> Result<(bool, Labels), Failure> {
        recipe::condition(expr, &self.scope(expr.names.iter())).map_err(|EvalError(failure)| failure)
    }

    pub(crate) fn render(&self, template: &Template) -> Result<Labeled, Failure> {
        let mut names = BTreeSet::new();
        template.collect_names(&mut names);
        recipe::render(template, &self.scope(names.iter())).map_err(|EvalError(failure)| failure)
    }

    pub(crate) fn text(&self, template: &Template) -> Result<Labeled, Failure> {
        let mut rendered = self.render(template)?;
        if !rendered.value.is_string() {
            rendered = Labeled::with(rendered.value.to_string(), rendered.all_labels());
        }
        Ok(rendered)
    }

    fn scope<'n>(&self, names: impl Iterator<Item = &'n String>) -> Scope {
        let mut scope = Scope::default();
        for name in names {
            if let Some(value) = self.find(name) {
                scope.set(name.clone(), value);
            }
        }
        // For the nearest known name in the message about an undefined one.
        for (name, value) in self.state.saved.iter().take(200) {
            if scope.get(name).is_none() {
                scope.set(name.clone(), Arc::clone(value));
            }
        }
        scope
    }

    fn find(&self, name: &str) -> Option<Arc<Labeled>> {
        if let Some((_, item)) = self.items.iter().rev().find(|(own, _)| own == name) {
            return Some(Arc::clone(item));
        }
        if let Some((_, value)) = self.fresh.iter().rev().find(|(own, _)| own == name) {
            return Some(Arc::clone(value));
        }
        let built_in = match name {
            "inputs" | "intake" => self.intake(),
            "s" => self.all_saved(),
            "steps" => self.steps(),
            "run" => self.run(),
            "agent" => match &self.state.created.agent {
                Some(agent) => Labeled::new(agent.name.clone(), Label::Operator),
                None => Labeled::null(),
            },
            "params" => Labeled::new(self.program.recipe.params.clone(), Label::Author),
            _ => return self.state.saved.get(name).map(Arc::clone),
        };
        Some(Arc::new(built_in))
    }

    /// Inputs that came with the run, and answers on top of them.
    fn intake(&self) -> Labeled {
        let inputs = &self.state.created.inputs;
        let given = inputs
            .value
            .as_object()
            .into_iter()
            .flatten()
            .filter_map(|(name, _)| {
                let pointer = format!("/{}", name.replace('~', "~0").replace('/', "~1"));
                inputs.pointer(&pointer).map(|value| (name.clone(), value))
            });
        let answers = self
            .state
            .intake
            .iter()
            .map(|(name, value)| (name.clone(), (**value).clone()));
        Labeled::object(given.chain(answers))
    }

    fn all_saved(&self) -> Labeled {
        let fresh = self
            .fresh
            .iter()
            .map(|(name, value)| (name.clone(), (**value).clone()));
        let saved = self
            .state
            .saved
            .iter()
            .map(|(name, value)| (name.clone(), (**value).clone()));
        Labeled::object(saved.chain(fresh))
    }

    /// `steps.<id>.{output,status,error}` of the steps that lie directly in a phase; a step that is
    /// about to succeed, or an iteration of it, is seen as it will be.
    fn steps(&self) -> Labeled {
        let top =
            |key: &StepKey| key.as_str().matches('/').count() == 1 && !key.as_str().contains(['[', '!']);
        let before = self
            .state
            .steps
            .iter()
            .filter(|(key, _)| top(key))
            .map(|(key, step)| {
                let output = step.output.as_deref().cloned().unwrap_or_else(Labeled::null);
                (
                    key.top_id().to_owned(),
                    as_seen(output, step.status, step.failure.as_ref()),
                )
            });
        let own = self
            .own
            .iter()
            .filter(|(key, _)| key.as_str().matches('/').count() == 1);
        let own = own.map(|(key, output)| {
            (
                key.top_id().to_owned(),
                as_seen((*output).clone(), StepStatus::Succeeded, None),
            )
        });
        Labeled::object(before.chain(own))
    }

    fn run(&self) -> Labeled {
        let created = &self.state.created;
        let agent = created.agent.as_ref().map(|agent| agent.name.clone());
        let value = serde_json::json!({
            "id": created.run.to_string(),
            "recipe": created.recipe.name,
            "agent": agent,
            "attempt": 1,
            "started_at": self.state.created_at.to_string(),
        });
        Labeled::new(value, Label::System)
    }
}

fn as_seen(output: Labeled, status: StepStatus, failure: Option<&Failure>) -> Labeled {
    let error = match failure {
        Some(failure) => Labeled::with(failure.message.clone(), Labels::UNTRUSTED),
        None => Labeled::null(),
    };
    Labeled::object([
        ("output".to_owned(), output),
        ("status".to_owned(), Labeled::new(status.as_str(), Label::System)),
        ("error".to_owned(), error),
    ])
}
