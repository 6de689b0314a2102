//! `agentops tool`: tools and their actions.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use api::wire::library::Setting;
use api::wire::runs::Started;
use api::wire::tools::{Action, AddTool, AddedTool, CallAction, PutRule, Tool as Record, ToolHealth};
use clap::{Args, Subcommand};
use futures::StreamExt as _;
use serde_json::{Map, Value, json};
use types::{Failure, Mode};

use super::embedded::{Watching, change};
use super::mcp::{AddMcp, Classify, Refresh, about, known};
use super::run::mode;
use super::{Context, Done};
use crate::args::{Pair, text_file};
use crate::client::Client;
use crate::compose::Access;
use crate::exit::Exit;
use crate::output::{Progress, Style, span, table};

/// Tools and their actions
#[derive(Debug, Subcommand)]
pub enum Tool {
    /// List tools
    List,
    /// Show a tool: its actions, what they take, whether they ask first
    Show {
        /// Its name
        name: String,
    },
    /// Ask tools how they are; one or all
    Health(Health),
    /// Hold a tool: its calls wait
    Pause {
        /// Its name
        name: String,
    },
    /// Release a tool
    Resume {
        /// Its name
        name: String,
    },
    /// Remove a tool that somebody added, with the rules for its actions
    Remove {
        /// Its name
        name: String,
    },
    /// Call one action, as a run of one step
    Call(Call),
    /// Add or replace a plain HTTP tool
    Add {
        /// Its manifest, a file of JSON; - is standard input
        manifest: PathBuf,
    },
    AddMcp(AddMcp),
    Refresh(Refresh),
    Classify(Classify),
    /// Set this installation's rule for an action
    Rule {
        /// TOOL.ACTION
        action: String,
        /// run, ask, deny, default, or JSON such as {"ask": {"groups": ["Support_L2"]}}
        rule: String,
    },
}

/// Ask tools how they are
#[derive(Debug, Args)]
pub struct Health {
    /// One tool, else all
    pub name: Option<String>,
    /// The sandbox or the real services; the setting runs.mode if not said
    #[arg(long, value_parser = mode())]
    pub mode: Option<Mode>,
    /// How long each may take, in seconds; 20 if all are asked, else as long as it needs
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=600))]
    pub wait: Option<u64>,
}

/// Call one action
#[derive(Debug, Args)]
pub struct Call {
    /// TOOL.ACTION or another name of it
    pub action: String,
    /// An argument; a number, list or object where the action wants one
    #[arg(short, long = "arg", value_name = "NAME=VALUE")]
    pub args: Vec<Pair>,
    /// The sandbox or the real services; the setting runs.mode if not said
    #[arg(long, value_parser = mode())]
    pub mode: Option<Mode>,
    #[command(flatten)]
    pub watching: Watching,
}

/// Tools asked side by side.
const AT_ONCE: usize = 16;
/// How long each may take to say how it is if all are asked, in seconds.
const EACH_S: u64 = 20;
/// How long one may take that is asked alone, in seconds: more than a server gives it.
const ALONE_S: u64 = 600;

impl Tool {
    /// Runs it.
    pub async fn run(self, context: &Context) -> Done {
        match self {
            Tool::Health(health) => return health.run(context).await,
            Tool::Call(call) => return call.run(context).await,
            Tool::AddMcp(add) => return add.run(context).await,
            Tool::Refresh(refresh) => return refresh.run(context).await,
            Tool::Classify(classify) => return classify.run(context).await,
            _ => {}
        }
        let client = context.client().await?;
        let answered = self.beside(context, &client).await;
        client.close().await;
        answered.map(|()| Exit::Ok)
    }

    /// What calls no tool.
    async fn beside(self, context: &Context, client: &Client) -> Result<(), Failure> {
        match self {
            Tool::List => {
                let all: Vec<Record> = client.all(&["tools"]).await?;
                context.output.answer(&all, |style| list(style, &all))
            }
            Tool::Show { name } => {
                let tool: Record = match name.split_once('.') {
                    None => client.get(&["tools", &name]).await?,
                    Some((tool, _)) => {
                        let action: Action = client.get(&["actions", &name]).await?;
                        let mut tool: Record = client.get(&["tools", tool]).await?;
                        tool.actions.retain(|shown| shown.name == action.name);
                        tool
                    }
                };
                context.output.answer(&tool, |style| page(style, &tool))
            }
            Tool::Pause { name } => {
                client.tell(&["tools", &name, "pause"]).await?;
                client.taken_up().await;
                context
                    .output
                    .answer(&json!({"tool": name, "paused": true}), |_| {
                        format!("{name} is held: its calls wait until `agentops tool resume {name}`")
                    })
            }
            Tool::Resume { name } => {
                client.tell(&["tools", &name, "resume"]).await?;
                client.taken_up().await;
                context
                    .output
                    .answer(&json!({"tool": name, "paused": false}), |_| {
                        format!("{name} is released")
                    })
            }
            Tool::Remove { name } => {
                client.delete(&["tools", &name]).await?;
                client.taken_up().await;
                context
                    .output
                    .answer(&json!({"tool": name, "removed": true}), |_| {
                        format!(
                            "{name} is removed; steps that need it fail from now on, and its secrets stay"
                        )
                    })
            }
            Tool::Add { manifest } => add(context, client, &manifest).await,
            Tool::Rule { action, rule } => set_rule(context, client, &action, &rule).await,
            Tool::Health(_) | Tool::Call(_) | Tool::AddMcp(_) | Tool::Refresh(_) | Tool::Classify(_) => {
                Ok(())
            }
        }
    }
}

