//! What documents come to beside what is here, with the difference.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use recipe::Brings;
use serde_json::{Map, Value};
use types::{CallLimits, Catalog, Failure};

use super::super::{brought, versions_of};
use super::{Change, Document, Plan, What, bare};
use crate::{Result, Services, if_found, settings};

/// How long making one difference may take; what isn't found by then is shown more coarsely.
const LONGEST_DIFF: Duration = Duration::from_millis(100);
/// How much text is compared for one plan, in bytes; what comes after is taken over without being shown.
const MOST_COMPARED: usize = 4 * 1024 * 1024;

/// What is known while one document after the other is compared.
#[derive(Default)]
struct Seen {
    /// The text that the newest version of a recipe has by then.
    newest: BTreeMap<String, String>,
    /// Up to which of its stored versions a recipe has come by then; `u32::MAX` past all of them.
    reached: BTreeMap<String, u32>,
    /// Things beside recipes that documents before have brought: noun and name.
    brought: BTreeSet<(&'static str, String)>,
    /// The limits of tools as documents before leave them.
    limits: CallLimits,
    /// The rules for actions as documents before leave them.
    rules: Map<String, Value>,
    /// Bytes compared so far.
    compared: usize,
}

/// What each document comes to, with its difference to what is here.
pub(super) async fn compare(services: &Services, catalog: &Catalog, plan: &mut Plan) -> Result<()> {
    let mut changes = Vec::new();
    let mut seen = Seen {
        limits: settings::read(services, settings::LIMITS).await?,
        rules: settings::read(services, settings::RULES).await?,
        ..Seen::default()
    };
    for (at, document) in plan.documents.iter().enumerate() {
        if let Some(slug) = &document.slug {
            let next = plan.documents.get(at + 1);
            let last = next.is_none_or(|next| next.slug.as_ref() != Some(slug));
            let mut change = recipe(services, document, slug, last, &mut seen).await?;
            let kept = matches!(change.what, What::There);
            change.activated &= plan.activate && last;
            changes.push(change);
            if kept {
                continue;
            }
        }
        for one in &document.checked.brings {
            for (noun, name, what) in standing(services, catalog, one, &mut seen).await? {
                let first = seen.brought.insert((noun, name.clone()));
                let what = if first { what } else { again(noun, what) };
                changes.push(bare(document, noun, name, what));
            }
        }
        tokio::task::yield_now().await;
    }
    plan.changes = changes;
    Ok(())
}

/// What a recipe comes to; `activated` says whether runs don't follow that version yet.
async fn recipe(
    services: &Services,
    document: &Document,
    slug: &str,
    last: bool,
    seen: &mut Seen,
) -> Result<Change> {
    let record = if_found(services.store.recipe(services.tenant, slug).await)?;
    let stored = match &record {
        Some(record) => versions_of(services, record.id).await?,
        None => Vec::new(),
    };
    let before = seen
        .newest
        .get(slug)
        .cloned()
        .or_else(|| stored.first().map(|version| version.text.clone()));
    let active = record.as_ref().and_then(|record| record.active);
    let mut holders = stored.iter().filter(|version| version.text == document.text);
    let held = holders.clone().find(|version| Some(version.version) == active);
    let held = held.or_else(|| holders.next()).map(|version| version.version);
    let reached = seen.reached.get(slug).copied().unwrap_or(0);
    let what = match (&before, held) {
        (None, _) => What::New,
        (Some(before), _) if *before == document.text => What::Same,
        // An earlier version that is in the library already stays where it is.
        (Some(_), Some(_)) if !last => What::There,
        // Any stored version is no news, unless files before it hold what came after it.
        (Some(_), Some(held)) if held >= reached => What::Same,
        (Some(_), _) => What::Changed,
    };
    let now = match what {
        What::New | What::Changed => u32::MAX,
        What::Same | What::There => held.map_or(u32::MAX, |held| held.max(reached)),
    };
    seen.reached.insert(slug.to_owned(), now);
    let mut change = bare(document, "recipe", slug.to_owned(), what);
    if let Some(before) = before.filter(|_| what == What::Changed) {
        change.diff = diff(slug, &before, document, &mut seen.compared);
    }
    let is_stored = what == What::Same && !seen.newest.contains_key(slug);
    change.active = active;
    change.held = held.filter(|_| is_stored);
    change.activated = !is_stored || active != held;
    if matches!(what, What::New | What::Changed) {
        seen.newest.insert(slug.to_owned(), document.text.clone());
    }
    Ok(change)
}

fn diff(slug: &str, before: &str, document: &Document, compared: &mut usize) -> Option<String> {
    *compared = compared.saturating_add(before.len() + document.text.len());
    if *compared > MOST_COMPARED {
        return None;
    }
    let made = similar::TextDiff::configure()
        .timeout(LONGEST_DIFF)
        .diff_lines(before, &document.text)
        .unified_diff()
        .context_radius(3)
        .header(&format!("{slug} (newest version)"), &document.path)
        .to_string();
    Some(made)
}

/// What becomes of a thing that a document before has brought already.
fn again(noun: &str, what: What) -> What {
    match (noun, what) {
        ("agent" | "rule" | "limit", _) => What::There,
        (_, What::Same) => What::Same,
        _ => What::Changed,
    }
}

/// How what a document brings stands here.
async fn standing(
    services: &Services,
    catalog: &Catalog,
    one: &Brings,
    seen: &mut Seen,
) -> Result<Vec<(&'static str, String, What)>> {
    let kept = |key: &'static str, name: String, document: Value| async move {
        let kept: BTreeMap<String, Value> = settings::read(services, key).await?;
        let what = match kept.get(&name) {
            None => What::New,
            Some(before) if *before == document => What::Same,
            Some(_) => What::Changed,
        };
        Ok::<_, Failure>((name, what))
    };
    let one = match one {
        Brings::Agent(agent) => {
            let found = if_found(services.store.agent(services.tenant, &agent.name).await)?;
            let what = if found.is_some() { What::There } else { What::New };
            ("agent", agent.name.clone(), what)
        }
        Brings::Workflow(document) => {
            let (name, what) =
                kept(settings::WORKFLOWS, brought::name_of(document), document.clone()).await?;
            ("workflow", name, what)
        }
        Brings::Guardrails(set) => {
            let (name, what) = kept(settings::GUARDRAILS, set.slug.clone(), set.document.clone()).await?;
            let mut all = vec![("guardrails", name, what)];
            let weighed = brought::weigh(services, catalog, &seen.rules, set).await?;
            brought::extend(&mut seen.rules, &weighed);
            for rule in weighed {
                let what = if rule.stricter { What::New } else { What::There };
                all.push(("rule", rule.name(), what));
            }
            for (name, lower) in brought::weigh_limits(&mut seen.limits, set) {
                let what = if lower { What::New } else { What::There };
                all.push(("limit", name, what));
            }
            return Ok(all);
        }
        Brings::Tool(manifest) => {
            let name = manifest.get("name").and_then(Value::as_str);
            let name = name.unwrap_or("a tool").to_owned();
            let rows = services.store.tools(services.tenant).await?;
            let what = match rows.iter().find(|row| row.name == name) {
                None => What::New,
                Some(row) if row.config.get("manifest") == Some(manifest) => What::Same,
                Some(_) => What::Changed,
            };
            ("tool", name, what)
        }
    };
    Ok(vec![one])
}
