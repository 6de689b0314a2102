//! Who is who to runs and approvals: names, the groups that the settings put them in, and roles. Users
//! have the roles that an admin gave them; whoever may run the binary on the data folder has all.

use std::collections::BTreeMap;

use ports::UserRecord;
use types::{Actor, Role};

use crate::{Result, Services, settings};

/// Roles that approvals may name. Whoever works on the data folder has all of them; groups, on the
/// other hand, are kept in the setting `approvals.groups`.
pub const ROLES: [&str; 3] = ["operator", "approver", "admin"];

/// A person with their groups and roles.
///
/// # Errors
/// The settings can't be read.
pub async fn actor(services: &Services, name: &str) -> Result<Actor> {
    let own = groups_of(services, name).await?;
    Ok(Actor::user(name).in_groups(ROLES.iter().map(|role| (*role).to_owned()).chain(own)))
}

/// A user with their groups and roles.
///
/// # Errors
/// The settings can't be read.
pub async fn user_actor(services: &Services, user: &UserRecord) -> Result<Actor> {
    let own = groups_of(services, &user.name).await?;
    let implied = Role::ALL
        .iter()
        .filter(|role| user.roles.iter().any(|has| has.implies(**role)));
    let roles = implied.map(|role| role.as_str().to_owned());
    Ok(Actor::user(user.name.clone()).in_groups(roles.chain(own)))
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

async fn groups_of(services: &Services, name: &str) -> Result<Vec<String>> {
    let groups = groups(services).await?;
    let own = groups
        .into_iter()
        .filter(|(_, members)| members.iter().any(|member| member == name));
    Ok(own.map(|(group, _)| group).collect())
}

async fn groups(services: &Services) -> Result<BTreeMap<String, Vec<String>>> {
    settings::read(services, settings::GROUPS).await
}
