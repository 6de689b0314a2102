//! What an audit leaf commits to.

use serde_json::Value;
use sha2::{Digest as _, Sha256};
use types::canonical_json;

/// The commitment of an audit leaf: SHA-256 over the salt's bytes and then the canonical JSON
/// (RFC 8785) of `{"args": …, "body": …}`, as 64 hexadecimal digits. `args` are the values that the
/// leaf commits to without holding them; `null` if there are none.
pub fn commitment(salt: &[u8], body: &Value, args: Option<&Value>) -> String {
    commitment_of_text(salt, &canonical_json(body), args)
}

/// The same over a body that is in its canonical spelling already.
pub(crate) fn commitment_of_text(salt: &[u8], body: &str, args: Option<&Value>) -> String {
    let args = args.map_or_else(|| "null".to_owned(), canonical_json);
    let mut hash = Sha256::new();
    hash.update(salt);
    // Names in alphabetical order and no spaces: the canonical spelling of the object.
    hash.update(format!("{{\"args\":{args},\"body\":{body}}}").as_bytes());
    hex::encode(hash.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_commitment_is_over_the_canonical_object_and_holds_the_arguments() {
        let (body, args) = (json!({"b": 1, "a": [true]}), json!({"room": "r1"}));
        let whole = canonical_json(&json!({"body": body, "args": args}));
        let mut hash = Sha256::new();
        hash.update(b"salt");
        hash.update(whole.as_bytes());
        assert_eq!(
            commitment(b"salt", &body, Some(&args)),
            hex::encode(hash.finalize())
        );
        let other = json!({"room": "r2"});
        assert_ne!(
            commitment(b"salt", &body, Some(&args)),
            commitment(b"salt", &body, Some(&other))
        );
    }
}
