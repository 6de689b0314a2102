//! From a step's address to the step in the recipe, with the items of the loops around it.

use std::sync::Arc;

use recipe::Recipe;
use recipe::program::{Kind, OnError, Step};
use types::{Labeled, Phase};

use crate::frozen::Frozen;
use crate::key::StepKey;
use crate::state::State;

/// The names that enclosing `for_each` loops bind, outermost first.
pub(crate) type Items = Vec<(String, Arc<Labeled>)>;

/// A step that goes on: its address, its place in the recipe and the items of the loops around it. A
/// frozen undo step has only its address.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Work<'a> {
    pub(crate) key: &'a StepKey,
    pub(crate) step: Option<&'a Step>,
    pub(crate) items: &'a [(String, Arc<Labeled>)],
}

impl<'a> Work<'a> {
    pub(crate) fn frozen(key: &'a StepKey) -> Self {
        Self {
            key,
            step: None,
            items: &[],
        }
    }
}

/// The step at an address, and the items of the loops it lies in. `None` for frozen undo steps of
/// child runs and for addresses that the recipe doesn't have.
pub(crate) fn locate<'a>(recipe: &'a Recipe, state: &State, key: &StepKey) -> Option<(&'a Step, Items)> {
    let mut parts = key.as_str().split('/');
    let section = parts.next()?;
    let mut block: &[Step] = match section.parse::<Phase>() {
        Ok(phase) => recipe.phase(phase),
        Err(_) if section == "rollback" => &recipe.guardrails.rollback,
        Err(_) => return None,
    };
    let mut items = Items::new();
    let mut path = section.to_owned();
    let mut found: Option<&Step> = None;
    for part in parts {
        if let Some(outer) = found {
            block = inner_block(outer, &path)?;
        }
        let id = part.split(['[', '.', '!']).next().unwrap_or_default();
        let step = block.iter().find(|step| step.id == id)?;
        let container = StepKey::new(&path, id);
        if let (Some(loop_), Some(index)) = (&step.for_each, index_in(part)) {
            items.push((loop_.name.clone(), item(state, &container, index)?));
        }
        path = format!("{path}/{part}");
        found = Some(step);
    }
    found.map(|step| (step, items))
}

/// Item `index` of a loop, as frozen when the loop was scheduled.
pub(crate) fn item(state: &State, container: &StepKey, index: usize) -> Option<Arc<Labeled>> {
    match state.steps.get(container)?.what.as_deref()? {
        Frozen::ForEach { items } => items.pointer(&format!("/{index}")).map(Arc::new),
        _ => None,
    }
}

fn index_in(part: &str) -> Option<usize> {
    let (_, rest) = part.split_once('[')?;
    rest.split(']').next()?.parse().ok()
}

/// The block that the last part of `path` opens inside `outer`.
fn inner_block<'a>(outer: &'a Step, path: &str) -> Option<&'a [Step]> {
    let part = path.rsplit('/').next().unwrap_or_default();
    if part.ends_with("!error") {
        return match &outer.on_error {
            OnError::Steps(steps) => Some(steps),
            _ => None,
        };
    }
    if part.ends_with("!undo") {
        return Some(&outer.undo);
    }
    let branch: usize = part.rsplit('.').next()?.parse().ok()?;
    match &outer.kind {
        Kind::Parallel { branches, .. } => branches.get(branch).map(Vec::as_slice),
        _ => None,
    }
}
