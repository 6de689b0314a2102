//! New runs and recipes for proofs: straight to the ports, so that nothing else is in the way.

use std::sync::Arc;

use async_trait::async_trait;
use engine::event::RecipeRef;
use engine::rows::Leaf;
use engine::{Event, Limits, Recorded, RunCreated};
use governance::{Facts, Matrix, Rule};
use ports::{FactSource, NewRun, NewVersion, Store, StoreError};
use recipe::CheckContext;
use serde_json::Value;
use types::{Actor, Catalog, Clock, Entropy, Label, Labeled, LeafId, Mode, RecipeId, RunId, TenantId};

use crate::Error;

/// Facts under which every write may run without asking anybody.
pub(crate) struct Permissive;

#[async_trait]
impl FactSource for Permissive {
    async fn facts(&self, _tenant: TenantId) -> Result<Facts, StoreError> {
        let matrix = Matrix {
            rest: Some(Rule::Run),
            ..Matrix::default()
        };
        Ok(Facts {
            matrix,
            ..Facts::default()
        })
    }
}

/// What making runs needs.
#[derive(Clone)]
pub(crate) struct Maker {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
}

impl Maker {
    /// Checks a recipe's text as a user's would be and saves it as an active version.
    pub(crate) async fn save(&self, slug: &str, text: String, catalog: &Catalog) -> Result<RecipeRef, Error> {
        let checked = recipe::check(text.as_bytes(), &CheckContext::new(catalog));
        let Some(tree) = checked.recipe.as_ref().filter(|_| checked.runnable()) else {
            let findings: Vec<String> = checked
                .diagnostics
                .iter()
                .map(|found| format!("{}: {}", found.line, found.message))
                .collect();
            return Err(Error::Other(format!(
                "the recipe {slug} can't be run: {}",
                findings.join("; ")
            )));
        };
        let tree = serde_json::to_string(tree).map_err(|error| Error::Other(error.to_string()))?;
        let (tenant, at) = (TenantId::DEFAULT, self.clock.now());
        let version = NewVersion {
            recipe: RecipeId::new(self.clock.as_ref(), self.entropy.as_ref()),
            slug: slug.to_owned(),
            name: slug.to_owned(),
            description: String::new(),
            digest: types::digest(&Value::String(text.clone())).to_string(),
            text,
            tree: Some(tree),
            activate: true,
            seen: None,
            author: "testkit".to_owned(),
            labels: types::Label::Author.into(),
            at,
        };
        let saved = self
            .store
            .save_version(tenant, version, self.leaf("recipe_saved"))
            .await?;
        Ok(RecipeRef {
            id: saved.recipe,
            name: slug.to_owned(),
            version: saved.version,
        })
    }

    /// A run of this recipe, not started yet.
    pub(crate) fn run(
        &self,
        recipe: &RecipeRef,
        inputs: Value,
        seed: u64,
        start_key: Option<String>,
    ) -> Result<NewRun, Error> {
        let at = self.clock.now();
        let created = RunCreated {
            tenant: TenantId::DEFAULT,
            run: RunId::new(self.clock.as_ref(), self.entropy.as_ref()),
            recipe: recipe.clone(),
            agent: None,
            inputs: Labeled::new(inputs, Label::User),
            mode: Mode::Mock,
            requester: Actor::system("testkit"),
            seed,
            parent: None,
            lineage: Vec::new(),
            fork: None,
        };
        let first = Recorded {
            seq: 1,
            at,
            v: engine::EVENT_VERSION,
            event: Event::RunCreated(Box::new(created.clone())),
        };
        let state = engine::evolve(None, &first)
            .ok_or_else(|| Error::Other("a run's first event did not make a state".to_owned()))?;
        let rows = engine::rows(
            &state,
            std::slice::from_ref(&first),
            at,
            Limits::default().pause_poll_ms,
        );
        Ok(NewRun {
            created,
            at,
            more: Vec::new(),
            rows,
            start_key,
            lease: None,
        })
    }

    fn leaf(&self, kind: &str) -> Leaf {
        Leaf {
            id: LeafId::new(self.clock.as_ref(), self.entropy.as_ref()),
            at: self.clock.now(),
            kind: kind.to_owned(),
            actor: "testkit".to_owned(),
            run: None,
            step: None,
            body: Value::Null,
            args: None,
        }
    }
}
