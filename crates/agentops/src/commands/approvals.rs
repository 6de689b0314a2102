//! `agentops approvals`: what waits for a decision, and deciding it.

use api::wire::approvals::{Approval, Decide};
use clap::{Args, Subcommand, ValueEnum};
use serde_json::Value;
use types::{ApprovalId, Label, LabelMap, Timestamp};

use super::embedded::{Watching, change};
use super::{Context, Done};
use crate::client::Client;
use crate::exit::Exit;
use crate::output::{Style, ago, one_line, span, table, value as value_text};

/// The state of an approval that people may decide.
const PENDING: &str = "pending";

/// What waits for a decision
#[derive(Debug, Subcommand)]
pub enum Approvals {
    /// List approvals, newest first; those that wait, unless another state is asked
    List(List),
    /// Show an approval: the exact arguments, who may decide, votes
    Show {
        /// The approval
        id: ApprovalId,
    },
    /// Approve
    Approve(Approve),
    /// Deny
    Deny(Deny),
}

/// List approvals
#[derive(Debug, Args)]
pub struct List {
    /// The state
    #[arg(long, value_enum, default_value_t = State::Pending)]
    pub status: State,
    /// At most so many
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub limit: u32,
}

/// A state, or all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum State {
    /// People may decide
    Pending,
    /// Enough people agreed
    Approved,
    /// One person refused
    Denied,
    /// Nobody decided in time
    Expired,
    /// The run ended first
    Void,
    /// Every state
    All,
}

/// Approve
#[derive(Debug, Args)]
pub struct Approve {
    /// The approval
    pub id: ApprovalId,
    /// What to remember of it
    #[arg(long, default_value = "")]
    pub note: String,
    #[command(flatten)]
    pub watching: Watching,
}

/// Deny
#[derive(Debug, Args)]
pub struct Deny {
    /// The approval
    pub id: ApprovalId,
    /// Why
    #[arg(long)]
    pub note: String,
    #[command(flatten)]
    pub watching: Watching,
}

impl Approvals {
    /// Runs it.
    pub async fn run(self, context: &Context) -> Done {
        match self {
            Approvals::List(command) => command.run(context).await,
            Approvals::Show { id } => show(context, id).await,
            Approvals::Approve(Approve { id, note, watching }) => {
                decide(context, id, true, &note, watching).await
            }
            Approvals::Deny(Deny { id, note, watching }) => decide(context, id, false, &note, watching).await,
        }
    }
}

impl List {
    async fn run(self, context: &Context) -> Done {
        let status = match self.status {
            State::All => None,
            state => state.to_possible_value(),
        };
        let query: Vec<_> = status
            .map(|status| ("status", status.get_name().to_owned()))
            .into_iter()
            .collect();
        let client = context.client().await?;
        let rows: Result<Vec<Approval>, _> = client.list(&["approvals"], &query, self.limit).await;
        let now = client.now();
        client.close().await;
        let rows = rows?;
        context.output.answer(&rows, |style| {
            let columns = [
                "approval",
                "action",
                "recipe",
                "mode",
                "started by",
                "asked",
                "state",
            ];
            let nothing = if self.status == State::All {
                "no approvals yet"
            } else {
                "no approval in that state"
            };
            table(
                style,
                &columns,
                rows.iter().map(|row| line(row, now)).collect(),
                nothing,
            )
        })?;
        context.output.may_be_more(rows.len(), self.limit);
        Ok(Exit::Ok)
    }
}

async fn show(context: &Context, id: ApprovalId) -> Done {
    let client = context.client().await?;
    let row: Result<Approval, _> = client.get(&["approvals", &id.to_string()]).await;
    let now = client.now();
    client.close().await;
    let row = row?;
    context.output.answer(&row, |style| page(style, &row, now))?;
    Ok(Exit::Ok)
}

async fn decide(context: &Context, id: ApprovalId, approve: bool, note: &str, watching: Watching) -> Done {
    change(context, watching, async |client: &Client| {
        let id = id.to_string();
        let shown: Approval = client.get(&["approvals", &id]).await?;
        let decision = Decide {
            approve,
            note: note.to_owned(),
        };
        client
            .post::<()>(&["approvals", &id, "decision"], &decision)
            .await?;
        Ok(shown.run)
    })
    .await
}

fn line(row: &Approval, now: Timestamp) -> Vec<String> {
    vec![
        row.id.to_string(),
        row.action.clone(),
        row.recipe_name.clone(),
        row.mode.to_string(),
        row.requester.clone(),
        ago(row.requested_at, now),
        row.status.clone(),
    ]
}

/// Arguments one by one, with where a value came from if that is no trusted place.
fn arguments(style: Style, args: &Value, labels: &LabelMap) -> Vec<String> {
    let Some(map) = args.as_object() else {
        return vec![format!("  {args}")];
    };
    let line = |(name, value): (&String, &Value)| {
        let labels = labels.within(&format!("/{}", name.replace('~', "~0").replace('/', "~1")));
        let from = match labels.contains(Label::Untrusted) || labels.contains(Label::Model) {
            true => style.warn(&format!("  ({labels})")),
            false => String::new(),
        };
        format!("  {name}: {}{from}", value_text(value))
    };
    map.iter().map(line).collect()
}

/// An approval with all that people should see before they decide.
pub(super) fn page(style: Style, row: &Approval, now: Timestamp) -> String {
    let mut lines = vec![
        format!(
            "{}  {}  {}",
            style.strong(&row.action),
            row.status,
            style.dim(&row.id.to_string())
        ),
        style.dim(&format!(
            "{} at {} of {}, {}, started by {}",
            one_line(&row.recipe_name),
            row.step,
            row.run,
            row.mode,
            one_line(&row.requester)
        )),
        one_line(&row.reason),
        style.strong("Arguments"),
    ];
    lines.extend(arguments(style, &row.args, &row.labels));
    for undo in &row.undo {
        lines.push(format!("{} {}", style.strong("Takes back"), undo.action));
        lines.push(style.dim("  if the run fails later; this approval covers it"));
        match &undo.args {
            Some(args) => lines.extend(arguments(style, args, &undo.labels)),
            None => lines.push("  its arguments depend on the answer, so it is asked for anew".to_owned()),
        }
    }
    let who = if row.groups.is_empty() {
        "anyone but the requester".to_owned()
    } else {
        row.groups.join(", ")
    };
    lines.push(format!(
        "{} {who}; needed: {}",
        style.dim("who may decide:"),
        row.quorum
    ));
    for vote in &row.votes {
        let verdict = if vote.approve {
            style.good("approved")
        } else {
            style.bad("denied")
        };
        lines.push(format!(
            "  {} {verdict} {} {}",
            vote.by,
            ago(vote.at, now),
            one_line(&vote.note)
        ));
    }
    if row.status == PENDING {
        lines.push(format!(
            "{} {}",
            style.dim("lapses in"),
            span(row.expires_at.since(now))
        ));
        lines.push(style.dim(&format!(
            "agentops approvals approve {} --as NAME | deny {} --as NAME --note WHY",
            row.id, row.id
        )));
    }
    lines.join("\n")
}
