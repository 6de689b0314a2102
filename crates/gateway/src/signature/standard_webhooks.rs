//! Standard Webhooks 1.0, symmetric: `webhook-signature` is a list, parted by blanks, of `v1,` and the
//! HMAC-SHA256 of `ID.TIME.BODY` in Base64, where id and time are `webhook-id` and `webhook-timestamp`.
//!
//! One entry that fits is enough: the sender signs with the old and the new secret while it replaces
//! one. Entries of other versions (`v1a` is Ed25519) are passed over.
//! <https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use sha2::Sha256;
use types::Timestamp;

use super::request::{invalid, within};
use super::secrets::Secrets;
use super::{Refused, Request, mac, window};

const ID: &str = "webhook-id";
const TIME: &str = "webhook-timestamp";
const SIGNATURES: &str = "webhook-signature";

/// The most entries of the list.
const MAX_SIGNATURES: usize = 16;
const SHA256_BYTES: usize = 32;

/// Secrets are handed out with and without padding.
const SECRET: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The key in a secret: `whsec_`, which may be left out, and Base64.
///
/// # Errors
/// [`Refused::SecretInvalid`] for anything else, such as the keys of the asymmetric scheme.
pub(super) fn key(secret: &[u8]) -> Result<Vec<u8>, Refused> {
    let encoded = secret.strip_prefix(b"whsec_").unwrap_or(secret);
    SECRET.decode(encoded).map_err(|_| Refused::SecretInvalid {
        why: "'whsec_' and Base64 are expected",
    })
}

/// The secrets are keys already, see [`key`].
pub(super) fn check(secrets: &Secrets, request: &Request, now: Timestamp) -> Result<(), Refused> {
    let id = request.header(ID)?;
    // A full stop in the id would let one signature stand for two ways to part id, time and body.
    if id.is_empty() || id.contains('.') {
        return Err(invalid(ID, "an id without full stops is expected"));
    }
    let time = request.header(TIME)?;
    let claimed = signatures(request.header(SIGNATURES)?)?;
    window::check(TIME, time, now)?;
    let signed: [&[u8]; 5] = [id.as_bytes(), b".", time.as_bytes(), b".", request.body];
    mac::any(SIGNATURES, &claimed, secrets, |secret| {
        Ok(vec![mac::hmac::<Sha256>(secret, &signed)?])
    })
}

fn signatures(list: &str) -> Result<Vec<Vec<u8>>, Refused> {
    let mut claimed = Vec::new();
    for (index, entry) in list.split(' ').enumerate() {
        within("signatures", index + 1, MAX_SIGNATURES)?;
        let code = match entry.split_once(',') {
            Some(("v1", code)) => mac::base64_of(SHA256_BYTES, code),
            Some((version, _)) if !version.is_empty() => continue,
            _ => None,
        };
        claimed.push(code.ok_or_else(|| invalid(SIGNATURES, "'v1,' and a SHA-256 in Base64 are expected"))?);
    }
    if claimed.is_empty() {
        return Err(invalid(SIGNATURES, "no entry is of version v1"));
    }
    Ok(claimed)
}
