//! The judge: what must have happened, computed from plans, script and the ledger's record, against
//! what did happen and what the store says. Nothing of the engine is used.

mod walk;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

pub use crate::evidence::{CallClaim, RunClaim};
use crate::ledger::{Operation, Received, Script};
use crate::plan::Plan;
use walk::{Fate, Guide, Walked};

/// How far apart two clocks' readings of one instant may lie, in milliseconds.
const BLUR_MS: i64 = 50;
/// A request that arrives this long after its step was said to be done was sent for a finished step.
const LATE_MS: i64 = 1_000;
/// A call that lasted this long ran into its time-out, whatever the ledger meant to answer.
const TIMED_OUT_MS: i64 = 590;

/// A span in which the server was dead or stopped, in milliseconds since the Unix epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Disruption {
    /// The signal.
    pub from_ms: i64,
    /// When it was at work again.
    pub to_ms: i64,
}

/// Everything that is known when the run is over.
#[derive(Debug, Clone)]
pub struct Facts {
    /// How the ledger behaved.
    pub script: Script,
    /// The recipes.
    pub plans: Vec<Plan>,
    /// Tokens of runs whose start was acknowledged.
    pub acknowledged: Vec<String>,
    /// When the server was disturbed.
    pub disruptions: Vec<Disruption>,
    /// What the ledger received.
    pub ledger: Vec<Received>,
    /// What the store says.
    pub runs: Vec<RunClaim>,
}

/// What kind of promise is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Broken {
    /// Something is missing that must have happened.
    Lost,
    /// Something happened more often than promised, or was never due.
    Doubled,
    /// Something didn't end as it must, or waits for a person without need.
    Stuck,
}

/// One broken promise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Which promise.
    pub broken: Broken,
    /// What was found.
    pub what: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.broken {
            Broken::Lost => "lost",
            Broken::Doubled => "doubled",
            Broken::Stuck => "stuck",
        };
        write!(f, "{kind}: {}", self.what)
    }
}

/// The verdict.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Runs, child runs included.
    pub runs: usize,
    /// Calls that were said to be done.
    pub steps: usize,
    /// How often a call was said to be uncertain.
    pub uncertain: usize,
    /// How many of these had to be.
    pub permitted_uncertain: usize,
    /// Every broken promise.
    pub findings: Vec<Finding>,
}

impl Verdict {
    /// How many promises of a kind are broken.
    pub fn count(&self, broken: Broken) -> usize {
        self.findings
            .iter()
            .filter(|finding| finding.broken == broken)
            .count()
    }

    fn add(&mut self, broken: Broken, what: String) {
        self.findings.push(Finding { broken, what });
    }
}

/// Judges.
pub fn judge(facts: &Facts) -> Verdict {
    let mut judge = Judge::new(facts);
    judge.every_start_is_there();
    judge.every_run();
    judge.every_claim();
    judge.every_effect();
    judge.verdict
}

/// What a run's parent may do to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outside {
    Nothing,
    /// The parent fails after it has ended, so it is undone.
    TakesBack,
    /// Another branch of the parent fails while it may still be going on.
    MayCutShort,
}

struct Judge<'a> {
    facts: &'a Facts,
    guide: Guide<'a>,
    runs: BTreeMap<&'a str, (&'a RunClaim, &'a Plan)>,
    kinds: BTreeMap<String, Operation>,
    requests: BTreeMap<&'a str, Vec<&'a Received>>,
    /// Tokens that have a reason to be in the ledger.
    due: BTreeSet<String>,
    lost: BTreeSet<String>,
    verdict: Verdict,
}

impl<'a> Judge<'a> {
    fn new(facts: &'a Facts) -> Self {
        let mut judge = Self {
            facts,
            guide: Guide {
                script: facts.script,
                plans: &facts.plans,
                claims: BTreeMap::new(),
            },
            runs: BTreeMap::new(),
            kinds: BTreeMap::new(),
            requests: BTreeMap::new(),
            due: BTreeSet::new(),
            lost: BTreeSet::new(),
            verdict: Verdict::default(),
        };
        for run in &facts.runs {
            let Some(plan) = facts.plans.iter().find(|plan| plan.slug == run.recipe) else {
                continue;
            };
            judge.kinds.extend(plan.tokens(&run.base));
            for claim in &run.calls {
                judge.guide.claims.insert(&claim.token, claim);
            }
            if let Some((older, _)) = judge.runs.insert(&run.base, (run, plan)) {
                let what = format!("{} was started twice: {} and {}", run.base, older.run, run.run);
                judge.verdict.add(Broken::Doubled, what);
            }
        }
        for received in &facts.ledger {
            judge.requests.entry(&received.token).or_default().push(received);
        }
        judge.verdict.runs = facts.runs.len();
        judge
    }

