//! `agentops recipe export`, `import` and `sync`.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;
use services::recipes::bundle::{self, Piece};
use services::recipes::exchange::{self, Change, From, Plan, What};
use types::{Failure, ToolSpec};

use super::check::page;
use crate::args::{bytes_file, invalid};
use crate::commands::{Context, Done};
use crate::compose::{Access, App, replace};
use crate::exit::Exit;
use crate::output::{Style, table};

/// How deep folders are looked through.
const DEEPEST: usize = 4;

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

impl Export {
    /// Runs it.
    pub async fn run(self, context: &Context) -> Done {
        let whole = self.to.extension().is_some_and(|ending| ending == "zip");
        let app = context.open(Access::Guest).await?;
        let pieces = exchange::export(&app.services, &self.names, self.all, whole).await;
        app.close().await;
        let pieces = pieces?;
        if whole {
            replace(&self.to, &bundle::pack(&pieces)?)?;
        } else {
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
        let pieces = pieces(&self.from)?;
        let app = context.open(Access::Guest).await?;
        let done = self.take(context, &app, &pieces).await;
        app.close().await;
        done
    }

    async fn take(&self, context: &Context, app: &App, pieces: &[Piece]) -> Done {
        let plan = exchange::plan(&app.services, pieces, From::Anywhere, &read_tool).await?;
        if !plan.problems.is_empty() {
            return refused(context, &plan);
        }
        if self.dry_run {
            return shown(context, &plan, &plan.changes, false);
        }
        let by = context.user(app).await?;
        let done = exchange::apply(&app.services, &plan, self.activate, &by, &read_tool).await?;
        if done.iter().any(|change| change.noun == "tool") {
            app.tools_taken_up().await;
        }
        shown(context, &plan, &done, true)
    }
}

impl Sync {
    /// Runs it.
    pub async fn run(self, context: &Context) -> Done {
        if !self.folder.is_dir() {
            let message = format!("'{}' is no folder", self.folder.display());
            return Err(Failure::new("folder_unreadable", message));
        }
        let pieces = pieces(&self.folder)?;
        let app = context.open(Access::Guest).await?;
        let done = self.take(context, &app, &pieces).await;
        app.close().await;
        done
    }

