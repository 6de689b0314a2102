//! The secrets of one sender: one as a rule, two while one replaces the other.

use std::fmt;

use super::Refused;

/// The most secrets at a time.
pub const MAX_SECRETS: usize = 4;
/// The longest secret, in bytes.
pub const MAX_SECRET_BYTES: usize = 1024;

/// At least one secret, none of them empty. Never shown.
#[derive(Clone)]
pub(super) struct Secrets(Vec<Vec<u8>>);

impl Secrets {
    /// # Errors
    /// [`Refused::SecretInvalid`].
    pub(super) fn new<S: AsRef<[u8]>>(secrets: impl IntoIterator<Item = S>) -> Result<Self, Refused> {
        let secrets: Vec<Vec<u8>> = secrets
            .into_iter()
            .take(MAX_SECRETS + 1)
            .map(|secret| secret.as_ref().to_vec())
            .collect();
        let why = if secrets.is_empty() {
            "there is none"
        } else if secrets.len() > MAX_SECRETS {
            "there are more than four at a time"
        } else if secrets.iter().any(Vec::is_empty) {
            "it is empty, and anyone can sign with nothing"
        } else if secrets.iter().any(|secret| secret.len() > MAX_SECRET_BYTES) {
            "it is longer than 1024 bytes"
        } else {
            return Ok(Self(secrets));
        };
        Err(Refused::SecretInvalid { why })
    }

    /// The same secrets, each read from the form in which it is handed out.
    ///
    /// # Errors
    /// What `read` answers, and [`Refused::SecretInvalid`] if nothing is left of one.
    pub(super) fn decoded(&self, read: fn(&[u8]) -> Result<Vec<u8>, Refused>) -> Result<Self, Refused> {
        let keys: Result<Vec<Vec<u8>>, Refused> = self.iter().map(read).collect();
        Self::new(keys?)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.0.iter().map(Vec::as_slice)
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secrets(…, {} of them)", self.0.len())
    }
}
