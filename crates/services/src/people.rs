//! Who is who, until there are users: names, the groups that the settings put them in, and the
//! roles that everybody has who may run the binary on the data folder.

use std::collections::BTreeMap;

use types::Actor;

use crate::{Result, Services, settings};

/// Roles that approvals may name. There are no users yet, so whoever works on the data folder has
/// all of them; groups, on the other hand, are kept in the setting `approvals.groups`.
pub const ROLES: [&str; 3] = ["operator", "approver", "admin"];

/// A person with their groups and roles.
///
/// # Errors
/// The settings can't be read.
pub async fn actor(services: &Services, name: &str) -> Result<Actor> {
    let groups = groups(services).await?;
    let own = groups
        .into_iter()
        .filter(|(_, members)| members.iter().any(|member| member == name))
        .map(|(group, _)| group);
    Ok(Actor::user(name).in_groups(ROLES.iter().map(|role| (*role).to_owned()).chain(own)))
}

/// Every group and role that an approval may name.
///
/// # Errors
/// The settings can't be read.
pub async fn known_groups(services: &Services) -> Result<Vec<String>> {
    let groups = groups(services).await?;
    Ok(ROLES
        .iter()
        .map(|role| (*role).to_owned())
        .chain(groups.into_keys())
        .collect())
}

async fn groups(services: &Services) -> Result<BTreeMap<String, Vec<String>>> {
    settings::read(services, settings::GROUPS).await
}
