//! Recipes and what belongs to them, taken over from files.

use serde::{Deserialize, Serialize};
use services::recipes::exchange;
use utoipa::ToSchema;

use super::recipes::Checked;

/// What taking files over came to, or would come to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Imported {
    /// Whether nothing keeps them from being taken over. If not, nothing was changed.
    pub ok: bool,
    /// Whether this is what would be done, and nothing was.
    pub dry_run: bool,
    /// Whether anything is otherwise than before.
    pub changed: bool,
    /// What each document came to, in the order in which they build on each other.
    pub changes: Vec<BundleChange>,
    /// Recipes that are here and in none of the files of a folder; they are never removed.
    pub absent: Vec<String>,
    /// Files that are no documents, or of a kind that isn't taken here.
    pub skipped: Vec<String>,
    /// What keeps all of it from being taken over.
    pub problems: Vec<BundleProblem>,
    /// Every document.
    pub documents: Vec<BundleDocument>,
}

/// What a document came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BundleChange {
    /// `recipe`, `agent`, `workflow`, `guardrails`, `rule`, `limit` or `tool`.
    pub noun: String,
    /// Its name; a recipe's slug.
    pub name: String,
    /// The file that it comes from, and which of its documents if it is a list.
    pub path: String,
    /// `new`, `changed`, `same`, or `there`: another one of that name is there, and is left alone.
    pub what: String,
    /// The version that holds the recipe's text, once it is saved.
    pub version: Option<u32>,
    /// Whether runs follow the recipe's text from now on, and did not before.
    pub activated: bool,
    /// Whether the version is a draft from now on: runs don't follow it until somebody activates it.
    #[serde(default)]
    pub draft: bool,
    /// The version of the recipe that runs followed until now; missing if there was none.
    #[serde(default)]
    pub active: Option<u32>,
    /// The difference of a recipe that has changed to its newest version, as a unified diff; missing if it
    /// is too large to be made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub diff: Option<String>,
}

impl From<exchange::Change> for BundleChange {
    fn from(change: exchange::Change) -> Self {
        let draft = change.noun == "recipe" && change.is_draft();
        Self {
            noun: change.noun.to_owned(),
            name: change.name,
            path: change.path,
            what: change.what.as_str().to_owned(),
            version: change.version,
            draft,
            active: change.active,
            activated: change.activated,
            diff: change.diff,
        }
    }
}

/// What keeps files from being taken over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BundleProblem {
    /// `FILE:LINE:COLUMN`, or the file alone; empty for all of them.
    pub at: String,
    /// The stable code.
    pub code: String,
    /// What is wrong.
    pub message: String,
}

/// One document of the files.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct BundleDocument {
    /// The file, and which of its documents if it is a list.
    pub path: String,
    /// The slug of a recipe.
    pub slug: Option<String>,
    /// What checking found; here without `tree` and `brings`.
    pub checked: Checked,
}

impl Imported {
    /// Whether any of the changes is one.
    pub fn has_changes(&self) -> bool {
        let changing =
            |change: &BundleChange| matches!(change.what.as_str(), "new" | "changed") || change.activated;
        self.changes.iter().any(changing)
    }

    /// What a plan says, with what was done if it was carried out.
    pub(crate) fn of(plan: exchange::Plan, done: Option<Vec<exchange::Change>>) -> Self {
        let dry_run = done.is_none();
        let changes = done.unwrap_or(plan.changes);
        Self {
            ok: plan.problems.is_empty(),
            dry_run,
            changed: !dry_run && exchange::change_anything(&changes),
            changes: changes.into_iter().map(BundleChange::from).collect(),
            absent: plan.absent,
            skipped: plan.skipped,
            problems: plan
                .problems
                .into_iter()
                .map(|problem| BundleProblem {
                    at: problem.at,
                    code: problem.code,
                    message: problem.message,
                })
                .collect(),
            documents: plan.documents.into_iter().map(BundleDocument::from).collect(),
        }
    }
}

impl From<exchange::Document> for BundleDocument {
    fn from(document: exchange::Document) -> Self {
        let runnable = document.checked.runnable();
        let bare = recipe::Checked {
            recipe: None,
            brings: Vec::new(),
            ..document.checked
        };
        Self {
            path: document.path,
            slug: document.slug,
            checked: Checked {
                runnable,
                ..Checked::from(bare)
            },
        }
    }
}
