//! What documents of earlier tools bring beside recipes: agents are made, workflows and guardrails are
//! kept for the features that will read them, and rules and limits only ever become stricter.

use governance::Rule;
use recipe::{Brings, BroughtAgent, BroughtGuardrails};
use serde::Serialize;
use serde_json::{Map, Value, json};
use types::{Actor, CallLimits, Failure, Lookup};

use crate::agents::{self, NewAgent};
use crate::{Result, Services, facts, if_found, settings};

/// The most documents kept of one kind.
const MOST_KEPT: usize = 500;

/// What became of one thing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Brought {
    /// `agent`, `workflow`, `guardrails`, `rule`, `limit` or `tool`.
    pub noun: &'static str,
    /// Its name.
    pub name: String,
    /// What was done with it.
    pub done: Done,
}

/// What was done with something that a document brings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Done {
    /// It is new.
    Made,
    /// It is another one than before.
    Changed,
    /// It was there as it is.
    Same,
    /// One of that name was there, and was left alone.
    There,
}

/// Takes over everything but tools, which need a reader of their own.
///
/// # Errors
/// The store can't be read or written, or more is kept already than there is room for.
pub async fn take(services: &Services, brings: &[Brings], by: &Actor) -> Result<Vec<Brought>> {
    let mut taken = Vec::new();
    for one in brings {
        match one {
            Brings::Agent(agent) => taken.push(make_agent(services, agent, by).await?),
            Brings::Workflow(document) => {
                let name = name_of(document);
                taken.push(keep(services, settings::WORKFLOWS, "workflow", &name, document, by).await?);
            }
            Brings::Guardrails(set) => {
                let kept = keep(
                    services,
                    settings::GUARDRAILS,
                    "guardrails",
                    &set.slug,
                    &set.document,
                    by,
                );
                taken.push(kept.await?);
                taken.extend(tighten(services, set, by).await?);
                taken.extend(lower(services, set, by).await?);
            }
            Brings::Tool(_) => {}
        }
    }
    Ok(taken)
}

/// The short name under which a workflow is kept.
pub(super) fn name_of(document: &Value) -> String {
    let name = ["id", "name", "title"]
        .iter()
        .find_map(|key| document.get(key)?.as_str());
    recipe::short_name(name.unwrap_or("workflow"))
}

async fn make_agent(services: &Services, agent: &BroughtAgent, by: &Actor) -> Result<Brought> {
    let there = if_found(services.store.agent(services.tenant, &agent.name).await)?.is_some();
    if !there {
        let catalog = services.tools.catalog();
        let (mut tools, missing): (Vec<String>, Vec<String>) = agent
            .tools
            .iter()
            .cloned()
            .partition(|tool| catalog.tool(tool).is_some());
        if tools.is_empty() && !missing.is_empty() {
            // An empty list would be all of them.
            tools.push("local".to_owned());
        }
        let new = NewAgent {
            name: agent.name.clone(),
            domain: agent.domain.clone(),
            instructions: agent.instructions.clone(),
            tools,
            recipes: agent.recipes.clone(),
            config: (!missing.is_empty()).then(|| json!({"missing_tools": missing})),
        };
        agents::make(services, &new, by).await?;
    }
    Ok(Brought {
        noun: "agent",
        name: agent.name.clone(),
        done: if there { Done::There } else { Done::Made },
    })
}

async fn keep(
    services: &Services,
    key: &str,
    noun: &'static str,
    name: &str,
    document: &Value,
    by: &Actor,
) -> Result<Brought> {
    let mut kept: Map<String, Value> = settings::read(services, key).await?;
    let done = match kept.get(name) {
        Some(before) if before == document => Done::Same,
        Some(_) => Done::Changed,
        None if kept.len() >= MOST_KEPT => {
            let message = format!("the setting {key} holds {MOST_KEPT} documents already, as many as it can");
            return Err(Failure::new("setting_invalid", message).hint(format!(
                "`agentops setting set {key}` without those that aren't needed"
            )));
        }
        None => Done::Made,
    };
    if done != Done::Same {
        kept.insert(name.to_owned(), document.clone());
        settings::set(services, key, Value::Object(kept), by).await?;
    }
    Ok(Brought {
        noun,
        name: name.to_owned(),
        done,
    })
}

