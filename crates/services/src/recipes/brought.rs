//! What documents of earlier tools bring beside recipes: agents are made, workflows and guardrails are
//! kept for the features that will read them, and rules and limits only ever become stricter.

use governance::Rule;
use recipe::{Brings, BroughtAgent, BroughtGuardrails};
use serde::Serialize;
use serde_json::{Map, Value, json};
use types::{CallLimits, Catalog, Failure, Lookup};

use crate::agents::{self, NewAgent};
use crate::changes::Changes;
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
pub(super) async fn take(changes: &mut Changes<'_>, brings: &[Brings]) -> Result<Vec<Brought>> {
    let mut taken = Vec::new();
    for one in brings {
        match one {
            Brings::Agent(agent) => taken.push(make_agent(changes, agent).await?),
            Brings::Workflow(document) => {
                let name = name_of(document);
                taken.push(keep(changes, settings::WORKFLOWS, "workflow", &name, document).await?);
            }
            Brings::Guardrails(set) => {
                let kept = keep(
                    changes,
                    settings::GUARDRAILS,
                    "guardrails",
                    &set.slug,
                    &set.document,
                );
                taken.push(kept.await?);
                taken.extend(tighten(changes, set).await?);
                taken.extend(lower(changes, set).await?);
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

async fn make_agent(changes: &mut Changes<'_>, agent: &BroughtAgent) -> Result<Brought> {
    let services = changes.services;
    let there = changes.brings_agent(&agent.name)
        || if_found(services.store.agent(services.tenant, &agent.name).await)?.is_some();
    if !there {
        let catalog = changes.catalog();
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
        agents::made(changes, &new)?;
    }
    Ok(Brought {
        noun: "agent",
        name: agent.name.clone(),
        done: if there { Done::There } else { Done::Made },
    })
}

async fn keep(
    changes: &mut Changes<'_>,
    key: &'static str,
    noun: &'static str,
    name: &str,
    document: &Value,
) -> Result<Brought> {
    let mut kept: Map<String, Value> = changes.setting(key).await?;
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
        changes.set(key, Value::Object(kept)).await?;
    }
    Ok(Brought {
        noun,
        name: name.to_owned(),
        done,
    })
}

/// Sets the rules that are stricter than what holds now.
async fn tighten(changes: &mut Changes<'_>, set: &BroughtGuardrails) -> Result<Vec<Brought>> {
    let mut rules: Map<String, Value> = changes.setting(settings::RULES).await?;
    let weighed = weigh(changes.services, &changes.catalog(), &rules, set).await?;
    if weighed.iter().any(|rule| rule.stricter) {
        extend(&mut rules, &weighed);
        changes.set(settings::RULES, Value::Object(rules)).await?;
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
pub(super) async fn weigh(
    services: &Services,
    catalog: &Catalog,
    rules: &Map<String, Value>,
    set: &BroughtGuardrails,
) -> Result<Vec<Weighed>> {
    let facts = facts::facts(services.store.as_ref(), services.tenant).await?;
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

/// Adds the stricter ones to the rules.
pub(super) fn extend(rules: &mut Map<String, Value>, weighed: &[Weighed]) {
    let stricter = weighed.iter().filter(|rule| rule.stricter);
    rules.extend(stricter.map(|rule| (rule.action.clone(), json!(rule.wish))));
}

/// Lowers the limits that are higher than these guardrails allow.
async fn lower(changes: &mut Changes<'_>, set: &BroughtGuardrails) -> Result<Vec<Brought>> {
    let mut limits: CallLimits = changes.setting(settings::LIMITS).await?;
    let weighed = weigh_limits(&mut limits, set);
    if weighed.iter().any(|(_, lower)| *lower) {
        changes.set(settings::LIMITS, json!(limits)).await?;
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
