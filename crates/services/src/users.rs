//! Users: added by an admin, who hands them a one-time link to choose their password. The first admin
//! is made by a link that the server shows when there is no user yet.

#[cfg(test)]
mod tests;

use ports::{ByName, LinkRecord, UserRecord};
use serde_json::json;
use types::{Actor, Digest, Failure, Role, UserId};

use crate::names::{cut, not_found};
use crate::principal::Principal;
use crate::secret_text::secret_text;
use crate::{ROWS, Result, Services, if_found, passwords, sessions};

/// How long a one-time link works, in milliseconds: a day.
const LINK_MS: u64 = 24 * 3600 * 1000;
/// The longest sign-in name, in characters.
const LONGEST_NAME: usize = 64;

/// A change of a user; what is `None` stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChangeUser {
    /// New roles.
    pub roles: Option<Vec<Role>>,
    /// Whether to keep them out.
    pub disabled: Option<bool>,
}

/// A one-time link's secret part, shown once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// What the link holds.
    pub secret: String,
    /// The record that is kept.
    pub record: LinkRecord,
}

/// A page of users, by name.
///
/// # Errors
/// The store can't be read.
pub async fn page(services: &Services, page: ByName) -> Result<Vec<UserRecord>> {
    Ok(services.store.users(services.tenant, page).await?)
}

/// The user with this name, without regard to case.
///
/// # Errors
/// `not_found` with the nearest name, or the store can't be read.
pub async fn show(services: &Services, name: &str) -> Result<UserRecord> {
    if let Some(user) = if_found(services.store.user(services.tenant, name).await)? {
        return Ok(user);
    }
    let first = ByName {
        after: None,
        limit: ROWS,
    };
    let known = page(services, first).await?;
    Err(not_found(
        "user",
        name,
        known.iter().map(|user| user.name.as_str()),
        "agentops user list",
    ))
}

/// Adds a user, who can't sign in until they have chosen a password by the link.
///
/// # Errors
/// `human_needed` for a token: with a link it could sign in as a person and decide what only people may;
/// `user_invalid`, `conflict` if the name is in use, or the store can't be written.
pub async fn add(
    services: &Services,
    name: &str,
    roles: &[Role],
    by: &Principal,
) -> Result<(UserRecord, Link)> {
    by.must_be_present("adds users")?;
    check_name(name)?;
    let user = new_user(services, name, roles, None);
    let body = json!({"user": user.name, "roles": user.roles});
    let leaf = services.leaf("user_added", &by.actor, body);
    services
        .store
        .put_user(services.tenant, user.clone(), None, leaf)
        .await?;
    let link = make_link(services, Some(&user), &by.actor).await?;
    Ok((user, link))
}

/// Changes what a user may do. Their sessions end when they are kept out or lose a role.
///
/// # Errors
/// `human_needed` for a token that would do more than keep somebody out, `not_found`, `last_admin` if nobody would be left who can manage users, `conflict` if the user was
/// changed after `unchanged_since`, or the store can't be written.
pub async fn change(
    services: &Services,
    name: &str,
    wish: ChangeUser,
    unchanged_since: Option<types::Timestamp>,
    by: &Principal,
) -> Result<UserRecord> {
    if wish.roles.is_some() || wish.disabled == Some(false) {
        by.must_be_present("gives roles, or lets users in again")?;
    }
    let by = &by.actor;
    let before = show(services, name).await?;
    let mut user = before.clone();
    user.roles = wish.roles.map_or(user.roles, |roles| distinct(&roles));
    user.disabled = wish.disabled.unwrap_or(user.disabled);
    user.updated_at = services.now().max(before.updated_at + 1);
    let body = json!({"user": user.name, "roles": user.roles, "disabled": user.disabled});
    let leaf = services.leaf("user_changed", by, body);
    let since = Some(unchanged_since.unwrap_or(before.updated_at));
    services
        .store
        .put_user(services.tenant, user.clone(), since, leaf)
        .await?;
    let less = before.roles.iter().any(|role| !user.roles.contains(role));
    if user.disabled || less {
        sessions::end_all(services, user.id, by).await?;
    }
    Ok(user)
}

/// A new one-time link for a user, in place of an older one.
///
/// # Errors
/// `human_needed` for a token, or the store can't be written.
pub async fn link(services: &Services, user: &UserRecord, by: &Principal) -> Result<Link> {
    by.must_be_present("makes links")?;
    make_link(services, Some(user), &by.actor).await
}

/// A link that makes the first admin, if there is no user; older ones don't work any more.
///
/// # Errors
/// The store can't be written.
pub async fn first_link(services: &Services) -> Result<Option<Link>> {
    if any(services, |_| true).await? {
        return Ok(None);
    }
    make_link(services, None, &Actor::system("agentops"))
        .await
        .map(Some)
}

/// Whose link this is: a user's name, or `None` if it makes the first admin.
///
/// # Errors
/// `link_invalid` if it was used, replaced or has expired.
pub async fn of_link(services: &Services, secret: &str) -> Result<Option<UserRecord>> {
    let link = valid_link(services, secret).await?;
    match link.user {
        None => Ok(None),
        Some(id) => {
            let user = if_found(services.store.user_by_id(services.tenant, id).await)?;
            user.map(Some).ok_or_else(link_invalid)
        }
    }
}

