//! Recipes and what belongs to them, in from files and out to files: first a plan that changes nothing
//! and shows every difference and problem, then the change. A plan with a problem changes nothing at all.

mod apply;
mod compare;
mod problems;
mod read;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use recipe::{Brings, Checked};
use serde_json::{Value, json};
use types::{Failure, Role, Scope, ToolSpec};

use super::bundle::Piece;
use super::{context, is_call, list};
use crate::principal::{Need, Principal};
use crate::{Result, Services, agents, if_found, settings, tools};
pub use apply::apply;
use compare::compare;
pub use problems::Problem;
use problems::find_problems;
use read::{document, limit_agents, texts};

/// How files are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum From {
    /// A file, folder or bundle of whatever kind of documents.
    Anywhere,
    /// A folder that holds one file for each recipe, named by its short name.
    Folder,
}

/// One document of the files.
#[derive(Debug, Clone)]
pub struct Document {
    /// The file, and which of its documents if it is a list.
    pub path: String,
    /// What checking found.
    pub checked: Checked,
    text: String,
    /// The recipe's short name.
    pub slug: Option<String>,
    /// The version that the file's name tells: 2 for `lamp-v2.yaml`.
    number: u32,
}

/// What a document comes to.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// `recipe`, `agent`, `workflow`, `guardrails`, `rule`, `limit` or `tool`.
    pub noun: &'static str,
    /// Its name.
    pub name: String,
    /// Where it comes from.
    pub path: String,
    /// What is done.
    pub what: What,
    /// The version that holds it, once it is saved.
    pub version: Option<u32>,
    /// Whether runs follow it from now on, and did not before.
    pub activated: bool,
    /// The difference to the newest version, as a unified diff; none if it is too large to be made.
    pub diff: Option<String>,
    /// The version of the recipe that runs followed until now.
    pub active: Option<u32>,
    /// The version that holds the text of a recipe already.
    held: Option<u32>,
}

impl Change {
    /// Whether it makes a version of a recipe that runs don't follow.
    pub fn is_draft(&self) -> bool {
        matches!(self.what, What::New | What::Changed) && !self.activated
    }
}

/// What is done with a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// It is new.
    New,
    /// It is another one than before.
    Changed,
    /// It is there as it is.
    Same,
    /// Another one of that name is there, and is left alone.
    There,
}

impl What {
    /// The name in documents.
    pub fn as_str(self) -> &'static str {
        match self {
            What::New => "new",
            What::Changed => "changed",
            What::Same => "same",
            What::There => "there",
        }
    }
}

/// What taking files over would do.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Every document.
    pub documents: Vec<Document>,
    /// What each comes to.
    pub changes: Vec<Change>,
    /// Recipes that are here and in none of the files; they are never removed.
    pub absent: Vec<String>,
    /// Files that are no documents, or of a kind that isn't taken here.
    pub skipped: Vec<String>,
    /// What keeps all of it from being taken over.
    pub problems: Vec<Problem>,
    /// Whether runs follow the recipes from then on.
    activate: bool,
}

/// Whether anything is otherwise after these.
pub fn change_anything(changes: &[Change]) -> bool {
    let changing = |change: &Change| matches!(change.what, What::New | What::Changed) || change.activated;
    changes.iter().any(changing)
}

/// Checks that they may take this over: tools and guardrails are an admin's, and what says of its own actions
/// that they run unasked is a person's.
///
/// # Errors
/// `role_missing`, `scope_missing`, `human_needed`.
pub fn may(services: &Services, plan: &Plan, by: &Principal) -> Result<()> {
    let (mut admins, mut manifests) = (false, Vec::new());
    for one in plan
        .documents
        .iter()
        .flat_map(|document| &document.checked.brings)
    {
        admins |= matches!(one, Brings::Tool(_) | Brings::Guardrails(_));
        manifests.extend(match one {
            Brings::Tool(manifest) => Some(manifest),
            _ => None,
        });
    }
    let (role, scope) = match admins {
        true => (Role::Admin, Scope::Admin),
        false => (Role::Operator, Scope::Write),
    };
    by.may(Need { role, scope })?;
    // One that can't be read is a problem of the plan.
    let specs = manifests
        .into_iter()
        .filter_map(|manifest| services.tools.read_manifest(manifest).ok());
    for spec in specs {
        tools::may_add(&spec, by)?;
    }
    Ok(())
}

