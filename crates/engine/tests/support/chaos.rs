//! A world without a script: calls succeed, fail, get lost and take effect late as the dice say, workers
//! die, answers come twice, people vote, steer and err. It keeps count of what really happened outside,
//! and what it says of that (look-ups, late results, people) is the truth or "unclear", as outside.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use engine::event::Resolution;
use engine::frozen::Frozen;
use engine::rows::ApprovalStatus;
use engine::state::{Stage, State};
use engine::{Input, Message, StepKey};
use serde_json::json;
use types::{Actor, Failure, Label, Labeled, Outcome, ProbeResult, RunId, Timestamp};

use super::world::{Call, World, outcome};
use super::{Dice, Reply, SETTLE_MS};

/// Moves in which everybody behaves until every run must have ended.
const CALM: usize = 4_000;

/// What really became of a call whose answer was lost.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Fate {
    Never,
    Now,
    /// At the last moment at which it still may.
    Late(Timestamp),
}

pub struct Chaos {
    pub world: World,
    /// How often each key has taken effect.
    pub done: BTreeMap<String, u32>,
    dice: Dice,
    calm: bool,
    landing: Vec<(Timestamp, String)>,
    lost: Vec<(Call, Fate)>,
    last: Vec<(RunId, Input)>,
    snapshots: Vec<(RunId, u64, String)>,
}

impl Chaos {
    pub fn new(world: World, dice: Dice) -> Self {
        Self {
            world,
            done: BTreeMap::new(),
            dice,
            calm: false,
            landing: Vec::new(),
            lost: Vec::new(),
            last: Vec::new(),
            snapshots: Vec::new(),
        }
    }

    /// Runs until the dice are used up, and then, with everybody behaving, until all runs have ended.
    pub fn play(&mut self) {
        self.world.begin(json!({}));
        while !self.dice.is_used_up() {
            self.land();
            self.disturb();
        }
        self.calm = true;
        self.set_facts(|facts| facts.paused_tools.clear());
        for _ in 0..CALM {
            self.land();
            if self.world.runs.values().all(|run| run.state.is_finished()) {
                return;
            }
            self.serve();
        }
        let open = self.world.runs.values().map(|run| run.state.clone());
        panic!("some runs don't end: {:#?}", open.collect::<Vec<_>>());
    }

    /// Every snapshot taken on the way, with the events after it, is the state at the end.
    pub fn check_snapshots(&self) {
        for (id, head, text) in &self.snapshots {
            let run = &self.world.runs[id];
            let mut state: State = serde_json::from_str(text).expect("a snapshot reads");
            assert_eq!(state.head, *head);
            let tail = run.journal.iter().filter(|recorded| recorded.seq > *head);
            tail.for_each(|recorded| state.apply(recorded));
            assert_eq!(state, run.state, "snapshot and tail are the state");
        }
    }

    fn disturb(&mut self) {
        match self.dice.roll(16) {
            7 => {
                let run = self.any_run();
                self.crash(run);
            }
            8 => self.tell_again(),
            9 => self.late_result(),
            10 => {
                let millis = [1, 500, 5_000, 30_000][self.dice.roll(4)];
                self.world.tick(self.world.now + millis);
            }
            11 => self.snapshot(),
            12 => self.steer(),
            13 => self.change_facts(),
            14 => {
                let run = self.any_run();
                self.person(run);
            }
            15 => self.answer_one(),
            _ => self.serve(),
        }
    }

    /// The next thing that is due: a message, an answer, a look-up, a person, or else time goes on.
    fn serve(&mut self) {
        let ids: Vec<RunId> = self.world.runs.keys().copied().collect();
        for id in &ids {
            let run = self.world.runs.get_mut(id).expect("the run is known");
            if let Some(message) = run.inbox.pop_front() {
                return self.give(*id, Input::Message(message));
            }
            if let Some((step, attempt)) = run.look_ups.pop() {
                return self.look_up(*id, step, attempt);
            }
        }
        if self.world.runs.values().any(|run| !run.flights.is_empty()) {
            return self.answer_one();
        }
        for id in ids {
            if self.person(id) {
                return;
            }
        }
        let runs = self.world.runs.values();
        let wakes = runs.map(|run| run.state.wake_after(self.world.now, 5_000));
        let landings = self.landing.iter().map(|(at, _)| *at);
        let next = wakes.chain(landings).min().unwrap_or(Timestamp::MAX);
        if next == Timestamp::MAX {
            assert!(!self.calm, "nothing is due, yet not all runs have ended");
            return;
        }
        self.world.tick(next);
    }

    fn give(&mut self, run: RunId, input: Input) {
        self.last.push((run, input.clone()));
        self.world.round(run, Some(input));
    }

    fn tell_again(&mut self) {
        if !self.last.is_empty() {
            let at = self.last.len() - 1 - self.dice.roll(self.last.len().min(4));
            let (run, input) = self.last[at].clone();
            self.world.round(run, Some(input));
        }
    }