    async fn take(&self, context: &Context, app: &App, pieces: &[Piece]) -> Done {
        let plan = exchange::plan(&app.services, pieces, From::Folder, &read_tool).await?;
        if !plan.problems.is_empty() {
            return refused(context, &plan);
        }
        if self.dry_run || !plan.changes_anything() {
            return shown(context, &plan, &plan.changes, false);
        }
        if !self.yes {
            context
                .output
                .line(&human(context.output.style(), &plan, &plan.changes))?;
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
        let by = context.user(app).await?;
        let done = exchange::apply(&app.services, &plan, self.activate, &by, &read_tool).await?;
        shown(context, &plan, &done, true)
    }
}

/// A tool from its manifest, as `tool add` reads it.
fn read_tool(text: &str) -> Result<ToolSpec, Failure> {
    let tool = tools::http_tool(text).map_err(|problems| {
        let listed: Vec<String> = problems.iter().map(ToString::to_string).collect();
        Failure::new("manifest_invalid", listed.join("; "))
    })?;
    Ok(tool.spec)
}

/// The files of a file, folder or bundle.
fn pieces(from: &Path) -> Result<Vec<Piece>, Failure> {
    if from.is_dir() {
        let mut found = Vec::new();
        folder(from, "", DEEPEST, &mut found)?;
        found.sort_by(|a, b| a.path.cmp(&b.path));
        return Ok(found);
    }
    let zip = from.extension().is_some_and(|ending| ending == "zip");
    let bytes = match zip {
        true => whole(from)?,
        false => bytes_file(from)?,
    };
    if zip || bundle::is_bundle(&bytes) {
        return bundle::unpack(&bytes);
    }
    let name = from
        .file_name()
        .and_then(|name| name.to_str())
        .filter(|name| *name != "-");
    let path = match name {
        Some(name) if name.contains('.') => name.to_owned(),
        Some(name) => format!("{name}.yaml"),
        None => "input.yaml".to_owned(),
    };
    Ok(vec![Piece { path, bytes }])
}

/// A bundle's bytes; how many are read at most is the bundle's own bound.
fn whole(from: &Path) -> Result<Vec<u8>, Failure> {
    use std::io::Read as _;
    let mut bytes = Vec::new();
    std::fs::File::open(from)
        .and_then(|file| file.take(bundle::MOST_BYTES + 1).read_to_end(&mut bytes))
        .map_err(|error| {
            Failure::new(
                "file_unreadable",
                format!("failed to read '{}': {error}", from.display()),
            )
        })?;
    Ok(bytes)
}

/// The files below a folder; links aren't followed.
fn folder(at: &Path, under: &str, deeper: usize, found: &mut Vec<Piece>) -> Result<(), Failure> {
    let failed = |error: std::io::Error| {
        Failure::new(
            "folder_unreadable",
            format!("failed to read '{}': {error}", at.display()),
        )
    };
    for entry in std::fs::read_dir(at).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let kind = entry.file_type().map_err(failed)?;
        let Some(name) = entry.file_name().to_str().map(str::to_owned) else {
            let message = format!("a name in '{}' is no UTF-8", at.display());
            return Err(Failure::new("folder_unreadable", message));
        };
        let path = format!("{under}{name}");
        if kind.is_dir() && deeper > 0 && !name.starts_with('.') {
            folder(&entry.path(), &format!("{path}/"), deeper - 1, found)?;
        }
        if !kind.is_file() || !matches!(name.rsplit('.').next(), Some("yaml" | "yml" | "json")) {
            continue;
        }
        if found.len() >= bundle::MOST_FILES {
            let message = format!("'{}' holds more than {} files", at.display(), bundle::MOST_FILES);
            return Err(Failure::new("folder_unreadable", message));
        }
        found.push(Piece {
            path,
            bytes: bytes_file(&entry.path())?,
        });
    }
    Ok(())
}

/// Shows every problem; nothing was changed.
fn refused(context: &Context, plan: &Plan) -> Done {
    let document =
        json!({"ok": false, "changed": false, "problems": plan.problems, "documents": plan.documents});
    context.output.answer(&document, |style| {
        let wrong = plan.documents.iter().filter(|document| {
            let mut found = document.checked.diagnostics.iter();
            found.any(|found| found.severity == recipe::Severity::Error)
        });
        let mut lines: Vec<String> = wrong
            .map(|document| page(style, &document.path, &document.checked))
            .collect();
        lines.extend(
            plan.problems
                .iter()
                .map(|problem| format!("{} {problem}", style.bad("problem:"))),
        );
        lines.push(format!(
            "nothing was taken over {}",
            style.dim("[bundle_invalid]")
        ));
        lines.join("\n")
    })?;
    Ok(Exit::Refused)
}

/// Shows what was done, or what would be.
fn shown(context: &Context, plan: &Plan, changes: &[Change], done: bool) -> Done {
    let document = json!({
        "ok": true,
        "changed": done,
        "changes": changes,
        "absent": plan.absent,
        "skipped": plan.skipped,
        "documents": plan.documents,
    });
    context.output.answer(&document, |style| {
        let text = human(style, plan, changes);
        match done {
            true => text,
            false => format!("{text}\n{}", style.dim("nothing was changed")),
        }
    })?;
    Ok(Exit::Ok)
}

fn human(style: Style, plan: &Plan, changes: &[Change]) -> String {
    let mut text = String::new();
    for diff in changes.iter().filter_map(|change| change.diff.as_ref()) {
        text.push_str(diff);
        text.push('\n');
    }
    let rows = changes.iter().map(|change| {
        let what = match change.what {
            What::New => style.good("new"),
            What::Changed => style.warn("changed"),
            What::Same => style.dim("as it was"),
            What::There => style.dim("there already, left alone"),
        };
        let version = change
            .version
            .map(|version| version.to_string())
            .unwrap_or_default();
        vec![
            change.noun.to_owned(),
            change.name.clone(),
            what,
            version,
            change.path.clone(),
        ]
    });
    text.push_str(&table(
        style,
        &["what", "name", "is", "version", "from"],
        rows.collect(),
        "there is nothing to take over",
    ));
    let told = plan.documents.iter().flat_map(|document| {
        let found = document.checked.diagnostics.iter();
        found.map(|found| {
            format!(
                "{}:{}:{}: {}",
                document.path, found.line, found.column, found.message
            )
        })
    });
    for line in told {
        text.push_str(&format!("\n{}", style.dim(&line)));
    }
    if !plan.absent.is_empty() {
        text.push_str(&format!(
            "\nnot in these files, and kept here: {}",
            plan.absent.join(", ")
        ));
    }
    if !plan.skipped.is_empty() {
        text.push_str(&format!("\nleft out: {}", plan.skipped.join(", ")));
    }
    text
}
