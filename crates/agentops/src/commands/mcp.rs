//! `agentops tool add-mcp`, `refresh` and `classify`: servers of the Model Context Protocol.

use api::wire::tools::{McpServer, PutClass, PutMcpServer, Tool as Record};
use clap::{Args, ValueEnum};
use serde_json::json;
use types::{Effect, Failure};

use super::tool::page;
use super::{Context, Done};
use crate::client::Client;
use crate::exit::Exit;
use crate::output::{Progress, Style};

/// Add or change a server of the Model Context Protocol that answers over HTTP, and look at it
#[derive(Debug, Args)]
pub struct AddMcp {
    /// The tool's name
    pub name: String,
    /// Where it answers
    pub url: String,
    /// Let what it says of its own actions count
    #[arg(long)]
    pub trusted: bool,
    /// Let it be called in mock mode, which has no stand-in for it
    #[arg(long)]
    pub mock: bool,
}

/// Look at a server of the Model Context Protocol anew
#[derive(Debug, Args)]
pub struct Refresh {
    /// The tool's name
    pub name: String,
}

/// Say what an action of a server of the Model Context Protocol does
#[derive(Debug, Args)]
pub struct Classify {
    /// TOOL.ACTION
    pub action: String,
    /// What it does to the world; default takes back what was said
    #[arg(long)]
    pub effect: Said,
    /// Calling it again with the same arguments gives the same world
    #[arg(long)]
    pub idempotent: bool,
}

/// What a person says of an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Said {
    /// Changes nothing
    Read,
    /// Changes something that can be lived with or taken back
    Write,
    /// Interrupts or removes something
    Destructive,
    /// Nobody says anything
    Default,
}

impl AddMcp {
    /// Runs it. The server stays added even if it can't be looked at now.
    pub async fn run(self, context: &Context) -> Done {
        let client = context.client().await?;
        let done = self.add(context, &client).await;
        client.close().await;
        done.map(|()| Exit::Ok)
    }

    async fn add(self, context: &Context, client: &Client) -> Result<(), Failure> {
        let wish = PutMcpServer {
            url: self.url,
            trusted: self.trusted,
            mock: self.mock,
        };
        let _: Record = client.put(&["tools", &self.name, "mcp"], &wish).await?;
        look(context, client, &self.name).await.map_err(|failure| {
            let later = format!(
                "it is added; when that is put right: `agentops tool refresh {}`",
                self.name
            );
            let hint = match &failure.hint {
                Some(hint) => format!("{hint}; {later}"),
                None => later,
            };
            failure.hint(hint)
        })
    }
}

impl Refresh {
    /// Runs it.
    pub async fn run(self, context: &Context) -> Done {
        let client = context.client().await?;
        let done = look(context, &client, &self.name).await;
        client.close().await;
        done.map(|()| Exit::Ok)
    }
}

impl Classify {
    /// Runs it.
    pub async fn run(self, context: &Context) -> Done {
        let client = context.client().await?;
        let done = self.say(context, &client).await;
        client.close().await;
        done.map(|()| Exit::Ok)
    }

    async fn say(self, context: &Context, client: &Client) -> Result<(), Failure> {
        let wish = PutClass {
            effect: match self.effect {
                Said::Read => Some(Effect::Read),
                Said::Write => Some(Effect::Write),
                Said::Destructive => Some(Effect::Destructive),
                Said::Default => None,
            },
            idempotent: self.idempotent,
        };
        let tool: Record = client.put(&["actions", &self.action, "class"], &wish).await?;
        client.taken_up().await;
        let Some(now) = tool.actions.iter().find(|shown| shown.name == self.action) else {
            let document = json!({"action": self.action, "effect": wish.effect});
            return context.output.answer(&document, |style| {
                format!(
                    "{} is classified, and can't be called now",
                    style.strong(&self.action)
                )
            });
        };
        let document = json!({"action": now.name, "effect": now.effect, "idempotency": now.idempotency,
                              "rule": now.rule, "reason": now.reason});
        context.output.answer(&document, |style| {
            format!(
                "{}: {}, {} {}",
                style.strong(&now.name),
                now.effect.as_str(),
                now.rule,
                style.dim(&format!("({})", now.reason))
            )
        })
    }
}

/// Looks at a server and shows what it offers.
async fn look(context: &Context, client: &Client, name: &str) -> Result<(), Failure> {
    let progress = Progress::start(&context.output, "looking");
    let seen = client.post(&["tools", name, "refresh"], &json!(null)).await;
    drop(progress);
    let tool: Record = seen?;
    client.taken_up().await;
    context.output.answer(&tool, |style| page(style, &tool))
}

/// What is known of whether a server can be worked with, and since when.
pub fn known(server: &McpServer) -> String {
    let since = server.since.map(|at| at.to_string()).unwrap_or_default();
    match (server.state.as_str(), &server.trouble) {
        ("answers", _) => format!("It has answered whenever it was tried since {since}."),
        ("unreachable", Some(why)) => format!("It can't be worked with since {since}: {why}"),
        _ => "Nobody has looked at it yet.".to_owned(),
    }
}

/// What stands below the description of a server.
pub fn about(style: Style, tool: &Record) -> Vec<String> {
    let Some(McpServer {
        url,
        trusted,
        mock,
        protocol,
        left_out,
        ..
    }) = &tool.mcp
    else {
        return Vec::new();
    };
    let mut parts = vec![
        url.clone()
            .unwrap_or_else(|| "started by the configuration".to_owned()),
    ];
    parts.extend(protocol.as_ref().map(|protocol| format!("revision {protocol}")));
    parts.push(if *trusted { "trusted" } else { "not trusted" }.to_owned());
    parts.extend(mock.then(|| "called in mock mode, too".to_owned()));
    let mut lines = vec![style.dim(&parts.join(" · "))];
    lines.extend(tool.mcp.as_ref().map(|server| match server.state.as_str() {
        "answers" => style.dim(&known(server)),
        _ => style.warn(&known(server)),
    }));
    for left in left_out {
        lines.push(style.warn(&format!("left out: {} ({})", left.name, left.why)));
    }
    lines
}
