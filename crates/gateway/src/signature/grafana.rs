//! Grafana's webhook contact points: the HMAC-SHA256 in bare hex, of the body, or of `TIME:BODY` if
//! the contact point names a header for the time.
//!
//! <https://grafana.com/docs/grafana/latest/alerting/configure-notifications/manage-contact-points/integrations/webhook-notifier/>

use sha2::Sha256;
use types::Timestamp;

use super::request::invalid;
use super::secrets::Secrets;
use super::{Refused, Request, mac, window};

/// The headers as the contact point names them.
///
/// Whether a time is signed is said here and not seen from the request: whoever could leave the
/// header out would also leave out the check of the time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrafanaHeaders {
    /// Where the signature stands.
    pub signature: String,
    /// Where the time stands (whole seconds since 1970, at most [`super::WINDOW_SECONDS`] off), if
    /// the contact point signs it. Grafana has no default; without it an old request can be sent again.
    pub timestamp: Option<String>,
}

impl Default for GrafanaHeaders {
    /// Grafana's own: `X-Grafana-Alerting-Signature`, and no time.
    fn default() -> Self {
        Self {
            signature: "X-Grafana-Alerting-Signature".to_owned(),
            timestamp: None,
        }
    }
}

pub(super) fn check(
    headers: &GrafanaHeaders,
    secrets: &Secrets,
    request: &Request,
    now: Timestamp,
) -> Result<(), Refused> {
    let name = headers.signature.as_str();
    let claimed = mac::hex_sha256(request.header(name)?)
        .ok_or_else(|| invalid(name, "64 digits of lower-case hex are expected"))?;
    let mut signed: Vec<&[u8]> = Vec::new();
    if let Some(name) = &headers.timestamp {
        let time = request.header(name)?;
        window::check(name, time, now)?;
        signed.extend([time.as_bytes(), b":"]);
    }
    signed.push(request.body);
    mac::any(name, &[claimed], secrets, |secret| {
        Ok(vec![mac::hmac::<Sha256>(secret, &signed)?])
    })
}
