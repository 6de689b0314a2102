//! The checked tree of a recipe: what the reader makes of the text and the run machine walks.
//! It is stored as JSON beside the text of a version, so bindings made when checking never change.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use types::{Millis, Phase};

/// A whole recipe.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Recipe {
    /// The name people use.
    pub name: String,
    /// What it is for.
    #[serde(default)]
    pub description: String,
    /// The author's own version label, as text.
    #[serde(default)]
    pub version: Option<String>,
    /// The author's change log.
    #[serde(default)]
    pub changelog: Vec<String>,
    /// Name of the agent that runs it if the caller names none.
    #[serde(default)]
    pub agent: Option<String>,
    /// Declared inputs, in the author's order.
    #[serde(default)]
    pub inputs: Vec<InputSpec>,
    /// What is asked.
    pub intake: Vec<Step>,
    /// What is prepared.
    pub plan: Vec<Step>,
    /// What is done.
    pub act: Vec<Step>,
    /// How it is checked.
    pub verify: Vec<Step>,
    /// Bounds and what to do when the run fails.
    #[serde(default)]
    pub guardrails: Guardrails,
    /// What to measure over runs.
    #[serde(default)]
    pub success_metrics: Vec<SuccessMetric>,
    /// What the run hands to its caller: name and value.
    #[serde(default)]
    pub outputs: Vec<(String, Template)>,
    /// Constants, in scope as `params`.
    #[serde(default)]
    pub params: Value,
}

impl Recipe {
    /// The steps of a phase.
    pub fn phase(&self, phase: Phase) -> &[Step] {
        match phase {
            Phase::Intake => &self.intake,
            Phase::Plan => &self.plan,
            Phase::Act => &self.act,
            Phase::Verify => &self.verify,
        }
    }
}

/// One declared input.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InputSpec {
    /// Its name in `inputs` and `intake`.
    pub name: String,
    /// Its JSON Schema; built from `type`, `enum`, `items`, ….
    pub schema: Value,
    /// Whether a run can't start, or waits, without it.
    pub required: bool,
    /// What it takes if nobody gives it.
    #[serde(default)]
    pub default: Option<Value>,
    /// What it means.
    #[serde(default)]
    pub description: String,
}

/// Bounds of a run and what happens when it fails.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Guardrails {
    /// How long the run may work, in milliseconds, not counting waits for people.
    #[serde(default)]
    pub timeout_ms: Option<Millis>,
    /// What the run's models may cost, in millionths of a US dollar.
    #[serde(default)]
    pub max_cost_microusd: Option<u64>,
    /// Steps run after the undo steps when the run fails or is cancelled.
    #[serde(default)]
    pub rollback: Vec<Step>,
}

/// A target to be met over many runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SuccessMetric {
    /// What is measured, such as `success_rate`.
    pub metric: String,
    /// The value to reach.
    pub target: Value,
}

/// One step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// Unique in the recipe, snake_case; made from the kind and position if the author gave none.
    pub id: String,
    /// The line where it begins, counted from 1.
    pub line: u32,
    /// What a person reads in the timeline.
    pub title: String,
    /// What it does.
    pub kind: Kind,
    /// Runs only if this holds. With `for_each` it is asked for each item.
    #[serde(default)]
    pub when: Option<Expr>,
    /// What it keeps of its output.
    #[serde(default)]
    pub save: Vec<Save>,
    /// Runs once for each item, in order.
    #[serde(default)]
    pub for_each: Option<ForEach>,
    /// How known failures are tried again.
    #[serde(default)]
    pub retry: Retry,
    /// The longest the whole step may take, retries and polls included, in milliseconds.
    #[serde(default)]
    pub timeout_ms: Option<Millis>,
    /// Repeats the step until a condition holds.
    #[serde(default)]
    pub until: Option<Until>,
    /// What a failure does to the run.
    #[serde(default)]
    pub on_error: OnError,
    /// Steps that take this one back, run if a later one fails.
    #[serde(default)]
    pub undo: Vec<Step>,
    /// What to do when nobody knows whether the effect happened; `None` is the action's default.
    #[serde(default)]
    pub on_uncertain: Option<OnUncertain>,
    /// An approval asked for by the author, beside what policy asks.
    #[serde(default)]
    pub approval: Option<ApprovalSpec>,
    /// What to keep as an artifact when it has succeeded.
    #[serde(default)]
    pub evidence: Vec<Evidence>,
    /// What the action counts as having answered when its call fails, or its tool isn't there, in
    /// mock mode. Against real services a failed call is a failed call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mock: Option<Value>,
}

