//! Recipes and their versions.

use ports::{RecipeRecord, VersionRecord};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use services::recipes::SavedRecipe;
use types::{Failure, RecipeId, Timestamp};
use utoipa::ToSchema;

/// A recipe, whatever its versions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Recipe {
    /// Its id.
    #[schema(value_type = String)]
    pub id: RecipeId,
    /// The unique short name.
    pub slug: String,
    /// The active version's name; the newest version's while all are drafts.
    pub name: String,
    /// The description of the same version.
    pub description: String,
    /// The newest version.
    pub latest: u32,
    /// The version that runs follow; missing while all are drafts.
    pub active: Option<u32>,
    /// The newest version, if it is a draft.
    #[serde(default)]
    pub draft: Option<u32>,
    /// When it was made.
    #[schema(value_type = i64)]
    pub created_at: Timestamp,
    /// When its newest version was saved.
    #[schema(value_type = i64)]
    pub updated_at: Timestamp,
}

impl From<RecipeRecord> for Recipe {
    fn from(record: RecipeRecord) -> Self {
        Self {
            id: record.id,
            slug: record.slug,
            name: record.name,
            description: record.description,
            latest: record.latest,
            active: record.active,
            draft: record.draft,
            created_at: record.created_at,
            updated_at: record.updated_at,
        }
    }
}

/// One immutable version of a recipe.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Version {
    /// The recipe.
    #[schema(value_type = String)]
    pub recipe: RecipeId,
    /// Counted from 1.
    pub version: u32,
    /// The recipe's name at this version.
    pub name: String,
    /// The text as it was saved.
    pub text: String,
    /// SHA-256 of the text.
    pub digest: String,
    /// `draft`, `active` or `retired`.
    pub status: String,
    /// Whether it can be run at all.
    pub runnable: bool,
    /// Who saved it.
    pub author: String,
    /// Where the text came from: labels, joined by `+`.
    pub labels: String,
    /// Whether somebody must take it over before it runs, since its text isn't an author's alone.
    pub foreign: bool,
    /// When.
    #[schema(value_type = i64)]
    pub created_at: Timestamp,
}

impl From<VersionRecord> for Version {
    fn from(record: VersionRecord) -> Self {
        Self {
            recipe: record.recipe,
            version: record.version,
            name: record.name,
            text: record.text,
            digest: record.digest,
            status: record.status.as_str().to_owned(),
            runnable: record.tree.is_some(),
            author: record.author,
            labels: record.labels.to_string(),
            foreign: services::recipes::is_foreign(record.labels),
            created_at: record.created_at,
        }
    }
}

/// A recipe with the version that is shown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RecipeDetail {
    /// The recipe.
    pub recipe: Recipe,
    /// The active version, or the newest while there is none.
    pub version: Version,
    /// The version in today's form; missing if it has errors.
    pub today: Option<String>,
    /// The checked tree of the version; missing if it has errors.
    pub tree: Option<Value>,
}

impl RecipeDetail {
    /// A recipe with one of its versions.
    pub(crate) fn of(record: RecipeRecord, version: VersionRecord) -> Result<Self, Failure> {
        let tree = match services::recipes::tree(&version) {
            Ok(tree) => Some(tree),
            // A draft with errors is shown as it was written.
            Err(failure) if failure.code == "recipe_has_errors" => None,
            Err(failure) => return Err(failure),
        };
        Ok(Self {
            recipe: record.into(),
            version: version.into(),
            today: tree.as_ref().map(|tree| recipe::show(tree)),
            tree: tree.and_then(|tree| serde_json::to_value(&*tree).ok()),
        })
    }
}

/// A text to be checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CheckRecipe {
    /// The text.
    pub text: String,
}

/// What checking found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Checked {
    /// The name, even of a broken recipe, if it could be read.
    pub name: Option<String>,
    /// The description, if it could be read.
    pub description: Option<String>,
    /// Whether it could be run now.
    pub runnable: bool,
    /// The form of the text.
    pub dialect: Value,
    /// Every finding, in the order of the text: `severity`, `code`, `message`, `line`, `column`,
    /// `length`, `source_line`, `suggestion`, `path`.
    pub diagnostics: Vec<Value>,
    /// How plain words were bound, in the order of the text.
    pub bindings: Vec<Value>,
    /// The checked tree; missing if there is any error.
    pub tree: Option<Value>,
    /// The short name that the document's own id gives, if it has one.
    pub slug: Option<String>,
    /// What the document brings beside a recipe, or instead of one: `kind` and `what`.
    #[serde(default)]
    pub brings: Vec<Value>,
}

impl From<recipe::Checked> for Checked {
    fn from(checked: recipe::Checked) -> Self {
        fn json<T: Serialize>(value: &T) -> Value {
            serde_json::to_value(value).unwrap_or_default()
        }
        Self {
            runnable: checked.runnable(),
            dialect: json(&checked.dialect),
            diagnostics: checked.diagnostics.iter().map(json).collect(),
            bindings: checked.bindings.iter().map(json).collect(),
            tree: checked.recipe.as_ref().map(json),
            slug: checked.slug,
            brings: checked.brings.iter().map(json).collect(),
            name: checked.name,
            description: checked.description,
        }
    }
}

/// A text to be saved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SaveRecipe {
    /// The text.
    pub text: String,
    /// The short name; made from the recipe's name if missing.
    #[serde(default)]
    pub slug: Option<String>,
    /// Make the version the one that runs follow.
    #[serde(default)]
    pub activate: bool,
}

/// What saving came to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Saved {
    /// The recipe.
    #[schema(value_type = String)]
    pub recipe: RecipeId,
    /// Its short name.
    pub slug: String,
    /// The version: a new one, or the newest if its text is the same.
    pub version: u32,
    /// Whether the version is new.
    pub new: bool,
    /// Whether the recipe is new.
    pub new_recipe: bool,
    /// Whether runs follow it now.
    pub active: bool,
    /// The version that runs follow now; missing if there is none.
    #[serde(default)]
    pub runs_follow: Option<u32>,
    /// Whether it can be run at all; else it is a draft with errors.
    pub runnable: bool,
    /// What checking found.
    pub checked: Checked,
    /// What came with it, such as the agent of an older document: `noun`, `name` and `done`.
    #[serde(default)]
    pub brought: Vec<Value>,
}

impl From<SavedRecipe> for Saved {
    fn from(saved: SavedRecipe) -> Self {
        Self {
            recipe: saved.recipe,
            slug: saved.slug,
            version: saved.version,
            new: saved.new,
            new_recipe: saved.new_recipe,
            active: saved.active,
            runs_follow: saved.runs_follow,
            runnable: saved.runnable,
            brought: saved
                .brought
                .iter()
                .filter_map(|brought| serde_json::to_value(brought).ok())
                .collect(),
            checked: saved.checked.into(),
        }
    }
}
