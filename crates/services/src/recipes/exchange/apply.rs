//! Doing what a plan says.

use recipe::Brings;
use types::{Actor, Label};

use super::{Change, Document, Plan, What, bare};
use crate::principal::Principal;
use crate::recipes::brought::{self, Brought, Done};
use crate::recipes::save::save_checked;
use crate::recipes::{SaveRecipe, bundle};
use crate::{Result, Services, tools};

/// Does what a plan says, and returns what was done, in the plan's order.
///
/// # Errors
/// `bundle_invalid` if the plan has problems, or the store can't be written: what was saved until then
/// stays, and doing it again goes on from there.
pub async fn apply(services: &Services, plan: &Plan, by: &Principal) -> Result<Vec<Change>> {
    if !plan.problems.is_empty() {
        let problems: Vec<String> = plan.problems.iter().map(ToString::to_string).collect();
        return Err(bundle::invalid(&problems));
    }
    let mut done: Vec<Vec<Change>> = vec![Vec::new(); plan.documents.len()];
    // Tools first and agents before recipes, which may name both.
    for (document, done) in plan.documents.iter().zip(&mut done) {
        done.extend(add_tools(services, plan, document, &by.actor).await?);
    }
    for (document, done) in plan.documents.iter().zip(&mut done) {
        if !document.checked.dialect.is_recipe() {
            done.extend(take(services, document, &by.actor).await?);
        }
    }
    for (document, done) in plan.documents.iter().zip(&mut done) {
        if document.checked.dialect.is_recipe() {
            done.extend(save(services, plan, document, by).await?);
        }
    }
    Ok(done.concat())
}

/// The tools of a document that aren't there as they are.
async fn add_tools(services: &Services, plan: &Plan, document: &Document, by: &Actor) -> Result<Vec<Change>> {
    let mut done = Vec::new();
    for one in &document.checked.brings {
        let Brings::Tool(manifest) = one else { continue };
        let Some(planned) = planned(plan, document, "tool") else {
            continue;
        };
        if planned.what != What::Same {
            let spec = services.tools.read_manifest(manifest)?;
            tools::add_http(services, &spec, manifest.clone(), by).await?;
        }
        done.push(planned.clone());
    }
    Ok(done)
}

/// What a document brings, but tools.
async fn take(services: &Services, document: &Document, by: &Actor) -> Result<Vec<Change>> {
    let brought = brought::take(services, &document.checked.brings, by).await?;
    Ok(brought.into_iter().map(|one| change(document, one)).collect())
}

/// A recipe with what it brings.
async fn save(services: &Services, plan: &Plan, document: &Document, by: &Principal) -> Result<Vec<Change>> {
    let Some(planned) = planned(plan, document, "recipe") else {
        return Ok(Vec::new());
    };
    let mut done = vec![planned.clone()];
    match planned.what {
        What::There => {}
        What::Same if !planned.activated => done.extend(take(services, document, &by.actor).await?),
        What::Same if planned.held.is_some() => {
            done.extend(take(services, document, &by.actor).await?);
            activate(services, planned, by).await?;
        }
        _ => {
            let wish = SaveRecipe {
                text: document.text.clone(),
                slug: document.slug.clone(),
                activate: planned.activated,
                by: by.actor.clone(),
                person: by.is_present(),
                labels: Label::Author.into(),
            };
            let saved = save_checked(services, wish, document.checked.clone()).await?;
            done[0].version = Some(saved.version);
            done.extend(saved.brought.into_iter().map(|one| change(document, one)));
        }
    }
    Ok(done)
}

/// Makes the version that holds a text the one that runs follow.
async fn activate(services: &Services, planned: &Change, by: &Principal) -> Result<()> {
    match planned.held {
        Some(version) => crate::recipes::activate(services, &planned.name, version, by)
            .await
            .map(|_| ()),
        None => Ok(()),
    }
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
