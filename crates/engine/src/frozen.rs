//! What `StepScheduled` freezes: resolved values with labels, so that approval, retry and recovery
//! never evaluate an expression again.

use recipe::program::{ApprovalSpec, OnUncertain, Retry};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use types::{Digest, Effect, Idempotency, Labeled, Labels, Millis, RunId, Timestamp};

use crate::event::RecipeRef;
use crate::key::StepKey;

/// A tool call, ready to be decided and performed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FrozenCall {
    /// `tool.action`.
    pub action: String,
    /// The connector's version.
    pub connector: String,
    /// Arguments with labels, an object.
    pub args: Labeled,
    /// Digest of the arguments.
    pub digest: Digest,
    /// What it does to the world.
    pub effect: Effect,
    /// What makes calling again safe.
    pub idempotency: Idempotency,
    /// Whether the connector can find out what an attempt did.
    pub probe: bool,
    /// What to do when nobody knows.
    pub on_uncertain: OnUncertain,
    /// The longest one call may take, in milliseconds.
    pub timeout_ms: Millis,
    /// How known failures are tried again.
    pub retry: Retry,
    /// An approval that the author wants.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<ApprovalSpec>,
}

/// One frozen step that takes another one back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FrozenUndo {
    /// Its address.
    pub step: StepKey,
    /// What people read.
    pub title: String,
    /// What it does: a call or a task for a person.
    pub what: Frozen,
}

/// How a step would be taken back, as people see it when they approve the step. The approval covers
/// exactly this; an undo that turns out otherwise asks anew.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ShownUndo {
    /// Its address.
    pub step: StepKey,
    /// What people read.
    pub title: String,
    /// `tool.action`.
    pub action: String,
    /// The version of its tool.
    pub connector: String,
    /// The arguments with their labels, unless they depend on what the step answers.
    pub args: Option<Labeled>,
}

/// What a scheduled step will do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Frozen {
    /// Waits for an input unless it is there.
    Ask {
        /// The name in `intake`.
        name: String,
        /// The question.
        prompt: String,
        /// JSON Schema of the answer.
        schema: Value,
    },
    /// Calls a tool.
    Call(FrozenCall),
    /// An agent step, with its resolved goal.
    Agent {
        /// The agent program.
        agent: String,
        /// The goal.
        goal: Labeled,
    },
    /// A condition, already evaluated.
    Check {
        /// Its text.
        condition: String,
        /// Whether it held.
        holds: bool,
        /// Labels of all that it read.
        labels: Labels,
    },
    /// Words to be confirmed.
    Confirm {
        /// The words.
        text: Labeled,
    },
    /// A task for a person.
    Manual {
        /// The task.
        text: Labeled,
    },
    /// Waits for an instant or a signal.
    Wait {
        /// The instant.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        until: Option<Timestamp>,
        /// The signal.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        signal: Option<String>,
    },
    /// Runs a child.
    Child {
        /// What it follows.
        recipe: RecipeRef,
        /// Its inputs, an object.
        inputs: Labeled,
        /// Its id.
        child: RunId,
    },
    /// Runs once for each item.
    ForEach {
        /// The items, a list.
        items: Labeled,
    },
    /// Runs branches side by side.
    Parallel {
        /// How many.
        branches: usize,
    },
}

impl Frozen {
    /// The name of the kind, for rows and the interface.
    pub fn kind(&self) -> &'static str {
        match self {
            Frozen::Ask { .. } => "ask",
            Frozen::Call(_) => "action",
            Frozen::Agent { .. } => "agent",
            Frozen::Check { .. } => "check",
            Frozen::Confirm { .. } => "confirm",
            Frozen::Manual { .. } => "manual",
            Frozen::Wait { .. } => "wait",
            Frozen::Child { .. } => "run",
            Frozen::ForEach { .. } => "for_each",
            Frozen::Parallel { .. } => "parallel",
        }
    }

    /// The call, if it is one.
    pub fn call(&self) -> Option<&FrozenCall> {
        match self {
            Frozen::Call(call) => Some(call),
            _ => None,
        }
    }
}