/// Sets the rules that are stricter than what holds now.
async fn tighten(services: &Services, set: &BroughtGuardrails, by: &Actor) -> Result<Vec<Brought>> {
    let weighed = weigh(services, set).await?;
    let stricter: Vec<&Weighed> = weighed.iter().filter(|rule| rule.stricter).collect();
    if !stricter.is_empty() {
        let mut rules: Map<String, Value> = settings::read(services, settings::RULES).await?;
        rules.extend(
            stricter
                .iter()
                .map(|rule| (rule.action.clone(), json!(rule.wish))),
        );
        settings::set(services, settings::RULES, Value::Object(rules), by).await?;
    }
    let taken = weighed.iter().map(|rule| Brought {
        noun: "rule",
        name: rule.name(),
        done: if rule.stricter { Done::Made } else { Done::There },
    });
    Ok(taken.collect())
}

/// A rule of guardrails beside what holds now.
pub(super) struct Weighed {
    action: String,
    wish: String,
    /// Whether it is stricter than what holds, and so is set.
    pub(super) stricter: bool,
}

impl Weighed {
    /// As it is told.
    pub(super) fn name(&self) -> String {
        format!("{}: {}", self.action, self.wish)
    }
}

/// The rules of guardrails for actions that there are.
pub(super) async fn weigh(services: &Services, set: &BroughtGuardrails) -> Result<Vec<Weighed>> {
    let facts = facts::facts(services.store.as_ref(), services.tenant).await?;
    let catalog = services.tools.catalog();
    let rules: Map<String, Value> = settings::read(services, settings::RULES).await?;
    let mut weighed = Vec::new();
    for (action, wish) in &set.rules {
        let Lookup::Found(spec) = catalog.find(action) else {
            continue;
        };
        let now = match rules.get(action).and_then(|rule| settings::parse_rule(rule).ok()) {
            Some(rule) => rule,
            None => facts.matrix.rule(spec).0,
        };
        let stricter = match now {
            Rule::Run => true,
            Rule::Ask(_) => wish == "deny",
            Rule::Deny => false,
        };
        weighed.push(Weighed {
            action: action.clone(),
            wish: wish.clone(),
            stricter,
        });
    }
    Ok(weighed)
}

/// Lowers the limits that are higher than these guardrails allow.
async fn lower(services: &Services, set: &BroughtGuardrails, by: &Actor) -> Result<Vec<Brought>> {
    let mut limits: CallLimits = settings::read(services, settings::LIMITS).await?;
    let weighed = weigh_limits(&mut limits, set);
    if weighed.iter().any(|(_, lower)| *lower) {
        settings::set(services, settings::LIMITS, json!(limits), by).await?;
    }
    let taken = weighed.into_iter().map(|(name, lower)| Brought {
        noun: "limit",
        name,
        done: if lower { Done::Made } else { Done::There },
    });
    Ok(taken.collect())
}

/// The limits of guardrails as they are told, and whether each is lower than what holds in `limits`,
/// where it then is set.
pub(super) fn weigh_limits(limits: &mut CallLimits, set: &BroughtGuardrails) -> Vec<(String, bool)> {
    let mut weighed = Vec::new();
    for (tool, most) in &set.limits {
        let now = types::holding(limits, tool).per_minute;
        let lower = now.is_none_or(|now| *most < now);
        if lower {
            limits.entry(tool.clone()).or_default().per_minute = Some(*most);
        }
        weighed.push((format!("{tool}: {most} calls a minute"), lower));
    }
    weighed
}
