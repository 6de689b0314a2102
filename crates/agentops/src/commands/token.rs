//! `agentops token`: API tokens. A person makes their own: they sign in for it, since whoever can
//! read the data folder is not thereby that person.

use std::io::{BufRead, IsTerminal, Read};

use api::wire::people::{MadeToken, MakeToken, Token as Record, User};
use clap::{Args, Subcommand};
use serde_json::json;
use types::{Failure, Scope, TokenId};

use super::{Context, Done};
use crate::args::invalid;
use crate::client::Client;
use crate::exit::Exit;
use crate::output::{ago, span, table};

/// The longest password read from standard input, in bytes; more than any may have.
const LONGEST: u64 = 4096;

/// API tokens
#[derive(Debug, Subcommand)]
pub enum Token {
    /// List everybody's tokens, newest first
    List,
    /// Make a token for a person, who signs in for it; it is shown once
    Make(Make),
    /// Revoke a token
    Revoke {
        /// The token
        token: TokenId,
    },
}

/// Make a token
#[derive(Debug, Args)]
pub struct Make {
    /// What it is for
    #[arg(long)]
    pub name: String,
    /// read, run, write, approve or admin; may be given several times
    #[arg(long = "scope", value_name = "SCOPE", required = true)]
    pub scopes: Vec<Scope>,
    /// How many days it works
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=366))]
    pub days: u32,
    /// The sign-in name of its owner; the name after --as if not said
    #[arg(long)]
    pub user: Option<String>,
    /// Take the owner's password from this environment variable; from standard input if not said
    #[arg(long, value_name = "VARIABLE")]
    pub env: Option<String>,
}

impl Token {
    /// Runs it.
    pub async fn run(self, context: &Context) -> Done {
        let mut client = context.client().await?;
        let done = match self {
            Token::List => list(context, &client).await,
            Token::Make(make) => make.ask(context, &mut client).await,
            Token::Revoke { token } => revoke(context, &client, token).await,
        };
        client.close().await;
        done.map(|()| Exit::Ok)
    }
}

impl Make {
    async fn ask(self, context: &Context, client: &mut Client) -> Result<(), Failure> {
        let owner = match self.user {
            Some(name) => name,
            None => client.user().to_owned(),
        };
        let password = match &self.env {
            Some(variable) => std::env::var(variable)
                .map_err(|error| invalid(format!("the environment variable '{variable}': {error}")))?,
            None => read(context, &owner).await?,
        };
        let wish = MakeToken {
            name: self.name,
            scopes: self.scopes,
            days: self.days,
        };
        let asking = async |person: &Client| person.post(&["tokens"], &wish).await;
        let made: MadeToken = client.as_person(&owner, &password, asking).await?;
        context.output.answer(&made, |style| {
            let secret = made.secret.as_deref().unwrap_or_default();
            let lasts = span(made.token.expires_at.since(made.token.created_at));
            let about = format!("works for {lasts}; nobody is shown it again");
            format!("{secret}\n{}", style.dim(&about))
        })
    }
}

async fn list(context: &Context, client: &Client) -> Result<(), Failure> {
    let query = [("all", true.to_string())];
    let all: Vec<Record> = client.list(&["tokens"], &query, u32::MAX).await?;
    let users: Vec<User> = client.all(&["users"]).await?;
    let now = client.now();
    context.output.answer(&all, |style| {
        let rows = all.iter().map(|token| {
            let owner = users.iter().find(|user| user.id == token.user);
            let scopes: Vec<&str> = token.scopes.iter().map(|scope| scope.as_str()).collect();
            let state = match token.revoked_at {
                Some(at) => style.bad(&format!("revoked {}", ago(at, now))),
                None if token.expires_at <= now => style.dim("over"),
                None => format!("{} left", span(token.expires_at.since(now))),
            };
            let used = token.last_used_at.map_or("never".to_owned(), |at| ago(at, now));
            vec![
                token.id.to_string(),
                token.name.clone(),
                owner.map_or_else(|| token.user.to_string(), |user| user.name.clone()),
                scopes.join(", "),
                format!("…{}", token.hint),
                state,
                used,
            ]
        });
        table(
            style,
            &["token", "for", "of", "scopes", "ends in", "", "used"],
            rows.collect(),
            "no tokens yet",
        )
    })
}

async fn revoke(context: &Context, client: &Client, token: TokenId) -> Result<(), Failure> {
    client.delete(&["tokens", &token.to_string()]).await?;
    context
        .output
        .answer(&json!({"revoked": token}), |_| format!("{token} is revoked"))
}

async fn read(context: &Context, owner: &str) -> Result<String, Failure> {
    if std::io::stdin().is_terminal() {
        return context.output.ask_secret(&format!("password of {owner}:")).await;
    }
    let mut line = String::new();
    std::io::stdin()
        .lock()
        .take(LONGEST)
        .read_line(&mut line)
        .map_err(|error| {
            Failure::new(
                "file_unreadable",
                format!("failed to read standard input: {error}"),
            )
        })?;
    Ok(line.trim_end_matches(['\n', '\r']).to_owned())
}
