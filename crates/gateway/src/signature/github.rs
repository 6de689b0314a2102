//! GitHub: `X-Hub-Signature-256: sha256=` and the HMAC-SHA256 of the body in hex.
//!
//! The older `X-Hub-Signature` by SHA-1 is ignored, as GitHub advises.
//! <https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries>

use sha2::Sha256;

use super::request::invalid;
use super::secrets::Secrets;
use super::{Refused, Request, mac};

const SIGNATURE: &str = "X-Hub-Signature-256";

pub(super) fn check(secrets: &Secrets, request: &Request) -> Result<(), Refused> {
    let claimed = request
        .header(SIGNATURE)?
        .strip_prefix("sha256=")
        .and_then(mac::hex_sha256)
        .ok_or_else(|| {
            invalid(
                SIGNATURE,
                "'sha256=' and 64 digits of lower-case hex are expected",
            )
        })?;
    mac::any(SIGNATURE, &[claimed], secrets, |secret| {
        Ok(vec![mac::hmac::<Sha256>(secret, &[request.body])?])
    })
}
