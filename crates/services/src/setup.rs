//! Set-up: what an installation should have, what it has, and making the rest. Running it again
//! changes nothing but shipped content that nobody has touched.

use serde::Serialize;
use sha2::{Digest as _, Sha256};
use types::{Actor, Label};

use crate::agents::{self, NewAgent};
use crate::recipes::{self, SaveRecipe};
use crate::{Result, Services, if_found};

/// The name under which shipped content is saved. A recipe whose newest version has another author
/// belongs to a person and is left alone.
pub const SHIPPED_BY: &str = "agentops";

/// A recipe that ships.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecipeSeed {
    /// Its short name.
    pub slug: String,
    /// Its text.
    pub text: String,
}

/// What an installation should have.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Seeds {
    /// Agents.
    pub agents: Vec<NewAgent>,
    /// Recipes, children before those that run them.
    pub recipes: Vec<RecipeSeed>,
}

/// How one thing stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// It isn't there.
    Missing,
    /// It is there.
    There,
    /// It is there as an older binary shipped it.
    Older,
    /// It is there, and a person has changed it.
    Changed,
}

/// One thing of the plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Item {
    /// `agent` or `recipe`.
    pub noun: &'static str,
    /// Its name.
    pub name: String,
    /// How it stands before set-up.
    pub standing: Standing,
    /// Whether set-up makes or replaces it.
    pub made: bool,
}

/// What set-up would do.
///
/// # Errors
/// The store can't be read.
pub async fn plan(services: &Services, seeds: &Seeds) -> Result<Vec<Item>> {
    let mut items = Vec::new();
    for seed in &seeds.agents {
        let found = if_found(services.store.agent(services.tenant, &seed.name).await)?;
        let standing = if found.is_some() {
            Standing::There
        } else {
            Standing::Missing
        };
        items.push(Item {
            noun: "agent",
            name: seed.name.clone(),
            standing,
            made: standing == Standing::Missing,
        });
    }
    for seed in &seeds.recipes {
        let standing = recipe_standing(services, seed).await?;
        let made = matches!(standing, Standing::Missing | Standing::Older);
        items.push(Item {
            noun: "recipe",
            name: seed.slug.clone(),
            standing,
            made,
        });
    }
    Ok(items)
}

/// Makes what the plan says, and returns it.
///
/// # Errors
/// `recipe_has_errors` if shipped content doesn't fit this installation's tools, or the store can't
/// be written. What was made until then stays, and running it again goes on from there.
pub async fn make(services: &Services, seeds: &Seeds) -> Result<Vec<Item>> {
    let items = plan(services, seeds).await?;
    let by = Actor::system(SHIPPED_BY);
    let wanted = |noun: &str, name: &str| items.iter().any(|i| i.made && i.noun == noun && i.name == name);
    for seed in seeds.agents.iter().filter(|seed| wanted("agent", &seed.name)) {
        match agents::make(services, seed, &by).await {
            // Somebody else sets up at the same time.
            Err(failure) if failure.code == "conflict" => {
                agents::show(services, &seed.name).await?;
            }
            made => {
                made?;
            }
        }
    }
    for seed in seeds.recipes.iter().filter(|seed| wanted("recipe", &seed.slug)) {
        let wish = SaveRecipe {
            text: seed.text.clone(),
            slug: Some(seed.slug.clone()),
            activate: true,
            seen: None,
            by: by.clone(),
            person: false,
            labels: Label::Author.into(),
        };
        recipes::save(services, wish).await?;
    }
    Ok(items)
}

async fn recipe_standing(services: &Services, seed: &RecipeSeed) -> Result<Standing> {
    let Some(record) = if_found(services.store.recipe(services.tenant, &seed.slug).await)? else {
        return Ok(Standing::Missing);
    };
    let version = services
        .store
        .version(services.tenant, record.id, record.latest)
        .await?;
    let digest = hex::encode(Sha256::digest(seed.text.as_bytes()));
    Ok(match (version.digest == digest, version.author == SHIPPED_BY) {
        (true, _) => Standing::There,
        (false, true) => Standing::Older,
        (false, false) => Standing::Changed,
    })
}
