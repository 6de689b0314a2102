//! What taking files over came to, or would come to, for people and for programs.

use std::collections::{BTreeMap, BTreeSet};

use api::wire::bundle::{BundleDocument, Imported};
use recipe::Checked;
use serde::Serialize;
use serde_json::json;
use types::Failure;

use super::check::page;
use crate::client;
use crate::commands::{Context, Done};
use crate::exit::Exit;
use crate::output::{Style, table};

/// Shows every problem; nothing was changed.
pub(super) fn refused(context: &Context, report: &Imported) -> Done {
    let (mut pages, mut told) = (Vec::new(), BTreeSet::new());
    for document in &report.documents {
        let checked = found(document)?;
        let errors = checked.diagnostics.iter().filter(|found| is_error(found));
        let places = errors.map(|found| {
            let at = format!("{}:{}:{}", document.path, found.line, found.column);
            (at, found.code.clone())
        });
        let before = told.len();
        told.extend(places);
        if told.len() > before {
            pages.push((document.path.as_str(), checked));
        }
    }
    // What a page shows with its line isn't told again.
    let rest = report
        .problems
        .iter()
        .filter(|problem| !told.contains(&(problem.at.clone(), problem.code.clone())));
    context.output.answer(&json!(report), |style| {
        let mut lines: Vec<String> = pages
            .iter()
            .map(|(path, checked)| page(style, path, checked))
            .collect();
        lines.extend(rest.map(|problem| {
            let place = match problem.at.as_str() {
                "" => String::new(),
                at => format!("{at}: "),
            };
            format!(
                "{} {place}{} [{}]",
                style.bad("problem:"),
                problem.message,
                problem.code
            )
        }));
        lines.push(format!(
            "nothing was taken over {}",
            style.dim("[bundle_invalid]")
        ));
        lines.join("\n")
    })?;
    Ok(Exit::Refused)
}

/// Shows what was done, or what would be.
pub(super) fn shown(context: &Context, report: &Imported) -> Done {
    let drafts = drafts(report);
    let mut document = json!(report);
    document["drafts"] = json!(drafts);
    context.output.answer(&document, |style| {
        let text = human(style, report);
        if report.dry_run {
            return format!("{text}\n{}", style.dim("nothing was changed"));
        }
        let told = drafts.iter().map(|draft| {
            let stays = match draft.active {
                Some(active) => format!("runs go on with version {active}"),
                None => "there is none that runs follow".to_owned(),
            };
            format!(
                "\n{} version {} is a draft, and {stays}: {}",
                draft.recipe, draft.version, draft.activate
            )
        });
        let told: String = told.collect();
        format!("{text}{}", style.warn(&told))
    })?;
    Ok(Exit::Ok)
}

/// A version that was taken over and that runs don't follow.
#[derive(Serialize)]
struct Draft<'r> {
    recipe: &'r str,
    version: u32,
    /// The version that they follow.
    active: Option<u32>,
    /// The command that makes them follow it.
    activate: String,
}

/// The newest of each recipe: versions that nobody will ever want to run aren't told of.
fn drafts(report: &Imported) -> Vec<Draft<'_>> {
    let mut drafts: BTreeMap<&str, Draft<'_>> = BTreeMap::new();
    for change in report.changes.iter().filter(|change| change.noun == "recipe") {
        let (Some(version), true) = (change.version, change.draft) else {
            drafts.remove(change.name.as_str());
            continue;
        };
        let draft = Draft {
            recipe: &change.name,
            version,
            active: change.active,
            activate: format!("agentops recipe activate {} {version}", change.name),
        };
        drafts.insert(&change.name, draft);
    }
    drafts.into_values().collect()
}

/// The differences, then a line for each change, then what else there is to say.
pub(super) fn human(style: Style, report: &Imported) -> String {
    let mut text = String::new();
    for diff in report.changes.iter().filter_map(|change| change.diff.as_ref()) {
        text.push_str(diff);
        text.push('\n');
    }
    let rows = report.changes.iter().map(|change| {
        let mut what = match change.what.as_str() {
            "new" => style.good("new"),
            "changed" => style.warn("changed"),
            "same" => style.dim("as it was"),
            "there" => style.dim("there already, left alone"),
            other => other.to_owned(),
        };
        if change.activated {
            what.push_str(", runs follow it");
        }
        let version = change
            .version
            .map(|version| version.to_string())
            .unwrap_or_default();
        vec![
            change.noun.clone(),
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
    // What is as it was has been remarked on before.
    let news: BTreeSet<&str> = report
        .changes
        .iter()
        .filter(|change| matches!(change.what.as_str(), "new" | "changed") || change.activated)
        .map(|change| change.path.as_str())
        .collect();
    for document in report
        .documents
        .iter()
        .filter(|document| news.contains(document.path.as_str()))
    {
        for found in &document.checked.diagnostics {
            let part = |key: &str| found.get(key).cloned().unwrap_or_default();
            let message = part("message");
            let line = format!(
                "{}:{}:{}: {}",
                document.path,
                part("line"),
                part("column"),
                message.as_str().unwrap_or_default()
            );
            text.push_str(&format!("\n{}", style.dim(&line)));
        }
    }
    if !report.absent.is_empty() {
        text.push_str(&format!(
            "\nnot in these files, and kept here: {}",
            report.absent.join(", ")
        ));
    }
    if !report.skipped.is_empty() {
        text.push_str(&format!("\nleft out: {}", report.skipped.join(", ")));
    }
    text
}

/// What checking a document found.
fn found(document: &BundleDocument) -> Result<Checked, Failure> {
    client::checked(document.checked.clone())
}

fn is_error(found: &recipe::Diagnostic) -> bool {
    found.severity == recipe::Severity::Error
}
