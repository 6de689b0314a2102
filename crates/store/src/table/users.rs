//! Tables `users` and `links`: who may sign in, and the one-time links by which they choose a password.

use crate::sql::{Connection, Row, params};
use ports::{ByName, LinkRecord, StoreError, UserRecord};
use types::{Role, TenantId, Timestamp, UserId};

use super::conditions::Conditions;
use crate::convert::{at, id, json};
use crate::fault::{Fault, changed, conflict, not_found};

pub(crate) const COLUMNS: &str = "users.user_id, users.name, users.roles, users.password, users.disabled, users.created_at, users.updated_at";

/// Makes or replaces the user, unless another one has the name.
pub(crate) fn put(
    connection: &Connection,
    tenant: TenantId,
    user: &UserRecord,
    unchanged_since: Option<Timestamp>,
) -> Result<(), Fault> {
    let key = user.name.to_lowercase();
    let mut taken = connection
        .prepare_cached("SELECT 1 FROM users WHERE tenant_id = ?1 AND name_key = ?2 AND user_id <> ?3")?;
    if taken.exists(params![tenant.as_bytes(), key, user.id.as_bytes()])? {
        return Err(conflict(format!("there is another user named '{}'", user.name)).into());
    }
    if let Some(since) = unchanged_since {
        let mut same = connection.prepare_cached(
            "SELECT 1 FROM users WHERE tenant_id = ?1 AND user_id = ?2 AND updated_at = ?3",
        )?;
        if !same.exists(params![tenant.as_bytes(), user.id.as_bytes(), since.as_millis()])? {
            return Err(changed("user", &user.name).into());
        }
    }
    if !manages(user) {
        last_admin(connection, tenant, user)?;
    }
    let mut upsert = connection.prepare_cached(
        "INSERT INTO users (tenant_id, user_id, name, name_key, roles, password, disabled, created_at, updated_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
         ON CONFLICT (tenant_id, user_id) DO UPDATE SET name = excluded.name, name_key = excluded.name_key,
            roles = excluded.roles, password = excluded.password, disabled = excluded.disabled,
            updated_at = excluded.updated_at",
    )?;
    upsert.execute(params![
        tenant.as_bytes(),
        user.id.as_bytes(),
        user.name,
        key,
        serde_json::to_string(&user.roles)?,
        user.password,
        user.disabled,
        user.created_at.as_millis(),
        user.updated_at.as_millis(),
    ])?;
    Ok(())
}

/// Whether somebody can manage users.
fn manages(user: &UserRecord) -> bool {
    !user.disabled && user.roles.contains(&Role::Admin)
}

/// Fails if `user`, who won't manage users from now on, is the only one who does. Whoever writes has the
/// users for themselves, so that two admins can't send each other away at once.
fn last_admin(connection: &Connection, tenant: TenantId, user: &UserRecord) -> Result<(), Fault> {
    let mut admins = connection.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM users WHERE tenant_id = ?1 AND disabled = ?2 AND roles LIKE '%\"admin\"%' LIMIT 2"
    ))?;
    let admins = admins.query_map(params![tenant.as_bytes(), false], |row| read(row, 0))?;
    match admins.as_slice() {
        [only] if only.id == user.id => Err(StoreError::LastAdmin {
            name: user.name.clone(),
        }
        .into()),
        _ => Ok(()),
    }
}

/// Users by name.
pub(crate) fn list(
    connection: &Connection,
    tenant: TenantId,
    page: &ByName,
) -> Result<Vec<UserRecord>, Fault> {
    let mut wanted = Conditions::new(tenant);
    wanted.and(
        "name_key > ?",
        page.after.as_ref().map(|name| name.to_lowercase()),
    );
    wanted.list(connection, (COLUMNS, "users", "name_key"), page.limit, |row| {
        read(row, 0)
    })
}

/// The user with this id.
pub(crate) fn by_id(connection: &Connection, tenant: TenantId, user: UserId) -> Result<UserRecord, Fault> {
    let mut select = connection.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM users WHERE tenant_id = ?1 AND user_id = ?2"
    ))?;
    let found = select.query_opt(params![tenant.as_bytes(), user.as_bytes()], |row| read(row, 0))?;
    found.ok_or_else(|| not_found("user", user).into())
}

/// The user with this name, without regard to case.
pub(crate) fn get(connection: &Connection, tenant: TenantId, name: &str) -> Result<UserRecord, Fault> {
    let mut select = connection.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM users WHERE tenant_id = ?1 AND name_key = ?2"
    ))?;
    let found = select.query_opt(params![tenant.as_bytes(), name.to_lowercase()], |row| {
        read(row, 0)
    })?;
    found.ok_or_else(|| not_found("user", name).into())
}

/// Keeps a link in place of an older one for the same purpose.
pub(crate) fn put_link(connection: &Connection, tenant: TenantId, link: &LinkRecord) -> Result<(), Fault> {
    let user = link.user.as_ref().map(UserId::as_bytes);
    let mut older = connection
        .prepare_cached("DELETE FROM links WHERE tenant_id = ?1 AND user_id IS NOT DISTINCT FROM ?2")?;
    older.execute(params![tenant.as_bytes(), user])?;
    let mut insert = connection.prepare_cached(
        "INSERT INTO links (tenant_id, digest, user_id, expires_at) VALUES (?1, ?2, ?3, ?4)",
    )?;
    insert.execute(params![
        tenant.as_bytes(),
        link.digest,
        user,
        link.expires_at.as_millis()
    ])?;
    Ok(())
}

/// The link with this digest.
pub(crate) fn link(
    connection: &Connection,
    tenant: TenantId,
    digest: &str,
) -> Result<Option<LinkRecord>, Fault> {
    let mut select = connection.prepare_cached(
        "SELECT digest, user_id, expires_at FROM links WHERE tenant_id = ?1 AND digest = ?2",
    )?;
    select.query_opt(params![tenant.as_bytes(), digest], |row| {
        Ok(LinkRecord {
            digest: row.get(0)?,
            user: row.get::<Option<[u8; 16]>>(1)?.map(UserId::from_bytes),
            expires_at: at(row, 2)?,
        })
    })
}

/// Uses a link up and puts the user whose it is.
pub(crate) fn redeem(
    connection: &Connection,
    tenant: TenantId,
    digest: &str,
    user: &UserRecord,
) -> Result<(), Fault> {
    let link = link(connection, tenant, digest)?.ok_or_else(|| not_found("link", "(used)"))?;
    let mut any = connection.prepare_cached("SELECT 1 FROM users WHERE tenant_id = ?1 LIMIT 1")?;
    match link.user {
        None if any.exists(params![tenant.as_bytes()])? => {
            return Err(conflict("there is a user already".to_owned()).into());
        }
        Some(owner) if owner != user.id => {
            return Err(conflict("the link is another user's".to_owned()).into());
        }
        _ => {}
    }
    let mut delete = connection.prepare_cached("DELETE FROM links WHERE tenant_id = ?1 AND digest = ?2")?;
    delete.execute(params![tenant.as_bytes(), digest])?;
    put(connection, tenant, user, None)
}

/// The user whose columns begin at `first`.
pub(crate) fn read(row: &Row<'_>, first: usize) -> Result<UserRecord, Fault> {
    Ok(UserRecord {
        id: id(row, first, UserId::from_bytes)?,
        name: row.get(first + 1)?,
        roles: json(row, first + 2)?,
        password: row.get(first + 3)?,
        disabled: row.get(first + 4)?,
        created_at: at(row, first + 5)?,
        updated_at: at(row, first + 6)?,
    })
}
