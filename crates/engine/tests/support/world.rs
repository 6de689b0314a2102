//! A shell for runs: it holds journals and states, answers calls from a script, moves a clock of its
//! own, and can lose its memory at any point. After every round it checks what must always hold:
//! folding the journal gives the state, and nothing is left to decide.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use engine::event::{Parent, RecipeRef};
use engine::rows::ApprovalStatus;
use engine::state::{State, StepState};
use engine::{Action, ChildRecipe, Event, Input, Message, Program, Recorded, RunCreated, StepKey};
use recipe::Recipe;
use serde_json::{Value, json};
use types::{
    Actor, Failure, Label, Labeled, Millis, Mode, Outcome, ProbeResult, RecipeId, RunId, RunStatus,
    StepStatus, TenantId, Timestamp,
};

pub const START: Timestamp = Timestamp::from_millis(1_800_000_000_000);
/// Rounds of one `run` at most: a run that needs more never ends.
const ROUNDS: usize = 20_000;

pub fn key(text: &str) -> StepKey {
    StepKey::from(text)
}

/// How the outside answers one attempt.
#[derive(Debug, Clone)]
pub enum Reply {
    Ok(Value),
    /// A known failure: retryable, and after how long at the earliest.
    Refuse(bool, Option<Millis>),
    Unknown,
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
            mode: Mode::Mock,
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

    /// Serves everything that is due now, without moving the clock.
    pub fn serve_ready(&mut self) {
        while self.serve_one() {}
    }

    pub fn create(&mut self, created: RunCreated, more: Vec<Recorded>) {
        let mut program = self.program.clone();
        let by_parent = created.parent.is_some();
        if let Some(recipe) = self.recipes.get(&created.recipe.id).filter(|_| by_parent) {
            program.recipe = Arc::clone(recipe);
        }
        let id = created.run;
        let first = Recorded {
            seq: 1,
            at: self.now,
            v: engine::EVENT_VERSION,
            event: Event::RunCreated(Box::new(created)),
        };
        let journal: Vec<Recorded> = std::iter::once(first).chain(more).collect();
        let state = fold(&journal);
        let rows = engine::rows(&state, &journal, self.now, 5_000);
        assert_eq!(rows.run.wake_at, self.now, "a new run has to be taken up");
        let run = Run {
            state,
            journal,
            program,
            flights: Vec::new(),
            look_ups: Vec::new(),
            inbox: VecDeque::new(),
            notes: Vec::new(),
        };
        assert!(self.runs.insert(id, run).is_none(), "{id} exists already");
        self.round(id, None);
    }

    /// Takes one input in, or only decides, and does what was chosen.
    pub fn round(&mut self, id: RunId, input: Option<Input>) {
        let now = self.now;
        let run = self.runs.get_mut(&id).expect("the run is known");
        let mut events = Vec::new();
        let mut actions = Vec::new();
        if let Some(input) = input {
            let accepted = engine::accept(&run.state, &run.program, now, input);
            assert!(
                accepted.note.is_none() || accepted.events.is_empty(),
                "refused inputs leave no event"
            );
            run.notes.extend(accepted.note);
            events = accepted.events;
            actions = accepted.actions;
        }
        let advanced = engine::advance(&mut run.state, &run.program, now, events);
        actions.extend(advanced.actions);
        run.journal.extend(advanced.events.iter().cloned());
        check_quiet(run, now, &advanced.events);
        for action in actions {
            self.perform(id, action);
        }
    }

    fn perform(&mut self, id: RunId, action: Action) {
        let now = self.now;
        let run = self.runs.get_mut(&id).expect("the run is known");
        match action {
            Action::Perform {
                step,
                attempt,
                call,
                deadline,
                permit,
            } => {
                let same =
                    permit.run() == id && permit.step() == step.as_str() && permit.attempt() == attempt;
                assert!(same && !permit.look_up_only() && *permit.digest() == call.digest);
                let call = Call {
                    run: id,
                    step,
                    attempt,
                    action: call.action,
                    key: permit.key().to_owned(),
                    args: call.args.value,
                    at: now,
                    deadline,
                };
                run.flights.push(call.clone());
                self.calls.push(call);
            }
            Action::Probe {
                step,
                attempt,
                permit,
                ..
            } => {
                assert!(permit.look_up_only());
                if !run.look_ups.contains(&(step.clone(), attempt)) {
                    run.look_ups.push((step, attempt));
                }
            }
            Action::StartChild(created) => self.create(*created, Vec::new()),
            Action::Tell { run, message } => self.tell(run, message),
            Action::AskPerson { .. } => {}
            Action::Finish => {
                if let Some(Parent { run: parent, step }) = run.state.created.parent.clone() {
                    let message = Message::ChildFinished {
                        step,
                        child: id,
                        status: run.state.finished.expect("it has ended"),
                        outputs: run.state.outputs.clone(),
                        failure: run.state.failure.clone(),
                    };
                    self.tell(parent, message);
                }
            }
        }
    }

    /// Puts a message into a run's inbox.
    pub fn tell(&mut self, run: RunId, message: Message) {
        self.runs
            .get_mut(&run)
            .expect("the run is known")
            .inbox
            .push_back(message);
    }

    /// Puts a message into the root run's inbox and serves it.
    pub fn say(&mut self, message: Message) {
        self.tell(self.root, message);
        self.run();
    }

    /// Serves all runs until each waits for a person, a held answer, or has ended. The clock stops
    /// before an approval lapses.
    pub fn run(&mut self) {
        self.run_until(Timestamp::MAX);
    }

