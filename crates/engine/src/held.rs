//! What rows say of steps whose tool lets no call through now: until when, and why. That isn't in the
//! journal, because nothing happens to such a step; whoever works on the run says it with each append.

use std::collections::BTreeMap;

use types::{Failure, HeldBack, Timestamp};

use crate::project::step_row;
use crate::rows::Rows;
use crate::state::{Stage, State, StepState};

/// The most steps of a run that are shown so; the others wait for the same.
const MOST: usize = 20;
/// The most of a failure's words, in characters.
const MOST_WORDS: usize = 160;
/// What these texts have in common: what follows it is the instant and, after a colon, why.
pub const HELD_BACK: &str = "held back until ";

/// Brings rows up to date with what keeps tools from being called now, by the tool's name.
pub fn show_held_back(state: &State, rows: &mut Rows, now: Timestamp, closed: &BTreeMap<String, HeldBack>) {
    if closed.is_empty() || state.paused || state.is_finished() {
        return;
    }
    let mut texts = Vec::new();
    let mut shown = 0;
    for (key, step) in &state.steps {
        let own = step.waiting_for();
        let text = match text(step, now, closed) {
            Some(text) if shown < MOST => {
                shown += 1;
                let row = rows.steps.iter().position(|row| row.step == *key);
                let row = row.unwrap_or_else(|| {
                    rows.steps.push(step_row(key, step));
                    rows.steps.len() - 1
                });
                rows.steps[row].waiting_for.clone_from(&text);
                text
            }
            _ => own,
        };
        if !text.is_empty() {
            texts.push(text);
        }
    }
    rows.run.waiting_for = listed(texts);
}

/// What a run waits for, from what its steps do.
pub(crate) fn listed(texts: impl IntoIterator<Item = String>) -> String {
    let texts: Vec<String> = texts
        .into_iter()
        .filter(|text| !text.is_empty())
        .take(5)
        .collect();
    texts.join(", ")
}

/// A failure in few words.
pub(crate) fn why(failure: &Failure) -> String {
    let plain = failure
        .message
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c });
    let mut words: String = plain.take(MOST_WORDS + 1).collect();
    if words.chars().count() > MOST_WORDS {
        words = words.chars().take(MOST_WORDS - 1).chain(['…']).collect();
    }
    format!("{words} [{}]", failure.code)
}

/// What a step waits for whose last call was held back.
pub(crate) fn another_attempt(until: Timestamp, why: &str) -> String {
    format!("another attempt, {HELD_BACK}{until}: {why}")
}

fn text(step: &StepState, now: Timestamp, closed: &BTreeMap<String, HeldBack>) -> Option<String> {
    let (tool, _) = step.call()?.action.split_once('.')?;
    let HeldBack { until, failure } = closed.get(tool)?;
    let why = why(failure);
    match &step.stage {
        Stage::Ready => Some(format!("its turn, {HELD_BACK}{until}: {why}")),
        Stage::Retry { at, .. } if *at <= now => Some(another_attempt(*until, &why)),
        Stage::Poll { at } if *at <= now => Some(format!("its condition, {HELD_BACK}{until}: {why}")),
        _ => None,
    }
}
