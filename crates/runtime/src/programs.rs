//! What a run follows: the checked tree of its version, and the recipes its `run` steps name.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use engine::event::RecipeRef;
use engine::{ChildRecipe, State};
use ports::{Store, StoreError};
use recipe::Recipe;
use recipe::program::{Kind, OnError, Step};
use types::{Failure, Phase, RecipeId, TenantId};

/// Trees kept at most; a version never changes, so a kept one is never stale.
const KEPT: usize = 512;

type Key = (TenantId, RecipeId, u32);

pub(crate) struct Programs {
    store: Arc<dyn Store>,
    trees: Mutex<BTreeMap<Key, Arc<Recipe>>>,
}

/// Why a run's recipe can't be had.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LoadError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("{0}")]
    Unreadable(Failure),
}

impl Programs {
    pub(crate) fn new(store: Arc<dyn Store>) -> Self {
        Self {
            store,
            trees: Mutex::default(),
        }
    }

    /// The tree that a run follows.
    pub(crate) async fn tree(&self, state: &State) -> Result<Arc<Recipe>, LoadError> {
        let recipe = &state.created.recipe;
        self.version(state.created.tenant, recipe.id, recipe.version)
            .await
    }

    /// The active versions of all recipes that `recipe` runs; a name without one is left out.
    pub(crate) async fn children(
        &self,
        tenant: TenantId,
        recipe: &Recipe,
    ) -> Result<BTreeMap<String, ChildRecipe>, LoadError> {
        let mut names = BTreeSet::new();
        for phase in Phase::ALL {
            collect(recipe.phase(*phase), &mut names);
        }
        collect(&recipe.guardrails.rollback, &mut names);
        let mut children = BTreeMap::new();
        for name in names {
            let record = match self.store.recipe(tenant, name).await {
                Ok(record) => record,
                Err(StoreError::NotFound { .. }) => continue,
                Err(error) => return Err(error.into()),
            };
            let Some(version) = record.active else { continue };
            let recipe = self.version(tenant, record.id, version).await?;
            let reference = RecipeRef {
                id: record.id,
                name: record.name,
                version,
            };
            children.insert(name.to_owned(), ChildRecipe { reference, recipe });
        }
        Ok(children)
    }

    async fn version(
        &self,
        tenant: TenantId,
        recipe: RecipeId,
        version: u32,
    ) -> Result<Arc<Recipe>, LoadError> {
        let key = (tenant, recipe, version);
        if let Some(tree) = self
            .trees
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&key)
        {
            return Ok(Arc::clone(tree));
        }
        let record = self.store.version(tenant, recipe, version).await?;
        let unreadable = |why: String| {
            let message = format!("version {version} of {recipe} can't be run: {why}");
            LoadError::Unreadable(Failure::new("recipe_unreadable", message))
        };
        let text = record
            .tree
            .ok_or_else(|| unreadable("it was saved with errors".to_owned()))?;
        let tree: Recipe = serde_json::from_str(&text).map_err(|error| unreadable(error.to_string()))?;
        let tree = Arc::new(tree);
        let mut trees = self.trees.lock().unwrap_or_else(PoisonError::into_inner);
        if trees.len() >= KEPT {
            trees.pop_first();
        }
        trees.insert(key, Arc::clone(&tree));
        Ok(tree)
    }
}

fn collect<'a>(steps: &'a [Step], names: &mut BTreeSet<&'a str>) {
    for step in steps {
        match &step.kind {
            Kind::Run { recipe, .. } => {
                names.insert(recipe);
            }
            Kind::Parallel { branches, .. } => branches.iter().for_each(|branch| collect(branch, names)),
            _ => {}
        }
        if let OnError::Steps(steps) = &step.on_error {
            collect(steps, names);
        }
        collect(&step.undo, names);
    }
}
