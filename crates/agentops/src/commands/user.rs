//! `agentops user`: people who sign in, and the one-time links that let them choose a password.

use api::wire::people::{AddUser, ChangeUser, OneTimeLink, User as Record};
use clap::{Args, Subcommand};
use types::{Failure, Role};

use super::{Context, Done};
use crate::args::invalid;
use crate::client::Client;
use crate::exit::Exit;
use crate::output::{Style, ago, span, table};

/// People who sign in
#[derive(Debug, Subcommand)]
pub enum User {
    /// List users
    List,
    /// Add a user; the link lets them choose a password, once
    Add {
        /// The sign-in name
        name: String,
        /// viewer, operator, approver or admin; may be given several times
        #[arg(long = "role", value_name = "ROLE", required = true)]
        roles: Vec<Role>,
    },
    /// Change a user's roles, or keep them out
    Change(Change),
    /// Make a new one-time link to choose a password, in place of an older one
    Link {
        /// The sign-in name
        name: String,
    },
}

/// Change a user's roles, or keep them out
#[derive(Debug, Args)]
pub struct Change {
    /// The sign-in name
    pub name: String,
    /// The roles from now on; may be given several times
    #[arg(long = "role", value_name = "ROLE")]
    pub roles: Vec<Role>,
    /// Keep them out: sessions end, tokens stop working
    #[arg(long, conflicts_with = "enable")]
    pub disable: bool,
    /// Let them in again
    #[arg(long)]
    pub enable: bool,
}

impl User {
    /// Runs it.
    pub async fn run(self, context: &Context) -> Done {
        let client = context.client().await?;
        let done = self.ask(context, &client).await;
        client.close().await;
        done.map(|()| Exit::Ok)
    }

    async fn ask(self, context: &Context, client: &Client) -> Result<(), Failure> {
        match self {
            User::List => {
                let all: Vec<Record> = client.all(&["users"]).await?;
                let now = client.now();
                context.output.answer(&all, |style| {
                    let rows = all.iter().map(|user| {
                        vec![
                            style.strong(&user.name),
                            roles(user),
                            state(style, user),
                            ago(user.updated_at, now),
                        ]
                    });
                    table(
                        style,
                        &["user", "roles", "", "changed"],
                        rows.collect(),
                        "nobody signs in yet: the server's first link makes the first admin",
                    )
                })
            }
            User::Add { name, roles } => {
                let link = client.post(&["users"], &AddUser { name, roles }).await?;
                show_link(context, client, &link)
            }
            User::Link { name } => {
                let link = client.post(&["users", &name, "link"], &()).await?;
                show_link(context, client, &link)
            }
            User::Change(change) => change.ask(context, client).await,
        }
    }
}

impl Change {
    async fn ask(self, context: &Context, client: &Client) -> Result<(), Failure> {
        let wish = ChangeUser {
            roles: (!self.roles.is_empty()).then_some(self.roles),
            disabled: (self.disable || self.enable).then_some(self.disable),
        };
        if wish == ChangeUser::default() {
            return Err(invalid("nothing to change was said").hint("--role, --disable or --enable"));
        }
        let user: Record = client.patch(&["users", &self.name], &wish).await?;
        context.output.answer(&user, |style| {
            format!(
                "{}  {}  {}",
                style.strong(&user.name),
                roles(&user),
                state(style, &user)
            )
        })
    }
}

fn show_link(context: &Context, client: &Client, link: &OneTimeLink) -> Result<(), Failure> {
    context.output.answer(link, |style| {
        let path = link.path.as_deref().unwrap_or_default();
        let address = client.address();
        let lasts = span(link.expires_at.since(client.now()));
        let head = format!(
            "{} chooses a password there, once, within {lasts}; nobody is shown this again:",
            style.strong(&link.user)
        );
        match address {
            Some(address) => format!("{head}\n{address}{path}"),
            None => format!(
                "{head}\n{path}  {}",
                style.dim("below the address of `agentops serve`")
            ),
        }
    })
}

fn roles(user: &Record) -> String {
    let names: Vec<&str> = user.roles.iter().map(|role| role.as_str()).collect();
    names.join(", ")
}

fn state(style: Style, user: &Record) -> String {
    match (user.disabled, user.has_password) {
        (true, _) => style.bad("kept out"),
        (false, false) => style.warn("has no password yet"),
        (false, true) => String::new(),
    }
}
