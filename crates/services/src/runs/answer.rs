//! Answering a run: inputs, tasks, signals, and what an uncertain step did.

use std::collections::BTreeMap;

use engine::event::Resolution;
use engine::{Message, StepKey};
use serde_json::{Value, json};
use types::{Actor, Failure, Label, Labeled, RunId};

use super::look::{Asked, asked};
use super::{fold, open_run, post, post_as};
use crate::names::{cut, nearest};
use crate::requests::RepeatKey;
use crate::{Result, Services};

/// What is wrong with a value that says nothing.
pub(super) const BLANK: &str = "is empty; an input that may be empty has minLength: 0";
/// The longest note kept, in bytes.
const NOTE: usize = 4_000;
/// The largest answer or payload taken, in bytes of JSON.
const PAYLOAD: usize = 256 * 1024;

/// What a person says of an uncertain step.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// The effect happened; its output, if they know it.
    Happened(Option<Value>),
    /// It did not happen: do it again.
    Redo,
    /// It did not happen and shall not: the step has failed.
    Failed,
}

/// Gives an input that the run asks for.
///
/// # Errors
/// `not_found`, `run_ended`, `input_not_asked`, `inputs_invalid`, or the store can't be written.
pub async fn give_input(services: &Services, run: RunId, name: &str, value: Value, by: &Actor) -> Result<()> {
    open_run(services, run).await?;
    bounded(&value)?;
    let asks = asked(&fold(services, run).await?);
    let wanted: Vec<(&str, &Value)> = asks
        .iter()
        .filter_map(|ask| match ask {
            Asked::Input { name, schema, .. } => Some((name.as_str(), schema)),
            _ => None,
        })
        .collect();
    let Some((_, schema)) = wanted.iter().find(|(asked, _)| *asked == name) else {
        let names: Vec<&str> = wanted.iter().map(|(name, _)| *name).collect();
        return Err(not_asked(run, name, &names));
    };
    let mut problems = problems(schema, &value);
    if is_blank(schema, &value) {
        problems.push(BLANK.to_owned());
    }
    if !problems.is_empty() {
        return Err(Failure::new(
            "inputs_invalid",
            format!("'{}': {}", cut(name), problems.join("; ")),
        ));
    }
    let value = Labeled::new(value, Label::User);
    let message = Message::Input {
        name: name.to_owned(),
        value,
        by: by.clone(),
    };
    post(services, run, message).await
}

/// Says that a task is done or failed, or that a statement holds or doesn't.
///
/// # Errors
/// `not_found`, `run_ended`, `step_not_waiting`, or the store can't be written.
pub async fn task(
    services: &Services,
    run: RunId,
    step: &str,
    ok: bool,
    note: &str,
    by: &Actor,
) -> Result<()> {
    open_run(services, run).await?;
    let asks = asked(&fold(services, run).await?);
    let tasks = asks.iter().filter_map(|ask| match ask {
        Asked::Task { step, .. } => Some(step),
        _ => None,
    });
    let step = pick(run, step, tasks, "waits for a person's task")?;
    let message = Message::Task {
        step,
        ok,
        note: note_of(note),
        by: by.clone(),
    };
    post(services, run, message).await
}

/// Sends a named signal; it waits in the run until a step asks for it. Sent twice with one key it comes once.
///
/// # Errors
/// `not_found`, `run_ended`, `signal_invalid`, or the store can't be written.
pub async fn signal(
    services: &Services,
    run: RunId,
    name: &str,
    payload: Value,
    key: Option<RepeatKey>,
    by: &Actor,
) -> Result<()> {
    open_run(services, run).await?;
    if name.is_empty() || name.len() > 200 {
        return Err(Failure::new(
            "signal_invalid",
            "a signal's name has 1 to 200 characters",
        ));
    }
    bounded(&payload)?;
    let said = types::digest(&json!([name, payload]));
    let payload = Labeled::new(payload, Label::User);
    let message = Message::Signal {
        name: name.to_owned(),
        payload,
        by: by.clone(),
    };
    match key {
        Some(key) => post_as(services, key.message(run, &said), run, message).await,
        None => post(services, run, message).await,
    }
}

