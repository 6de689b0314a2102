//! What documents come to beside what is here, with the difference.

use std::collections::BTreeMap;

use recipe::Brings;
use serde_json::Value;
use types::Failure;

use super::super::brought;
use super::{Plan, What, bare};
use crate::{Result, Services, if_found, settings};

/// What each document comes to, with its difference to what is here.
pub(super) async fn compare(services: &Services, plan: &mut Plan) -> Result<()> {
    let mut changes = Vec::new();
    let mut newest: BTreeMap<String, String> = BTreeMap::new();
    for (at, document) in plan.documents.iter().enumerate() {
        for one in &document.checked.brings {
            if let Some((noun, name, what)) = standing(services, one).await? {
                changes.push(bare(document, noun, name, what));
            }
        }
        let Some(slug) = &document.slug else { continue };
        let stored = match if_found(services.store.recipe(services.tenant, slug).await)? {
            Some(record) => services.store.versions(services.tenant, record.id).await?,
            None => Vec::new(),
        };
        let last = plan
            .documents
            .get(at + 1)
            .is_none_or(|next| next.slug.as_ref() != Some(slug));
        let before = newest
            .get(slug)
            .cloned()
            .or_else(|| stored.first().map(|version| version.text.clone()));
        let held = stored.iter().any(|version| version.text == document.text);
        let what = match &before {
            None => What::New,
            Some(before) if *before == document.text => What::Same,
            // An earlier version that is in the library already stays where it is.
            Some(_) if held && !last => What::There,
            Some(_) => What::Changed,
        };
        let diff = before.as_ref().filter(|_| what == What::Changed).map(|before| {
            similar::TextDiff::from_lines(before.as_str(), document.text.as_str())
                .unified_diff()
                .context_radius(3)
                .header(&format!("{slug} (newest version)"), &document.path)
                .to_string()
        });
        if what != What::There {
            newest.insert(slug.clone(), document.text.clone());
        }
        let mut change = bare(document, "recipe", slug.clone(), what);
        change.diff = diff;
        changes.push(change);
    }
    plan.changes = changes;
    Ok(())
}

/// How something that a document brings stands here.
async fn standing(services: &Services, one: &Brings) -> Result<Option<(&'static str, String, What)>> {
    let kept = |key: &'static str, name: String, document: Value| async move {
        let kept: BTreeMap<String, Value> = settings::read(services, key).await?;
        let what = match kept.get(&name) {
            None => What::New,
            Some(before) if *before == document => What::Same,
            Some(_) => What::Changed,
        };
        Ok::<_, Failure>((name, what))
    };
    Ok(Some(match one {
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
            ("guardrails", name, what)
        }
        Brings::Tool(manifest) => {
            let name = manifest
                .get("name")
                .and_then(Value::as_str)
                .unwrap_or("a tool")
                .to_owned();
            let rows = services.store.tools(services.tenant).await?;
            let what = match rows.iter().find(|row| row.name == name) {
                None => What::New,
                Some(row) if row.config.get("manifest") == Some(manifest) => What::Same,
                Some(_) => What::Changed,
            };
            ("tool", name, what)
        }
    }))
}
