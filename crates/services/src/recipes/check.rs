//! Checking a recipe's text against what this installation has.

use std::collections::BTreeMap;
use std::sync::Arc;

use recipe::program::{Kind, OnError, Step};
use recipe::{CheckContext, Checked, Dialect, Recipe};
use types::{Catalog, Phase, ToolSpec};

use super::{list, tree};
use crate::changes::with_tools;
use crate::{Result, Services, if_found, people};

/// What recipes are checked against, as it is now.
pub struct Context {
    catalog: Arc<Catalog>,
    recipes: Vec<String>,
    groups: Vec<String>,
    children: BTreeMap<String, Vec<String>>,
}

impl Context {
    /// The actions.
    pub(super) fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    /// Checks a text.
    pub fn check(&self, text: &[u8]) -> Checked {
        self.check_as(text, None)
    }

    /// The same context with more recipes, which come together with the text that is checked.
    pub(super) fn with_recipes(mut self, names: impl IntoIterator<Item = String>) -> Self {
        self.recipes.extend(names);
        self
    }

    /// The same context with more tools, which come together with the text that is checked.
    pub(super) fn with_tools(mut self, tools: Vec<ToolSpec>) -> Self {
        if !tools.is_empty() {
            self.catalog = Arc::new(with_tools(&self.catalog, tools));
        }
        self
    }

    /// Checks a text whose form may be known from where it lies.
    pub(super) fn check_as(&self, text: &[u8], known: Option<Dialect>) -> Checked {
        let children = |name: &str| self.children.get(&name.to_lowercase()).cloned();
        let context = CheckContext {
            catalog: &self.catalog,
            recipes: Some(&self.recipes),
            groups: Some(&self.groups),
            children: Some(&children),
        };
        recipe::check_as(text, known, &context)
    }
}

/// The context of this installation: its actions, recipes with what they run, groups.
///
/// # Errors
/// The store can't be read.
pub async fn context(services: &Services) -> Result<Context> {
    let mut recipes = Vec::new();
    let mut children = BTreeMap::new();
    for record in list(services).await? {
        let version = record.active.unwrap_or(record.latest);
        let found = if_found(services.store.version(services.tenant, record.id, version).await)?;
        // A draft with errors runs nothing.
        let runs = found
            .and_then(|found| tree(&found).ok())
            .map(|recipe| children_of(&recipe))
            .unwrap_or_default();
        children.insert(record.slug.to_lowercase(), runs.clone());
        children.insert(record.name.to_lowercase(), runs);
        recipes.extend([record.slug, record.name]);
    }
    let groups = people::known_groups(services).await?;
    Ok(Context {
        catalog: services.tools.catalog(),
        recipes,
        groups,
        children,
    })
}

/// Checks a text against this installation.
///
/// # Errors
/// The store can't be read; what is wrong with the text is in the answer.
pub async fn check(services: &Services, text: &[u8]) -> Result<Checked> {
    Ok(context(services).await?.check(text))
}

/// Names of the recipes that a recipe runs.
fn children_of(recipe: &Recipe) -> Vec<String> {
    let mut names = Vec::new();
    let mut open: Vec<&Step> = Phase::ALL.iter().flat_map(|phase| recipe.phase(*phase)).collect();
    open.extend(&recipe.guardrails.rollback);
    while let Some(step) = open.pop() {
        match &step.kind {
            Kind::Run { recipe, .. } => names.push(recipe.clone()),
            Kind::Parallel { branches, .. } => open.extend(branches.iter().flatten()),
            _ => {}
        }
        open.extend(&step.undo);
        if let OnError::Steps(steps) = &step.on_error {
            open.extend(steps);
        }
    }
    names.sort_unstable();
    names.dedup();
    names
}