    fn every_start_is_there(&mut self) {
        for base in &self.facts.acknowledged {
            if !self.runs.contains_key(base.as_str()) {
                let what = format!("the run {base} was acknowledged and is gone");
                self.verdict.add(Broken::Lost, what);
            }
        }
    }

    /// Parents come before their children, since their tokens are shorter.
    fn every_run(&mut self) {
        let runs: Vec<_> = self.runs.values().copied().collect();
        let mut taken_back: BTreeSet<String> = BTreeSet::new();
        let mut cut_short: BTreeSet<String> = BTreeSet::new();
        for (run, plan) in runs {
            let mut walked = self.guide.run(plan, &run.base);
            let outside = if cut_short.contains(&run.base) {
                walked = walked.perhaps();
                Outside::MayCutShort
            } else if taken_back.contains(&run.base) {
                Outside::TakesBack
            } else {
                Outside::Nothing
            };
            if walked.fate == Fate::Failed || outside != Outside::Nothing {
                taken_back.extend(walked.undoable_children.iter().cloned());
            }
            cut_short.extend(walked.other_children.iter().cloned());
            self.one_run(run, plan, walked, outside);
        }
    }

    fn one_run(&mut self, run: &RunClaim, plan: &Plan, walked: Walked, outside: Outside) {
        let stopped = match outside {
            Outside::Nothing => walked.fate == Fate::Failed,
            Outside::TakesBack => walked.fate != Fate::Blocked,
            // How far it got isn't said, so its own word is taken for whether it is to be undone.
            Outside::MayCutShort => matches!(run.status.as_str(), "cancelled" | "failed"),
        };
        let mut must = walked.must;
        let mut refused_undo = false;
        if stopped {
            let done = |token: &String| {
                let claim = self.guide.claims.get(token.as_str());
                claim.is_some_and(|claim| claim.succeeded_at.is_some())
            };
            let undo = walked.undo.iter().filter(|(owner, ..)| done(owner));
            let undo = undo.map(|(_, token, operation)| (token.clone(), *operation));
            let rollback = plan
                .rollback
                .iter()
                .map(|call| (crate::plan::token(&run.base, &call.id, None), call.operation));
            for (token, operation) in undo.chain(rollback) {
                if self.facts.script.refused(&token) {
                    refused_undo = true;
                } else {
                    must.insert(token, operation);
                }
            }
        }
        self.end(run, walked.fate, outside, refused_undo);
        // Of a run that isn't at its end only the forward part is judged: its end is judged above.
        for (token, operation) in &must {
            self.required(run, token, *operation);
        }
        for child in &walked.children {
            if !self.runs.contains_key(child.as_str()) {
                let what = format!("{} has no child run {child}", run.run);
                self.verdict.add(Broken::Lost, what);
            }
        }
        self.due.extend(must.into_keys().chain(walked.may.into_keys()));
    }

    fn end(&mut self, run: &RunClaim, fate: Fate, outside: Outside, refused_undo: bool) {
        let right: &[&str] = match (fate, outside) {
            (Fate::Done, Outside::Nothing) => &["succeeded"],
            // Whether a child's own child could be undone isn't looked into here.
            (Fate::Done, Outside::TakesBack) => &["cancelled", "failed"],
            (Fate::Blocked, _) => &["waiting", "undoing", "running"],
            (Fate::Failed, Outside::MayCutShort) => &["failed", "cancelled"],
            (Fate::Failed, _) => &["failed"],
            (Fate::Done, Outside::MayCutShort) => &["succeeded", "cancelled", "failed"],
        };
        if right.contains(&run.status.as_str()) {
            return;
        }
        let undo = if refused_undo { ", an undo is refused" } else { "" };
        let what = format!(
            "{} ({}, {}) is {}{} and must be {}{undo}",
            run.run,
            run.base,
            run.recipe,
            run.status,
            if run.ended {
                String::new()
            } else {
                format!(" for {}", run.waiting_for)
            },
            right.join(" or ")
        );
        self.verdict.add(Broken::Stuck, what);
    }

