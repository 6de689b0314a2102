//! Doing what a plan says.

use recipe::Brings;
use types::Label;

use super::{Change, Document, Plan, What, bare};
use crate::changes::Changes;
use crate::principal::Principal;
use crate::recipes::brought::{self, Brought, Done};
use crate::recipes::save::{Saving, prepare};
use crate::recipes::{SaveRecipe, activation, bundle};
use crate::{Result, Services, tools};

/// What a recipe is called in a plan.
const RECIPE: &str = "recipe";

/// Does what a plan says, all of it or nothing, and returns what was done, in the plan's order.
///
/// # Errors
/// `bundle_invalid` if the plan has problems, `conflict` if somebody changed one of these things meanwhile,
/// or the store can't be written.
pub async fn apply(services: &Services, plan: &Plan, by: &Principal) -> Result<Vec<Change>> {
    if !plan.problems.is_empty() {
        let problems: Vec<String> = plan.problems.iter().map(ToString::to_string).collect();
        return Err(bundle::invalid(&problems));
    }
    let mut changes = Changes::new(services, &by.actor);
    let mut done: Vec<Vec<Change>> = vec![Vec::new(); plan.documents.len()];
    // Tools first and agents before recipes, which may name both.
    for (document, done) in plan.documents.iter().zip(&mut done) {
        done.extend(add_tools(&mut changes, plan, document).await?);
    }
    for (document, done) in plan.documents.iter().zip(&mut done) {
        if !document.checked.dialect.is_recipe() {
            done.extend(take(&mut changes, document).await?);
        }
    }
    let mut versions = Vec::new();
    for (at, document) in plan.documents.iter().enumerate() {
        if document.checked.dialect.is_recipe() {
            let (saved, version) = save(&mut changes, plan, document, by).await?;
            done[at].extend(saved);
            versions.extend(version.map(|version| (at, version)));
        }
    }
    let saved = changes.commit().await?;
    for (at, saving) in versions {
        let version = saving.version(&saved)?.version;
        let recipe = done[at].iter_mut().find(|change| change.noun == RECIPE);
        recipe
            .into_iter()
            .for_each(|change| change.version = Some(version));
    }
    Ok(done.concat())
}

/// The tools of a document that aren't there as they are.
async fn add_tools(changes: &mut Changes<'_>, plan: &Plan, document: &Document) -> Result<Vec<Change>> {
    let mut done = Vec::new();
    for one in &document.checked.brings {
        let Brings::Tool(manifest) = one else { continue };
        let Some(planned) = planned(plan, document, "tool") else {
            continue;
        };
        if planned.what != What::Same {
            let spec = changes.services.tools.read_manifest(manifest)?;
            tools::add_http(changes, &spec, manifest.clone()).await?;
        }
        done.push(planned.clone());
    }
    Ok(done)
}

/// What a document brings, but tools.
async fn take(changes: &mut Changes<'_>, document: &Document) -> Result<Vec<Change>> {
    let brought = brought::take(changes, &document.checked.brings).await?;
    Ok(brought.into_iter().map(|one| change(document, one)).collect())
}

/// A recipe with what it brings, and the version that is saved, if one is.
async fn save(
    changes: &mut Changes<'_>,
    plan: &Plan,
    document: &Document,
    by: &Principal,
) -> Result<(Vec<Change>, Option<Saving>)> {
    let Some(planned) = planned(plan, document, RECIPE) else {
        return Ok((Vec::new(), None));
    };
    let mut done = vec![planned.clone()];
    let mut saving = None;
    match (planned.what, planned.held) {
        (What::There, _) => {}
        (What::Same, _) if !planned.activated => done.extend(take(changes, document).await?),
        (What::Same, Some(held)) => {
            done.extend(take(changes, document).await?);
            activation(changes, &planned.name, held, None, by).await?;
        }
        _ => {
            let wish = SaveRecipe {
                text: document.text.clone(),
                slug: document.slug.clone(),
                activate: planned.activated,
                seen: None,
                by: by.actor.clone(),
                person: by.is_present(),
                labels: Label::Author.into(),
            };
            let mut saved = prepare(changes, wish, &document.checked).await?;
            let brought = std::mem::take(&mut saved.brought);
            done.extend(brought.into_iter().map(|one| change(document, one)));
            saving = Some(saved);
        }
    }
    Ok((done, saving))
}

/// What the plan says of a document's recipe or tool.
fn planned<'p>(plan: &'p Plan, document: &Document, noun: &str) -> Option<&'p Change> {
    let mut changes = plan.changes.iter();
    changes.find(|change| change.path == document.path && change.noun == noun)
}

fn change(document: &Document, one: Brought) -> Change {
    let what = match one.done {
        Done::Made => What::New,
        Done::Changed => What::Changed,
        Done::Same => What::Same,
        Done::There => What::There,
    };
    bare(document, one.noun, one.name, what)
}
