//! The JSON Schema of the language, for editors: completion, hover, first checks while typing.
//! The types here are the written form; the checked tree is in `program`.
#![expect(
    dead_code,
    reason = "these types are only described, never made: the reader works on nodes with places"
)]

use std::collections::BTreeMap;

use schemars::{JsonSchema, generate::SchemaSettings};
use serde_json::Value;

/// The JSON Schema (2020-12) of a recipe in today's form.
pub fn schema() -> Value {
    let mut schema = SchemaSettings::draft2020_12()
        .into_generator()
        .into_root_schema_for::<Recipe>()
        .to_value();
    if let Value::Object(map) = &mut schema {
        map.insert("title".into(), "AgentOps recipe".into());
    }
    kinds(&mut schema);
    schema
}

/// Adds what a struct can't say: a step has exactly one of the keys that name its kind.
fn kinds(schema: &mut Value) {
    let one = crate::reader::KINDS
        .iter()
        .map(|key| serde_json::json!({"required": [key]}))
        .collect();
    if let Some(Value::Object(step)) = schema.pointer_mut("/$defs/Step") {
        step.insert("oneOf".into(), Value::Array(one));
    }
}

/// What is asked, what is prepared, what is done, and how it is checked.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(example = example())]
struct Recipe {
    /// The name people use.
    name: String,
    /// What it is for.
    description: Option<String>,
    /// Your own version label.
    version: Option<Label>,
    /// What changed from version to version.
    changelog: Option<OneOrMany>,
    /// The agent that runs it if the caller names none.
    agent: Option<String>,
    /// What callers may supply: a type, or a description of the input.
    inputs: Option<BTreeMap<String, Input>>,
    /// Constants, in scope as `params`.
    params: Option<BTreeMap<String, Value>>,
    /// What is asked.
    intake: Vec<Step>,
    /// What is prepared.
    plan: Vec<Step>,
    /// What is done.
    act: Vec<Step>,
    /// How it is checked.
    verify: Vec<Step>,
    /// Bounds of the run, and what to do when it fails.
    guardrails: Option<Guardrails>,
    /// Targets over many runs.
    success_metrics: Option<Vec<Metric>>,
    /// What the run hands to its caller.
    outputs: Option<BTreeMap<String, Value>>,
}

/// A text or a number.
#[derive(JsonSchema)]
#[serde(untagged)]
enum Label {
    Text(String),
    Number(f64),
}

/// One text or a list of them.
#[derive(JsonSchema)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

/// A span of time: seconds, or a text such as `90s`, `10m`, `1h30m`.
#[derive(JsonSchema)]
#[serde(untagged)]
enum Duration {
    Seconds(#[schemars(range(min = 0))] f64),
    Text(#[schemars(regex(pattern = r"^\s*([0-9.]+\s*(ms|s|sec|m|min|h|d)\s*)+$"))] String),
}

/// The kind of value an input takes.
#[derive(JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Type {
    String,
    Number,
    Integer,
    Boolean,
    Array,
    Object,
}

/// One input.
#[derive(JsonSchema)]
#[serde(untagged)]
enum Input {
    /// Just its type.
    Type(Type),
    /// Its type and more.
    Full(Box<InputSpec>),
}

/// One input in full.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct InputSpec {
    /// The kind of value.
    r#type: Option<Type>,
    /// Whether a run waits without it; by default it does, unless there is a default.
    required: Option<bool>,
    /// What it takes if nobody gives it.
    default: Option<Value>,
    /// What it means.
    description: Option<String>,
    /// The values it may take.
    r#enum: Option<Vec<Value>>,
    /// Schema of a list's items.
    items: Option<Value>,
    /// Schemas of an object's entries.
    properties: Option<Value>,
    minimum: Option<f64>,
    maximum: Option<f64>,
    min_length: Option<u64>,
    max_length: Option<u64>,
    pattern: Option<String>,
    format: Option<String>,
}

/// Bounds of a run, and what to do when it fails.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
struct Guardrails {
    /// How long the run may work, not counting waits for people.
    timeout_s: Option<Duration>,
    /// What the run's models may cost, in US dollars.
    max_cost_usd: Option<f64>,
    /// Steps run after the undo steps when the run fails or is cancelled.
    rollback: Option<Vec<Step>>,
}

/// A target over many runs.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
struct Metric {
    /// What is measured, such as `success_rate`.
    metric: String,
    /// The value to reach.
    target: Value,
}

/// One step: exactly one key says what it is, the others modify it.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
struct Step {
    /// Needs an answer: from the run's inputs, else from a person.
    ask: Option<String>,
    /// Needs an input of this name.
    gather: Option<String>,
    /// Calls a tool: `tool.action`.
    action: Option<String>,
    /// Hands a goal to a model-driven agent.
    agent: Option<String>,
    /// A condition that must hold.
    check: Option<Condition>,
    /// Words that a person must confirm.
    confirm: Option<String>,
    /// Tells people: `slack:#channel text`, `pagerduty:text`, `email:address text`.
    notify: Option<String>,
    /// A task for a person, who says done or failed.
    manual: Option<String>,
    /// Waits: a span, a time, or `{signal: name}`.
    wait: Option<Value>,
    /// Runs another recipe.
    run: Option<String>,
    /// Runs branches side by side: each a step, a list of steps, or `{steps: […]}`.
    parallel: Option<Vec<Value>>,
    /// Plain words, bound to an action when the recipe is checked.
    step: Option<String>,

