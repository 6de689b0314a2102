//! Whether a recipe's steps can be done here: tools that are configured, that the agent has, and that
//! take what the steps give them.

use std::collections::BTreeSet;

use ports::AgentRecord;
use recipe::Recipe;
use recipe::program::{Kind, OnError, Step, Template};
use serde_json::Value;
use types::{Catalog, Failure, Lookup, Mode, Phase};

use crate::Result;
use crate::names::cut;

/// The tool that every agent has.
const EVERYBODYS: &str = "local";
/// The most arguments that one refusal names.
const MOST_TOLD: usize = 20;

/// An agent works with its own tools only; one without a list has all, and what AgentOps does by
/// itself is everybody's. Child runs are checked at their own start.
pub(super) fn agent_has_tools(catalog: &Catalog, recipe: &Recipe, agent: &AgentRecord) -> Result<()> {
    if agent.tools.is_empty() {
        return Ok(());
    }
    let missing: BTreeSet<&str> = all_steps(recipe)
        .into_iter()
        .filter_map(action)
        .filter_map(|action| match catalog.find(action) {
            Lookup::Found(spec) => Some(spec.tool.as_str()),
            _ => None,
        })
        .filter(|tool| *tool != EVERYBODYS && !agent.tools.iter().any(|own| own == tool))
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let missing: Vec<&str> = missing.into_iter().collect();
    Err(Failure::new(
        "agent_lacks_tool",
        format!(
            "'{}' uses tools that the agent '{}' doesn't have: {}",
            recipe.name,
            agent.name,
            missing.join(", ")
        ),
    )
    .hint("`agentops agent list` shows who has which tools"))
}

/// The steps that are really done: in mock mode something may stand in for one.
fn done(recipe: &Recipe, mode: Mode) -> impl Iterator<Item = &Step> {
    let steps = all_steps(recipe).into_iter();
    steps.filter(move |step| mode == Mode::Real || step.mock.is_none())
}

fn action(step: &Step) -> Option<&str> {
    match &step.kind {
        Kind::Action { action, .. } => Some(action),
        _ => None,
    }
}

/// A recipe may name a tool that isn't configured here; it can be kept, but not run, unless something
/// stands in for the tool in mock mode.
pub(super) fn tools_are_there(catalog: &Catalog, recipe: &Recipe, mode: Mode) -> Result<()> {
    let mut missing: Vec<&str> = done(recipe, mode)
        .filter_map(action)
        .filter(|action| !matches!(catalog.find(action), Lookup::Found(_)))
        .collect();
    missing.sort_unstable();
    missing.dedup();
    if missing.is_empty() {
        return Ok(());
    }
    Err(Failure::new(
        "tool_not_configured",
        format!(
            "'{}' needs actions that no configured tool offers: {}",
            recipe.name,
            missing.join(", ")
        ),
    )
    .hint("`agentops tool add MANIFEST.json` adds a tool; `agentops tool list` shows what there is"))
}

/// A recipe of an earlier tool may give a write something that the action doesn't take; without it the
/// call could change something else than was meant.
pub(super) fn arguments_are_taken(catalog: &Catalog, recipe: &Recipe, mode: Mode) -> Result<()> {
    let mut problems: Vec<String> = Vec::new();
    for step in done(recipe, mode) {
        let Kind::Action { action, args } = &step.kind else {
            continue;
        };
        let Lookup::Found(spec) = catalog.find(action) else {
            continue;
        };
        let foreign = given(args).into_iter().filter(|name| !takes(&spec.input, name));
        problems.extend(foreign.map(|name| {
            format!(
                "the step '{}' gives '{}' to {}, which takes nothing like it",
                step.id,
                cut(name),
                spec.name()
            )
        }));
    }
    problems.truncate(MOST_TOLD);
    if problems.is_empty() {
        return Ok(());
    }
    let message = format!("'{}' can't be run: {}", recipe.name, problems.join("; "));
    Err(Failure::new("argument_not_taken", message)
        .hint("take the argument out of the recipe if the call is right without it"))
}

/// The names of a call's arguments.
fn given(args: &Template) -> Vec<&str> {
    match args {
        Template::Map { entries } => entries.iter().map(|(name, _)| name.as_str()).collect(),
        Template::Literal {
            v: Value::Object(given),
        } => given.keys().map(String::as_str).collect(),
        _ => Vec::new(),
    }
}

/// Whether an action takes an argument of this name, as far as its schema says.
fn takes(schema: &Value, name: &str) -> bool {
    let Some(properties) = schema.get("properties").and_then(Value::as_object) else {
        return true;
    };
    let more = schema.get("additionalProperties");
    properties.contains_key(name) || more.is_some_and(|more| *more != Value::Bool(false))
}

/// Every step, nested ones included.
pub(super) fn all_steps(recipe: &Recipe) -> Vec<&Step> {
    let mut steps = Vec::new();
    let mut open: Vec<&Step> = Phase::ALL
        .iter()
        .rev()
        .flat_map(|phase| recipe.phase(*phase).iter().rev())
        .collect();
    open.extend(&recipe.guardrails.rollback);
    while let Some(step) = open.pop() {
        steps.push(step);
        open.extend(&step.undo);
        if let OnError::Steps(inner) = &step.on_error {
            open.extend(inner);
        }
        if let Kind::Parallel { branches, .. } = &step.kind {
            open.extend(branches.iter().flatten());
        }
    }
    steps
}