/// Uses a link: the first admin takes a name and a password, another user a password. All sessions
/// of the user end.
///
/// # Errors
/// `link_invalid`, `user_invalid`, `password_weak`, `conflict`, or the store can't be written.
pub async fn redeem(services: &Services, secret: &str, name: &str, password: &str) -> Result<UserRecord> {
    let owner = of_link(services, secret).await?;
    let mut user = match owner {
        None => {
            check_name(name)?;
            new_user(services, name, &[Role::Admin], None)
        }
        Some(user) if user.disabled => return Err(link_invalid()),
        Some(user) => user,
    };
    passwords::check(password, &user.name)?;
    user.password = Some(passwords::hash(password, services.entropy.as_ref()).await?);
    user.updated_at = services.now().max(user.updated_at + 1);
    let actor = Actor::user(user.name.clone());
    let body = json!({"user": user.name, "roles": user.roles});
    let leaf = services.leaf("user_password_set", &actor, body);
    let redeemed = services
        .store
        .redeem_link(services.tenant, &digest(secret), user.clone(), leaf)
        .await;
    if_found(redeemed)?.ok_or_else(link_invalid)?;
    sessions::end_all(services, user.id, &actor).await?;
    Ok(user)
}

/// Sets a new password by the old one; all sessions of the user end.
///
/// # Errors
/// `sign_in_failed`, `password_weak`, or the store can't be written.
pub async fn change_password(services: &Services, name: &str, old: &str, new: &str) -> Result<()> {
    let mut user = show(services, name).await?;
    if !passwords::matches(old, user.password.as_deref()).await? {
        return Err(Failure::new("sign_in_failed", "the old password is not right"));
    }
    passwords::check(new, &user.name)?;
    let since = user.updated_at;
    user.password = Some(passwords::hash(new, services.entropy.as_ref()).await?);
    user.updated_at = services.now().max(since + 1);
    let actor = Actor::user(user.name.clone());
    let leaf = services.leaf("user_password_set", &actor, json!({"user": user.name}));
    let id = user.id;
    services
        .store
        .put_user(services.tenant, user, Some(since), leaf)
        .await?;
    sessions::end_all(services, id, &actor).await
}

/// Whether there is such a user.
async fn any(services: &Services, wanted: impl Fn(&UserRecord) -> bool + Send) -> Result<bool> {
    let mut after = None;
    loop {
        let users = page(services, ByName { after, limit: ROWS }).await?;
        if users.iter().any(&wanted) {
            return Ok(true);
        }
        if users.len() < ROWS as usize {
            return Ok(false);
        }
        after = users.last().map(|user| user.name.clone());
    }
}

async fn make_link(services: &Services, user: Option<&UserRecord>, by: &Actor) -> Result<Link> {
    let secret = secret_text("", services.entropy.as_ref());
    let record = LinkRecord {
        digest: digest(&secret),
        user: user.map(|user| user.id),
        expires_at: services.now() + LINK_MS,
    };
    let body = json!({"user": user.map(|user| user.name.as_str()), "expires_at": record.expires_at});
    let leaf = services.leaf("user_link_made", by, body);
    services
        .store
        .put_link(services.tenant, record.clone(), leaf)
        .await?;
    Ok(Link { secret, record })
}

async fn valid_link(services: &Services, secret: &str) -> Result<LinkRecord> {
    let found = services.store.link(services.tenant, &digest(secret)).await?;
    found
        .filter(|link| services.now() < link.expires_at)
        .ok_or_else(link_invalid)
}

fn link_invalid() -> Failure {
    Failure::new("link_invalid", "this link was used, replaced, or has expired").hint(
        "an admin makes a new one with `agentops user link NAME`; for the first admin, only the link works that a server has printed last, and starting it again prints a new one",
    )
}

fn new_user(services: &Services, name: &str, roles: &[Role], password: Option<String>) -> UserRecord {
    let now = services.now();
    UserRecord {
        id: UserId::new(services.clock.as_ref(), services.entropy.as_ref()),
        name: name.to_owned(),
        roles: distinct(roles),
        password,
        disabled: false,
        created_at: now,
        updated_at: now,
    }
}

fn distinct(roles: &[Role]) -> Vec<Role> {
    let mut roles = roles.to_vec();
    roles.sort_unstable();
    roles.dedup();
    roles
}

/// Names appear in journals, on approvals and in terminals: plain letters only.
fn check_name(name: &str) -> Result<()> {
    let fits = (2..=LONGEST_NAME).contains(&name.chars().count())
        && name.chars().all(|c| c.is_alphanumeric() || "._-@+".contains(c))
        && name.starts_with(char::is_alphanumeric);
    if fits {
        return Ok(());
    }
    let message = format!("'{}' is not a sign-in name", cut(name));
    Err(Failure::new("user_invalid", message).hint(format!(
        "letters, digits and . _ - @ +, 2 to {LONGEST_NAME} characters, such as ann.lee"
    )))
}

fn digest(secret: &str) -> String {
    Digest::of_bytes(secret.as_bytes()).as_str().to_owned()
}
