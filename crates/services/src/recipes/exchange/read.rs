//! Files to documents: what each is, what it is called, which version it is.

use std::collections::{BTreeMap, BTreeSet};

use recipe::{Brings, Dialect};
use serde_json::Value;

use super::super::Context;
use super::super::bundle::Piece;
use super::{Document, From, Plan, Problem};

/// The most documents: a list of a few megabytes could hold a million of them.
const MOST_DOCUMENTS: usize = 2_000;

/// A text, where it lies, and what is known of its form.
pub(super) struct Text {
    path: String,
    stem: String,
    known: Option<Dialect>,
    text: Vec<u8>,
    /// Whether the file's name says what it is called.
    named: bool,
}

pub(super) fn texts(pieces: &[Piece], plan: &mut Plan) -> Vec<Text> {
    let mut texts = Vec::new();
    for piece in pieces {
        let name = piece.path.rsplit('/').next().unwrap_or(&piece.path);
        let (stem, ending) = name.rsplit_once('.').unwrap_or((name, ""));
        let hidden = name.starts_with('.') || piece.path.split('/').any(|part| part == "__MACOSX");
        let talk = matches!(stem, "manifest" | "meta" | "metadata" | "package" | "index") && ending == "json";
        if hidden || talk || !matches!(ending, "yaml" | "yml" | "json") {
            plan.skipped.push(piece.path.clone());
            continue;
        }
        let folder = piece.path.rsplit('/').nth(1).unwrap_or_default();
        let known = form_of(stem).or_else(|| form_of(folder));
        let items = match ending {
            "json" => serde_json::from_slice::<Vec<Value>>(&piece.bytes).ok(),
            _ => None,
        };
        let Some(items) = items else {
            texts.push(Text {
                path: piece.path.clone(),
                stem: stem.to_owned(),
                known,
                text: piece.bytes.clone(),
                named: true,
            });
            continue;
        };
        if texts.len() + items.len() > MOST_DOCUMENTS {
            let message = format!("there are more than {MOST_DOCUMENTS} documents up to here");
            plan.problems.push(Problem::whole(&piece.path, message));
            return Vec::new();
        }
        for (index, item) in items.iter().enumerate() {
            let path = format!("{}[{index}]", piece.path);
            let inner = ["yaml", "text", "content"]
                .iter()
                .find_map(|key| item.get(key)?.as_str());
            if inner.is_none() && item.get("yaml_path").is_some() {
                // The file itself is in the bundle.
                continue;
            }
            texts.push(Text {
                path,
                stem: item
                    .get("name")
                    .and_then(Value::as_str)
                    .unwrap_or(stem)
                    .to_owned(),
                known,
                text: inner.map_or_else(
                    || format!("{item:#}").into_bytes(),
                    |text| text.as_bytes().to_vec(),
                ),
                named: false,
            });
        }
    }
    texts
}

/// What lies in a file or folder of this name.
fn form_of(name: &str) -> Option<Dialect> {
    match name {
        "agents" => Some(Dialect::Agent),
        "workflows" => Some(Dialect::Workflow),
        "guardrails" => Some(Dialect::Guardrails),
        "tools" => Some(Dialect::Manifest),
        _ => None,
    }
}

pub(super) fn document(context: &Context, text: &Text, from: From, known: &BTreeSet<String>) -> Document {
    let checked = context.check_as(&text.text, text.known);
    let (stem, number) = version_of(&text.stem);
    let stem = slug::slugify(stem);
    let own = checked.slug.clone().or_else(|| {
        let name = checked.name.as_deref().filter(|_| !text.named);
        name.map(slug::slugify)
    });
    let by_file = from == From::Folder || (text.named && known.contains(&stem));
    let slug = if by_file { stem } else { own.unwrap_or(stem) };
    Document {
        path: text.path.clone(),
        text: String::from_utf8_lossy(&text.text).into_owned(),
        slug: checked.dialect.is_recipe().then_some(slug),
        number,
        checked,
    }
}

/// `lamp-v2` is version 2 of `lamp`.
fn version_of(stem: &str) -> (&str, u32) {
    let split = stem.rsplit_once("-v").or_else(|| stem.rsplit_once("_v"));
    match split.map(|(name, number)| (name, number.parse::<u32>())) {
        Some((name, Ok(number))) if !name.is_empty() => (name, number),
        _ => (stem, 1),
    }
}

/// Agents that name guardrails of the same import keep only the tools that these allow.
pub(super) fn limit_agents(documents: &mut [Document]) {
    let mut allowed: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for one in documents.iter().flat_map(|document| &document.checked.brings) {
        if let Brings::Guardrails(set) = one
            && let Some(tools) = &set.allow_tools
        {
            allowed.insert(set.slug.clone(), tools.clone());
        }
    }
    for one in documents
        .iter_mut()
        .flat_map(|document| &mut document.checked.brings)
    {
        let Brings::Agent(agent) = one else { continue };
        for tools in agent.guardrails.iter().filter_map(|name| allowed.get(name)) {
            match agent.tools.is_empty() {
                true => agent.tools.clone_from(tools),
                false => agent.tools.retain(|tool| tools.contains(tool)),
            }
            if agent.tools.is_empty() {
                // An empty list would be all of them.
                agent.tools.push("local".to_owned());
            }
        }
    }
}