impl Health {
    async fn run(self, context: &Context) -> Done {
        let (client, sandbox) = self.open(context).await?;
        let progress = Progress::start(&context.output, "asking");
        let seen = self.ask(&client).await;
        if let Some(sandbox) = sandbox {
            sandbox.shutdown().await;
        }
        client.close().await;
        drop(progress);
        let seen = seen?;
        context.output.answer(&seen, |style| {
            let rows = seen.iter().map(|health| {
                let state = if health.ok {
                    style.good("well")
                } else {
                    style.bad("unwell")
                };
                vec![
                    health.tool.clone(),
                    state,
                    health.mode.to_string(),
                    span(health.latency_ms),
                    health.detail.clone(),
                ]
            });
            table(
                style,
                &["tool", "", "mode", "took", "what it said"],
                rows.collect(),
                "no tools",
            )
        })?;
        Ok(if seen.iter().all(|health| health.ok) {
            Exit::Ok
        } else {
            Exit::Failed
        })
    }

    /// The server, whose sandbox is the one that is asked; else the own sandbox.
    async fn open(&self, context: &Context) -> Result<(Client, Option<Arc<sandbox::Handle>>), Failure> {
        if let Some(client) = Client::of_server(&context.config).await {
            return Ok((client, None));
        }
        let app = context.open(Access::HoldIfFree).await?;
        let started = match app.holds() && self.mode != Some(Mode::Real) {
            true => app.sandbox_only().await,
            false => Ok(None),
        };
        match started {
            Ok(sandbox) => Ok((Client::in_folder(app), sandbox)),
            Err(failure) => {
                app.close().await;
                Err(failure)
            }
        }
    }

    async fn ask(&self, client: &Client) -> Result<Vec<ToolHealth>, Failure> {
        let mode = match self.mode {
            Some(mode) => mode,
            None => {
                let setting: Setting = client.get(&["settings", services::settings::MODE]).await?;
                serde_json::from_value(setting.value).unwrap_or(Mode::Mock)
            }
        };
        let names = match &self.name {
            Some(name) => vec![name.clone()],
            None => {
                let all: Vec<Record> = client.all(&["tools"]).await?;
                all.into_iter().map(|tool| tool.name).collect()
            }
        };
        let alone = self.name.is_some();
        let wait = self.wait.unwrap_or(if alone { ALONE_S } else { EACH_S });
        let wait = Duration::from_secs(wait);
        let asked = futures::stream::iter(names).map(async |name: String| {
            let query = [("mode", mode.as_str().to_owned())];
            let path = ["tools", name.as_str(), "health"];
            let unwell = |detail: String, took: Duration| ToolHealth {
                tool: name.clone(),
                ok: false,
                detail,
                mode,
                latency_ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
            };
            // One that keeps silent must not keep the others from being shown.
            match tokio::time::timeout(wait, client.get_with(&path, &query)).await {
                Ok(Err(failure)) if !alone => Ok(unwell(failure.to_string(), Duration::ZERO)),
                Ok(asked) => asked,
                Err(_) => Ok(unwell(silent(&name, wait), wait)),
            }
        });
        let seen: Vec<Result<ToolHealth, Failure>> = asked.buffered(AT_ONCE).collect().await;
        seen.into_iter().collect()
    }
}

impl Call {
    async fn run(self, context: &Context) -> Done {
        change(context, self.watching, async |client: &Client| {
            let action: Action = client.get(&["actions", &self.action]).await?;
            let known = action.input.get("properties");
            let mut args = Map::new();
            for pair in &self.args {
                let schema = known.and_then(|known| known.get(&pair.name));
                args.insert(pair.name.clone(), pair.typed(schema));
            }
            let wish = CallAction {
                args,
                mode: self.mode,
            };
            let started: Started = client.post(&["actions", &self.action, "call"], &wish).await?;
            Ok(started.run)
        })
        .await
    }
}

fn silent(name: &str, wait: Duration) -> String {
    let seconds = wait.as_secs();
    format!(
        "it did not answer within {seconds} s; `agentops tool health {name} --wait 75` gives it more time"
    )
}

