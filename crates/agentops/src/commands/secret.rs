//! `agentops secret`: what tools need to be let in, for real mode. A value comes from standard input
//! or the environment, never from the command line, where other users could read it.

use std::io::{IsTerminal, Read};

use api::wire::library::{PutSecret, Secret as Record, Setting};
use clap::{Args, Subcommand};
use serde_json::json;
use types::Failure;

use super::{Context, Done};
use crate::args::invalid;
use crate::client::Client;
use crate::exit::Exit;
use crate::output::{ago, table};

/// The largest value read, in bytes: more than any secret has, so that the check says so.
const LARGEST: u64 = 64 * 1024;

/// Secrets for real mode
#[derive(Debug, Subcommand)]
pub enum Secret {
    /// Set a secret; its value comes from standard input or an environment variable
    Set(Set),
    /// List secrets, without their values
    List,
    /// Remove a secret
    Remove {
        /// Its name
        name: String,
    },
}

/// Set a secret
#[derive(Debug, Args)]
pub struct Set {
    /// TOOL.FIELD, such as slack.token or zoom.client_secret
    pub name: String,
    /// The only place it may be sent to, such as `https://slack.com`; where the tool takes its secrets, if not said
    #[arg(long, value_name = "URL")]
    pub origin: Option<String>,
    /// Take the value from this environment variable
    #[arg(long, value_name = "VARIABLE")]
    pub env: Option<String>,
}

impl Secret {
    /// Runs it.
    pub async fn run(self, context: &Context) -> Done {
        let client = context.client().await?;
        let answered = match self {
            Secret::Set(set) => set.run(context, &client).await,
            Secret::List => list(context, &client).await,
            Secret::Remove { name } => remove(context, &client, &name).await,
        };
        client.close().await;
        answered.map(|()| Exit::Ok)
    }
}

impl Set {
    async fn run(self, context: &Context, client: &Client) -> Result<(), Failure> {
        let origin = match self.origin {
            Some(origin) => origin,
            None => goes_to(client, &self.name).await?,
        };
        let value = match &self.env {
            Some(variable) => std::env::var(variable)
                .map_err(|error| invalid(format!("the environment variable '{variable}': {error}")))?,
            None => read(context, &self.name).await?,
        };
        let wish = PutSecret { origin, value };
        let record: Record = client.put(&["secrets", &self.name], &wish).await?;
        context.output.answer(&record, |style| {
            format!(
                "{} is set, to be sent to {} only",
                style.strong(&record.name),
                record.origin
            )
        })
    }
}

async fn list(context: &Context, client: &Client) -> Result<(), Failure> {
    let all: Vec<Record> = client.all(&["secrets"]).await?;
    let now = client.now();
    context.output.answer(&all, |style| {
        let rows = all.iter().map(|secret| {
            let end = if secret.hint.is_empty() {
                String::new()
            } else {
                format!("…{}", secret.hint)
            };
            vec![
                secret.name.clone(),
                secret.origin.clone(),
                end,
                ago(secret.updated_at, now),
            ]
        });
        table(
            style,
            &["secret", "sent only to", "ends in", "set"],
            rows.collect(),
            "no secrets yet",
        )
    })
}

async fn remove(context: &Context, client: &Client, name: &str) -> Result<(), Failure> {
    client.delete(&["secrets", name]).await?;
    context
        .output
        .answer(&json!({"removed": name}), |_| format!("{name} is removed"))
}

/// Where the tool of a secret takes it, by the settings or its vendor's one place.
async fn goes_to(client: &Client, name: &str) -> Result<String, Failure> {
    let tool = name.split('.').next().unwrap_or_default();
    let urls: Setting = client.get(&["settings", services::settings::BASE_URLS]).await?;
    let set = urls.value.get(tool).and_then(serde_json::Value::as_str);
    set.map(str::to_owned)
        .or_else(|| tools::Access::of(tool).base_url.map(str::to_owned))
        .map(|base_url| tools::secrets_url(tool, &base_url))
        .ok_or_else(|| {
            invalid(format!(
                "nothing says where {tool} lives, so {name} needs --origin"
            ))
            .hint("such as --origin https://example.service-now.com")
        })
}

async fn read(context: &Context, name: &str) -> Result<String, Failure> {
    if std::io::stdin().is_terminal() {
        return context.output.ask_secret(&format!("{name}:")).await;
    }
    let mut bytes = Vec::new();
    let failed =
        |why: String| Failure::new("file_unreadable", format!("failed to read standard input: {why}"));
    std::io::stdin()
        .lock()
        .take(LARGEST)
        .read_to_end(&mut bytes)
        .map_err(|error| failed(error.to_string()))?;
    let text = String::from_utf8(bytes)
        .map_err(|_| Failure::new("invalid_utf8", "the secret on standard input is not valid UTF-8"))?;
    Ok(text.trim_end_matches(['\n', '\r']).to_owned())
}