/// What a step does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Kind {
    /// Needs an input: `ask`, `gather`.
    Ask {
        /// The name it fills in `intake`.
        name: String,
        /// The question.
        prompt: Template,
    },
    /// Calls a tool: `action`, `notify`, a bound plain-word `step`.
    Action {
        /// `tool.action`, resolved when checking.
        action: String,
        /// The arguments, an object.
        args: Template,
    },
    /// Hands the goal to a model-driven agent.
    Agent {
        /// Name of the agent program, such as `investigator`.
        agent: String,
        /// What it should reach.
        goal: Template,
        /// The actions it may use.
        tools: Vec<String>,
        /// JSON Schema of its result.
        output: Value,
        /// Limits on turns, tokens, cost and time, as written.
        limits: Value,
    },
    /// A condition that must hold.
    Check {
        /// The condition.
        condition: Expr,
    },
    /// Words that a person must confirm.
    Confirm {
        /// The words.
        text: Template,
    },
    /// A task for a person, who says done or failed.
    Manual {
        /// The task.
        text: Template,
    },
    /// Waits for a time or a signal.
    Wait {
        /// For what.
        wait: Wait,
    },
    /// Runs another recipe.
    Run {
        /// The recipe's name or slug.
        recipe: String,
        /// Its inputs, an object.
        inputs: Template,
    },
    /// Runs branches side by side.
    Parallel {
        /// The branches, each a list of steps.
        branches: Vec<Vec<Step>>,
        /// How many at once; `None` is all, up to the run's own bound.
        max_concurrency: Option<u32>,
    },
}

/// What `wait` waits for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "for")]
pub enum Wait {
    /// A span of time, in milliseconds.
    Span {
        /// How long.
        millis: Millis,
    },
    /// An instant: a template that gives an RFC 3339 time or a span such as `10m`.
    Until {
        /// When.
        at: Template,
    },
    /// A named signal from outside.
    Signal {
        /// Its name.
        name: String,
    },
}

/// An expression: Jinja expression syntax.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expr {
    /// The text between the braces.
    pub source: String,
    /// The top-level names it reads, sorted; the run machine puts only these in scope.
    #[serde(default)]
    pub names: Vec<String>,
}

/// A value with expressions in it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "t")]
pub enum Template {
    /// A constant.
    Literal {
        /// The value.
        v: Value,
    },
    /// A string that is one whole `{{ … }}`: keeps the value's type.
    Whole {
        /// The expression.
        e: Expr,
    },
    /// A string with expressions inside.
    Text {
        /// The Jinja template; `names` as for an expression.
        e: Expr,
    },
    /// A list.
    List {
        /// Its items.
        items: Vec<Template>,
    },
    /// An object.
    Map {
        /// Its entries, in the author's order.
        entries: Vec<(String, Template)>,
    },
}

impl Template {
    /// A constant.
    pub fn literal(value: impl Into<Value>) -> Self {
        Template::Literal { v: value.into() }
    }

    /// Adds the top-level names that the template reads to `names`.
    pub fn collect_names(&self, names: &mut std::collections::BTreeSet<String>) {
        match self {
            Template::Literal { .. } => {}
            Template::Whole { e } | Template::Text { e } => names.extend(e.names.iter().cloned()),
            Template::List { items } => items.iter().for_each(|item| item.collect_names(names)),
            Template::Map { entries } => entries.iter().for_each(|(_, entry)| entry.collect_names(names)),
        }
    }
}

/// One thing kept of a step's output.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Save {
    /// The name it gets.
    pub name: String,
    /// What it takes.
    pub from: SaveFrom,
}

/// Where a saved value comes from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SaveFrom {
    /// The part of the output at this JSON Pointer (RFC 6901); `""` is all of it.
    Output(String),
    /// A constant.
    Literal(Value),
}

/// Runs a step once for each item of a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ForEach {
    /// Gives the list.
    pub items: Template,
    /// The name of the item, `item` by default.
    pub name: String,
}

/// How known failures are tried again: exponential backoff with jitter.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Retry {
    /// How many attempts in all; 1 is no retry.
    pub max_attempts: u32,
    /// The first wait, in milliseconds.
    pub backoff_ms: Millis,
    /// What each further wait is multiplied by.
    pub factor: f64,
    /// The longest wait, in milliseconds.
    pub max_backoff_ms: Millis,
}

impl Default for Retry {
    fn default() -> Self {
        Self {
            max_attempts: 3,
            backoff_ms: 1_000,
            factor: 2.0,
            max_backoff_ms: 30_000,
        }
    }
}

/// Repeats a step until a condition holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Until {
    /// The condition, asked after each success with what the step saved in scope.
    pub condition: Expr,
    /// The wait between two calls, in milliseconds.
    pub every_ms: Millis,
}

/// What a failed step does to its run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnError {
    /// The run fails.
    #[default]
    Fail,
    /// The run goes on; the step stays failed.
    Continue,
    /// These steps run; if they succeed the run goes on.
    Steps(Vec<Step>),
}

/// What to do when nobody knows whether an effect happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnUncertain {
    /// Ask a person.
    Ask,
    /// Do it again: at least once.
    Redo,
    /// Take it as done: at most once.
    Accept,
}

/// An approval that the author wants.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApprovalSpec {
    /// Groups or roles, any of which may approve; empty is anyone who may approve.
    #[serde(default)]
    pub roles: Vec<String>,
    /// How many different people must approve; 0 counts as 1.
    #[serde(default)]
    pub quorum: u32,
    /// After how long the request lapses, in milliseconds.
    #[serde(default)]
    pub expires_ms: Option<Millis>,
}

/// Something kept as an artifact.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// The artifact's name.
    pub name: String,
    /// What is kept; `None` is the step's output.
    #[serde(default)]
    pub value: Option<Template>,
}
