//! The state of a run: what folding its journal gives.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use types::{
    ApprovalId, Digest, Effect, Failure, Labeled, Millis, Mode, Phase, RunStatus, StepStatus, Timestamp,
};

use crate::event::RunCreated;
use crate::frozen::{Frozen, FrozenUndo, ShownUndo};
use crate::held;
use crate::key::StepKey;
use crate::question::Asking;
use crate::rows::{ApprovalStatus, Vote};

/// The state of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// What was fixed when it was created.
    pub created: RunCreated,
    /// When that was.
    pub created_at: Timestamp,
    /// The last event folded in.
    pub head: u64,
    /// The phase it is in.
    pub phase: Option<Phase>,
    /// Every step whose turn has come.
    pub steps: BTreeMap<StepKey, StepState>,
    /// Steps that can be taken back, in the order in which they succeeded.
    pub undoable: Vec<StepKey>,
    /// Values kept by name.
    pub saved: BTreeMap<String, Arc<Labeled>>,
    /// Answers by name.
    pub intake: BTreeMap<String, Arc<Labeled>>,
    /// Signals that nobody has asked for yet, oldest first.
    pub signals: Vec<Signal>,
    /// Every approval asked for.
    pub approvals: BTreeMap<ApprovalId, Approval>,
    /// Held by a person.
    pub paused: bool,
    /// Why a person or the parent stops it.
    pub cancel: Option<String>,
    /// Whether it is stopped because its time is up.
    pub timed_out: bool,
    /// Why undo steps run.
    pub undoing: Option<String>,
    /// Undo and rollback steps that failed.
    pub undo_failed: Vec<StepKey>,
    /// Whether undo and rollback have ended.
    pub undo_done: bool,
    /// Why the run fails.
    pub failure: Option<Failure>,
    /// How it ended.
    pub finished: Option<RunStatus>,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// What it hands over.
    pub outputs: Labeled,
    /// Whether a person must look, as said when it ended.
    pub attention: bool,
    /// When its time is up, moved on by waits for people.
    pub deadline: Option<Timestamp>,
    /// Since when a person is waited for, or holds the run.
    pub person_since: Option<Timestamp>,
}

/// A signal that has arrived.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Signal {
    /// Its name.
    pub name: String,
    /// What it carries.
    pub payload: Labeled,
}

/// An approval in a run's state.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Approval {
    /// The step that waits.
    pub step: StepKey,
    /// The arguments it is for.
    pub digest: Digest,
    /// Mock or real.
    pub mode: Mode,
    /// Groups of which any may approve.
    pub groups: Vec<String>,
    /// How many different people.
    pub quorum: u32,
    /// The policy that asked.
    pub policy: String,
    /// Why.
    pub reason: String,
    /// When it was asked.
    pub requested_at: Timestamp,
    /// When it lapses.
    pub expires_at: Timestamp,
    /// The version of the tool when it was asked.
    pub connector: String,
    /// How the step would be taken back, as shown.
    pub undo: Vec<ShownUndo>,
    /// Votes so far.
    pub votes: Vec<Vote>,
    /// Its state.
    pub status: ApprovalStatus,
}

/// Where a step stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "stage")]
pub enum Stage {
    /// Its next attempt may be decided.
    Ready,
    /// People must approve first.
    Approval {
        /// Which approval.
        id: ApprovalId,
    },
    /// An attempt has begun.
    InFlight {
        /// When it is given up.
        deadline: Timestamp,
    },
    /// Waits before the next attempt.
    Retry {
        /// Not before.
        at: Timestamp,
        /// Whether the last one was held back before it was sent.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        held: bool,
    },
    /// Waits before the next poll.
    Poll {
        /// Not before.
        at: Timestamp,
    },
    /// Waits until the last attempt can be looked up.
    LookUp {
        /// Not before.
        at: Timestamp,
        /// How many look-ups were unclear.
        unclear: u32,
    },
    /// Nobody knows; a person must say.
    Uncertain,
    /// Waits for a person's answer or task.
    Person,
    /// Waits for an instant or a signal.
    Time,
    /// Waits for a child run.
    Child,
    /// Holds other steps.
    Container,
    /// Nothing more happens.
    Done,
}

