//! `agentops recipe export`, `import` and `sync`.

use std::path::PathBuf;

use api::wire::bundle::Imported;
use clap::Args;
use serde_json::json;
use services::recipes::bundle;
use types::Failure;

use super::files;
use super::report::{human, refused, shown};
use crate::args::invalid;
use crate::client::Client;
use crate::commands::{Context, Done};
use crate::compose::replace;
use crate::exit::Exit;

/// Where bundles go in and out.
const BUNDLE: &[&str] = &["bundle"];
/// Where recipes lie in a bundle.
const RECIPES: &str = "recipes/";

/// Write recipes as files
#[derive(Debug, Args)]
pub struct Export {
    /// The folder, made if missing; or a bundle, a file that ends in .zip
    #[arg(value_name = "DIR|ZIP")]
    pub to: PathBuf,
    /// Only these recipes, by slug, name or id
    #[arg(value_name = "NAME")]
    pub names: Vec<String>,
    /// Also those that `tool call` keeps its calls in
    #[arg(long, conflicts_with = "names")]
    pub all: bool,
}

/// Take over a file, a folder or a bundle
#[derive(Debug, Args)]
pub struct Import {
    /// A file of YAML or JSON, a folder of them, or a bundle, a file that ends in .zip
    #[arg(value_name = "FILE|DIR|ZIP")]
    pub from: PathBuf,
    /// Let runs follow what is taken over from now on
    #[arg(long)]
    pub activate: bool,
    /// Only show what would be done
    #[arg(long)]
    pub dry_run: bool,
}

/// Take over what has changed in a folder
#[derive(Debug, Args)]
pub struct Sync {
    /// The folder: one SLUG.yaml for each recipe; SLUG-v2.yaml is a later version of the same
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,
    /// Take it over without asking
    #[arg(long)]
    pub yes: bool,
    /// Only show what would be done
    #[arg(long, conflicts_with = "yes")]
    pub dry_run: bool,
    /// Let runs follow the new versions from now on
    #[arg(long)]
    pub activate: bool,
}

/// How files are taken over.
#[derive(Debug, Clone, Copy)]
struct Wish {
    /// `anywhere` or `folder`.
    from: &'static str,
    activate: bool,
    dry_run: bool,
}

impl Export {
    /// Runs it.
    pub async fn run(self, context: &Context) -> Done {
        let whole = self.to.extension().is_some_and(|ending| ending == "zip");
        let mut query = vec![("calls", self.all.to_string())];
        query.extend(self.names.iter().map(|name| ("recipe", name.clone())));
        let client = context.client().await?;
        let packed = client.bytes(BUNDLE, &query).await;
        client.close().await;
        let packed = packed?;
        let mut pieces = bundle::unpack(&packed)?;
        if whole {
            replace(&self.to, &packed)?;
        } else {
            // A folder holds one file for each recipe, and nothing else.
            pieces.retain_mut(|piece| match piece.path.strip_prefix(RECIPES) {
                Some(name) if !name.contains('/') => {
                    piece.path = name.to_owned();
                    true
                }
                _ => false,
            });
            for piece in &pieces {
                replace(&self.to.join(&piece.path), &piece.bytes)?;
            }
        }
        let files: Vec<&str> = pieces.iter().map(|piece| piece.path.as_str()).collect();
        let to = self.to.display().to_string();
        context
            .output
            .answer(&json!({"to": to, "files": files}), |style| {
                format!("{} files are in {}", files.len(), style.strong(&to))
            })?;
        Ok(Exit::Ok)
    }
}

impl Import {
    /// Runs it.
    pub async fn run(self, context: &Context) -> Done {
        let packed = files::packed(&self.from)?;
        let wish = Wish {
            from: "anywhere",
            activate: self.activate,
            dry_run: self.dry_run,
        };
        let client = context.client().await?;
        let report = ask(&client, packed, wish, None).await;
        client.close().await;
        let (report, _) = report?;
        if report.ok {
            shown(context, &report)
        } else {
            refused(context, &report)
        }
    }
}

impl Sync {
    /// Runs it.
    pub async fn run(self, context: &Context) -> Done {
        if !self.folder.is_dir() {
            let message = format!("'{}' is no folder", self.folder.display());
            return Err(Failure::new("folder_unreadable", message));
        }
        let packed = files::packed(&self.folder)?;
        let client = context.client().await?;
        let done = self.take(context, &client, packed).await;
        client.close().await;
        done
    }

    async fn take(&self, context: &Context, client: &Client, packed: Vec<u8>) -> Done {
        let wish = Wish {
            from: "folder",
            activate: self.activate,
            dry_run: true,
        };
        let (planned, seen) = ask(client, packed.clone(), wish, None).await?;
        if !planned.ok {
            return refused(context, &planned);
        }
        if self.dry_run || !planned.has_changes() {
            return shown(context, &planned);
        }
        if !self.yes {
            context.output.line(&human(context.output.style(), &planned))?;
            if !context.output.interactive() {
                return Err(invalid("nothing was taken over: there is nobody to ask")
                    .hint("--yes takes it over without asking, --dry-run only shows it"));
            }
            let answer = context
                .output
                .ask("take it over? [y/N]")
                .await?
                .unwrap_or_default();
            if !matches!(answer.trim().to_lowercase().as_str(), "y" | "yes") {
                context.output.note("nothing was taken over");
                return Ok(Exit::Refused);
            }
        }
        let wish = Wish {
            dry_run: false,
            ..wish
        };
        // What was shown is what is done, or nothing.
        let done = ask(client, packed, wish, seen).await;
        let (report, _) = done.map_err(|failure| match failure.code.as_str() {
            "etag_stale" => Failure {
                message: "nothing was taken over: since the difference was made, something has changed here"
                    .to_owned(),
                ..failure.hint("look at the difference anew")
            },
            _ => failure,
        })?;
        if report.ok {
            shown(context, &report)
        } else {
            refused(context, &report)
        }
    }
}

/// Sends a bundle, and the tag of the dry run that was seen. If it is refused for what stands in it, the
/// report of a dry run tells all of it.
async fn ask(
    client: &Client,
    packed: Vec<u8>,
    wish: Wish,
    seen: Option<String>,
) -> Result<(Imported, Option<String>), Failure> {
    let query = |dry_run: bool| {
        [
            ("from", wish.from.to_owned()),
            ("activate", wish.activate.to_string()),
            ("dry_run", dry_run.to_string()),
        ]
    };
    if wish.dry_run {
        return client.post_zip(BUNDLE, &query(true), packed, None).await;
    }
    let done = client
        .post_zip::<Imported>(BUNDLE, &query(false), packed.clone(), seen)
        .await;
    match done {
        Ok((report, tag)) => {
            if report.changes.iter().any(|change| change.noun == "tool") {
                client.taken_up().await;
            }
            Ok((report, tag))
        }
        Err(failure) if failure.code == "bundle_invalid" => {
            let told: Result<(Imported, _), _> = client.post_zip(BUNDLE, &query(true), packed, None).await;
            match told {
                Ok((report, tag)) if !report.ok => Ok((report, tag)),
                // Whatever was wrong with it isn't any more: what was said of it holds.
                _ => Err(failure),
            }
        }
        Err(failure) => Err(failure),
    }
}
