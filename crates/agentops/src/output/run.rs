//! A run for people: as a page, and as a timeline that grows while it is watched.

use std::collections::{BTreeMap, BTreeSet};

use api::wire::artifacts::Artifact;
use api::wire::runs::{Ask, Run, RunDetail, Step};
use engine::StepKey;
use types::{Mode, RunStatus, StepStatus, Timestamp};

use super::{Style, ago, span, text};

/// What stands below links of the sandbox.
const SANDBOX_LINKS: &str = "links to this machine are the sandbox's: they work while a process has it running, such as `agentops serve`";

/// A whole run as a page.
pub fn run_page(style: Style, view: &RunDetail, now: Timestamp) -> String {
    let run = &view.run;
    let mut lines = vec![format!(
        "{}  {}  {}{}",
        style.strong(&run.recipe_name),
        style.run(run.status),
        style.dim(&run.run.to_string()),
        if run.needs_attention {
            style.bad("  needs attention")
        } else {
            String::new()
        },
    )];
    let agent = run
        .agent
        .as_ref()
        .map(|agent| format!(", {agent}"))
        .unwrap_or_default();
    lines.push(style.dim(&format!(
        "version {}, {}{agent}, started by {} {}",
        run.recipe_version,
        run.mode,
        run.requester,
        ago(run.created_at, now)
    )));
    let mut timeline = Timeline::default();
    lines.extend(timeline.grow(style, &view.steps, now, true));
    lines.extend(ending(style, view));
    lines.join("\n")
}

/// What follows the steps: artifacts, outputs, the failure, what it waits for.
pub(crate) fn ending(style: Style, view: &RunDetail) -> Vec<String> {
    let run = &view.run;
    let mut lines = Vec::new();
    if !view.artifacts.is_empty() {
        lines.push(style.strong("Artifacts"));
        let mut shown = BTreeSet::new();
        let all = view
            .artifacts
            .iter()
            .map(|artifact| artifact_line(style, artifact));
        // A thing that several steps touched is one thing to look at.
        lines.extend(all.filter(|line| shown.insert(line.clone())));
        if run.mode == Mode::Mock && view.artifacts.iter().any(leads_to_sandbox) {
            lines.push(format!("  {}", style.dim(SANDBOX_LINKS)));
        }
    }
    if let Some(outputs) = run.outputs.as_object().filter(|outputs| !outputs.is_empty()) {
        lines.push(style.strong("Outputs"));
        lines.extend(
            outputs
                .iter()
                .map(|(name, value)| format!("  {name}: {}", text::value(value))),
        );
    }
    for stop in &view.stops {
        let how = if stop.killed { "killed" } else { "cancelled" };
        let why = match stop.reason.as_str() {
            "" => String::new(),
            reason => format!(": {reason}"),
        };
        lines.push(format!("{} by {}{why}", style.warn(how), stop.by));
    }
    if let Some(failure) = &run.failure {
        lines.push(format!(
            "{} {} {}",
            style.bad("failed:"),
            failure.message,
            style.dim(&format!("[{}]", failure.code))
        ));
        if let Some(hint) = &failure.hint {
            lines.push(format!("  {} {hint}", style.dim("hint:")));
        }
    }
    lines.extend(waits(style, view));
    lines
}

