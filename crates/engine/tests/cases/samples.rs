//! Samples of every kind of event of every version, as they lie in journals. A sample is never
//! changed: old journals hold events of exactly this form, and every later binary has to read them.

use std::collections::BTreeSet;
use std::path::PathBuf;

use engine::{EVENT_VERSION, Event, Recorded};
use serde_json::Value;

/// The name of a kind. A new kind does not compile until it is named here, and then needs a sample.
fn kind(event: &Event) -> &'static str {
    match event {
        Event::RunCreated(_) => "run_created",
        Event::PhaseEntered { .. } => "phase_entered",
        Event::StepScheduled { .. } => "step_scheduled",
        Event::StepStarted { .. } => "step_started",
        Event::StepSucceeded { .. } => "step_succeeded",
        Event::StepFailed { .. } => "step_failed",
        Event::StepSkipped { .. } => "step_skipped",
        Event::StepUncertain { .. } => "step_uncertain",
        Event::LateResult { .. } => "late_result",
        Event::ProbeFinished { .. } => "probe_finished",
        Event::UncertainResolved { .. } => "uncertain_resolved",
        Event::PolicyDecided { .. } => "policy_decided",
        Event::ApprovalRequested { .. } => "approval_requested",
        Event::ApprovalDecided { .. } => "approval_decided",
        Event::QuestionsAsked { .. } => "questions_asked",
        Event::InputRequested { .. } => "input_requested",
        Event::InputGiven { .. } => "input_given",
        Event::TaskDone { .. } => "task_done",
        Event::TimerSet { .. } => "timer_set",
        Event::TimerFired { .. } => "timer_fired",
        Event::SignalReceived { .. } => "signal_received",
        Event::ChildStarted { .. } => "child_started",
        Event::ChildFinished { .. } => "child_finished",
        Event::RunPaused { .. } => "run_paused",
        Event::RunResumed { .. } => "run_resumed",
        Event::CancelRequested { .. } => "cancel_requested",
        Event::KillRequested { .. } => "kill_requested",
        Event::UndoStarted { .. } => "undo_started",
        Event::UndoFinished { .. } => "undo_finished",
        Event::RunFinished { .. } => "run_finished",
    }
}

/// How many kinds the match above has.
const KINDS: usize = 30;

/// The samples of one version by file name.
fn samples(version: u16) -> Vec<(String, Value)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("tests/samples/v{version}"));
    let files = std::fs::read_dir(folder).expect("the samples are there");
    files
        .map(|file| {
            let path = file.expect("a file").path();
            let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
            let text = std::fs::read_to_string(&path).expect("it reads");
            (name, serde_json::from_str(&text).expect("it is JSON"))
        })
        .collect()
}

#[test]
fn every_event_ever_written_reads_and_is_written_alike() {
    for version in 1..=EVENT_VERSION {
        let mut kinds = BTreeSet::new();
        for (name, sample) in samples(version) {
            let events: Vec<Recorded> =
                serde_json::from_value(sample.clone()).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert!(!events.is_empty(), "{name} has samples");
            for recorded in &events {
                assert_eq!((kind(&recorded.event), recorded.v), (name.as_str(), version));
            }
            let written = serde_json::to_value(&events).expect("events serialise");
            assert_eq!(written, sample, "{name}");
            kinds.insert(name);
        }
        assert_eq!(kinds.len(), KINDS, "every kind has a sample: {kinds:?}");
    }
}

#[test]
fn every_event_folds_into_any_state() {
    let all: Vec<Recorded> = samples(1)
        .into_iter()
        .flat_map(|(_, sample)| serde_json::from_value::<Vec<Recorded>>(sample).expect("samples read"))
        .collect();
    let created = all.iter().find(|recorded| recorded.seq == 1).expect("a creation");
    let begun = engine::evolve(None, created).expect("a creation begins a state");
    let folded = |order: Vec<&Recorded>| order.into_iter().fold(Some(begun.clone()), engine::evolve);
    for state in [folded(all.iter().collect()), folded(all.iter().rev().collect())] {
        let state = state.expect("a state stays one");
        let text = serde_json::to_string(&state).expect("a state serialises");
        let read: engine::State = serde_json::from_str(&text).expect("a snapshot reads");
        assert_eq!(read, state);
    }
}
