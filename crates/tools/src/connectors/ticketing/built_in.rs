//! Tickets at the built-in desk.

use ports::{DeskStore, StoreError, Ticket, TicketChange, TicketFilter};
use serde_json::{Value, json};
use types::{Artifact, ArtifactKind, Failure, TicketId, TicketStatus, Urgency};

use super::BUILT_IN;
use crate::arguments::{invalid, text};
use crate::connector::unknown_action;
use crate::{Answer, CallContext, CallError};

/// What stands before a ticket's number.
const PREFIX: &str = "TKT-";

/// Performs an action.
pub(super) async fn call(
    desk: &dyn DeskStore,
    ctx: &CallContext,
    action: &str,
    args: &Value,
) -> Result<Answer, CallError> {
    match action {
        "create_ticket" => create(desk, ctx, args).await,
        "update_ticket" => change(desk, ctx, args, wish(args)?).await,
        "comment_on_ticket" => {
            let comment = TicketChange {
                comment: Some((author(ctx), words(args, "comment").unwrap_or_default())),
                ..TicketChange::default()
            };
            change(desk, ctx, args, comment).await
        }
        "resolve_ticket" => {
            let resolved = TicketChange {
                status: Some(TicketStatus::Resolved),
                resolution: words(args, "resolution"),
                ..TicketChange::default()
            };
            change(desk, ctx, args, resolved).await
        }
        "get_ticket" => {
            let ticket = desk.ticket(ctx.tenant, ctx.mode, number(args)?).await;
            Ok(Answer::new(output(&ticket.map_err(failed)?)))
        }
        "find_tickets" => find(desk, ctx, args).await,
        other => Err(unknown_action(other)),
    }
}

/// The ticket that this call opened, if it did.
pub(super) async fn look_up(desk: &dyn DeskStore, ctx: &CallContext) -> Result<Option<Answer>, CallError> {
    let found = desk.ticket_of_call(ctx.tenant, ctx.mode, &ctx.key).await;
    Ok(found.map_err(failed)?.as_ref().map(answer))
}

/// Reads one ticket, whichever.
pub(super) async fn health(desk: &dyn DeskStore, ctx: &CallContext) -> Result<String, CallError> {
    let filter = TicketFilter {
        mode: ctx.mode,
        text: None,
        open_only: false,
        limit: 1,
    };
    desk.tickets(ctx.tenant, filter).await.map_err(failed)?;
    Ok("built in; tickets can be read".to_owned())
}

async fn create(desk: &dyn DeskStore, ctx: &CallContext, args: &Value) -> Result<Answer, CallError> {
    let ticket = Ticket {
        id: TicketId::derive(ctx.now(), &[&ctx.key]),
        mode: ctx.mode,
        number: 0,
        title: words(args, "title").unwrap_or_default(),
        description: words(args, "description").unwrap_or_default(),
        urgency: urgency(args)?.unwrap_or(Urgency::Medium),
        category: words(args, "category").unwrap_or_default(),
        assignee: words(args, "assignee").unwrap_or_default(),
        status: TicketStatus::New,
        resolution: String::new(),
        created_at: ctx.now(),
        updated_at: ctx.now(),
        resolved_at: None,
        comments: Vec::new(),
    };
    ctx.begin_effect()?;
    let opened = desk.open_ticket(ctx.tenant, ticket, &ctx.key).await;
    Ok(answer(&opened.map_err(failed)?))
}

async fn change(
    desk: &dyn DeskStore,
    ctx: &CallContext,
    args: &Value,
    change: TicketChange,
) -> Result<Answer, CallError> {
    let number = number(args)?;
    ctx.begin_effect()?;
    let changed = desk.change_ticket(ctx.tenant, ctx.mode, number, change, ctx.now(), &ctx.key);
    Ok(answer(&changed.await.map_err(failed)?))
}

