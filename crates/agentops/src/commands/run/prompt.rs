//! Asking the person at the terminal for what a watched run waits for.

use api::wire::approvals::{Approval, Decide};
use api::wire::library::Setting;
use api::wire::runs::{Ask, EndTask, GiveInput, ResolveStep, RunDetail, Word};
use types::Failure;

use crate::args::typed;
use crate::client::Client;
use crate::commands::Context;
use crate::commands::approvals::page;

/// What came of asking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reply {
    /// The run was told something.
    Answered,
    /// What was said could not be taken.
    Again,
    /// The person left it for later.
    Left,
}

/// Asks for the first thing that the run waits for. What can't be taken is said, and asked again.
///
/// # Errors
/// The terminal can't be used, or the store.
pub async fn ask(context: &Context, client: &Client, view: &RunDetail) -> Result<Reply, Failure> {
    if let Some(approval) = view.approvals.first() {
        return ask_approval(context, client, approval).await;
    }
    match view.asks.first() {
        Some(asked) => ask_person(context, client, view, asked).await,
        None => Ok(Reply::Left),
    }
}

async fn ask_approval(context: &Context, client: &Client, row: &Approval) -> Result<Reply, Failure> {
    let style = context.output.style();
    let (now, by) = (client.now(), client.user());
    context
        .output
        .line(&format!("{} {}", style.warn("approval:"), page(style, row, now)))?;
    if row.requester == by && !may_decide_own(client).await? {
        let text = format!(
            "{by} started it, so somebody else decides: agentops approvals approve {} --as NAME",
            row.id
        );
        context.output.line(&style.warn(&text))?;
        return Ok(Reply::Left);
    }
    let question = format!("approve as {by}? [y]es, [n]o, anything else for later:");
    let approve = match context.output.ask(&question).await?.as_deref() {
        Some("y" | "yes") => true,
        Some("n" | "no") => false,
        _ => return Ok(Reply::Left),
    };
    let decision = Decide {
        approve,
        note: String::new(),
    };
    let path = ["approvals", &row.id.to_string(), "decision"];
    match client.post::<()>(&path, &decision).await {
        Ok(()) => Ok(Reply::Answered),
        Err(failure) => {
            context.output.failure(&failure);
            Ok(Reply::Left)
        }
    }
}

async fn may_decide_own(client: &Client) -> Result<bool, Failure> {
    let setting: Setting = client
        .get(&["settings", services::settings::SELF_APPROVAL])
        .await?;
    Ok(setting.value == true)
}

async fn ask_person(
    context: &Context,
    client: &Client,
    view: &RunDetail,
    asked: &Ask,
) -> Result<Reply, Failure> {
    let run = view.run.run.to_string();
    let told = match asked {
        Ask::Input {
            name, prompt, schema, ..
        } => {
            let Some(text) = context
                .output
                .ask(&format!("{prompt} (nothing for later)"))
                .await?
            else {
                return Ok(Reply::Left);
            };
            if text.is_empty() {
                return Ok(Reply::Left);
            }
            let answer = GiveInput {
                name: name.clone(),
                value: typed(&text, Some(schema)),
            };
            client.post::<()>(&["runs", &run, "inputs"], &answer).await
        }
        Ask::Task { step, text, confirm } => {
            let choice = if *confirm {
                "[y]es, [n]o"
            } else {
                "[d]one, [f]ailed"
            };
            let answer = context
                .output
                .ask(&format!("{text} {choice}, anything else for later:"))
                .await?;
            let ok = match answer.as_deref() {
                Some("y" | "yes" | "d" | "done") => true,
                Some("n" | "no" | "f" | "failed") => false,
                _ => return Ok(Reply::Left),
            };
            let said = EndTask {
                step: step.clone(),
                ok,
                note: String::new(),
            };
            client.post::<()>(&["runs", &run, "tasks"], &said).await
        }
        Ask::Uncertain {
            step, action, seen, ..
        } => {
            let question = format!(
                "nobody knows whether {action} happened ({seen}). [h]appened, [r]edo, [f]ailed, anything else for later:"
            );
            let word = match context.output.ask(&question).await?.as_deref() {
                Some("h" | "happened") => Word::Happened,
                Some("r" | "redo") => Word::Redo,
                Some("f" | "failed") => Word::Failed,
                _ => return Ok(Reply::Left),
            };
            let said = ResolveStep {
                step: step.clone(),
                word,
                output: None,
                note: String::new(),
            };
            client.post::<()>(&["runs", &run, "resolve"], &said).await
        }
        Ask::Signal { .. } => return Ok(Reply::Left),
    };
    match told {
        Ok(()) => Ok(Reply::Answered),
        Err(failure) => {
            context.output.failure(&failure);
            Ok(Reply::Again)
        }
    }
}