/// Says what an uncertain step did. A run that has ended can still be told `happened` or `failed`.
///
/// # Errors
/// `not_found`, `step_not_waiting`, `run_ended` for `redo`, `inputs_invalid` for an output that the
/// action could not have answered, or the store can't be written.
pub async fn resolve(
    services: &Services,
    run: RunId,
    step: &str,
    answer: Answer,
    note: &str,
    by: &Actor,
) -> Result<()> {
    let row = super::find(services, run).await?;
    if row.status.is_final() && answer == Answer::Redo {
        return Err(super::ended(&row));
    }
    let asks = asked(&fold(services, run).await?);
    let uncertain = asks.iter().filter_map(|ask| match ask {
        Asked::Uncertain {
            step,
            attempt,
            action,
            ..
        } => Some((step, (*attempt, action.as_str()))),
        _ => None,
    });
    let open: BTreeMap<&StepKey, (u32, &str)> = uncertain.collect();
    let step = pick(run, step, open.keys().copied(), "is uncertain")?;
    let (attempt, action) = open.get(&step).copied().unwrap_or_default();
    let resolution = match answer {
        Answer::Happened(output) => {
            if let Some(output) = &output {
                fits(services, action, output)?;
            }
            let output = output.unwrap_or(Value::Null);
            Resolution::Happened {
                output: Labeled::new(output, Label::Operator),
                artifacts: Vec::new(),
            }
        }
        Answer::Redo => Resolution::Redo,
        Answer::Failed => {
            let said = format!("{} said that the effect of {step} did not happen", by.name);
            Resolution::Failed {
                failure: Failure::new("effect_did_not_happen", said),
            }
        }
    };
    let message = Message::Resolve {
        step,
        attempt,
        resolution,
        by: by.clone(),
        note: note_of(note),
    };
    post(services, run, message).await
}

/// Whether an output that a person gives is one that the action could have answered: later steps take
/// it for that.
fn fits(services: &Services, action: &str, output: &Value) -> Result<()> {
    bounded(output)?;
    let catalog = services.tools.catalog();
    let types::Lookup::Found(spec) = catalog.find(action) else {
        return Ok(());
    };
    let problems = problems(&spec.output, output);
    if problems.is_empty() {
        return Ok(());
    }
    let message = format!("the output is not one of {action}: {}", problems.join("; "));
    Err(Failure::new("inputs_invalid", message)
        .hint("leave --output out, or give what the call would have answered"))
}

/// Everything in which a value does not fit a schema, in words.
pub(super) fn problems(schema: &Value, value: &Value) -> Vec<String> {
    match jsonschema::validator_for(schema) {
        Ok(validator) => validator
            .iter_errors(value)
            .take(20)
            .map(|error| {
                let at = error.instance_path().to_string();
                if at.is_empty() {
                    error.to_string()
                } else {
                    format!("{at}: {error}")
                }
            })
            .collect(),
        Err(error) => vec![format!("the recipe's schema can't be used: {error}")],
    }
}

/// Whether a value says nothing where a text is asked for, and the schema doesn't say that this is fine, by
/// `minLength: 0` or by listing it.
pub(super) fn is_blank(schema: &Value, value: &Value) -> bool {
    let texts = schema["type"] == "string";
    let allowed = schema["minLength"] == 0 || schema.get("enum").is_some() || schema.get("const").is_some();
    texts && !allowed && value.as_str().is_some_and(|text| text.trim().is_empty())
}

/// The step that a person means among those that can be answered: its address, or its bare id.
fn pick<'a>(run: RunId, name: &str, steps: impl Iterator<Item = &'a StepKey>, what: &str) -> Result<StepKey> {
    let steps: Vec<&StepKey> = steps.collect();
    let last = |step: &StepKey| step.as_str().rsplit('/').next().unwrap_or_default().to_owned();
    let exact = steps.iter().find(|step| step.as_str() == name);
    let bare: Vec<_> = steps.iter().filter(|step| last(step) == name).collect();
    match (exact, bare.as_slice()) {
        (Some(step), _) => Ok((*step).clone()),
        (None, [step]) => Ok((**step).clone()),
        _ => {
            let failure = Failure::new(
                "step_not_waiting",
                format!("no step '{}' of {run} {what}", cut(name)),
            );
            let known: Vec<&str> = steps.iter().map(|step| step.as_str()).collect();
            Err(match known.as_slice() {
                [] => failure.hint(format!("`agentops run show {run}` says what it waits for")),
                _ => failure.hint(format!("steps that can be answered: {}", known.join(", "))),
            })
        }
    }
}

fn not_asked(run: RunId, name: &str, wanted: &[&str]) -> Failure {
    let failure = Failure::new(
        "input_not_asked",
        format!("{run} does not ask for '{}' now", cut(name)),
    );
    match (nearest(name, wanted.iter().copied()), wanted) {
        (Some(near), _) => failure.hint(format!("did you mean '{near}'?")),
        (None, []) => failure.hint(format!("`agentops run show {run}` says what it waits for")),
        (None, _) => failure.hint(format!("it asks for {}", wanted.join(", "))),
    }
}

fn bounded(value: &Value) -> Result<()> {
    let size = value.to_string().len();
    if size > PAYLOAD {
        return Err(Failure::new(
            "payload_too_large",
            format!("the value has {size} bytes of JSON; at most {PAYLOAD} are taken"),
        )
        .hint("keep large things elsewhere and hand over where they are"));
    }
    Ok(())
}

fn note_of(note: &str) -> String {
    let mut end = note.len().min(NOTE);
    while !note.is_char_boundary(end) {
        end -= 1;
    }
    note[..end].to_owned()
}
