//! Recipes and what belongs to them, in from files and out to files: first a plan that changes nothing
//! and shows every difference and problem, then the change. A plan with a problem changes nothing at all.

mod compare;
mod read;

use std::collections::{BTreeMap, BTreeSet};

use recipe::{Brings, Checked, Severity};
use serde::Serialize;
use serde_json::{Value, json};
use types::{Actor, Failure, Label, ToolSpec};

use super::brought::{self, Brought, Done};
use super::bundle::Piece;
use super::save::save_checked;
use super::{SaveRecipe, context, is_call, list};
use crate::{Result, Services, agents, if_found, settings, tools};
use compare::compare;
use read::{document, limit_agents, texts};

/// Makes a tool of the text of its manifest. Whoever knows the connectors gives it.
pub type ReadTool<'r> = dyn Fn(&str) -> Result<ToolSpec> + Send + Sync + 'r;

/// How files are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum From {
    /// A file, folder or bundle of whatever kind of documents.
    Anywhere,
    /// A folder that holds one file for each recipe, named by its short name.
    Folder,
}

/// One document of the files.
#[derive(Debug, Clone, Serialize)]
pub struct Document {
    /// The file, and which of its documents if it is a list.
    pub path: String,
    /// What checking found.
    pub checked: Checked,
    #[serde(skip)]
    text: String,
    /// The recipe's short name.
    pub slug: Option<String>,
    /// The version that the file's name tells: 2 for `lamp-v2.yaml`.
    #[serde(skip)]
    number: u32,
}

/// What a document comes to.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Change {
    /// `recipe`, `agent`, `workflow`, `guardrails`, `rule` or `tool`.
    pub noun: &'static str,
    /// Its name.
    pub name: String,
    /// Where it comes from.
    pub path: String,
    /// What is done.
    pub what: What,
    /// The version that holds it, once it is saved.
    pub version: Option<u32>,
    /// The difference to the newest version, as a unified diff.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub diff: Option<String>,
}

/// What is done with a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
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

/// What taking files over would do.
#[derive(Debug, Clone, Serialize)]
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
    pub problems: Vec<String>,
}

impl Plan {
    /// Whether anything would be changed.
    pub fn changes_anything(&self) -> bool {
        let changing = |change: &Change| matches!(change.what, What::New | What::Changed);
        self.changes.iter().any(changing)
    }
}

/// Says what taking these files over would do; changes nothing.
///
/// # Errors
/// The store can't be read. What is wrong with the files is in the plan.
pub async fn plan(
    services: &Services,
    pieces: &[Piece],
    from: From,
    read_tool: &ReadTool<'_>,
) -> Result<Plan> {
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
    };
    let texts = texts(pieces, &mut plan);
    let first = context(services).await?;
    let names: Vec<String> = texts
        .iter()
        .map(|text| document(&first, text, from, &known))
        .filter(|document| document.checked.dialect.is_recipe())
        .flat_map(|document| document.slug.into_iter().chain(document.checked.name))
        .collect();
    let whole = first.with_recipes(names);
    plan.documents = texts
        .iter()
        .map(|text| document(&whole, text, from, &known))
        .collect();
    limit_agents(&mut plan.documents);
    find_problems(&mut plan, from, read_tool);
    plan.documents
        .sort_by(|a, b| (&a.slug, a.number).cmp(&(&b.slug, b.number)));
    compare(services, &mut plan).await?;
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

/// Does what a plan says, and returns what was done.
///
/// # Errors
/// `bundle_invalid` if the plan has problems, or the store can't be written: what was saved until then
/// stays, and doing it again goes on from there.
pub async fn apply(
    services: &Services,
    plan: &Plan,
    activate: bool,
    by: &Actor,
    read_tool: &ReadTool<'_>,
) -> Result<Vec<Change>> {
    if !plan.problems.is_empty() {
        return Err(super::bundle::invalid(&plan.problems));
    }
    let mut done = Vec::new();
    // Tools first and agents before recipes, which may name both.
    for document in &plan.documents {
        for one in &document.checked.brings {
            if let Brings::Tool(manifest) = one {
                let spec = read_tool(&manifest.to_string())?;
                tools::add_http(services, &spec, manifest.clone(), by).await?;
            }
        }
        if !document.checked.dialect.is_recipe() {
            let brought = brought::take(services, &document.checked.brings, by).await?;
            done.extend(brought.into_iter().map(|one| change(document, one)));
        }
    }
    for planned in plan.changes.iter().filter(|change| change.noun == "tool") {
        done.push(planned.clone());
    }
    let recipes = plan
        .documents
        .iter()
        .filter(|document| document.checked.dialect.is_recipe());
    for (document, planned) in recipes.zip(plan.changes.iter().filter(|change| change.noun == "recipe")) {
        if planned.what == What::Same && !activate {
            done.push(planned.clone());
            continue;
        }
        if planned.what == What::There {
            done.push(planned.clone());
            continue;
        }
        let wish = SaveRecipe {
            text: document.text.clone(),
            slug: document.slug.clone(),
            activate,
            by: by.clone(),
            labels: Label::Author.into(),
        };
        let saved = save_checked(services, wish, document.checked.clone()).await?;
        done.push(Change {
            version: Some(saved.version),
            ..planned.clone()
        });
        done.extend(saved.brought.into_iter().map(|one| change(document, one)));
    }
    Ok(done)
}

