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
/// action, the shipped asks, the effect (reads run, destructive actions ask), notifications and the
/// creation of issues run, the installation's `rest` for every other write, and where it has none the
/// shipped list of writes that run; what is left asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Matrix {
    /// Which matrix this is; bound into every decision.
    pub version: String,
    /// The installation's own rules by `tool.action`.
    #[serde(default)]
    pub overrides: BTreeMap<String, Rule>,
    /// The installation's rule for writes that are neither destructive, notifications nor the creation
    /// of an issue.
    #[serde(default)]
    pub rest: Option<Rule>,
}

/// Writes that open an issue.
const ISSUES: &[&str] = &[
    "github.create_issue",
    "jira.create_issue",
    "incident_ticketing.create_ticket",
    "servicenow.create_incident",
    "servicenow.create_story",
    "servicenow.create_subtask",
    "servicenow.create_task",
];

/// Writes that run unless the installation has a rule for the rest: they add or change a record that
/// people expect of the recipes that ship.
const SHIPPED_RUN: &[&str] = &[
    "calendar_scheduler.create_event",
    "calendar_scheduler.reschedule_event",
    "incident_ticketing.update_ticket",
    "incident_ticketing.comment_on_ticket",
    "incident_ticketing.resolve_ticket",
    "servicenow.update_incident",
    "servicenow.create_article",
    "servicenow.update_article",
    "servicenow.attach_file",
    "github.comment_issue",
    "jira.comment",
    "zoom.create_meeting",
    "zoom.create_webinar",
    "local.save_recipe_draft",
    "local.save_file",
    "local.report_status",
];

/// Actions that ask although a careless reading of their effect might let them run.
const SHIPPED_ASK: &[&str] = &["google_drive.share_file", "zoom.restart_room"];

impl Default for Matrix {
    fn default() -> Self {
        Self {
            version: "default-1".to_owned(),
            overrides: BTreeMap::new(),
            rest: None,
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
            Effect::Write if ISSUES.contains(&name.as_str()) => (Rule::Run, "it opens an issue"),
            Effect::Write => match &self.rest {
                Some(rest) => (
                    rest.clone(),
                    "no rule names the action, so this installation's rule for the rest holds",
                ),
                None if SHIPPED_RUN.contains(&name.as_str()) => {
                    (Rule::Run, "the shipped matrix lets this action run")
                }
                None => (Rule::ask(), "no rule names the action"),
            },
        }
    }
}
