//! `agentops recipe list`, `versions`, `activate`.

use api::wire::recipes::{Recipe, RecipeDetail, Version};
use serde_json::json;
use types::{Failure, Label};

use crate::commands::{Context, Done};
use crate::exit::Exit;
use crate::output::{ago, table};

/// Lists recipes; those that `agentops tool call` keeps only if `all` is asked for.
pub(super) async fn list(context: &Context, all: bool) -> Done {
    let client = context.client().await?;
    let query = [("calls", all.to_string())];
    let listed: Result<Vec<Recipe>, _> = client.list(&["recipes"], &query, u32::MAX).await;
    let now = client.now();
    client.close().await;
    let listed = listed?;
    context.output.answer(&listed, |style| {
        let rows = listed.iter().map(|recipe| {
            let version = match (recipe.active, recipe.draft) {
                (None, _) => style.warn(&format!("draft v{}", recipe.latest)),
                (Some(active), None) => format!("v{active}"),
                (Some(active), Some(draft)) => {
                    format!("v{active} {}", style.warn(&format!("(draft v{draft})")))
                }
            };
            let changed = ago(recipe.updated_at, now);
            vec![recipe.slug.clone(), recipe.name.clone(), version, changed]
        });
        let nothing = "no recipes yet: `agentops init` seeds those that ship";
        table(
            style,
            &["recipe", "name", "version", "changed"],
            rows.collect(),
            nothing,
        )
    })?;
    Ok(Exit::Ok)
}

/// Lists the versions of a recipe.
pub(super) async fn versions(context: &Context, name: &str) -> Done {
    let client = context.client().await?;
    let found = async {
        let detail: RecipeDetail = client.get(&["recipes", name]).await?;
        let versions: Vec<Version> = client.all(&["recipes", name, "versions"]).await?;
        Ok::<_, Failure>((detail.recipe, versions))
    }
    .await;
    let now = client.now();
    client.close().await;
    let (record, versions) = found?;
    let listed: Vec<_> = versions
        .iter()
        .map(|version| {
            json!({
                "version": version.version,
                "status": version.status,
                "runnable": version.runnable,
                "name": version.name,
                "author": version.author,
                "labels": version.labels,
                "created_at": version.created_at,
                "digest": version.digest,
            })
        })
        .collect();
    context.output.answer(
        &json!({"slug": record.slug, "active": record.active, "versions": listed}),
        |style| {
            let rows = versions.iter().map(|version| {
                let state = match (version.status.as_str(), version.runnable) {
                    ("active", _) => style.good("active"),
                    ("draft", true) => style.warn("draft"),
                    ("draft", false) => style.bad("draft with errors"),
                    _ => style.dim("was active"),
                };
                vec![
                    version.version.to_string(),
                    state,
                    version.author.clone(),
                    origin(version),
                    ago(version.created_at, now),
                ]
            });
            table(
                style,
                &["version", "state", "by", "from", "saved"],
                rows.collect(),
                "",
            )
        },
    )?;
    Ok(Exit::Ok)
}

/// Makes a version the one that runs follow.
pub(super) async fn activate(context: &Context, name: &str, version: u32) -> Done {
    let client = context.client().await?;
    let number = version.to_string();
    let path = ["recipes", name, "versions", &number, "activate"];
    let done: Result<RecipeDetail, _> = client.post(&path, &json!(null)).await;
    client.close().await;
    let detail = done?;
    let (record, activated) = (detail.recipe, detail.version);
    let foreign = activated.foreign;
    let document = json!({
        "slug": record.slug,
        "active": record.active,
        "latest": record.latest,
        "labels": activated.labels,
        "taken_over": foreign,
    });
    context.output.answer(&document, |style| {
        let line = format!(
            "runs of {} follow version {version} from now on",
            style.strong(&record.slug)
        );
        if !foreign {
            return line;
        }
        let warning = format!(
            "its text came from untrusted sources ({}); you have taken it over, so it counts as an author's",
            activated.labels
        );
        format!("{line}\n{}", style.warn(&warning))
    })?;
    Ok(Exit::Ok)
}

/// Where a version's text came from; empty for what an author wrote.
fn origin(version: &Version) -> String {
    if version.labels == Label::Author.name() {
        String::new()
    } else {
        version.labels.clone()
    }
}