/// Every recipe as a file named by its short name; and for a bundle, what belongs to them.
///
/// # Errors
/// `not_found` if a name is none, or the store can't be read.
pub async fn export(services: &Services, names: &[String], calls: bool, bundle: bool) -> Result<Vec<Piece>> {
    let mut records = list(services).await?;
    if names.is_empty() {
        records.retain(|record| calls || !is_call(&record.slug));
    } else {
        records = Vec::new();
        for name in names {
            records.push(super::find(services, name).await?);
        }
    }
    let mut pieces = Vec::new();
    for record in records {
        let number = record.active.unwrap_or(record.latest);
        let Some(version) = if_found(services.store.version(services.tenant, record.id, number).await)?
        else {
            continue;
        };
        let folder = if bundle { "recipes/" } else { "" };
        pieces.push(Piece {
            path: format!("{folder}{}.yaml", record.slug),
            bytes: version.text.into_bytes(),
        });
    }
    if bundle && names.is_empty() {
        let agents = agents::list(services).await?.into_iter().map(|agent| {
            json!({"name": agent.name, "domain": agent.domain, "instructions": agent.instructions,
                   "tools": agent.tools, "recipes": agent.config.get("recipes").cloned().unwrap_or_else(|| json!([]))})
        });
        let kept = |key: &'static str| async move {
            let kept: BTreeMap<String, Value> = settings::read(services, key).await?;
            Ok::<Value, Failure>(kept.into_values().collect())
        };
        let lists = [
            ("agents.json", agents.collect::<Value>()),
            ("workflows.json", kept(settings::WORKFLOWS).await?),
            ("guardrails.json", kept(settings::GUARDRAILS).await?),
        ];
        pieces.extend(lists.into_iter().map(|(path, value)| Piece {
            path: path.to_owned(),
            bytes: format!("{value:#}\n").into_bytes(),
        }));
    }
    Ok(pieces)
}

fn find_problems(plan: &mut Plan, from: From, read_tool: &ReadTool<'_>) {
    let mut taken: BTreeMap<(String, u32), String> = BTreeMap::new();
    let mut skipped = Vec::new();
    for document in &plan.documents {
        let errors = document
            .checked
            .diagnostics
            .iter()
            .filter(|found| found.severity == Severity::Error);
        plan.problems.extend(errors.map(|found| {
            format!(
                "{}:{}:{}: {} [{}]",
                document.path, found.line, found.column, found.message, found.code
            )
        }));
        for one in &document.checked.brings {
            if let Brings::Tool(manifest) = one
                && from == From::Anywhere
                && let Err(failure) = read_tool(&manifest.to_string())
            {
                plan.problems.push(format!(
                    "{}: {} [{}]",
                    document.path, failure.message, failure.code
                ));
            }
        }
        let Some(slug) = &document.slug else {
            if from == From::Folder {
                skipped.push(document.path.clone());
            }
            continue;
        };
        if is_call(slug) {
            plan.problems.push(format!(
                "{}: '{slug}' is kept for calls by hand [recipe_name_invalid]",
                document.path
            ));
        }
        if let Some(other) = taken.insert((slug.clone(), document.number), document.path.clone()) {
            plan.problems.push(format!(
                "'{other}' and '{}' would both become '{slug}'",
                document.path
            ));
        }
    }
    if from == From::Folder {
        plan.documents
            .retain(|document| !skipped.contains(&document.path));
        plan.skipped.append(&mut skipped);
    }
    if plan.documents.is_empty() && plan.problems.is_empty() && from == From::Anywhere {
        plan.problems
            .push("there is no document of any known kind in it".to_owned());
    }
}

fn bare(document: &Document, noun: &'static str, name: String, what: What) -> Change {
    Change {
        noun,
        name,
        path: document.path.clone(),
        what,
        version: None,
        diff: None,
    }
}

fn change(document: &Document, one: Brought) -> Change {
    let what = match one.done {
        Done::Made => What::New,
        Done::Changed => What::Changed,
        Done::There => What::There,
    };
    bare(document, one.noun, one.name, what)
}