    /// The same, but the clock goes no further than `until` (and ends there).
    pub fn run_until(&mut self, until: Timestamp) {
        for _ in 0..ROUNDS {
            if self.serve_one() {
                continue;
            }
            // What is held from outside is looked at again and again; that alone is not served for ever.
            let poll = if until == Timestamp::MAX {
                Millis::MAX
            } else {
                5_000
            };
            let wakes = self.runs.values().map(|run| run.state.wake_after(self.now, poll));
            let wake = wakes.min().filter(|at| *at <= until && *at < Timestamp::MAX);
            if until == Timestamp::MAX && wake.is_some_and(|at| self.lapses_at(at)) {
                return;
            }
            match wake {
                Some(at) => self.tick(at),
                None if until < Timestamp::MAX => return self.tick(until),
                None => return,
            }
        }
        panic!("the runs don't come to an end");
    }

    fn lapses_at(&self, at: Timestamp) -> bool {
        let approvals = self.runs.values().flat_map(|run| run.state.approvals.values());
        let pending = ApprovalStatus::Pending;
        approvals
            .into_iter()
            .any(|approval| approval.status == pending && approval.expires_at == at)
    }

    /// Delivers one message, one answer or one look-up; whether there was any.
    pub fn serve_one(&mut self) -> bool {
        let ids: Vec<RunId> = self.runs.keys().copied().collect();
        for id in ids {
            let run = self.runs.get_mut(&id).expect("the run is known");
            if let Some(message) = run.inbox.pop_front() {
                self.round(id, Some(Input::Message(message)));
                return true;
            }
            if let Some((step, attempt)) = run.look_ups.pop() {
                self.probes += 1;
                let found = self.found.get_mut(step.as_str()).and_then(VecDeque::pop_front);
                let result = found.unwrap_or(ProbeResult::Absent);
                let probed = Input::Probed {
                    step,
                    attempt,
                    result,
                };
                self.round(id, Some(probed));
                return true;
            }
            let next = (0..run.flights.len()).find(|at| {
                let script = self.replies.get(run.flights[*at].step.as_str());
                !matches!(script.and_then(VecDeque::front), Some(Reply::Hold))
            });
            let Some(at) = next else { continue };
            let flight = run.flights.remove(at);
            let reply = self
                .replies
                .get_mut(flight.step.as_str())
                .and_then(VecDeque::pop_front);
            match reply.unwrap_or_else(|| Reply::Ok(json!({}))) {
                Reply::Crash => self.crash(id),
                reply => self.finish(&flight, reply),
            }
            return true;
        }
        false
    }

    pub fn finish(&mut self, flight: &Call, reply: Reply) {
        let finished = Input::Finished {
            step: flight.step.clone(),
            attempt: flight.attempt,
            outcome: outcome(reply),
        };
        self.round(flight.run, Some(finished));
    }

    /// Answers a held attempt of the root run, and serves on.
    pub fn answer(&mut self, step: &str, reply: Reply) {
        let script = self.replies.entry(step.into()).or_default();
        assert!(
            matches!(script.pop_front(), Some(Reply::Hold)),
            "{step} is not held"
        );
        script.push_front(reply);
        self.run();
    }

    /// Forgets that an answer is held: whoever would have given it is gone.
    pub fn drop_held(&mut self, step: &str) {
        let script = self.replies.entry(step.into()).or_default();
        assert!(
            matches!(script.pop_front(), Some(Reply::Hold)),
            "{step} is not held"
        );
    }

    /// Forgets an attempt of the root run that is under way, and that its answer is held.
    pub fn drop_flight(&mut self, step: &str) {
        for run in self.runs.values_mut() {
            run.flights.retain(|flight| flight.step.as_str() != step);
        }
        self.drop_held(step);
    }

    /// The worker dies: memory, answers and look-ups under way are gone. Another one folds the journal
    /// as it was stored and takes over.
    pub fn crash(&mut self, id: RunId) {
        let run = self.runs.get_mut(&id).expect("the run is known");
        run.flights.clear();
        run.look_ups.clear();
        let stored = serde_json::to_string(&run.journal).expect("events serialise");
        run.journal = serde_json::from_str(&stored).expect("events read");
        run.state = fold(&run.journal);
        self.round(id, Some(Input::Recovered));
    }

    /// Moves the clock on and lets every run look.
    pub fn tick(&mut self, at: Timestamp) {
        self.now = self.now.max(at);
        let ids: Vec<RunId> = self.runs.keys().copied().collect();
        ids.into_iter().for_each(|id| self.round(id, None));
    }

    pub fn after(&mut self, millis: Millis) {
        self.run_until(self.now + millis);
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
        Reply::Unknown => Outcome::Unknown {
            failure: Failure::new("reset", "the connection was reset"),
        },
        Reply::Crash | Reply::Hold => unreachable!("not an answer"),
    }
}

/// What must hold after every round of every run.
fn check_quiet(run: &Run, now: Timestamp, events: &[Recorded]) {
    assert_eq!(fold(&run.journal), run.state, "the journal folds to the state");
    let text = serde_json::to_string(&run.state).expect("a state serialises");
    let read: State = serde_json::from_str(&text).expect("a snapshot reads");
    assert_eq!(read, run.state, "a snapshot is the state");
    for (position, recorded) in run.journal.iter().enumerate() {
        assert_eq!(recorded.seq, position as u64 + 1);
    }
    let again = engine::decide(&run.state, &run.program, now);
    assert!(
        again.events.is_empty(),
        "nothing is left to decide: {:?}",
        again.events
    );
    let rows = engine::rows(&run.state, events, now, 5_000);
    assert!(
        rows.run.wake_at > now || events.first().is_some_and(|first| first.seq == 1),
        "a run that was just decided is not due"
    );
    for step in rows.steps {
        assert_eq!(step.status, run.state.steps[&step.step].status);
    }
}
