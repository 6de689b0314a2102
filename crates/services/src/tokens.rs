//! API tokens: made by a user for themselves, bound by the user's roles and by scopes, with an expiry,
//! shown once and kept as a digest.

use ports::{TokenFilter, TokenRecord};
use serde_json::json;
use types::{Digest, Failure, Millis, Scope, TokenId};

use crate::names::cut;
use crate::principal::{Principal, Proof};
use crate::secret_text::secret_text;
use crate::{Result, Services, if_found, people};

/// What every token begins with, so that scanners for leaked secrets know it.
pub const PREFIX: &str = "aops_";
/// The longest life, in milliseconds: a year.
const LONGEST_MS: Millis = 366 * 24 * 3600 * 1000;
/// The most tokens of one user that work at a time.
const MOST: u32 = 100;
/// How exactly the last use is noted, in milliseconds.
const SEEN_MS: u64 = 60 * 1000;

/// A token to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewToken {
    /// What it is for.
    pub name: String,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// How long it works, in milliseconds.
    pub life_ms: Millis,
}

/// Makes a token for whoever asks; its text is shown once.
///
/// # Errors
/// `token_invalid`, `human_needed` if the one who asks isn't a signed-in person, or the store can't
/// be written.
pub async fn make(services: &Services, wish: NewToken, by: &Principal) -> Result<(TokenRecord, String)> {
    let (Some(user), Proof::Session(_)) = (by.user, &by.proof) else {
        return Err(
            Failure::new("human_needed", "only a signed-in person makes tokens")
                .hint("sign in, and make it there"),
        );
    };
    check(&wish)?;
    let now = services.now();
    let working = TokenFilter {
        user: Some(user),
        working_at: Some(now),
        before: None,
        limit: MOST,
    };
    let working = services.store.tokens(services.tenant, working).await?;
    if working.len() >= MOST as usize {
        return Err(invalid(format!("{MOST} tokens work already; revoke some")));
    }
    let text = secret_text(PREFIX, services.entropy.as_ref());
    let mut scopes = wish.scopes;
    scopes.sort_unstable();
    scopes.dedup();
    let token = TokenRecord {
        id: TokenId::new(services.clock.as_ref(), services.entropy.as_ref()),
        user,
        name: wish.name,
        scopes,
        digest: Digest::of_bytes(text.as_bytes()).as_str().to_owned(),
        hint: text[text.len() - 4..].to_owned(),
        created_at: now,
        expires_at: now + wish.life_ms,
        last_used_at: None,
        revoked_at: None,
    };
    let body = json!({"token": token.id, "name": token.name, "scopes": token.scopes});
    let leaf = services.leaf("token_made", &by.actor, body);
    services
        .store
        .put_token(services.tenant, token.clone(), leaf)
        .await?;
    Ok((token, text))
}

/// A page of tokens, newest first: one's own, or all for an admin who asks for all.
///
/// # Errors
/// The store can't be read.
pub async fn page(
    services: &Services,
    all: bool,
    before: Option<TokenId>,
    limit: u32,
    by: &Principal,
) -> Result<Vec<TokenRecord>> {
    let user = if all && by.is_admin() { None } else { by.user };
    if user.is_none() && !by.is_admin() {
        return Ok(Vec::new());
    }
    let filter = TokenFilter {
        user,
        working_at: None,
        before,
        limit,
    };
    Ok(services.store.tokens(services.tenant, filter).await?)
}

/// Revokes a token: one's own, or anybody's for an admin.
///
/// # Errors
/// `not_found`, or the store can't be written.
pub async fn revoke(services: &Services, id: TokenId, by: &Principal) -> Result<()> {
    let none = || Failure::new("not_found", format!("there is no token {id}"));
    let of = if by.is_admin() { None } else { by.user };
    if of.is_none() && !by.is_admin() {
        return Err(none());
    }
    let leaf = services.leaf("token_revoked", &by.actor, json!({"token": id}));
    let now = services.now();
    let store = &services.store;
    let revoked = store.revoke_token(services.tenant, id, of, now, leaf).await;
    if_found(revoked)?.ok_or_else(none)
}

/// Who a token speaks for.
///
/// # Errors
/// `token_refused` if there is none like it, it has expired or was revoked, or its owner is kept out;
/// or the store can't be read.
pub async fn authenticate(services: &Services, text: &str) -> Result<Principal> {
    let refused = || Failure::new("token_refused", "this token is unknown, expired or revoked");
    if !text.starts_with(PREFIX) || text.len() > 100 {
        return Err(refused());
    }
    let digest = Digest::of_bytes(text.as_bytes());
    let found = services.store.token(services.tenant, digest.as_str()).await?;
    let now = services.now();
    let (token, user) = found
        .filter(|(token, user)| token.revoked_at.is_none() && now < token.expires_at && !user.disabled)
        .ok_or_else(refused)?;
    if token.last_used_at.is_none_or(|at| now.since(at) > SEEN_MS) {
        services.store.touch_token(services.tenant, token.id, now).await?;
    }
    let actor = people::user_actor(services, &user).await?;
    Ok(Principal {
        user: Some(user.id),
        actor,
        roles: user.roles,
        proof: Proof::Token(token.scopes),
    })
}

fn check(wish: &NewToken) -> Result<()> {
    let length = wish.name.chars().count();
    if length == 0 || length > 100 || wish.name.chars().any(char::is_control) {
        let message = format!("'{}' is not a name for a token", cut(&wish.name));
        return Err(invalid(message).hint("1 to 100 characters that say what it is for"));
    }
    if wish.scopes.is_empty() {
        let known: Vec<_> = Scope::ALL.iter().map(|scope| scope.as_str()).collect();
        return Err(invalid(format!(
            "a token needs at least one scope of {}",
            known.join(", ")
        )));
    }
    if wish.life_ms == 0 || wish.life_ms > LONGEST_MS {
        return Err(invalid("a token works for up to 366 days".to_owned()));
    }
    Ok(())
}

fn invalid(message: String) -> Failure {
    Failure::new("token_invalid", message)
}
