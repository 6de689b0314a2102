//! Message authentication codes (RFC 2104) and their comparison in constant time.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::digest::Digest;
use hmac::digest::block_api::BlockSizeUser;
use hmac::{KeyInit as _, Mac as _, SimpleHmac};
use subtle::{Choice, ConstantTimeEq as _};

use super::Refused;
use super::secrets::Secrets;

/// The HMAC of these parts, one after the other, by this hash.
///
/// # Errors
/// [`Refused::SecretInvalid`] if the hash takes no such key; those of the schemes take any.
pub(super) fn hmac<H: Digest + BlockSizeUser>(key: &[u8], parts: &[&[u8]]) -> Result<Vec<u8>, Refused> {
    let mut mac = SimpleHmac::<H>::new_from_slice(key).map_err(|_| Refused::SecretInvalid {
        why: "its length isn't one of this scheme",
    })?;
    for part in parts {
        mac.update(part);
    }
    Ok(mac.finalize().into_bytes().to_vec())
}

/// Whether one of the secrets gives one of the claimed codes. Takes as long whichever it is.
///
/// # Errors
/// [`Refused::SignatureWrong`], and what `make` answers.
pub(super) fn any(
    header: &str,
    claimed: &[Vec<u8>],
    secrets: &Secrets,
    make: impl Fn(&[u8]) -> Result<Vec<Vec<u8>>, Refused>,
) -> Result<(), Refused> {
    let mut found = Choice::from(0);
    for secret in secrets.iter() {
        for made in make(secret)? {
            for claim in claimed {
                found |= made.ct_eq(claim);
            }
        }
    }
    if bool::from(found) {
        return Ok(());
    }
    Err(Refused::SignatureWrong {
        header: header.to_owned(),
        secrets: secrets.len(),
    })
}

/// Reads a SHA-256 in hex. Lower case only, as every vendor here writes it: one code, one spelling.
pub(super) fn hex_sha256(text: &str) -> Option<Vec<u8>> {
    let lower = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    let plausible = text.len() == 64 && text.bytes().all(lower);
    plausible.then(|| hex::decode(text).ok()).flatten()
}

/// Reads a code of this many bytes in Base64 (RFC 4648, with padding, canonical).
pub(super) fn base64_of(bytes: usize, text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok().filter(|code| code.len() == bytes)
}
