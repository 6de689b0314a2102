//! One run while this process holds it: its state in memory, and how inputs become durable events.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use engine::event::RunCreated;
use engine::state::Stage;
use engine::{Action, Event, Input, Message, Program, Recorded, State, StepKey};
use ports::{After, Append, DeadLetter, InboxItem, NewRun, Post, Snapshot, StoreError};
use tokio::sync::mpsc;
use types::{Failure, HeldBack, InboxId, Labeled, Millis, RunId, RunStatus, Timestamp};

use crate::crash_point;
use crate::effects::{self, Effect};
use crate::guard::Held;
use crate::node::Shared;
use crate::trouble::patiently;

/// The soonest look at a tool that is held back, in milliseconds.
const SOONEST_LOOK_MS: Millis = 20;
/// Results that may wait to be taken in; effects of one run are bounded far below this.
const RESULTS: usize = 256;

pub(crate) struct Session {
    pub(crate) shared: Arc<Shared>,
    pub(crate) held: Arc<Held>,
    pub(crate) state: State,
    pub(crate) program: Program,
    results: mpsc::Sender<Input>,
    pub(crate) incoming: mpsc::Receiver<Input>,
    /// Attempts under way in this process.
    calls: usize,
    /// Look-ups under way in this process.
    look_ups: BTreeSet<StepKey>,
    snapshot_at: u64,
    /// Whether some tool, or the recipe, had too few free slots when this round was decided.
    slots_short: bool,
    /// Tools that let no call through when this round was decided, and why.
    closed: BTreeMap<String, HeldBack>,
}

/// Whether the session goes on after a round.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// It waits for something.
    Wait,
    /// The lease was given back or lost.
    Leave,
}

impl Session {
    /// `snapshot_at` is the last event of the snapshot that the state comes from, or 0: events count
    /// towards the next one however often the run is given back and taken up in between.
    pub(crate) fn new(
        shared: Arc<Shared>,
        held: Arc<Held>,
        state: State,
        snapshot_at: u64,
        program: Program,
    ) -> Self {
        let (results, incoming) = mpsc::channel(RESULTS);
        Self {
            shared,
            held,
            state,
            program,
            results,
            incoming,
            calls: 0,
            look_ups: BTreeSet::new(),
            snapshot_at,
            slots_short: false,
            closed: BTreeMap::new(),
        }
    }

    /// Takes inputs and inbox messages in, decides, makes it durable, and begins what was chosen.
    pub(crate) async fn round(
        &mut self,
        inputs: Vec<Input>,
        inbox: Vec<InboxItem>,
    ) -> Result<Next, StoreError> {
        self.refresh().await?;
        let now = self.shared.options.clock.now();
        let head = self.state.head;
        let mut events: Vec<Recorded> = Vec::new();
        let mut actions: Vec<Action> = Vec::new();
        let consumed: Vec<InboxId> = inbox.iter().map(|item| item.id).collect();
        let messages = inbox.into_iter().map(|item| Input::Message(item.message));
        for input in inputs.into_iter().chain(messages) {
            self.note_end(&input);
            let mut accepted = engine::accept(&self.state, &self.program, now, input);
            if let Some(note) = accepted.note {
                tracing::warn!(run = %self.held.lease.run, note, "an input had no effect");
            }
            actions.append(&mut accepted.actions);
            self.advance(now, accepted.events, &mut events, &mut actions);
        }
        self.advance(now, Vec::new(), &mut events, &mut actions);
        actions.retain(|action| self.still_wanted(action, now));
        let begins = actions
            .iter()
            .any(|action| matches!(action, Action::Perform { .. } | Action::Probe { .. }));
        let after = self.after(begins, now);
        if events.is_empty() && consumed.is_empty() && after == After::Keep && !has_posts(&actions) {
            self.begin(actions);
            return Ok(Next::Wait);
        }
        let append = self.append_of(head, events, &actions, consumed, after, now);
        let told: Vec<RunId> = append.posts.iter().map(|post| post.run).collect();
        let children = !append.runs.is_empty();
        crash_point!("runtime.append.before");
        self.store(append).await?;
        crash_point!("runtime.append.after");
        // They would find it in the store in any case; saying so makes it quick.
        told.into_iter().for_each(|run| self.shared.tell(run));
        if children {
            self.shared.wake.notify_one();
        }
        if after == After::Release {
            return Ok(Next::Leave);
        }
        self.begin(actions);
        Ok(Next::Wait)
    }

    /// Whether an action chosen in the midst of a round is still right at its end. Each deciding asks
    /// anew for the look-ups that are due, and what one of them found may have come in since.
    fn still_wanted(&self, action: &Action, now: Timestamp) -> bool {
        let Action::Probe { step, attempt, .. } = action else {
            return true;
        };
        let due = |stage: &Stage| matches!(stage, Stage::LookUp { at, .. } if *at <= now);
        let state = self.state.steps.get(step);
        state.is_some_and(|state| state.attempt == *attempt && due(&state.stage))
    }

