//! PagerDuty, webhooks of version 3: `X-PagerDuty-Signature` is a list, parted by commas, of `v1=` and
//! the HMAC-SHA256 of the body in hex.
//!
//! One entry that fits is enough: PagerDuty signs with the old and the new secret while one replaces
//! the other. Entries of other versions are passed over.
//! <https://docs.pagerduty.com/developer/verifying-webhook-signatures>

use sha2::Sha256;

use super::request::{invalid, within};
use super::secrets::Secrets;
use super::{Refused, Request, mac};

const SIGNATURES: &str = "X-PagerDuty-Signature";

/// The most entries of the list.
const MAX_SIGNATURES: usize = 16;

pub(super) fn check(secrets: &Secrets, request: &Request) -> Result<(), Refused> {
    let claimed = signatures(request.header(SIGNATURES)?)?;
    mac::any(SIGNATURES, &claimed, secrets, |secret| {
        Ok(vec![mac::hmac::<Sha256>(secret, &[request.body])?])
    })
}

fn signatures(list: &str) -> Result<Vec<Vec<u8>>, Refused> {
    let mut claimed = Vec::new();
    for (index, entry) in list.split(',').enumerate() {
        within("signatures", index + 1, MAX_SIGNATURES)?;
        let code = match entry.trim().split_once('=') {
            Some(("v1", code)) => mac::hex_sha256(code),
            Some((version, _)) if !version.is_empty() => continue,
            _ => None,
        };
        let expected = "'v1=' and 64 digits of lower-case hex are expected";
        claimed.push(code.ok_or_else(|| invalid(SIGNATURES, expected))?);
    }
    if claimed.is_empty() {
        return Err(invalid(SIGNATURES, "no entry is of version v1"));
    }
    Ok(claimed)
}