/// The state of a step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepState {
    /// What people read.
    pub title: String,
    /// What it does; none if it failed or was skipped before that was known.
    pub what: Option<Arc<Frozen>>,
    /// Its state.
    pub status: StepStatus,
    /// Where exactly it stands.
    pub stage: Stage,
    /// The order in which steps were scheduled, counted from 0.
    pub position: u32,
    /// Attempts begun.
    pub attempt: u32,
    /// Known failures since the first call of the present poll.
    pub failures: u32,
    /// Attempts since then of which nobody knows what they did.
    pub unknowns: u32,
    /// Whether nobody knows yet what the last attempt did.
    pub open: bool,
    /// Polls due or begun beyond the first call.
    pub poll: u32,
    /// Attempts begun before the present poll.
    pub attempts_before: u32,
    /// When its turn came.
    pub scheduled_at: Timestamp,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// When its time is up, moved on by waits for an approval or for word of an uncertain effect.
    pub deadline: Option<Timestamp>,
    /// Since when its time stands still.
    pub held_since: Option<Timestamp>,
    /// What it gave.
    pub output: Option<Arc<Labeled>>,
    /// Why it, or its last attempt, failed.
    pub failure: Option<Failure>,
    /// The approval that lets it, or its undo steps, run.
    pub approval: Option<ApprovalId>,
    /// The frozen steps that take it back.
    pub undo: Vec<FrozenUndo>,
    /// What its tool asked in the midst of the call, and the answers so far.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asking: Option<Asking>,
}

impl State {
    /// Whether the run has ended.
    pub fn is_finished(&self) -> bool {
        self.finished.is_some()
    }

    /// The run's status as people see it.
    pub fn status(&self) -> RunStatus {
        if let Some(status) = self.finished {
            return status;
        }
        if self.paused {
            return RunStatus::Paused;
        }
        if self.undoing.is_some() {
            return RunStatus::Undoing;
        }
        if self.phase.is_none() {
            return RunStatus::Queued;
        }
        let open = |step: &StepState| !matches!(step.stage, Stage::Done | Stage::Container);
        let busy = |step: &StepState| matches!(step.stage, Stage::InFlight { .. } | Stage::Ready);
        if self.steps.values().any(busy) || !self.steps.values().any(open) {
            RunStatus::Running
        } else {
            RunStatus::Waiting
        }
    }

    /// Whether a person must look: nobody knows what a step did, or the run ended so.
    pub fn needs_attention(&self) -> bool {
        let unknown = |step: &StepState| {
            step.stage == Stage::Uncertain || (step.status == StepStatus::Failed && step.outcome_open())
        };
        self.attention || self.steps.values().any(unknown)
    }

    /// Steps under `prefix` (`""` is all) whose effect may be happening or may have happened.
    pub fn open_effects<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = &'a StepKey> {
        self.steps
            .iter()
            .filter(move |(key, step)| {
                key.as_str().starts_with(prefix)
                    && (step.repeats_unknown_write()
                        || matches!(
                            step.stage,
                            Stage::InFlight { .. } | Stage::LookUp { .. } | Stage::Uncertain | Stage::Child
                        ))
            })
            .map(|(key, _)| key)
    }

    /// How many effects are under way.
    pub fn in_flight(&self) -> usize {
        self.steps
            .values()
            .filter(|step| matches!(step.stage, Stage::InFlight { .. }))
            .count()
    }

    /// When the run wants to be taken up again if nothing else happens.
    pub fn wake_at(&self) -> Timestamp {
        if self.is_finished() || self.paused {
            return Timestamp::MAX;
        }
        self.wakes().min().unwrap_or(Timestamp::MAX)
    }

    /// As [`State::wake_at`], for a run that has just been decided at `now`: what is due already is
    /// held by something outside the run, so the run looks again after `poll_ms` at the latest.
    pub fn wake_after(&self, now: Timestamp, poll_ms: Millis) -> Timestamp {
        if self.is_finished() || self.paused {
            return Timestamp::MAX;
        }
        let held = |step: &StepState| step.stage == Stage::Ready;
        let again =
            (self.wakes().any(|at| at <= now) || self.steps.values().any(held)).then(|| now + poll_ms);
        let later = self.wakes().filter(|at| *at > now);
        later.chain(again).min().unwrap_or(Timestamp::MAX)
    }

    fn wakes(&self) -> impl Iterator<Item = Timestamp> {
        let steps = self.steps.values().filter_map(|step| self.step_wake(step));
        let stopping = self.undoing.is_some() || self.cancel.is_some();
        let run = self.deadline.filter(|_| self.person_since.is_none() && !stopping);
        steps.chain(run)
    }

    fn step_wake(&self, step: &StepState) -> Option<Timestamp> {
        let own = match &step.stage {
            Stage::Retry { at, .. } | Stage::Poll { at } | Stage::LookUp { at, .. } => Some(*at),
            Stage::Approval { id } => return self.approvals.get(id).map(|approval| approval.expires_at),
            Stage::Time => match step.what.as_deref() {
                Some(Frozen::Wait { until, .. }) => *until,
                _ => None,
            },
            Stage::Ready | Stage::Person | Stage::Child | Stage::Container => None,
            Stage::InFlight { .. } | Stage::Uncertain | Stage::Done => return None,
        };
        if step.waits_for_answers() {
            return None;
        }
        // A write of unknown outcome is not given up at its deadline.
        let deadline = step.deadline.filter(|_| !step.outcome_open());
        match (own, deadline) {
            (Some(own), Some(deadline)) => Some(own.min(deadline)),
            (own, deadline) => own.or(deadline),
        }
    }
}

