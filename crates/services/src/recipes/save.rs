//! Saving a recipe's text: a new immutable version if the text has changed.

use ports::{LibraryChange, NewVersion, SavedVersion, SeenRecipe};
use recipe::{Checked, Severity};
use serde::Serialize;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use types::{Actor, Failure, Labels, RecipeId};

use super::brought::{self, Brought};
use super::check::context;
use super::{is_call, review};
use crate::changes::Changes;
use crate::{Result, Services, if_found};

/// A text to be saved.
#[derive(Debug, Clone, PartialEq)]
pub struct SaveRecipe {
    /// The text.
    pub text: String,
    /// The recipe's short name; made from its name if not given.
    pub slug: Option<String>,
    /// Make the version the active one.
    pub activate: bool,
    /// Only if the recipe is still as somebody saw it.
    pub seen: Option<SeenRecipe>,
    /// Who saves it.
    pub by: Actor,
    /// Whether they are a person who is there (signed in, or at the machine), and not a token or a run.
    pub person: bool,
    /// Where the text came from: the union of the labels of all of it. What a person hands over in a
    /// file is the author's, unless it is the text of a draft that somebody else wrote.
    pub labels: Labels,
}

/// What saving came to.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SavedRecipe {
    /// The recipe.
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
    /// The version that runs follow now.
    pub runs_follow: Option<u32>,
    /// Whether it can be run at all; else it is a draft with errors.
    pub runnable: bool,
    /// What checking found.
    pub checked: Checked,
    /// What came with it: the agent of an older document, a workflow.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub brought: Vec<Brought>,
}

/// Saves a text. One with errors is kept as a draft and can't be activated.
///
/// # Errors
/// `not_a_recipe`, `recipe_has_errors` if it should be activated or has no name to be kept under,
/// `recipe_name_invalid` if its short name is none or is kept for calls by hand,
/// `recipe_not_reviewed` if it isn't a person who activates what strangers or a model wrote, `conflict` if
/// the recipe isn't as it was seen, or the store can't be written.
pub async fn save(services: &Services, wish: SaveRecipe) -> Result<SavedRecipe> {
    let checked = context(services).await?.check(wish.text.as_bytes());
    let by = wish.by.clone();
    let mut changes = Changes::new(services, &by);
    let saving = prepare(&mut changes, wish, &checked).await?;
    let saved = changes.commit().await?;
    let saved = saving.version(&saved)?;
    let record = if_found(services.store.recipe(services.tenant, &saving.slug).await)?;
    let runs_follow = record.and_then(|record| record.active);
    Ok(SavedRecipe {
        recipe: saved.recipe,
        slug: saving.slug,
        version: saved.version,
        new: saved.new,
        new_recipe: saved.new_recipe,
        active: runs_follow == Some(saved.version),
        runs_follow,
        runnable: saving.runnable,
        checked,
        brought: saving.brought,
    })
}

/// A version that is among other changes.
pub(super) struct Saving {
    at: usize,
    slug: String,
    runnable: bool,
    /// What comes with it.
    pub(super) brought: Vec<Brought>,
}

impl Saving {
    /// What came of it, out of what came of all the changes.
    pub(super) fn version<'a>(&self, saved: &'a [Option<SavedVersion>]) -> Result<&'a SavedVersion> {
        let saved = saved.get(self.at).and_then(Option::as_ref);
        saved.ok_or_else(|| Failure::new("internal", "nothing was heard of a version that was saved"))
    }
}

