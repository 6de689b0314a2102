//! Random recipes: a small tree that the model can follow by itself, and its text in the recipe
//! language, which is checked and saved as a user's would be.

mod generate;
mod text;

use std::collections::BTreeMap;

use crate::ledger::Operation;

pub use generate::{plans, workload};
pub use text::text;

/// A recipe. `base` of a run (its input `token`) and the ids below make the tokens of its effects.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// Its short name.
    pub slug: String,
    /// Steps of the phases plan, act and verify.
    pub phases: [Vec<Node>; 3],
    /// What runs after the undo steps when a run fails.
    pub rollback: Option<Call>,
}

/// One step.
#[derive(Debug, Clone, PartialEq)]
pub enum Node {
    /// A call.
    Call(Call),
    /// A call for each of the items 0, 1, …
    Each {
        /// The call.
        call: Call,
        /// How many.
        items: u32,
    },
    /// A read, and a call that happens only if the value read is at least 5.
    Gate {
        /// The read.
        read: Call,
        /// The call.
        then: Call,
    },
    /// A read that is repeated until the ledger has seen it so often.
    Poll {
        /// The read.
        read: Call,
        /// How often.
        seen: u32,
    },
    /// Branches side by side.
    Parallel {
        /// Its id.
        id: String,
        /// The branches.
        branches: Vec<Vec<Node>>,
        /// At most so many at once.
        most: Option<u32>,
    },
    /// A child run.
    Child {
        /// Its id.
        id: String,
        /// The recipe, by its position among all.
        plan: usize,
    },
    /// A pause.
    Wait {
        /// Its id.
        id: String,
        /// How long, in milliseconds.
        millis: u64,
    },
}

/// A call of the ledger.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// Unique in the recipe.
    pub id: String,
    /// What it does.
    pub operation: Operation,
    /// What a failure does.
    pub on_error: OnError,
    /// What takes it back.
    pub undo: Option<Box<Call>>,
}

/// What a failed call does to its run.
#[derive(Debug, Clone, PartialEq)]
pub enum OnError {
    /// The run fails.
    Fail,
    /// It goes on.
    Continue,
    /// These calls are made; if they succeed it goes on.
    Steps(Vec<Call>),
}

/// The token of a call in a run, for one item if it is in a loop.
pub fn token(base: &str, id: &str, item: Option<u32>) -> String {
    match item {
        Some(item) => format!("{base}/{id}[{item}]"),
        None => format!("{base}/{id}"),
    }
}

impl Plan {
    /// All steps, phase after phase.
    pub fn nodes(&self) -> impl Iterator<Item = &Node> {
        self.phases.iter().flatten()
    }

    /// Every token that a run of this recipe could ever use, with its kind.
    pub fn tokens(&self, base: &str) -> BTreeMap<String, Operation> {
        let mut tokens = BTreeMap::new();
        for node in self.nodes() {
            collect(node, base, &mut tokens);
        }
        if let Some(call) = &self.rollback {
            collect_call(call, base, None, &mut tokens);
        }
        tokens
    }
}

fn collect(node: &Node, base: &str, tokens: &mut BTreeMap<String, Operation>) {
    match node {
        Node::Call(call) => collect_call(call, base, None, tokens),
        Node::Each { call, items } => {
            (0..*items).for_each(|item| collect_call(call, base, Some(item), tokens));
        }
        Node::Gate { read, then } => {
            collect_call(read, base, None, tokens);
            collect_call(then, base, None, tokens);
        }
        Node::Poll { read, .. } => collect_call(read, base, None, tokens),
        Node::Parallel { branches, .. } => {
            branches
                .iter()
                .flatten()
                .for_each(|node| collect(node, base, tokens));
        }
        Node::Child { .. } | Node::Wait { .. } => {}
    }
}

fn collect_call(call: &Call, base: &str, item: Option<u32>, tokens: &mut BTreeMap<String, Operation>) {
    tokens.insert(token(base, &call.id, item), call.operation);
    if let Some(undo) = &call.undo {
        collect_call(undo, base, item, tokens);
    }
    if let OnError::Steps(steps) = &call.on_error {
        steps
            .iter()
            .for_each(|call| collect_call(call, base, item, tokens));
    }
}
