//! `agentops recipe list`, `versions`, `activate`.

use ports::VersionStatus;
use serde_json::json;
use services::recipes;

use crate::commands::{Context, Done};
use crate::compose::Access;
use crate::exit::Exit;
use crate::output::{ago, table};

/// Lists recipes.
pub(super) async fn list(context: &Context) -> Done {
    let app = context.open(Access::Guest).await?;
    let all = recipes::list(&app.services).await;
    let now = app.services.clock.now();
    app.close().await;
    let all = all?;
    context.output.answer(&all, |style| {
        let rows = all.iter().map(|recipe| {
            let active = recipe
                .active
                .map_or_else(|| style.warn("draft"), |version| version.to_string());
            let changed = ago(recipe.updated_at, now);
            vec![
                recipe.slug.clone(),
                recipe.name.clone(),
                active,
                recipe.latest.to_string(),
                changed,
            ]
        });
        let nothing = "no recipes yet: `agentops init` seeds those that ship";
        table(
            style,
            &["recipe", "name", "active", "newest", "changed"],
            rows.collect(),
            nothing,
        )
    })?;
    Ok(Exit::Ok)
}

/// Lists the versions of a recipe.
pub(super) async fn versions(context: &Context, name: &str) -> Done {
    let app = context.open(Access::Guest).await?;
    let found = recipes::versions(&app.services, name).await;
    let now = app.services.clock.now();
    app.close().await;
    let (record, versions) = found?;
    let listed: Vec<_> = versions
        .iter()
        .map(|version| {
            json!({
                "version": version.version,
                "status": version.status,
                "runnable": version.tree.is_some(),
                "name": version.name,
                "author": version.author,
                "created_at": version.created_at,
                "digest": version.digest,
            })
        })
        .collect();
    context.output.answer(
        &json!({"slug": record.slug, "active": record.active, "versions": listed}),
        |style| {
            let rows = versions.iter().map(|version| {
                let state = match (version.status, version.tree.is_some()) {
                    (VersionStatus::Active, _) => style.good("active"),
                    (VersionStatus::Draft, true) => style.warn("draft"),
                    (VersionStatus::Draft, false) => style.bad("draft with errors"),
                    (VersionStatus::Retired, _) => style.dim("was active"),
                };
                vec![
                    version.version.to_string(),
                    state,
                    version.author.clone(),
                    ago(version.created_at, now),
                ]
            });
            table(style, &["version", "state", "by", "saved"], rows.collect(), "")
        },
    )?;
    Ok(Exit::Ok)
}

/// Makes a version the one that runs follow.
pub(super) async fn activate(context: &Context, name: &str, version: u32) -> Done {
    let app = context.open(Access::Guest).await?;
    let done = async {
        let by = context.user(&app).await?;
        recipes::activate(&app.services, name, version, &by).await?;
        recipes::find(&app.services, name).await
    }
    .await;
    app.close().await;
    let record = done?;
    let document = json!({"slug": record.slug, "active": record.active, "latest": record.latest});
    context.output.answer(&document, |style| {
        format!(
            "runs of {} follow version {version} from now on",
            style.strong(&record.slug)
        )
    })?;
    Ok(Exit::Ok)
}