    /// A name of its own, in `steps.<id>`.
    #[schemars(regex(pattern = r"^[A-Za-z_][A-Za-z0-9_]*$"))]
    id: Option<String>,
    /// What people read in the timeline.
    title: Option<String>,
    /// Arguments of an action or inputs of a recipe.
    with: Option<BTreeMap<String, Value>>,
    /// Runs only if this holds.
    when: Option<Condition>,
    /// Keeps the output under a name, or parts of it: `{name: $.path}`.
    save: Option<SaveSpec>,
    /// Runs once for each item of a list.
    for_each: Option<Value>,
    /// The name of the item; for `ask`, the name of the answer.
    r#as: Option<String>,
    /// How known failures are tried again: how often, or in full.
    retry: Option<RetrySpec>,
    /// The longest the whole step may take.
    timeout_s: Option<Duration>,
    /// Repeats the step until this holds.
    until: Option<Condition>,
    /// The wait between two tries of `until`.
    every_s: Option<Duration>,
    /// What a failure does: `fail`, `continue`, or steps.
    on_error: Option<OnErrorSpec>,
    /// Steps that take this one back when a later one fails.
    undo: Option<Vec<Step>>,
    /// What to do when nobody knows whether the effect happened.
    on_uncertain: Option<OnUncertainSpec>,
    /// An approval beside what policy asks.
    approval: Option<ApprovalSpec>,
    /// What to keep as an artifact.
    evidence: Option<Value>,
    /// What the action counts as having answered when its call fails, or its tool isn't there, in mock
    /// mode.
    mock: Option<Value>,
    /// For `agent`: what it should reach.
    goal: Option<String>,
    /// For `agent`: the actions it may use.
    tools: Option<Vec<String>>,
    /// For `agent`: JSON Schema of its result.
    output: Option<Value>,
    /// For `agent`: limits on turns, tokens, cost and time.
    limits: Option<LimitSpec>,
    /// For `parallel`: how many branches at once.
    #[schemars(range(min = 1, max = 1000))]
    max_concurrency: Option<u32>,
}

/// An expression, such as `zoom_room.status == 'Available'`.
#[derive(JsonSchema)]
#[serde(untagged)]
enum Condition {
    Expression(String),
    Constant(bool),
}

/// What is kept of an output.
#[derive(JsonSchema)]
#[serde(untagged)]
enum SaveSpec {
    Name(String),
    Parts(BTreeMap<String, SavePart>),
}

/// One thing that is kept.
#[derive(JsonSchema)]
#[serde(untagged)]
enum SavePart {
    /// A path into the output, such as `$.status`.
    Path(String),
    /// A constant.
    Constant(SaveConstant),
}

#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
struct SaveConstant {
    value: Value,
}

/// How known failures are tried again.
#[derive(JsonSchema)]
#[serde(untagged)]
enum RetrySpec {
    Attempts(#[schemars(range(min = 1, max = 100))] u32),
    Full(RetryFull),
}

/// Exponential backoff with jitter.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
struct RetryFull {
    #[schemars(range(min = 1, max = 100))]
    max_attempts: Option<u32>,
    backoff_s: Option<Duration>,
    factor: Option<f64>,
    max_backoff_s: Option<Duration>,
}

/// What a failure does.
#[derive(JsonSchema)]
#[serde(untagged)]
enum OnErrorSpec {
    Word(OnErrorWord),
    Steps(Vec<Step>),
}

#[derive(JsonSchema)]
#[serde(rename_all = "snake_case")]
enum OnErrorWord {
    Fail,
    Continue,
}

#[derive(JsonSchema)]
#[serde(rename_all = "snake_case")]
enum OnUncertainSpec {
    Ask,
    Redo,
    Accept,
}

/// Who must approve.
#[derive(JsonSchema)]
#[serde(untagged)]
enum ApprovalSpec {
    Anyone(bool),
    Role(String),
    Roles(Vec<String>),
    Full(ApprovalFull),
}

#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
struct ApprovalFull {
    /// Groups or roles, any of which may approve.
    roles: Option<OneOrMany>,
    /// How many different people must approve.
    #[schemars(range(min = 1, max = 20))]
    quorum: Option<u32>,
    /// After how long the request lapses.
    expires_s: Option<Duration>,
}

#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
struct LimitSpec {
    max_turns: Option<u32>,
    max_tokens: Option<u64>,
    max_cost_usd: Option<f64>,
    timeout_s: Option<Duration>,
}

fn example() -> Value {
    serde_json::json!({
        "name": "Room status",
        "intake": [{"ask": "Which room?", "as": "room"}],
        "plan": [{"action": "zoom.find_room", "with": {"query": "{{ intake.room }}"}, "save": "zoom_room"}],
        "act": [],
        "verify": [{"check": "zoom_room.status == 'Available'"}],
    })
}
