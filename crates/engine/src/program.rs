//! What a run follows and what is true around it: everything that deciding needs beside the state.

use std::collections::BTreeMap;
use std::sync::Arc;

use governance::{Facts, Permit, Schemas};
use recipe::Recipe;
use types::{Catalog, Labeled, Millis, RunId, Timestamp};

use crate::event::{RecipeRef, RunCreated};
use crate::frozen::FrozenCall;
use crate::key::StepKey;
use crate::message::Message;

/// The recipe a run follows, and its surroundings as the runtime loaded them.
#[derive(Debug, Clone)]
pub struct Program {
    /// The checked tree of the run's version.
    pub recipe: Arc<Recipe>,
    /// Every action there is.
    pub catalog: Arc<Catalog>,
    /// Compiled schemas of the catalogue's arguments.
    pub schemas: Arc<Schemas>,
    /// Recipes that `run` steps name, as they are now; a step freezes the version it starts.
    pub children: BTreeMap<String, ChildRecipe>,
    /// What the door decides by.
    pub facts: Arc<Facts>,
    /// Bounds.
    pub limits: Limits,
}

/// A recipe that a `run` step can start.
#[derive(Debug, Clone)]
pub struct ChildRecipe {
    /// Which version.
    pub reference: RecipeRef,
    /// Its tree, for the defaults of its inputs.
    pub recipe: Arc<Recipe>,
}

/// Bounds of every run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Effects of one run at the same time.
    pub in_flight: usize,
    /// Attempts of one step, whatever their outcomes; then the run is given up.
    pub attempts: u32,
    /// Child runs within child runs.
    pub depth: usize,
    /// Items of one `for_each`.
    pub items: usize,
    /// How long a step whose tool is paused waits before it looks again, in milliseconds.
    pub pause_poll_ms: Millis,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            in_flight: 16,
            attempts: 50,
            depth: 8,
            items: 10_000,
            pause_poll_ms: 5_000,
        }
    }
}

/// What the shell does after the events are durable.
#[derive(Debug)]
pub enum Action {
    /// Perform an attempt whose `StepStarted` has been appended.
    Perform {
        /// The step.
        step: StepKey,
        /// The attempt.
        attempt: u32,
        /// The call.
        call: FrozenCall,
        /// Answers to what its tool asked before.
        answers: Option<types::Answers>,
        /// When it is given up.
        deadline: Timestamp,
        /// Leave to do it.
        permit: Permit,
    },
    /// Look up what an attempt did, unless that look-up is already under way.
    Probe {
        /// The step.
        step: StepKey,
        /// The attempt.
        attempt: u32,
        /// The call.
        call: FrozenCall,
        /// When the look-up is given up.
        deadline: Timestamp,
        /// Leave to do it.
        permit: Permit,
    },
    /// Create a child run, in the transaction of the events.
    StartChild(Box<RunCreated>),
    /// Put a message into another run's inbox, in the transaction of the events.
    Tell {
        /// The run.
        run: RunId,
        /// The message.
        message: Message,
    },
    /// A person is needed: an approval, an input, a task, an uncertain step.
    AskPerson {
        /// The step that waits.
        step: StepKey,
    },
    /// The run has ended.
    Finish,
}

/// Fills in defaults (labelled `author`), none for what is optional and neither given nor asked for,
/// and names what is required, neither given nor asked for.
pub fn complete_inputs(recipe: &Recipe, given: &Labeled) -> (Labeled, Vec<String>) {
    let mut inputs = given.clone();
    if !inputs.value.is_object() {
        inputs = Labeled::object([]);
    }
    let mut missing = Vec::new();
    for spec in &recipe.inputs {
        if inputs.value.get(&spec.name).is_some() {
            continue;
        }
        if let Some(default) = &spec.default {
            let part = Labeled::new(default.clone(), types::Label::Author);
            let whole = Labeled::object([(spec.name.clone(), part)]);
            for (pointer, labels) in whole.labels.iter().filter(|(pointer, _)| !pointer.is_empty()) {
                inputs.labels.set(pointer, labels);
            }
            inputs.value[spec.name.as_str()] = default.clone();
        } else if asks(recipe, &spec.name) {
            // The run asks a person when its turn comes.
        } else if spec.required {
            missing.push(spec.name.clone());
        } else {
            inputs.value[spec.name.as_str()] = serde_json::Value::Null;
            inputs.labels.set(
                format!("/{}", spec.name.replace('~', "~0").replace('/', "~1")),
                types::Labels::NONE,
            );
        }
    }
    (inputs, missing)
}

fn asks(recipe: &Recipe, input: &str) -> bool {
    use recipe::program::Kind;
    recipe
        .intake
        .iter()
        .any(|step| matches!(&step.kind, Kind::Ask { name, .. } if name == input))
}
