//! Serving runs: messages, answers, look-ups, timers, crashes; what must always hold is checked after
//! every round.

use std::collections::VecDeque;
use std::sync::Arc;

use engine::event::Parent;
use engine::rows::ApprovalStatus;
use engine::state::State;
use engine::{Action, Event, Input, Message, Recorded, RunCreated};
use serde_json::json;
use types::{Millis, ProbeResult, RunId, Timestamp};

use super::{Call, Reply, Run, World, fold, outcome};

/// Rounds of one `run` at most: a run that needs more never ends.
const ROUNDS: usize = 20_000;

impl World {
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
        let twin = chosen(&mut run.state.clone(), &run.program, now, input.clone());
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
        let same = twin == (advanced.events.clone(), format!("{actions:?}"));
        assert!(same, "the same state and input give the same");
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
                answers,
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
                    answers,
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
}

/// What one round comes to, to be compared with another.
fn chosen(
    state: &mut State,
    program: &engine::Program,
    now: Timestamp,
    input: Option<Input>,
) -> (Vec<Recorded>, String) {
    let accepted = input.map(|input| engine::accept(state, program, now, input));
    let accepted = accepted.unwrap_or_default();
    let advanced = engine::advance(state, program, now, accepted.events);
    let actions: Vec<Action> = accepted.actions.into_iter().chain(advanced.actions).collect();
    (advanced.events, format!("{actions:?}"))
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