/// As [`save`], as a part of other changes, for a text that was checked already, perhaps together with
/// others.
pub(super) async fn prepare(
    changes: &mut Changes<'_>,
    wish: SaveRecipe,
    checked: &Checked,
) -> Result<Saving> {
    let services = changes.services;
    if !checked.dialect.is_recipe() {
        let message = format!("this is no recipe: it reads as '{}'", checked.dialect.title());
        return Err(Failure::new("not_a_recipe", message).hint("`agentops recipe import FILE` takes it over"));
    }
    let errors = checked
        .diagnostics
        .iter()
        .filter(|found| found.severity == Severity::Error)
        .count();
    let tree = match (&checked.recipe, errors) {
        (Some(recipe), 0) => Some(serde_json::to_string(recipe).map_err(|error| {
            Failure::new(
                "internal",
                format!("a checked tree can't be written as JSON: {error}"),
            )
        })?),
        _ => None,
    };
    if wish.activate && tree.is_none() {
        let message = format!(
            "a recipe with {errors} {} can't be activated",
            if errors == 1 { "error" } else { "errors" }
        );
        return Err(first_error(checked, message));
    }
    let (name, slug) = names(wish.slug, checked)?;
    check_slug(&slug, wish.by == crate::call::caller())?;
    let digest = hex::encode(Sha256::digest(wish.text.as_bytes()));
    let labels = review::known_labels(services, &slug, &digest, wish.labels).await?;
    if wish.activate {
        review::by_a_person(&slug, labels, wish.person, &wish.by)?;
    }
    let body = json!({"recipe": slug, "text": digest, "labels": labels, "activate": wish.activate,
                       "errors": errors});
    let leaf = services.leaf("recipe_saved", &wish.by, body);
    let runnable = tree.is_some();
    // What strangers or a model wrote makes no agents.
    let foreign = review::is_foreign(labels);
    let version = NewVersion {
        recipe: RecipeId::new(services.clock.as_ref(), services.entropy.as_ref()),
        slug: slug.clone(),
        name,
        description: checked.description.clone().unwrap_or_default(),
        text: wish.text,
        tree,
        digest,
        activate: wish.activate,
        seen: wish.seen,
        author: wish.by.name.clone(),
        labels,
        at: services.now(),
    };
    let at = changes.push(LibraryChange::Version(version), leaf);
    let brought = if runnable && !foreign {
        brought::take(changes, &checked.brings).await?
    } else {
        Vec::new()
    };
    Ok(Saving {
        at,
        slug,
        runnable,
        brought,
    })
}

/// Whether a recipe can be kept under this short name; `calls` says whether it holds a call by hand.
///
/// # Errors
/// `recipe_name_invalid`.
pub(super) fn check_slug(slug: &str, calls: bool) -> Result<()> {
    if slug.is_empty() || slug.len() > 100 || slug::slugify(slug) != slug {
        let message = format!(
            "'{}' gives no short name to keep the recipe under",
            crate::names::cut(slug)
        );
        return Err(Failure::new("recipe_name_invalid", message)
            .hint("a short name has 1 to 100 lower-case letters, digits and dashes"));
    }
    if is_call(slug) && !calls {
        let message = format!("the short name '{slug}' is kept for calls by hand");
        return Err(Failure::new("recipe_name_invalid", message).hint("choose another with --slug"));
    }
    Ok(())
}

/// The short name under which a text would be kept.
///
/// # Errors
/// `recipe_has_errors` if it has no name to be kept under, or the store can't be read.
pub async fn short_name(services: &Services, text: &str) -> Result<String> {
    let checked = context(services).await?.check(text.as_bytes());
    names(None, &checked).map(|(_, slug)| slug)
}

/// The name and the short name of a recipe.
fn names(slug: Option<String>, checked: &Checked) -> Result<(String, String)> {
    let name = checked.name.clone().filter(|name| !name.trim().is_empty());
    match (name, slug) {
        (Some(name), slug) => {
            let made = checked.slug.clone().unwrap_or_else(|| slug::slugify(&name));
            Ok((name, slug.unwrap_or(made)))
        }
        (None, Some(slug)) => Ok((slug.clone(), slug)),
        (None, None) => Err(first_error(
            checked,
            "the recipe has no name to be kept under".to_owned(),
        )),
    }
}

fn first_error(checked: &Checked, message: String) -> Failure {
    let first = checked
        .diagnostics
        .iter()
        .find(|found| found.severity == Severity::Error);
    let message = match first {
        Some(found) => format!(
            "{message}; line {}: {} [{}]",
            found.line, found.message, found.code
        ),
        None => message,
    };
    Failure::new("recipe_has_errors", message).hint("`agentops recipe check FILE` shows all of them")
}