    /// Whether the run waits only for time, people or others, and so needs no memory.
    fn after(&self, begins: bool, now: Timestamp) -> After {
        let busy = begins || self.calls > 0 || !self.look_ups.is_empty();
        let in_line = !self.shared.draining() && self.waits_in_line();
        let soon = self.next_look(now).since(now) <= 20;
        if !self.state.is_finished() && (busy || in_line || (soon && !self.shared.draining())) {
            After::Keep
        } else {
            After::Release
        }
    }

    /// When the run must be looked at again if nothing comes. What is due and did not happen is held
    /// by something that doesn't end by itself, so that it is asked again only now and then.
    pub(crate) fn next_look(&self, now: Timestamp) -> Timestamp {
        self.state.wake_after(now, self.program.limits.pause_poll_ms)
    }

    /// Whether a step could go on but for a free slot of its tool or of the recipe.
    pub(crate) fn waits_in_line(&self) -> bool {
        !self.state.paused
            && self.state.steps.values().any(|step| step.stage == Stage::Ready)
            && self.slots_short
    }

    async fn refresh(&mut self) -> Result<(), StoreError> {
        let (shared, tenant) = (&self.shared, self.held.lease.tenant);
        // Results that came in are in the caller's hands: leaving now would lose them.
        let mut facts = patiently(shared, &self.held, || shared.facts.facts(tenant)).await?;
        let mut busy = shared.slots.busy();
        let mut limits = shared.options.limits;
        let room = self.state.in_flight() + shared.recipe_slots.free(&self.state.created.recipe.id);
        self.slots_short = !busy.is_empty() || room < limits.in_flight;
        limits.in_flight = limits.in_flight.min(room);
        let closed = shared.options.tools.held_back(tenant, self.state.created.mode);
        if let Some(again) = closed.values().map(|held| held.until).min() {
            // The run looks again when the first of them opens, be that before its usual look.
            let wait = again.since(shared.options.clock.now()).max(SOONEST_LOOK_MS);
            limits.pause_poll_ms = limits.pause_poll_ms.min(wait);
            busy.extend(closed.keys().cloned());
        }
        self.closed = closed;
        if !busy.is_empty() {
            let mut held_back = (*facts).clone();
            held_back.paused_tools.extend(busy);
            facts = Arc::new(held_back);
        }
        self.program.facts = facts;
        (self.program.catalog, self.program.schemas) = self.shared.facts.catalog();
        self.program.limits = limits;
        if self.shared.draining() {
            self.program.limits.in_flight = 0;
        }
        Ok(())
    }

    fn advance(
        &mut self,
        now: Timestamp,
        given: Vec<Event>,
        events: &mut Vec<Recorded>,
        actions: &mut Vec<Action>,
    ) {
        let mut advanced = engine::advance(&mut self.state, &self.program, now, given);
        events.append(&mut advanced.events);
        actions.append(&mut advanced.actions);
    }

    fn note_end(&mut self, input: &Input) {
        match input {
            Input::Finished { .. } => self.calls = self.calls.saturating_sub(1),
            Input::Probed { step, .. } => {
                self.look_ups.remove(step);
            }
            _ => {}
        }
    }

    fn append_of(
        &mut self,
        head: u64,
        events: Vec<Recorded>,
        actions: &[Action],
        consumed: Vec<InboxId>,
        after: After,
        now: Timestamp,
    ) -> Append {
        let mut rows = engine::rows(&self.state, &events, now, self.program.limits.pause_poll_ms);
        engine::show_held_back(&self.state, &mut rows, now, &self.closed);
        if after == After::Keep {
            // Whoever finds the lease void must take the run up at once. Always the same time: a column
            // that stays as it is leaves the database's indexes alone.
            rows.run.wake_at = self.state.created_at.min(now);
        }
        let due = self.state.head >= self.snapshot_at + self.shared.options.snapshot_every;
        let snapshot = due
            .then(|| engine::snapshot::write(&self.state))
            .flatten()
            .map(|state| {
                self.snapshot_at = self.state.head;
                Snapshot {
                    seq: self.state.head,
                    state,
                }
            });
        let runs = actions.iter().filter_map(|action| match action {
            Action::StartChild(created) => new_child(created, now),
            _ => None,
        });
        Append {
            lease: self.held.lease,
            expected_head: head,
            rows,
            snapshot,
            consumed,
            posts: self.posts(actions, now),
            runs: runs.collect(),
            dead_letter: self.dead_letter(actions, now),
            after,
            events,
        }
    }

