//! What ships: agents and recipes, embedded from the folders `agents/` and `recipes/`.

use services::agents::NewAgent;
use services::setup::{RecipeSeed, Seeds};
use types::Failure;

const AGENTS: &str = include_str!("../../../agents/agents.yaml");

/// Short name and text of each recipe.
const RECIPES: &[(&str, &str)] = &[
    (
        "event-intake-wizard",
        include_str!("../../../recipes/event-intake-wizard.yaml"),
    ),
    (
        "sop-to-knowledge-article",
        include_str!("../../../recipes/sop-to-knowledge-article.yaml"),
    ),
    (
        "zoom-room-admin-policy-check",
        include_str!("../../../recipes/zoom-room-admin-policy-check.yaml"),
    ),
    (
        "zoom-room-hdmi-black",
        include_str!("../../../recipes/zoom-room-hdmi-black.yaml"),
    ),
    (
        "zoom-room-health-check",
        include_str!("../../../recipes/zoom-room-health-check.yaml"),
    ),
];

/// Everything that `init` seeds.
///
/// # Errors
/// The embedded list of agents can't be read: a defect of this binary.
pub fn seeds() -> Result<Seeds, Failure> {
    let agents: Vec<NewAgent> = serde_saphyr::from_str(AGENTS)
        .map_err(|error| Failure::new("internal", format!("the shipped agents can't be read: {error}")))?;
    let recipes = RECIPES
        .iter()
        .map(|(slug, text)| RecipeSeed {
            slug: (*slug).to_owned(),
            text: (*text).to_owned(),
        })
        .collect();
    Ok(Seeds { agents, recipes })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_of_the_folder_is_embedded_and_agents_name_real_recipes() {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../recipes");
        let mut files: Vec<String> = std::fs::read_dir(root)
            .expect("the folder is there")
            .map(|entry| {
                entry
                    .expect("an entry")
                    .file_name()
                    .to_string_lossy()
                    .into_owned()
            })
            .filter_map(|name| name.strip_suffix(".yaml").map(str::to_owned))
            .collect();
        files.sort();
        let slugs: Vec<&str> = RECIPES.iter().map(|(slug, _)| *slug).collect();
        assert_eq!(files, slugs);
        for agent in seeds().expect("reads").agents {
            for recipe in agent.recipes {
                assert!(slugs.contains(&recipe.as_str()), "{recipe} of {}", agent.name);
            }
        }
    }
}
