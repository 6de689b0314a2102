//! The approval matrix: which actions run, which ask a person first, which are refused.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use types::{ActionSpec, Effect};

use crate::Need;

/// What the matrix says of an action.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// It runs.
    Run,
    /// A person must approve first.
    Ask(Need),
    /// It never runs.
    Deny,
}

impl Rule {
    /// Asking anyone who may approve.
    pub fn ask() -> Self {
        Rule::Ask(Need::default())
    }
}

/// The whole matrix. The first of these that speaks decides: an installation's override for the
/// action, the shipped table, the effect (reads run, destructive actions ask), notifications run,
/// and `rest` for every other write.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Matrix {
    /// Which matrix this is; bound into every decision.
    pub version: String,
    /// The installation's own rules by `tool.action`.
    #[serde(default)]
    pub overrides: BTreeMap<String, Rule>,
    /// For writes that nothing else decides.
    pub rest: Rule,
}

/// Actions whose rule doesn't follow from their effect. Writes that only add a record people expect.
const SHIPPED_RUN: &[&str] = &[
    "servicenow.create_incident",
    "servicenow.update_incident",
    "servicenow.create_article",
    "servicenow.update_article",
    "servicenow.attach_file",
    "servicenow.create_story",
    "servicenow.create_subtask",
    "servicenow.create_task",
    "zoom.create_meeting",
    "zoom.create_webinar",
    "local.save_recipe_draft",
    "local.save_file",
    "local.report_status",
];

/// Actions that ask although a careless reading of their effect might let them run.
const SHIPPED_ASK: &[&str] = &["zoom.restart_room"];

impl Default for Matrix {
    fn default() -> Self {
        Self {
            version: "default-1".to_owned(),
            overrides: BTreeMap::new(),
            rest: Rule::ask(),
        }
    }
}

impl Matrix {
    /// The rule for an action, and the reason in words.
    pub fn rule(&self, action: &ActionSpec) -> (Rule, &'static str) {
        let name = action.name();
        if let Some(rule) = self.overrides.get(&name) {
            return (rule.clone(), "a setting of this installation names the action");
        }
        if SHIPPED_ASK.contains(&name.as_str()) {
            return (Rule::ask(), "the shipped matrix asks for this action");
        }
        match action.effect {
            Effect::Read => (Rule::Run, "it reads"),
            Effect::Destructive => (Rule::ask(), "it is destructive"),
            Effect::Write if action.notification => (Rule::Run, "it is a notification"),
            Effect::Write if SHIPPED_RUN.contains(&name.as_str()) => {
                (Rule::Run, "the shipped matrix lets this action run")
            }
            Effect::Write => (
                self.rest.clone(),
                "no rule names the action, so the rule for the rest holds",
            ),
        }
    }
}