/// What people can do for the run now, with the command that does it.
fn waits(style: Style, view: &RunDetail) -> Vec<String> {
    let id = view.run.run;
    let mut lines = Vec::new();
    for approval in &view.approvals {
        lines.push(format!(
            "{} {} with {}",
            style.warn("waits for an approval:"),
            approval.action,
            approval.args
        ));
        lines.push(format!("  {}", style.dim(&approval.reason)));
        for undo in &approval.undo {
            lines.push(style.dim(&format!("  and to take it back, if need be: {}", undo.action)));
        }
        lines.push(format!(
            "  agentops approvals approve {} --as NAME   {}",
            approval.id,
            style.dim(&format!("not {}, who started it", approval.requester))
        ));
    }
    for asked in &view.asks {
        let (what, command) = match asked {
            Ask::Input { name, prompt, .. } => (
                format!("waits for the input '{name}': {prompt}"),
                format!("run input {id} {name}=…"),
            ),
            Ask::Task { step, text, confirm } => {
                let what = if *confirm {
                    "waits for a confirmation"
                } else {
                    "waits for a task"
                };
                (format!("{what}: {text}"), format!("run task {id} {step} done"))
            }
            Ask::Signal { name, .. } => (
                format!("waits for the signal '{name}'"),
                format!("run signal {id} {name}"),
            ),
            Ask::Uncertain {
                step, action, seen, ..
            } => (
                format!("nobody knows whether {action} happened at {step}: {seen}"),
                format!("run resolve {id} {step} happened|redo|failed"),
            ),
        };
        lines.push(style.warn(&what));
        lines.push(format!("  agentops {command}"));
    }
    for tool in &view.held {
        lines.push(style.warn(&format!("held: the tool {tool} is paused")));
        lines.push(format!("  agentops tool resume {tool}"));
    }
    if view.run.status == RunStatus::Paused {
        lines.push(style.warn("held: nothing new begins until somebody lets it go on"));
        lines.push(format!("  agentops run resume {id}"));
    }
    if lines.is_empty() && !view.run.waiting_for.is_empty() {
        lines.push(style.warn(&format!("waits for {}", view.run.waiting_for)));
    }
    lines
}

/// Shows steps as they come to something; each is shown again only when that has changed.
#[derive(Debug, Default)]
pub struct Timeline {
    section: String,
    shown: BTreeMap<String, (StepStatus, String)>,
    /// Why steps were held back: many may be for the same reason, which is said once.
    held: BTreeSet<String>,
}

impl Timeline {
    /// Lines for what is new. `all` also shows steps that are still at it.
    pub fn grow(&mut self, style: Style, steps: &[Step], now: Timestamp, all: bool) -> Vec<String> {
        let mut lines = Vec::new();
        for step in steps {
            let settled = step.status.is_final()
                || matches!(step.status, StepStatus::Uncertain)
                || (step.status == StepStatus::Waiting && for_long(step));
            // What each item came to stands in the line of its `for_each`.
            let quiet = is_item(step) && matches!(step.status, StepStatus::Succeeded | StepStatus::Skipped);
            let held = why_held(step).is_some_and(|why| self.held.insert(why.to_owned()));
            if (!settled && !held || quiet) && !all {
                continue;
            }
            let state = (step.status, step.waiting_for.clone());
            let key = step.step.clone();
            if self.shown.get(&key) == Some(&state) {
                continue;
            }
            self.shown.insert(key, state);
            let section = heading(step);
            if section != self.section {
                lines.push(style.strong(&section));
                self.section = section;
            }
            lines.push(step_line(style, step, items(step, steps), now));
        }
        lines
    }
}

/// Whether a wait is worth a line while watching; retries and polls are not.
fn for_long(step: &Step) -> bool {
    let waits = step.waiting_for.as_str();
    !waits.is_empty()
        && !waits.starts_with("another attempt")
        && !waits.starts_with("its condition")
        && waits != "a child run"
        && why_held(step).is_none()
}

/// Why a step's call is held back, if it is, without the instant until which.
fn why_held(step: &Step) -> Option<&str> {
    let (_, until) = step.waiting_for.split_once(engine::HELD_BACK)?;
    until.split_once(": ").map(|(_, why)| why)
}

fn heading(step: &Step) -> String {
    let key = StepKey::from(step.step.as_str());
    if key.is_compensation() {
        return "Undo".to_owned();
    }
    let section = key.section();
    let mut letters = section.chars();
    letters
        .next()
        .map(|first| first.to_uppercase().chain(letters).collect())
        .unwrap_or_default()
}

/// Whether it is one iteration of a `for_each`.
fn is_item(step: &Step) -> bool {
    step.step.as_str().ends_with(']')
}

