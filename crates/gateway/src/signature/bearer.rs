//! A bearer token (RFC 6750, section 2.1) for senders that sign nothing.
//!
//! Alertmanager sends it when `http_config.authorization.credentials` of the receiver is set.
//! <https://prometheus.io/docs/alerting/latest/configuration/#http_config>

use sha2::{Digest as _, Sha256};

use super::request::invalid;
use super::secrets::Secrets;
use super::{Refused, Request, mac};

const AUTHORIZATION: &str = "Authorization";

pub(super) fn check(secrets: &Secrets, request: &Request) -> Result<(), Refused> {
    let value = request.header(AUTHORIZATION)?;
    let token = value
        .split_once(' ')
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| token.trim_start_matches(' '))
        .filter(|token| !token.is_empty() && !token.contains(' '))
        .ok_or_else(|| invalid(AUTHORIZATION, "'Bearer' and one token are expected"))?;
    // Digests are of one length, so that the time taken doesn't tell the length of the secret.
    let digest = |token: &[u8]| Sha256::digest(token).to_vec();
    mac::any(AUTHORIZATION, &[digest(token.as_bytes())], secrets, |secret| {
        Ok(vec![digest(secret)])
    })
}
