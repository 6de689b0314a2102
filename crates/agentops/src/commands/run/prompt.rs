//! Asking the person at the terminal for what a watched run waits for.

use engine::rows::ApprovalRow;
use services::runs::{self, Answer, Asked, RunView};
use types::{Actor, Failure};

use crate::args::typed;
use crate::commands::Context;
use crate::commands::approvals::page;
use crate::compose::App;

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
pub async fn ask(context: &Context, app: &App, view: &RunView) -> Result<Reply, Failure> {
    let by = context.user(app).await?;
    if let Some(approval) = view.approvals.first() {
        return ask_approval(context, app, approval, &by).await;
    }
    match view.asks.first() {
        Some(asked) => ask_person(context, app, view, asked, &by).await,
        None => Ok(Reply::Left),
    }
}

async fn ask_approval(context: &Context, app: &App, row: &ApprovalRow, by: &Actor) -> Result<Reply, Failure> {
    let style = context.output.style();
    let now = app.services.clock.now();
    context
        .output
        .line(&format!("{} {}", style.warn("approval:"), page(style, row, now)))?;
    let own = row.requester.name == by.name;
    if own && !services::settings::read::<bool>(&app.services, services::settings::SELF_APPROVAL).await? {
        let text = format!(
            "{} started it, so somebody else decides: agentops approvals approve {} --as NAME",
            by.name, row.id
        );
        context.output.line(&style.warn(&text))?;
        return Ok(Reply::Left);
    }
    let question = format!("approve as {}? [y]es, [n]o, anything else for later:", by.name);
    let approve = match context.output.ask(&question).await?.as_deref() {
        Some("y" | "yes") => true,
        Some("n" | "no") => false,
        _ => return Ok(Reply::Left),
    };
    match services::approvals::decide(&app.services, row.id, approve, "", by).await {
        Ok(()) => Ok(Reply::Answered),
        Err(failure) => {
            context.output.failure(&failure);
            Ok(Reply::Left)
        }
    }
}

async fn ask_person(
    context: &Context,
    app: &App,
    view: &RunView,
    asked: &Asked,
    by: &Actor,
) -> Result<Reply, Failure> {
    let run = view.run.run;
    let told = match asked {
        Asked::Input {
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
            runs::give_input(&app.services, run, name, typed(&text, Some(schema)), by).await
        }
        Asked::Task { step, text, confirm } => {
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
            runs::task(&app.services, run, step.as_str(), ok, "", by).await
        }
        Asked::Uncertain {
            step, action, seen, ..
        } => {
            let question = format!(
                "nobody knows whether {action} happened ({seen}). [h]appened, [r]edo, [f]ailed, anything else for later:"
            );
            let answer = match context.output.ask(&question).await?.as_deref() {
                Some("h" | "happened") => Answer::Happened(None),
                Some("r" | "redo") => Answer::Redo,
                Some("f" | "failed") => Answer::Failed,
                _ => return Ok(Reply::Left),
            };
            runs::resolve(&app.services, run, step.as_str(), answer, "", by).await
        }
        Asked::Signal { .. } => return Ok(Reply::Left),
    };
    match told {
        Ok(()) => Ok(Reply::Answered),
        Err(failure) => {
            context.output.failure(&failure);
            Ok(Reply::Again)
        }
    }
}
