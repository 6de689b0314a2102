//! Requests that are sent again: whose key it is, what was asked with it, and the answer that is kept.

use ports::{Begun, KeptAnswer, RequestKey};
use serde_json::json;
use types::{Actor, Digest, Failure, InboxId, RunId, Timestamp};

use crate::{Result, Services};

/// The longest key, in characters.
pub const LONGEST_KEY: usize = 200;
/// How long a request without an answer counts as under way, in milliseconds, if the store doesn't know
/// better: that its process has ended is mostly seen at once.
/// Every request must end sooner, or it could be done twice: [`LONGEST_MS`] is what it gets.
const STALE_MS: u64 = 15 * 60 * 1000;
/// How long any request may take, in milliseconds.
pub const LONGEST_MS: u64 = 10 * 60 * 1000;
const _: () = assert!(LONGEST_MS + 60_000 <= STALE_MS, "a request could be done twice");
/// How long answers are kept, in milliseconds: a day.
const KEPT_MS: u64 = 24 * 3600 * 1000;

/// By what a repeated wish is known: where the key was said, whose it is, and the key. No two of them meet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RepeatKey(String);

impl RepeatKey {
    /// A key that came beside the wish, with the request.
    ///
    /// # Errors
    /// `idempotency_key_invalid`.
    pub fn of_request(by: &Actor, key: &str) -> Result<Self> {
        Self::made("request", by, key)
    }

    /// A key that is a part of the wish.
    ///
    /// # Errors
    /// `idempotency_key_invalid`.
    pub fn of_wish(by: &Actor, key: &str) -> Result<Self> {
        Self::made("wish", by, key)
    }

    /// What a store keeps.
    pub(crate) fn text(&self) -> &str {
        &self.0
    }

    /// The id of the only message to a run that a request with this key makes, however much later it is
    /// sent again. `digest` is of what the message says.
    pub(crate) fn message(&self, run: RunId, digest: &Digest) -> InboxId {
        let run = run.to_string();
        InboxId::derive(Timestamp::default(), &[&run, &self.0, digest.as_str()])
    }

    fn made(kind: &str, by: &Actor, key: &str) -> Result<Self> {
        if key.is_empty() || key.chars().count() > LONGEST_KEY || key.chars().any(char::is_control) {
            let message = format!("a key has 1 to {LONGEST_KEY} characters that can be seen");
            return Err(Failure::new("idempotency_key_invalid", message));
        }
        // A list of texts in JSON can be read in one way only, whatever is in them.
        Ok(Self(json!([kind, by.name, key]).to_string()))
    }
}

/// That a key was used for something else before.
pub(crate) fn reused() -> Failure {
    Failure::new("idempotency_key_reused", "this key was sent with another request")
        .hint("use a new key for a new request")
}

/// Notes that a request has begun, or says what is known of it.
///
/// # Errors
/// `idempotency_key_reused` if `digest` tells that something else was asked, or the store can't be written.
pub async fn begin(services: &Services, by: &Actor, key: &str, digest: &str) -> Result<Begun> {
    let now = services.now();
    let begun = services
        .store
        .begin_request(
            services.tenant,
            &request_key(by, key),
            digest,
            now,
            now - STALE_MS,
            now - KEPT_MS,
        )
        .await?;
    match begun {
        Begun::Other => Err(reused()),
        begun => Ok(begun),
    }
}

/// Keeps the answer to a request; without one it can be sent again at once.
///
/// # Errors
/// The store can't be written.
pub async fn end(services: &Services, by: &Actor, key: &str, kept: Option<KeptAnswer>) -> Result<()> {
    Ok(services
        .store
        .end_request(services.tenant, &request_key(by, key), kept)
        .await?)
}

fn request_key(by: &Actor, key: &str) -> RequestKey {
    RequestKey {
        principal: by.name.clone(),
        key: key.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_different_people_and_places_never_meet() {
        let all = [
            RepeatKey::of_wish(&Actor::user("root"), "k-77"),
            RepeatKey::of_request(&Actor::user("root"), "k-77"),
            RepeatKey::of_wish(&Actor::user("eve"), "root k-77"),
            RepeatKey::of_wish(&Actor::user("eve"), "\",\"root\",\"k-77"),
            RepeatKey::of_wish(&Actor::user("eve\",\"root"), "k-77"),
        ];
        let texts: std::collections::BTreeSet<String> =
            all.iter().map(|key| key.clone().expect("fits").0).collect();
        assert_eq!(texts.len(), all.len(), "{texts:?}");
        for wrong in ["", "\u{0}", "a\nb", &"x".repeat(201)] {
            let failure = RepeatKey::of_wish(&Actor::user("root"), wrong).expect_err("refused");
            assert_eq!(failure.code, "idempotency_key_invalid", "{wrong:?}");
        }
    }
}