/// Says what taking these files over would do; changes nothing.
///
/// # Errors
/// The store can't be read. What is wrong with the files is in the plan.
pub async fn plan(services: &Services, pieces: &[Piece], from: From, activate: bool) -> Result<Plan> {
    let known: BTreeSet<String> = list(services)
        .await?
        .into_iter()
        .map(|record| record.slug)
        .collect();
    let mut plan = Plan {
        documents: Vec::new(),
        changes: Vec::new(),
        absent: Vec::new(),
        skipped: Vec::new(),
        problems: Vec::new(),
        activate,
    };
    let texts = texts(pieces, &mut plan);
    let mut whole = context(services).await?;
    let (mut names, mut brought) = (Vec::new(), Vec::new());
    for text in &texts {
        let document = document(&whole, text, from, &known);
        brought.extend(manifests(&document.checked).cloned());
        if document.checked.dialect.is_recipe() {
            names.extend(document.slug.into_iter().chain(document.checked.name));
        }
        // Others are answered meanwhile.
        tokio::task::yield_now().await;
    }
    whole = whole
        .with_recipes(names)
        .with_tools(readable(services, &brought).await?);
    for text in &texts {
        plan.documents.push(document(&whole, text, from, &known));
        tokio::task::yield_now().await;
    }
    limit_agents(&mut plan.documents);
    find_problems(services, &mut plan, from).await?;
    plan.documents
        .sort_by(|a, b| (&a.slug, a.number).cmp(&(&b.slug, b.number)));
    compare(services, whole.catalog(), &mut plan).await?;
    if from == From::Folder {
        let there: BTreeSet<&str> = plan
            .documents
            .iter()
            .filter_map(|document| document.slug.as_deref())
            .collect();
        let absent = known
            .iter()
            .filter(|slug| !is_call(slug) && !there.contains(slug.as_str()));
        plan.absent = absent.cloned().collect();
    }
    Ok(plan)
}

/// The manifests that a document brings.
fn manifests(checked: &Checked) -> impl Iterator<Item = &Value> {
    checked.brings.iter().filter_map(|one| match one {
        Brings::Tool(manifest) => Some(manifest),
        _ => None,
    })
}

/// The tools of those manifests that can be added.
async fn readable(services: &Services, manifests: &[Value]) -> Result<Vec<ToolSpec>> {
    let rows = services.store.tools(services.tenant).await?;
    let read = manifests
        .iter()
        .filter_map(|manifest| services.tools.read_manifest(manifest).ok())
        .filter(|spec| tools::may_be_http(services, &rows, &spec.name).is_ok());
    Ok(read.collect())
}

/// Every recipe as `recipes/SLUG.yaml`, or only those of these names; without names also what belongs to
/// them. A kept workflow comes with the recipe of its name, whose text it was, and alone if there is none.
///
/// # Errors
/// `not_found` if a name is none, or the store can't be read.
pub async fn export(services: &Services, names: &[String], calls: bool) -> Result<Vec<Piece>> {
    let mut records = list(services).await?;
    if names.is_empty() {
        records.retain(|record| calls || !is_call(&record.slug));
    } else {
        let mut named = BTreeSet::new();
        for name in names {
            named.insert(super::find(services, name).await?.id);
        }
        records.retain(|record| named.contains(&record.id));
    }
    let (mut pieces, mut slugs) = (Vec::new(), BTreeSet::new());
    for record in records {
        let number = record.active.unwrap_or(record.latest);
        let Some(version) = if_found(services.store.version(services.tenant, record.id, number).await)?
        else {
            continue;
        };
        pieces.push(Piece {
            path: format!("recipes/{}.yaml", record.slug),
            bytes: version.text.into_bytes(),
        });
        slugs.insert(record.slug);
    }
    if names.is_empty() {
        let agents = agents::list(services).await?.into_iter().map(|agent| {
            json!({"name": agent.name, "domain": agent.domain, "instructions": agent.instructions,
                   "tools": agent.tools, "recipes": agent.config.get("recipes").cloned().unwrap_or_else(|| json!([]))})
        });
        let kept = async |key: &str, without: &BTreeSet<String>| {
            let mut kept: BTreeMap<String, Value> = settings::read(services, key).await?;
            kept.retain(|name, _| !without.contains(name));
            Ok::<Value, Failure>(kept.into_values().collect())
        };
        let lists = [
            ("agents.json", agents.collect::<Value>()),
            ("workflows.json", kept(settings::WORKFLOWS, &slugs).await?),
            (
                "guardrails.json",
                kept(settings::GUARDRAILS, &BTreeSet::new()).await?,
            ),
        ];
        pieces.extend(lists.into_iter().map(|(path, value)| Piece {
            path: path.to_owned(),
            bytes: format!("{value:#}\n").into_bytes(),
        }));
    }
    Ok(pieces)
}

fn bare(document: &Document, noun: &'static str, name: String, what: What) -> Change {
    Change {
        noun,
        name,
        path: document.path.clone(),
        what,
        version: None,
        activated: false,
        diff: None,
        active: None,
        held: None,
    }
}
