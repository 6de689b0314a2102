//! A shell for runs: it holds journals and states, answers calls from a script, moves a clock of its
//! own, and can lose its memory at any point. After every round it checks what must always hold:
//! folding the journal gives the state, and nothing is left to decide.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use engine::event::RecipeRef;
use engine::state::{State, StepState};
use engine::{ChildRecipe, Message, Program, Recorded, RunCreated, StepKey};
use recipe::Recipe;
use serde_json::{Value, json};
use types::{
    Actor, Answers, Failure, InputNeeded, Label, Labeled, Millis, Mode, Outcome, ProbeResult, RecipeId,
    RunId, RunStatus, StepStatus, TenantId, Timestamp,
};

mod serve;

pub const START: Timestamp = Timestamp::from_millis(1_800_000_000_000);

pub fn key(text: &str) -> StepKey {
    StepKey::from(text)
}

/// How the outside answers one attempt.
#[derive(Debug, Clone)]
pub enum Reply {
    Ok(Value),
    /// A known failure: retryable, and after how long at the earliest.
    Refuse(bool, Option<Millis>),
    /// Held back for so long before it was sent.
    HeldBack(Millis),
    Unknown,
    /// Its tool asks a person these things; whether it claims to be done without the answers.
    Asks(InputNeeded, bool),
    /// The worker dies before the answer; the call's fate is the script's next look-up.
    Crash,
    /// No answer until the test gives one.
    Hold,
}

/// An attempt that was begun.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    pub run: RunId,
    pub step: StepKey,
    pub attempt: u32,
    pub action: String,
    pub key: String,
    pub args: Value,
    pub answers: Option<Answers>,
    pub at: Timestamp,
    pub deadline: Timestamp,
}

pub struct Run {
    pub state: State,
    pub journal: Vec<Recorded>,
    pub program: Program,
    pub flights: Vec<Call>,
    pub look_ups: Vec<(StepKey, u32)>,
    pub inbox: VecDeque<Message>,
    pub notes: Vec<String>,
}

pub struct World {
    pub now: Timestamp,
    pub root: RunId,
    pub runs: BTreeMap<RunId, Run>,
    pub calls: Vec<Call>,
    pub probes: usize,
    pub mode: Mode,
    program: Program,
    replies: BTreeMap<String, VecDeque<Reply>>,
    found: BTreeMap<String, VecDeque<ProbeResult>>,
    recipes: BTreeMap<RecipeId, Arc<Recipe>>,
}

impl World {
    pub fn new(recipe: Recipe) -> Self {
        Self::of(super::program(recipe))
    }

    pub fn of(program: Program) -> Self {
        Self {
            now: START,
            root: RunId::derive(START, &["root"]),
            runs: BTreeMap::new(),
            calls: Vec::new(),
            probes: 0,
            mode: Mode::Mock,
            program,
            replies: BTreeMap::new(),
            found: BTreeMap::new(),
            recipes: BTreeMap::new(),
        }
    }

    /// Makes a recipe known to `run` steps.
    pub fn child(mut self, recipe: Recipe) -> Self {
        let id = RecipeId::derive(START, &[&recipe.name]);
        let reference = RecipeRef {
            id,
            name: recipe.name.clone(),
            version: 1,
        };
        let recipe = Arc::new(recipe);
        self.recipes.insert(id, Arc::clone(&recipe));
        let child = ChildRecipe {
            reference: reference.clone(),
            recipe,
        };
        self.program.children.insert(reference.name, child);
        self
    }

    /// Changes the bounds of all runs, before they start.
    pub fn limit(mut self, change: impl FnOnce(&mut engine::Limits)) -> Self {
        change(&mut self.program.limits);
        self
    }

    /// Changes what the door decides by, before the run starts.
    pub fn facts(mut self, change: impl FnOnce(&mut governance::Facts)) -> Self {
        change(Arc::make_mut(&mut self.program.facts));
        self
    }

    /// What the outside answers to the next attempts of a step.
    pub fn script(mut self, step: &str, replies: impl IntoIterator<Item = Reply>) -> Self {
        self.replies.entry(step.into()).or_default().extend(replies);
        self
    }

    /// What the next look-ups of a step find.
    pub fn finds(mut self, step: &str, results: impl IntoIterator<Item = ProbeResult>) -> Self {
        self.found.entry(step.into()).or_default().extend(results);
        self
    }