/// How many items a `for_each` has, and how many of them were done; `None` for other steps.
fn items(step: &Step, steps: &[Step]) -> Option<(usize, usize)> {
    if step.kind != "for_each" {
        return None;
    }
    let own = |item: &&Step| {
        let address = item
            .step
            .as_str()
            .strip_prefix(step.step.as_str())
            .and_then(|rest| rest.strip_prefix('['));
        address
            .and_then(|rest| rest.strip_suffix(']'))
            .is_some_and(|index| index.parse::<usize>().is_ok())
    };
    let items: Vec<&Step> = steps.iter().filter(own).collect();
    let done = items
        .iter()
        .filter(|item| item.status != StepStatus::Skipped)
        .count();
    Some((items.len(), done))
}

fn step_line(style: Style, step: &Step, items: Option<(usize, usize)>, now: Timestamp) -> String {
    let nested = step.step.as_str().matches('/').count().saturating_sub(1);
    let depth = nested + usize::from(is_item(step));
    let indent = "  ".repeat(depth + 1);
    let mut extra = Vec::new();
    if let Some(action) = step
        .action
        .as_ref()
        .filter(|action| !action.is_empty() && **action != step.title)
    {
        extra.push(action.clone());
    }
    match items {
        Some((1, 1)) => extra.push("1 item".to_owned()),
        Some((all, done)) if all == done => extra.push(format!("{all} items")),
        Some((all, done)) => extra.push(format!("{done} of {all} items")),
        None => {}
    }
    if step.attempts > 1 {
        extra.push(format!("{} attempts", step.attempts));
    }
    extra.push(match step.status {
        StepStatus::Skipped => "skipped".to_owned(),
        _ => span(step.finished_at.unwrap_or(now).since(step.scheduled_at)),
    });
    let extra = format!("  {}", style.dim(&extra.join(", ")));
    // Items share their title; the number is what tells them apart.
    let number = step.step.as_str().rfind('[').filter(|_| is_item(step));
    let number = number.map_or("", |at| &step.step.as_str()[at..]);
    let mark = style.mark(step.status);
    let mut line = format!("{indent}{mark} {}{}{extra}", step.title, style.dim(number));
    let waits = matches!(step.status, StepStatus::Waiting | StepStatus::Pending);
    if waits && !step.waiting_for.is_empty() {
        line.push_str(&format!(
            "\n{indent}  {}",
            style.warn(&format!("waits for {}", step.waiting_for))
        ));
    }
    let told = matches!(step.status, StepStatus::Failed | StepStatus::Uncertain);
    if let Some(failure) = step.failure.as_ref().filter(|_| told) {
        let code = style.dim(&format!("[{}]", failure.code));
        line.push_str(&format!("\n{indent}  {} {code}", failure.message));
    }
    line
}

/// Whether an artifact's link leads to this machine.
fn leads_to_sandbox(artifact: &Artifact) -> bool {
    let url = artifact.url.as_deref().unwrap_or_default();
    ["http://127.", "https://127.", "http://[::1]", "https://[::1]"]
        .iter()
        .any(|own| url.starts_with(own))
}

fn artifact_line(style: Style, artifact: &Artifact) -> String {
    let mut name: Vec<&str> = vec![&artifact.name, &artifact.external_id];
    name.dedup();
    name.retain(|text| !text.is_empty());
    let name = name.join(" ");
    let url = artifact
        .url
        .as_ref()
        .map(|url| format!("  {url}"))
        .unwrap_or_default();
    format!("  {} {name}{url}", style.dim(&format!("{:<8}", artifact.kind)))
}

/// A run's row as one line of a list.
pub(crate) fn list_row(style: Style, run: &Run, now: Timestamp) -> Vec<String> {
    let took = run
        .finished_at
        .map(|end| span(end.since(run.created_at)))
        .unwrap_or_default();
    let about = match (&run.failure, run.waiting_for.as_str()) {
        (Some(failure), _) => failure.code.clone(),
        (None, waits) => waits.to_owned(),
    };
    vec![
        run.run.to_string(),
        run.recipe_name.clone(),
        style.run(run.status),
        run.phase
            .filter(|_| !run.status.is_final())
            .map(|phase| phase.to_string())
            .unwrap_or_default(),
        run.mode.to_string(),
        run.requester.clone(),
        ago(run.created_at, now),
        took,
        about,
    ]
}