    fn posts(&self, actions: &[Action], now: Timestamp) -> Vec<Post> {
        let created = &self.state.created;
        let tell = actions.iter().filter_map(|action| match action {
            Action::Tell { run, message } => Some((*run, message.clone())),
            Action::Finish => created.parent.as_ref().map(|parent| {
                let message = Message::ChildFinished {
                    step: parent.step.clone(),
                    child: created.run,
                    status: self.state.finished.unwrap_or(RunStatus::Cancelled),
                    outputs: self.state.outputs.clone(),
                    failure: self.state.failure.clone(),
                };
                (parent.run, message)
            }),
            _ => None,
        });
        tell.enumerate()
            .map(|(position, (run, message))| {
                let parts = [
                    created.run.to_string(),
                    self.state.head.to_string(),
                    position.to_string(),
                ];
                let id = InboxId::derive(now, &parts.each_ref().map(String::as_str));
                Post {
                    id,
                    tenant: created.tenant,
                    run,
                    at: now,
                    message,
                }
            })
            .collect()
    }

    fn dead_letter(&self, actions: &[Action], now: Timestamp) -> Option<DeadLetter> {
        let given_up =
            |failure: &&Failure| matches!(failure.code.as_str(), "attempts_exhausted" | "poison_run");
        let failure = self.state.failure.as_ref().filter(given_up)?;
        actions
            .iter()
            .any(|action| matches!(action, Action::Finish))
            .then(|| DeadLetter {
                tenant: self.state.created.tenant,
                run: self.state.created.run,
                failure: failure.clone(),
                at: now,
            })
    }

    /// Appends, patiently.
    async fn store(&self, append: Append) -> Result<(), StoreError> {
        let store = &self.shared.options.store;
        patiently(&self.shared, &self.held, || store.append(append.clone())).await
    }

    /// The inbox, patiently.
    pub(crate) async fn inbox(&self) -> Result<Vec<InboxItem>, StoreError> {
        let (store, lease) = (&self.shared.options.store, self.held.lease);
        patiently(&self.shared, &self.held, || store.inbox(lease.tenant, lease.run)).await
    }

    fn begin(&mut self, actions: Vec<Action>) {
        let recipe = self.state.created.recipe.id;
        for action in actions {
            match action {
                Action::Perform {
                    step,
                    attempt,
                    call,
                    answers,
                    deadline,
                    permit,
                } => {
                    self.calls += 1;
                    let effect = Effect {
                        recipe,
                        step,
                        attempt,
                        call,
                        answers,
                        deadline,
                        permit,
                    };
                    effects::perform(&self.shared, &self.held, effect, self.results.clone());
                }
                Action::Probe {
                    step,
                    attempt,
                    call,
                    deadline,
                    permit,
                } => {
                    if self.look_ups.insert(step.clone()) {
                        let effect = Effect {
                            recipe,
                            step,
                            attempt,
                            call,
                            answers: None,
                            deadline,
                            permit,
                        };
                        effects::look_up(&self.shared, &self.held, effect, self.results.clone());
                    }
                }
                // Done with the append.
                Action::StartChild(_) | Action::Tell { .. } | Action::Finish | Action::AskPerson { .. } => {}
            }
        }
    }

    /// Leaves the run: results that came too late for this session are posted to the run.
    pub(crate) async fn hand_over(&mut self) {
        self.incoming.close();
        while let Ok(input) = self.incoming.try_recv() {
            effects::post_late(&self.shared, &self.held, input).await;
        }
    }

    /// Ends the run as given up.
    pub(crate) async fn give_up(&mut self, failure: Failure) -> Result<(), StoreError> {
        let now = self.shared.options.clock.now();
        let head = self.state.head;
        let event = Event::RunFinished {
            status: RunStatus::Failed,
            failure: Some(failure),
            outputs: Labeled::null(),
            needs_attention: true,
        };
        let recorded = Recorded {
            seq: head + 1,
            at: now,
            v: engine::EVENT_VERSION,
            event,
        };
        self.state.apply(&recorded);
        let append = self.append_of(
            head,
            vec![recorded],
            &[Action::Finish],
            Vec::new(),
            After::Release,
            now,
        );
        self.store(append).await
    }
}

fn has_posts(actions: &[Action]) -> bool {
    actions.iter().any(|action| {
        matches!(
            action,
            Action::Tell { .. } | Action::Finish | Action::StartChild(_)
        )
    })
}

fn new_child(created: &RunCreated, now: Timestamp) -> Option<NewRun> {
    let event = Event::RunCreated(Box::new(created.clone()));
    let first = Recorded {
        seq: 1,
        at: now,
        v: engine::EVENT_VERSION,
        event,
    };
    let state = engine::evolve(None, &first)?;
    let rows = engine::rows(&state, std::slice::from_ref(&first), now, 0);
    Some(NewRun {
        created: created.clone(),
        at: now,
        more: Vec::new(),
        rows,
        start_key: None,
        lease: None,
    })
}
