//! Signing in by name and password, and what a signed-in browser may do.

use ports::{SessionRecord, Sessions, UserRecord};
use serde_json::json;
use types::{Actor, Digest, Failure, UserId};

use crate::principal::{Principal, Proof};
use crate::secret_text::secret_text;
use crate::{Result, Services, if_found, passwords, people};

/// How long a session lasts, however it is used, in milliseconds: a week.
const LONGEST_MS: u64 = 7 * 24 * 3600 * 1000;
/// How long a session lasts without being used, in milliseconds: a day.
const IDLE_MS: u64 = 24 * 3600 * 1000;
/// How exactly the last use is noted, in milliseconds.
const SEEN_MS: u64 = 60 * 1000;

/// A new session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedIn {
    /// What the cookie holds; shown once.
    pub secret: String,
    /// Who signed in.
    pub user: UserRecord,
    /// The session.
    pub session: SessionRecord,
}

/// Signs in.
///
/// # Errors
/// `sign_in_failed` for a wrong name, a wrong password, or a user who is kept out, without saying
/// which; or the store can't be read.
pub async fn sign_in(services: &Services, name: &str, password: &str) -> Result<SignedIn> {
    let user = if_found(services.store.user(services.tenant, name).await)?;
    let hash = user.as_ref().and_then(|user| user.password.as_deref());
    let right = passwords::matches(password, hash).await?;
    match user.filter(|user| right && !user.disabled) {
        Some(user) => begin(services, user).await,
        None => {
            tracing::info!("a sign-in was refused");
            Err(Failure::new("sign_in_failed", "name or password is not right"))
        }
    }
}

/// Begins a session for somebody who has just shown who they are.
///
/// # Errors
/// The store can't be written.
pub async fn begin(services: &Services, user: UserRecord) -> Result<SignedIn> {
    let secret = secret_text("", services.entropy.as_ref());
    let now = services.now();
    let session = SessionRecord {
        digest: digest(&secret),
        user: user.id,
        created_at: now,
        seen_at: now,
        expires_at: now + LONGEST_MS,
    };
    let leaf = services.leaf(
        "session_begun",
        &Actor::user(user.name.clone()),
        json!({"user": user.name}),
    );
    services
        .store
        .put_session(services.tenant, session.clone(), leaf)
        .await?;
    Ok(SignedIn {
        secret,
        user,
        session,
    })
}

/// Who a session belongs to.
///
/// # Errors
/// `signed_out` if it has ended or expired, or its user is kept out; or the store can't be read.
pub async fn authenticate(services: &Services, secret: &str) -> Result<Principal> {
    let digest = digest(secret);
    let found = services.store.session(services.tenant, &digest).await?;
    let now = services.now();
    let (session, user) = found
        .filter(|(session, user)| {
            now < session.expires_at && now < session.seen_at + IDLE_MS && !user.disabled
        })
        .ok_or_else(|| Failure::new("signed_out", "this session has ended").hint("sign in again"))?;
    if now.since(session.seen_at) > SEEN_MS {
        services
            .store
            .touch_session(services.tenant, &digest, now)
            .await?;
    }
    let actor = people::user_actor(services, &user).await?;
    Ok(Principal {
        user: Some(user.id),
        actor,
        roles: user.roles,
        proof: Proof::Session(digest),
    })
}

/// Ends one session.
///
/// # Errors
/// The store can't be written.
pub async fn end(services: &Services, digest: &str, by: &Actor) -> Result<()> {
    let leaf = services.leaf("session_ended", by, json!({"user": by.name}));
    let one = Sessions::One(digest.to_owned());
    services.store.end_sessions(services.tenant, one, leaf).await?;
    Ok(())
}

/// Ends all sessions of a user, everywhere.
///
/// # Errors
/// The store can't be written.
pub async fn end_all(services: &Services, user: UserId, by: &Actor) -> Result<()> {
    let leaf = services.leaf("session_ended", by, json!({"user": user, "all": true}));
    let all = Sessions::AllOf(user);
    services.store.end_sessions(services.tenant, all, leaf).await?;
    Ok(())
}

/// What a browser must send besides its cookie to change anything: a page of another origin can't
/// read it. It follows from the cookie by SHA-256, so nothing is kept for it.
pub fn csrf_of(secret: &str) -> String {
    Digest::of_bytes(format!("csrf:{secret}").as_bytes())
        .as_str()
        .to_owned()
}

fn digest(secret: &str) -> String {
    Digest::of_bytes(secret.as_bytes()).as_str().to_owned()
}
