//! What an audit leaf commits to.

use serde_json::Value;
use sha2::{Digest as _, Sha256};
use types::canonical_json;

/// The commitment of an audit leaf: SHA-256 over the salt's bytes and then the canonical JSON
/// (RFC 8785) of the leaf's body, as 64 hexadecimal digits.
pub fn commitment(salt: &[u8], body: &Value) -> String {
    commitment_of_text(salt, &canonical_json(body))
}

/// The same over a body that is in its canonical spelling already.
pub(crate) fn commitment_of_text(salt: &[u8], canonical: &str) -> String {
    let mut hash = Sha256::new();
    hash.update(salt);
    hash.update(canonical.as_bytes());
    hex::encode(hash.finalize())
}
