//! Texts that strangers or a model wrote: kept as drafts, and run only after a person has looked.

use ports::{VersionRecord, VersionStatus};
use types::{Actor, ActorKind, Failure, Label, Labels};

use crate::Result;

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

/// Refuses to let anybody but a person take over a foreign text.
pub(super) fn by_a_person(slug: &str, labels: Labels, by: &Actor) -> Result<()> {
    if by.kind == ActorKind::User || !is_foreign(labels) {
        return Ok(());
    }
    let message = format!(
        "'{slug}' was written from what strangers or a model said ({labels}): only a person can activate it, \
         not {}",
        by.name
    );
    Err(Failure::new("recipe_not_reviewed", message).hint("save it as a draft, and let a person activate it"))
}