    fn any_run(&mut self) -> RunId {
        let at = self.dice.roll(self.world.runs.len());
        *self.world.runs.keys().nth(at).expect("there is a run")
    }

    fn answer_one(&mut self) {
        let id = self.any_run();
        let with = |id: &RunId| !self.world.runs[id].flights.is_empty();
        let Some(id) = std::iter::once(id)
            .chain(self.world.runs.keys().copied())
            .find(with)
        else {
            return;
        };
        let flights = self.world.runs[&id].flights.len();
        let at = self.dice.roll(flights);
        let run = self.world.runs.get_mut(&id).expect("the run is known");
        let flight = run.flights.remove(at);
        let outcome = self.outcome_of(&flight);
        let input = Input::Finished {
            step: flight.step,
            attempt: flight.attempt,
            outcome,
        };
        self.give(id, input);
    }

    fn outcome_of(&mut self, flight: &Call) -> Outcome {
        let choice = if self.calm { 0 } else { self.dice.roll(8) };
        // A vendor that knows the key answers for what it has done already.
        let known = flight.is("native") || flight.is("wipe");
        match choice {
            3 | 4 if !known || self.done_by(&flight.key) == 0 => {
                let retryable = choice == 3;
                outcome(Reply::Refuse(retryable, None))
            }
            5..8 => {
                let fate = self.fate(flight);
                self.lost.push((flight.clone(), fate));
                outcome(Reply::Unknown)
            }
            _ => {
                self.happen(flight.key.clone());
                outcome(Reply::Ok(self.output()))
            }
        }
    }

    fn output(&mut self) -> serde_json::Value {
        json!({"n": if self.calm { 9 } else { self.dice.roll(3) }})
    }

    /// What becomes of a call whose answer is lost.
    fn fate(&mut self, flight: &Call) -> Fate {
        let fate = match self.dice.roll(3) {
            0 => Fate::Never,
            1 if flight.is("marker") => Fate::Late(flight.deadline + SETTLE_MS),
            1 if flight.is("probe") => Fate::Late(flight.deadline),
            _ => Fate::Now,
        };
        match fate {
            Fate::Never => {}
            Fate::Late(at) if at > self.world.now => self.landing.push((at, flight.key.clone())),
            Fate::Now | Fate::Late(_) => self.happen(flight.key.clone()),
        }
        fate
    }

    fn happen(&mut self, key: String) {
        *self.done.entry(key).or_default() += 1;
    }

    fn done_by(&self, key: &str) -> u32 {
        self.done.get(key).copied().unwrap_or(0)
    }

    /// What is due to take effect does.
    fn land(&mut self) {
        let now = self.world.now;
        let (due, later): (Vec<_>, Vec<_>) = self.landing.drain(..).partition(|(at, _)| *at <= now);
        self.landing = later;
        due.into_iter().for_each(|(_, key)| self.happen(key));
    }

    fn crash(&mut self, id: RunId) {
        let flights = self.world.runs[&id].flights.clone();
        for flight in flights {
            let fate = self.fate(&flight);
            self.lost.push((flight, fate));
        }
        self.world.crash(id);
    }

    /// The lost worker's result arrives after all, and says what became of its call.
    fn late_result(&mut self) {
        if self.lost.is_empty() {
            return;
        }
        let at = self.dice.roll(self.lost.len());
        let (call, fate) = self.lost[at].clone();
        let outcome = match fate {
            Fate::Late(at) if at > self.world.now => outcome(Reply::Unknown),
            Fate::Never if call.keyed() && self.done_by(&call.key) > 0 => outcome(Reply::Unknown),
            Fate::Never => outcome(Reply::Refuse(self.dice.one_in(2), None)),
            Fate::Now | Fate::Late(_) => outcome(Reply::Ok(self.output())),
        };
        let message = Message::Late {
            step: call.step,
            attempt: call.attempt,
            outcome,
        };
        self.world.tell(call.run, message);
    }

    fn look_up(&mut self, id: RunId, step: StepKey, attempt: u32) {
        let of = |call: &&Call| call.run == id && call.step == step && call.attempt == attempt;
        let call = self
            .world
            .calls
            .iter()
            .find(of)
            .expect("only attempts are looked up");
        let happened = self.done_by(&call.key) > 0;
        let result = if !self.calm && self.dice.one_in(3) {
            ProbeResult::Unclear {
                failure: Failure::new("down", "the vendor is down"),
            }
        } else if happened {
            ProbeResult::Happened {
                output: Labeled::new(self.output(), Label::System),
                artifacts: Vec::new(),
            }
        } else {
            ProbeResult::Absent
        };
        let probed = Input::Probed {
            step,
            attempt,
            result,
        };
        self.give(id, probed);
    }

    fn snapshot(&mut self) {
        let id = self.any_run();
        let state = &self.world.runs[&id].state;
        let text = serde_json::to_string(state).expect("a state serialises");
        self.snapshots.push((id, state.head, text));
    }