impl StepState {
    /// The frozen call, if the step is one.
    pub fn call(&self) -> Option<&crate::frozen::FrozenCall> {
        self.what.as_deref().and_then(Frozen::call)
    }

    /// Whether it writes and nobody knows what some attempt of it did.
    pub fn outcome_open(&self) -> bool {
        self.unknowns > 0 && self.writes()
    }

    /// Whether the outcome of an attempt before the last one is open.
    pub(crate) fn earlier_open(&self) -> bool {
        let last_counted = self.open && !matches!(self.stage, Stage::InFlight { .. });
        self.unknowns > u32::from(last_counted) && self.writes()
    }

    pub(crate) fn writes(&self) -> bool {
        self.call().is_some_and(|call| call.effect != Effect::Read)
    }

    /// Whether it waits to repeat a write of unknown outcome: it must be repeated until the outcome is
    /// known, even while the run is being stopped.
    pub fn repeats_unknown_write(&self) -> bool {
        matches!(
            self.stage,
            Stage::Retry { .. } | Stage::Ready | Stage::Approval { .. }
        ) && self.outcome_open()
    }

    /// What it waits for, in words; empty if it doesn't.
    pub fn waiting_for(&self) -> String {
        match &self.stage {
            Stage::Approval { .. } => "an approval".to_owned(),
            Stage::Retry { at, held } => {
                let why = self.failure.as_ref().map(held::why);
                match (held, why) {
                    (true, Some(why)) => held::another_attempt(*at, &why),
                    (false, Some(why)) => format!("another attempt at {at}: {why}"),
                    (_, None) => format!("another attempt at {at}"),
                }
            }
            Stage::Poll { at } => format!("its condition, asked again at {at}"),
            Stage::LookUp { at, .. } => format!("looking up at {at} what its last attempt did"),
            Stage::Uncertain => "a person to say whether its effect happened".to_owned(),
            Stage::Child => "a child run".to_owned(),
            Stage::Person => match self.what.as_deref() {
                Some(Frozen::Ask { name, .. }) => format!("the input '{name}'"),
                Some(Frozen::Confirm { .. }) => "a confirmation".to_owned(),
                Some(Frozen::Call(call)) => format!("an answer to what {} asks", call.action),
                _ => "a person to finish a task".to_owned(),
            },
            Stage::Time => match self.what.as_deref() {
                Some(Frozen::Wait {
                    signal: Some(name), ..
                }) => format!("the signal '{name}'"),
                Some(Frozen::Wait { until: Some(at), .. }) => format!("{at}"),
                _ => "time".to_owned(),
            },
            Stage::Ready | Stage::InFlight { .. } | Stage::Container | Stage::Done => String::new(),
        }
    }
}