async fn find(desk: &dyn DeskStore, ctx: &CallContext, args: &Value) -> Result<Answer, CallError> {
    let filter = TicketFilter {
        mode: ctx.mode,
        text: words(args, "text").filter(|text| !text.trim().is_empty()),
        open_only: args["open_only"].as_bool().unwrap_or(true),
        limit: args["limit"]
            .as_u64()
            .and_then(|limit| u32::try_from(limit).ok())
            .unwrap_or(10),
    };
    let found = desk.tickets(ctx.tenant, filter).await.map_err(failed)?;
    let tickets: Vec<Value> = found
        .iter()
        .map(|ticket| {
            let mut entry = output(ticket);
            entry.as_object_mut().map(|entry| entry.remove("comments"));
            entry
        })
        .collect();
    Ok(Answer::new(json!({ "tickets": tickets })))
}

fn wish(args: &Value) -> Result<TicketChange, CallError> {
    let status = text(args, "status").map(str::parse).transpose();
    Ok(TicketChange {
        title: words(args, "title"),
        description: words(args, "description"),
        urgency: urgency(args)?,
        category: words(args, "category"),
        assignee: words(args, "assignee"),
        status: status.map_err(|error: types::UnknownStatus| invalid(format!("status: {error}")))?,
        resolution: None,
        comment: None,
    })
}

fn urgency(args: &Value) -> Result<Option<Urgency>, CallError> {
    let read = text(args, "urgency").map(str::parse).transpose();
    read.map_err(|error: types::UnknownStatus| invalid(format!("urgency: {error}")))
}

fn words(args: &Value, name: &str) -> Option<String> {
    text(args, name).map(str::to_owned)
}

/// Who speaks: the run, since the desk knows no people.
fn author(ctx: &CallContext) -> String {
    ctx.run.map(|run| run.to_string()).unwrap_or_default()
}

/// The number in `TKT-12`, or a bare one.
fn number(args: &Value) -> Result<u64, CallError> {
    let given = text(args, "ticket").unwrap_or_default();
    let digits = match given.get(..PREFIX.len()) {
        Some(prefix) if prefix.eq_ignore_ascii_case(PREFIX) => &given[PREFIX.len()..],
        _ => given,
    };
    digits.parse().map_err(|_| {
        CallError::refused(
            Failure::new("record_not_found", format!("'{given}' is no ticket of the built-in desk"))
                .hint("they are called TKT-1, TKT-2 and so on; the setting tools.incident_ticketing.through says where tickets are kept"),
        )
    })
}

fn answer(ticket: &Ticket) -> Answer {
    let artifact = Artifact {
        kind: ArtifactKind::Incident,
        external_id: format!("{PREFIX}{}", ticket.number),
        url: None,
        data: json!({ "through": BUILT_IN, "id": ticket.id.to_string() }),
    };
    Answer::new(output(ticket)).with(artifact)
}

fn output(ticket: &Ticket) -> Value {
    let comments: Vec<Value> = ticket
        .comments
        .iter()
        .map(|comment| json!({"author": comment.author, "text": comment.text, "at": comment.at.to_string()}))
        .collect();
    json!({
        "number": format!("{PREFIX}{}", ticket.number),
        "id": ticket.id.to_string(),
        "through": BUILT_IN,
        "title": ticket.title,
        "description": ticket.description,
        "urgency": ticket.urgency.as_str(),
        "category": ticket.category,
        "assignee": ticket.assignee,
        "status": ticket.status.as_str(),
        "resolution": ticket.resolution,
        "url": null,
        "opened_at": ticket.created_at.to_string(),
        "comments": comments,
    })
}

fn failed(error: StoreError) -> CallError {
    match error {
        StoreError::NotFound { what, name } => CallError::refused(
            Failure::new("record_not_found", format!("there is no {what} {PREFIX}{name}"))
                .hint("mock and real are kept apart; `incident_ticketing.find_tickets` shows what there is"),
        ),
        other => CallError::retryable(other.into()),
    }
}