    fn steer(&mut self) {
        let (id, by) = (self.any_run(), Actor::user("bob"));
        let reason = "enough".to_owned();
        let message = match self.dice.roll(7) {
            0 | 1 => Message::Pause { by },
            2 | 3 => Message::Resume { by },
            4 => Message::Cancel { by, reason },
            5 => Message::Kill { by, reason },
            _ => Message::Nudge,
        };
        self.world.tell(id, message);
    }

    fn change_facts(&mut self) {
        match self.dice.roll(3) {
            0 => self.set_facts(|facts| {
                if !facts.paused_tools.remove("t") {
                    facts.paused_tools.insert("t".into());
                }
            }),
            1 => self.set_facts(|facts| facts.matrix.version += "+"),
            _ => self.set_facts(|facts| {
                facts.matrix.rest = match facts.matrix.rest {
                    Some(governance::Rule::Run) => Some(governance::Rule::ask()),
                    _ => Some(governance::Rule::Run),
                };
                facts.matrix.version += "~";
            }),
        }
    }

    fn set_facts(&mut self, change: impl Fn(&mut governance::Facts)) {
        for run in self.world.runs.values_mut() {
            change(Arc::make_mut(&mut run.program.facts));
        }
    }

    /// Lets people do the first thing that this run waits for; whether there was any.
    fn person(&mut self, id: RunId) -> bool {
        let state = &self.world.runs[&id].state;
        if state.paused && !state.is_finished() {
            let by = Actor::user("bob");
            self.give(id, Input::Message(Message::Resume { by }));
            return true;
        }
        let steps: Vec<StepKey> = state.steps.keys().cloned().collect();
        let Some(message) = steps.iter().find_map(|step| self.wanted(id, step)) else {
            return false;
        };
        self.give(id, Input::Message(message));
        true
    }

    fn wanted(&mut self, id: RunId, key: &StepKey) -> Option<Message> {
        let state = &self.world.runs[&id].state;
        let (step, over, by) = (&state.steps[key], state.is_finished(), Actor::user("bob"));
        match (&step.stage, step.what.as_deref()) {
            (Stage::Person, Some(Frozen::Ask { name, .. })) => Some(Message::Input {
                name: name.clone(),
                value: Labeled::new("answer", Label::User),
                by,
            }),
            (Stage::Person, _) => Some(Message::Task {
                step: key.clone(),
                ok: self.calm || !self.dice.one_in(3),
                note: String::new(),
                by,
            }),
            (
                Stage::Time,
                Some(Frozen::Wait {
                    signal: Some(name), ..
                }),
            ) => {
                let (name, payload) = (name.clone(), Labeled::null());
                Some(Message::Signal { name, payload, by })
            }
            (Stage::Approval { id: approval }, _) => {
                let asked = &state.approvals[approval];
                let voters: BTreeSet<&str> = asked.votes.iter().map(|vote| vote.by.name.as_str()).collect();
                let by = ["bob", "cat", "dan"]
                    .into_iter()
                    .find(|name| !voters.contains(name))?;
                let open = asked.status == ApprovalStatus::Pending && !over;
                open.then(|| Message::Vote {
                    approval: *approval,
                    approve: self.calm || !self.dice.one_in(4),
                    by: Actor {
                        groups: vec!["ops".into()],
                        ..Actor::user(by)
                    },
                    note: String::new(),
                    self_approval: false,
                })
            }
            (Stage::Uncertain, _) => {
                let own = |call: &&Call| call.run == id && call.step == *key;
                let call = self.world.calls.iter().rfind(own)?.key.clone();
                let attempt = step.attempt;
                let resolution = self.truth(&call, over)?;
                Some(Message::Resolve {
                    step: key.clone(),
                    attempt,
                    resolution,
                    by,
                    note: String::new(),
                })
            }
            _ => None,
        }
    }

    /// What a person finds out about an uncertain call, once nothing of it can happen any more.
    fn truth(&mut self, key: &str, over: bool) -> Option<Resolution> {
        let mut flights = self.world.runs.values().flat_map(|run| &run.flights);
        if flights.any(|call| call.key == key) || self.landing.iter().any(|(_, own)| own == key) {
            return None;
        }
        Some(match self.done_by(key) {
            0 if !over && self.dice.roll(2) == 0 => Resolution::Redo,
            0 => Resolution::Failed {
                failure: Failure::new("not_there", "it is not there"),
            },
            _ => Resolution::Happened {
                output: Labeled::null(),
                artifacts: Vec::new(),
            },
        })
    }
}

impl Call {
    pub fn is(&self, action: &str) -> bool {
        self.action.strip_prefix("t.") == Some(action)
    }

    /// Whether the vendor does a key only once.
    pub fn keyed(&self) -> bool {
        self.is("native") || self.is("wipe")
    }
}