    pub fn created(&self) -> RunCreated {
        let recipe = RecipeRef {
            id: RecipeId::derive(START, &[&self.program.recipe.name]),
            name: self.program.recipe.name.clone(),
            version: 1,
        };
        RunCreated {
            tenant: TenantId::DEFAULT,
            run: self.root,
            recipe,
            agent: None,
            inputs: Labeled::object([]),
            mode: self.mode,
            requester: Actor::user("ann"),
            seed: 7,
            parent: None,
            lineage: Vec::new(),
            fork: None,
        }
    }

    /// Starts the run with these inputs and serves it until it waits for a person or has ended.
    pub fn start(mut self, inputs: Value) -> Self {
        self.begin(inputs);
        self.run();
        self
    }

    /// Starts the run and serves it for this long.
    pub fn run_for(mut self, millis: Millis) -> Self {
        self.begin(json!({}));
        self.after(millis);
        self
    }

    /// Starts the run without serving it.
    pub fn begin(&mut self, inputs: Value) {
        let created = RunCreated {
            inputs: Labeled::new(inputs, Label::User),
            ..self.created()
        };
        self.create(created, Vec::new());
    }

    pub fn root(&self) -> &Run {
        &self.runs[&self.root]
    }

    pub fn edit(&mut self, change: impl FnOnce(&mut Program)) {
        change(&mut self.runs.get_mut(&self.root).expect("the run is known").program);
    }

    pub fn status(&self) -> RunStatus {
        self.root().state.status()
    }

    pub fn failure(&self) -> &str {
        self.root()
            .state
            .failure
            .as_ref()
            .map_or("", |failure| failure.code.as_str())
    }

    pub fn step(&self, step: &str) -> &StepState {
        let steps = &self.root().state.steps;
        steps
            .get(&key(step))
            .unwrap_or_else(|| panic!("no {step} in {:?}", steps.keys()))
    }

    pub fn step_status(&self, step: &str) -> StepStatus {
        self.step(step).status
    }

    pub fn saved(&self, name: &str) -> Value {
        self.root()
            .state
            .saved
            .get(name)
            .map_or(json!("(not saved)"), |saved| saved.value.clone())
    }

    /// Addresses of all attempts in the order in which they began.
    pub fn order(&self) -> Vec<&str> {
        self.calls.iter().map(|call| call.step.as_str()).collect()
    }

    pub fn calls_of(&self, step: &str) -> Vec<&Call> {
        self.calls
            .iter()
            .filter(|call| call.step.as_str() == step)
            .collect()
    }

    /// The kinds of the root run's events, in order.
    pub fn kinds(&self) -> Vec<String> {
        let kind = |recorded: &Recorded| {
            let event = serde_json::to_value(&recorded.event).expect("events serialise");
            event["type"].as_str().expect("a type").to_owned()
        };
        self.root().journal.iter().map(kind).collect()
    }

    /// The only child of the root run.
    pub fn only_child(&self) -> &Run {
        let mut others = self.runs.iter().filter(|(id, _)| **id != self.root);
        let (_, run) = others.next().expect("there is a child");
        assert!(others.next().is_none(), "there is one child");
        run
    }
}

pub fn fold(journal: &[Recorded]) -> State {
    journal
        .iter()
        .fold(None, engine::evolve)
        .expect("a journal begins with its creation")
}

pub fn outcome(reply: Reply) -> Outcome {
    match reply {
        Reply::Ok(output) => Outcome::Succeeded {
            output: Labeled::new(output, Label::System),
            artifacts: Vec::new(),
        },
        Reply::Refuse(retryable, retry_after_ms) => Outcome::Failed {
            failure: Failure::new("refused", "the outside refused"),
            retryable,
            retry_after_ms,
        },
        Reply::HeldBack(retry_after_ms) => Outcome::HeldBack {
            failure: Failure::new("tool_busy", "the tool has no room"),
            retry_after_ms,
        },
        Reply::Unknown => Outcome::Unknown {
            failure: Failure::new("reset", "the connection was reset"),
        },
        Reply::Asks(needed, doubt) => Outcome::NeedsInput {
            needed,
            doubt: doubt.then(|| Failure::new("answered_nothing", "it went on without the answer")),
        },
        Reply::Crash | Reply::Hold => unreachable!("not an answer"),
    }
}