async fn add(context: &Context, client: &Client, file: &std::path::Path) -> Result<(), Failure> {
    let invalid = |why: &str| {
        Failure::new("manifest_invalid", format!("'{}': {why}", file.display()))
            .hint("docs/tools.md shows a manifest")
    };
    let text = text_file(file)?;
    let manifest: Value =
        serde_json::from_str(&text).map_err(|error| invalid(&format!("not JSON: {error}")))?;
    let added: Result<AddedTool, Failure> = client.post(&["tools"], &AddTool { manifest }).await;
    let added = added.map_err(|failure| match failure.code.as_str() {
        "manifest_invalid" => invalid(&failure.message),
        _ => failure,
    })?;
    client.taken_up().await;
    context.output.answer(&added, |style| {
        format!(
            "{} is added: {}",
            style.strong(&added.tool),
            added.actions.join(", ")
        )
    })
}

async fn set_rule(context: &Context, client: &Client, action: &str, rule: &str) -> Result<(), Failure> {
    let rule = match rule {
        "default" => Value::Null,
        text => serde_json::from_str(text).unwrap_or_else(|_| Value::from(text)),
    };
    client
        .put::<()>(&["actions", action, "rule"], &PutRule { rule })
        .await?;
    client.taken_up().await;
    let now: Action = client.get(&["actions", action]).await?;
    let document = json!({"action": now.name, "rule": now.rule, "reason": now.reason});
    context.output.answer(&document, |style| {
        format!(
            "{}: {} {}",
            style.strong(&now.name),
            now.rule,
            style.dim(&format!("({})", now.reason))
        )
    })
}

fn list(style: Style, all: &[Record]) -> String {
    let rows = all
        .iter()
        .map(|tool| {
            let server = tool.mcp.as_ref();
            let state = match (tool.enabled, tool.paused) {
                (false, _) => style.bad("off"),
                (true, true) => style.warn("held"),
                (true, false) => match server.map(|server| server.state.as_str()) {
                    None => style.good("ready"),
                    Some("answers") => style.good("answers"),
                    Some("unreachable") => style.bad("unreachable"),
                    Some(_) => style.warn("not seen yet"),
                },
            };
            let count = tool.actions.len().to_string();
            let mut about = vec![tool.description.clone()];
            about.extend(server.filter(|server| server.since.is_some()).map(known));
            vec![
                style.strong(&tool.name),
                state,
                tool.kind.clone(),
                count,
                about.join(" "),
            ]
        })
        .collect();
    table(
        style,
        &["tool", "", "kind", "actions", "what it is"],
        rows,
        "no tools",
    )
}

/// A tool as a page.
pub fn page(style: Style, tool: &Record) -> String {
    let held = if tool.paused {
        style.warn("  held")
    } else {
        String::new()
    };
    let mut lines = vec![
        format!(
            "{}  {}{held}",
            style.strong(&tool.name),
            style.dim(&format!("{} {}", tool.kind, tool.version))
        ),
        tool.description.clone(),
    ];
    lines.extend(about(style, tool));
    lines.extend(tool.actions.iter().map(|action| {
        let name = action.name.split_once('.').map_or("", |(_, name)| name);
        let standing = tool.mcp.as_ref().and_then(|mcp| mcp.standing.get(name));
        action_text(style, action, standing.map(String::as_str))
    }));
    lines.join("\n")
}

fn action_text(style: Style, action: &Action, standing: Option<&str>) -> String {
    let rule = match action.rule.as_str() {
        "run" => style.good("runs"),
        "ask" => style.warn("asks"),
        _ => style.bad("denied"),
    };
    let mut text = format!(
        "\n{}  {}  {rule} {}\n  {}",
        style.strong(&action.name),
        action.effect.as_str(),
        style.dim(&format!("({})", action.reason)),
        action.description
    );
    if let Some(standing) = standing {
        text.push_str(&format!("\n  {}: {standing}", action.effect.as_str()));
    }
    let required: Vec<&str> = action
        .input
        .get("required")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let known = action.input.get("properties").and_then(Value::as_object);
    for (name, schema) in known.into_iter().flatten() {
        let must = if required.contains(&name.as_str()) {
            ""
        } else {
            "?"
        };
        let kind = match schema.get("type") {
            Some(Value::String(kind)) => kind.clone(),
            Some(kinds) => kinds.to_string(),
            None => "any".to_owned(),
        };
        let about = schema
            .get("description")
            .and_then(Value::as_str)
            .unwrap_or_default();
        text.push_str(&format!("\n    {name}{must}: {kind}  {}", style.dim(about)));
    }
    // Forms with a tool in front are legion; --json lists them.
    let short: Vec<&str> = action
        .aliases
        .iter()
        .map(String::as_str)
        .filter(|alias| !alias.contains('.'))
        .collect();
    if !short.is_empty() {
        text.push_str(&format!(
            "\n    {}",
            style.dim(&format!("also: {}", short.join(", ")))
        ));
    }
    text
}
