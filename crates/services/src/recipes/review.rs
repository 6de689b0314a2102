//! Texts that strangers or a model wrote: kept as drafts, and run only after a person has looked.

use ports::{VersionRecord, VersionStatus};
use types::{Actor, Failure, Label, Labels};

use crate::{Result, Services, if_found};

/// Whether a text with these labels holds what strangers or a model wrote.
pub fn is_foreign(labels: Labels) -> bool {
    labels.contains(Label::Untrusted) || labels.contains(Label::Model)
}

/// Refuses to run a foreign text that nobody has activated yet. One that was ever activated counts as
/// the author's: a person has taken it over.
pub(super) fn reviewed(slug: &str, version: &VersionRecord) -> Result<()> {
    if version.status != VersionStatus::Draft || !is_foreign(version.labels) {
        return Ok(());
    }
    let message = format!(
        "version {} of '{slug}' was written from what strangers or a model said ({}), and nobody has \
         looked at it yet",
        version.version, version.labels
    );
    let number = version.version;
    Err(Failure::new("recipe_not_reviewed", message).hint(format!(
        "read it with `agentops recipe show {slug} --version {number}`; `agentops recipe activate {slug} \
         {number}` takes it over"
    )))
}

/// The labels of a text that somebody hands over under this short name: those that it is kept with already
/// if strangers or a model wrote it and nobody has taken it over yet, so that handing it over isn't that.
pub(super) async fn known_labels(
    services: &Services,
    slug: &str,
    digest: &str,
    given: Labels,
) -> Result<Labels> {
    let Some(record) = if_found(services.store.recipe(services.tenant, slug).await)? else {
        return Ok(given);
    };
    let versions = super::versions_of(services, record.id).await?;
    let same: Vec<&VersionRecord> = versions.iter().filter(|one| one.digest == digest).collect();
    if same.iter().any(|one| reviewed(slug, one).is_ok()) {
        return Ok(given);
    }
    Ok(same.iter().fold(given, |all, one| all.union(one.labels)))
}

/// Refuses to let anybody but a person who is there take over a foreign text.
pub(super) fn by_a_person(slug: &str, labels: Labels, person: bool, by: &Actor) -> Result<()> {
    if person || !is_foreign(labels) {
        return Ok(());
    }
    let message = format!(
        "'{slug}' was written from what strangers or a model said ({labels}): only a person can activate it, \
         signed in or at the machine, and {} is none here",
        by.name
    );
    Err(Failure::new("recipe_not_reviewed", message).hint("save it as a draft, and let a person activate it"))
}