    fn required(&mut self, run: &RunClaim, token: &str, operation: Operation) {
        let missing = match operation {
            Operation::Read => !self.requests.contains_key(token),
            _ => self.effects(token) == 0,
        };
        // What a run that hangs has not reached yet is stuck, not lost.
        if missing && run.ended {
            self.lose(token, format!("{token} ({}) never took place", run.run));
        }
    }

    fn lose(&mut self, token: &str, what: String) {
        if self.lost.insert(token.to_owned()) {
            self.verdict.add(Broken::Lost, what);
        }
    }

    fn effects(&self, token: &str) -> usize {
        self.requests.get(token).map_or(0, |requests| {
            requests
                .iter()
                .filter(|request| request.effect_at_ms.is_some())
                .count()
        })
    }

    /// What the journals say must be true of the ledger.
    fn every_claim(&mut self) {
        let claims: Vec<&CallClaim> = self.guide.claims.values().copied().collect();
        for claim in claims {
            let operation = self.kinds.get(&claim.token).copied();
            if let Some(done_at) = claim.succeeded_at {
                self.verdict.steps += 1;
                let happened = operation == Some(Operation::Read) || self.effects(&claim.token) > 0;
                if !happened {
                    let what = format!("{} is said to be done and never took place", claim.token);
                    self.lose(&claim.token, what);
                }
                self.not_redone(claim, done_at);
            }
            for (attempt, at) in &claim.uncertain {
                self.verdict.uncertain += 1;
                if operation == Some(Operation::Unkeyed) && self.may_be_uncertain(claim, *attempt, *at) {
                    self.verdict.permitted_uncertain += 1;
                } else {
                    let what = format!("{} is uncertain without need", claim.token);
                    self.verdict.add(Broken::Stuck, what);
                }
            }
        }
    }

    /// A finished step is never redone, not even where that would do no harm.
    fn not_redone(&mut self, claim: &CallClaim, done_at: i64) {
        let after = |request: &&&Received| request.at_ms > done_at + LATE_MS;
        let requests = self.requests.get(claim.token.as_str());
        let late = requests.and_then(|requests| requests.iter().find(after));
        if let Some(request) = late {
            let what = format!(
                "{} was called again {} ms after it was done",
                claim.token,
                request.at_ms - done_at
            );
            self.verdict.add(Broken::Doubled, what);
        }
    }

    /// An unkeyed write may be uncertain if it was under way when the server was disturbed, if the
    /// ledger left its outcome open, or if its time ran out.
    fn may_be_uncertain(&self, claim: &CallClaim, attempt: u32, at: i64) -> bool {
        let Some(started) = claim.attempts.get(&attempt) else {
            return false;
        };
        let disturbed = self
            .facts
            .disruptions
            .iter()
            .any(|span| span.to_ms >= started - BLUR_MS && span.from_ms <= at + BLUR_MS);
        let left_open = self.requests.get(claim.token.as_str()).is_some_and(|requests| {
            requests
                .iter()
                .any(|request| request.attempt == attempt && request.behaviour.leaves_unknown())
        });
        disturbed || left_open || at - started >= TIMED_OUT_MS
    }

    /// Everything in the ledger must be due, and as often as promised.
    fn every_effect(&mut self) {
        let tokens: Vec<&str> = self.requests.keys().copied().collect();
        for token in tokens {
            let effects = self.effects(token);
            if effects == 0 {
                continue;
            }
            let operation = self.kinds.get(token).copied();
            if !self.due.contains(token) {
                let what = format!("{token} took place and was never due");
                self.verdict.add(Broken::Doubled, what);
            } else if effects > 1 && operation != Some(Operation::Idempotent) {
                let name = operation.map_or("unknown", Operation::name);
                let what = format!("{token} ({name}) took place {effects} times");
                self.verdict.add(Broken::Doubled, what);
            }
        }
    }
}
