//! `agentops recipe list`, `versions`, `activate`.

use ports::{VersionRecord, VersionStatus};
use serde_json::json;
use services::recipes;
use types::Label;

use crate::commands::{Context, Done};
use crate::compose::Access;
use crate::exit::Exit;
use crate::output::{ago, table};

/// Lists recipes; those that `agentops tool call` keeps only if `all` is asked for.
pub(super) async fn list(context: &Context, all: bool) -> Done {
    let app = context.open(Access::Guest).await?;
    let listed = recipes::list(&app.services).await;
    let now = app.services.clock.now();
    app.close().await;
    let mut listed = listed?;
    listed.retain(|recipe| all || !recipes::is_call(&recipe.slug));
    context.output.answer(&listed, |style| {
        let rows = listed.iter().map(|recipe| {
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
    let app = context.open(Access::Guest).await?;
    let done = async {
        let by = context.user(&app).await?;
        recipes::activate(&app.services, name, version, &by).await
    }
    .await;
    app.close().await;
    let (record, activated) = done?;
    let foreign = recipes::is_foreign(activated.labels);
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
fn origin(version: &VersionRecord) -> String {
    if version.labels == Label::Author.into() {
        String::new()
    } else {
        version.labels.to_string()
    }
}
