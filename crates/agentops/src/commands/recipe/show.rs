//! `agentops recipe show`.

use std::path::Path;

use api::wire::recipes::RecipeDetail;
use clap::Args;
use serde_json::json;

use super::check::{checked, page};
use crate::args::bytes_file;
use crate::client::Client;
use crate::commands::{Context, Done};
use crate::exit::Exit;

/// Show a recipe of the library, or a file, in today's form
#[derive(Debug, Args)]
pub struct Show {
    /// Slug, name or id; or a file, which has a dot or a slash in its name
    #[arg(value_name = "NAME|FILE")]
    pub recipe: String,
    /// A version other than the active one
    #[arg(long, value_name = "N")]
    pub version: Option<u32>,
    /// The text as it was saved
    #[arg(long)]
    pub text: bool,
}

impl Show {
    /// Runs it.
    pub async fn run(self, context: &Context) -> Done {
        let client = context.client().await?;
        let file = Path::new(&self.recipe);
        let is_file = self.version.is_none()
            && (self.recipe == "-"
                || (self.recipe.contains(['.', '/']) && (file.is_file() || file.extension().is_some())));
        let shown = if is_file {
            self.file(context, &client, file).await
        } else {
            self.saved(context, &client).await
        };
        client.close().await;
        shown
    }

    async fn file(&self, context: &Context, client: &Client, file: &Path) -> Done {
        let bytes = bytes_file(file)?;
        let checked = checked(client, bytes).await?;
        let Some(tree) = checked.recipe.as_ref() else {
            context
                .output
                .answer(&json!(checked), |style| page(style, &self.recipe, &checked))?;
            return Ok(Exit::Refused);
        };
        let today = recipe::show(tree);
        context
            .output
            .answer(&json!({"name": tree.name, "today": today, "tree": tree}), |_| {
                today.clone()
            })?;
        Ok(Exit::Ok)
    }

    async fn saved(&self, context: &Context, client: &Client) -> Done {
        let RecipeDetail {
            recipe: record,
            version,
            today,
            tree,
        } = match self.version.map(|version| version.to_string()) {
            Some(version) => {
                client
                    .get(&["recipes", &self.recipe, "versions", &version])
                    .await?
            }
            None => client.get(&["recipes", &self.recipe]).await?,
        };
        let document = json!({
            "recipe": record.id,
            "slug": record.slug,
            "name": version.name,
            "version": version.version,
            "status": version.status,
            "active": record.active,
            "latest": record.latest,
            "author": version.author,
            "labels": version.labels,
            "created_at": version.created_at,
            "text": version.text,
            "today": today,
            "tree": tree,
        });
        context.output.answer(&document, |style| {
            let errors = if tree.is_some() { "" } else { ", has errors" };
            let from = if version.foreign {
                format!(", from {}", version.labels)
            } else {
                String::new()
            };
            let head = format!("# {} version {}{errors}{from}", record.slug, version.version);
            let head = style.dim(&head);
            let body = if self.text {
                &version.text
            } else {
                today.as_ref().unwrap_or(&version.text)
            };
            format!("{head}\n{body}")
        })?;
        Ok(Exit::Ok)
    }
}
