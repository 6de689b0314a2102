//! What the store says of runs and calls, in plain terms: the only place where the model's input
//! touches the engine's types. It repeats what is written and decides nothing.

use std::collections::BTreeMap;

use engine::frozen::Frozen;
use engine::{Event, Recorded, StepKey};
use ports::{JournalStore, RunFilter, StoreError};
use types::{RunStatus, TenantId};

/// Runs in one page.
const PAGE: u32 = 1_000;
/// Events of one run that are read at most.
const EVENTS: u32 = 10_000;

/// What the store says of one run.
#[derive(Debug, Clone, PartialEq)]
pub struct RunClaim {
    /// Its id, for messages.
    pub run: String,
    /// Its recipe.
    pub recipe: String,
    /// The input `token`.
    pub base: String,
    /// How it stands, as in the interface.
    pub status: String,
    /// Whether it has ended.
    pub ended: bool,
    /// What it waits for, for messages.
    pub waiting_for: String,
    /// Its calls.
    pub calls: Vec<CallClaim>,
}

/// What the journal says of one call. Instants are milliseconds since the Unix epoch.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct CallClaim {
    /// The step's address, for messages.
    pub step: String,
    /// The argument `token`.
    pub token: String,
    /// When each attempt began, by its number.
    pub attempts: BTreeMap<u32, i64>,
    /// When it was said to be done.
    pub succeeded_at: Option<i64>,
    /// Whether it was said to have failed for good.
    pub failed: bool,
    /// Each time it was said to be uncertain: the attempt and the instant.
    pub uncertain: Vec<(u32, i64)>,
    /// Whether it still is.
    pub open: bool,
}

/// Reads everything.
pub(crate) async fn collect(store: &dyn JournalStore) -> Result<Vec<RunClaim>, StoreError> {
    let tenant = TenantId::DEFAULT;
    let mut claims = Vec::new();
    let mut before = None;
    loop {
        let filter = RunFilter {
            before,
            limit: PAGE,
            ..RunFilter::default()
        };
        let page = store.runs(tenant, filter).await?;
        for row in &page {
            let events = store.journal(tenant, row.run, 0, EVENTS).await?;
            claims.push(RunClaim {
                run: row.run.to_string(),
                recipe: row.recipe_name.clone(),
                base: base(&events),
                status: row.status.to_string(),
                ended: row.status.is_final(),
                waiting_for: row.waiting_for.clone(),
                calls: calls(&events),
            });
        }
        match page.last() {
            Some(last) if page.len() == PAGE as usize => before = Some(last.run),
            _ => return Ok(claims),
        }
    }
}

/// How many runs have not ended, without reading their journals.
pub(crate) async fn unfinished(store: &dyn JournalStore) -> Result<Vec<engine::rows::RunRow>, StoreError> {
    let statuses = RunStatus::ALL
        .iter()
        .copied()
        .filter(|status| !status.is_final())
        .collect();
    let filter = RunFilter {
        statuses,
        limit: PAGE,
        ..RunFilter::default()
    };
    store.runs(TenantId::DEFAULT, filter).await
}

fn base(events: &[Recorded]) -> String {
    match events.first().map(|recorded| &recorded.event) {
        Some(Event::RunCreated(created)) => created.inputs.value["token"]
            .as_str()
            .unwrap_or_default()
            .to_owned(),
        _ => String::new(),
    }
}

fn calls(events: &[Recorded]) -> Vec<CallClaim> {
    let mut calls: BTreeMap<&StepKey, CallClaim> = BTreeMap::new();
    for recorded in events {
        let at = recorded.at.as_millis();
        match &recorded.event {
            Event::StepScheduled { step, what, .. } => {
                if let Frozen::Call(call) = what.as_ref() {
                    let token = call.args.value["token"].as_str().unwrap_or_default();
                    let claim = calls.entry(step).or_default();
                    (claim.step, claim.token) = (step.to_string(), token.to_owned());
                }
            }
            Event::StepStarted { step, attempt, .. } => {
                touch(&mut calls, step, |claim| {
                    claim.attempts.insert(*attempt, at);
                    claim.open = false;
                });
            }
            Event::StepSucceeded { step, .. } => touch(&mut calls, step, |claim| {
                claim.succeeded_at = Some(at);
                claim.open = false;
            }),
            Event::StepFailed { step, then, .. } => touch(&mut calls, step, |claim| {
                claim.failed |= *then == engine::event::Then::Final;
                claim.open = false;
            }),
            Event::StepUncertain { step, attempt, .. } => touch(&mut calls, step, |claim| {
                claim.uncertain.push((*attempt, at));
                claim.open = true;
            }),
            _ => {}
        }
    }
    calls.into_values().collect()
}

fn touch(calls: &mut BTreeMap<&StepKey, CallClaim>, step: &StepKey, change: impl FnOnce(&mut CallClaim)) {
    if let Some(claim) = calls.get_mut(step) {
        change(claim);
    }
}
