//! Slack: `X-Slack-Signature: v0=` and the HMAC-SHA256 of `v0:TIME:BODY` in hex, where the time is
//! `X-Slack-Request-Timestamp`, at most five minutes off.
//!
//! <https://docs.slack.dev/authentication/verifying-requests-from-slack>

use sha2::Sha256;
use types::Timestamp;

use super::request::invalid;
use super::secrets::Secrets;
use super::{Refused, Request, mac, window};

const SIGNATURE: &str = "X-Slack-Signature";
const TIME: &str = "X-Slack-Request-Timestamp";

pub(super) fn check(secrets: &Secrets, request: &Request, now: Timestamp) -> Result<(), Refused> {
    let time = request.header(TIME)?;
    let claimed = request
        .header(SIGNATURE)?
        .strip_prefix("v0=")
        .and_then(mac::hex_sha256)
        .ok_or_else(|| invalid(SIGNATURE, "'v0=' and 64 digits of lower-case hex are expected"))?;
    window::check(TIME, time, now)?;
    let signed: [&[u8]; 4] = [b"v0:", time.as_bytes(), b":", request.body];
    mac::any(SIGNATURE, &[claimed], secrets, |secret| {
        Ok(vec![mac::hmac::<Sha256>(secret, &signed)?])
    })
}
