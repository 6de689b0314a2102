//! `agentops agent`: named workers with a domain and tools.

use api::wire::library::Agent as Record;
use clap::Subcommand;
use serde_json::Value;

use super::{Context, Done};
use crate::exit::Exit;
use crate::output::{Style, table};

/// Agents
#[derive(Debug, Subcommand)]
pub enum Agent {
    /// List agents
    List,
    /// Show an agent: instructions, tools, recipes
    Show {
        /// Its name
        name: String,
    },
}

impl Agent {
    /// Runs it.
    pub async fn run(self, context: &Context) -> Done {
        let client = context.client().await?;
        match self {
            Agent::List => {
                let agents: Result<Vec<Record>, _> = client.all(&["agents"]).await;
                client.close().await;
                let agents = agents?;
                context.output.answer(&agents, |style| list(style, &agents))?;
            }
            Agent::Show { name } => {
                let agent: Result<Record, _> = client.get(&["agents", &name]).await;
                client.close().await;
                let agent = agent?;
                context.output.answer(&agent, |style| page(style, &agent))?;
            }
        }
        Ok(Exit::Ok)
    }
}

fn list(style: Style, agents: &[Record]) -> String {
    let rows = agents
        .iter()
        .map(|agent| {
            vec![
                style.strong(&agent.name),
                agent.domain.clone(),
                agent.tools.join(", "),
                recipes(agent).join(", "),
            ]
        })
        .collect();
    table(
        style,
        &["agent", "domain", "tools", "recipes"],
        rows,
        "no agents yet: `agentops init` seeds those that ship",
    )
}

fn page(style: Style, agent: &Record) -> String {
    let named = |name: &str, values: Vec<&str>| format!("{} {}", style.dim(name), values.join(", "));
    [
        format!("{}  {}", style.strong(&agent.name), style.dim(&agent.domain)),
        named("tools:  ", agent.tools.iter().map(String::as_str).collect()),
        named("recipes:", recipes(agent)),
        String::new(),
        agent.instructions.trim_end().to_owned(),
    ]
    .join("\n")
}

fn recipes(agent: &Record) -> Vec<&str> {
    let listed = agent.config.get("recipes").and_then(Value::as_array);
    listed.into_iter().flatten().filter_map(Value::as_str).collect()
}
