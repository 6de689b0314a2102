//! Who sent this webhook? One check for each vendor's scheme, behind one door: [`Verifier::check`].
//!
//! A check is pure: it takes the request as it came in (raw bytes; a body that was parsed and written
//! again has another signature) and the time, and reads nothing else. It looks at every secret it was
//! given, so that a secret can be replaced without a gap, and compares in constant time.
//!
//! What a signature doesn't say: that the request is new. GitHub, PagerDuty, Twilio and, unless it is
//! told to, Grafana sign no time, and the other windows are minutes wide. Whoever takes a webhook in
//! keeps the ids of deliveries and drops what was there before.

mod bearer;
mod github;
mod grafana;
mod mac;
mod pagerduty;
mod refused;
mod request;
mod secrets;
mod slack;
mod standard_webhooks;
mod twilio;
mod window;

pub use grafana::GrafanaHeaders;
pub use refused::Refused;
pub use request::{MAX_BODY_BYTES, MAX_HEADERS, MAX_URL_BYTES, MAX_VALUE_BYTES, Request};
pub use secrets::{MAX_SECRET_BYTES, MAX_SECRETS};
pub use twilio::MAX_PARAMETERS;
pub use window::WINDOW_SECONDS;

use secrets::Secrets;
use types::Timestamp;

/// How a vendor proves that it sent a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scheme {
    /// `X-Hub-Signature-256`. The secret is the webhook's own.
    GitHub,
    /// `X-Slack-Signature` and `X-Slack-Request-Timestamp`. The secret is the app's signing secret.
    Slack,
    /// `X-Twilio-Signature`. The secret is the account's auth token, or a shared key.
    Twilio,
    /// `webhook-id`, `webhook-timestamp`, `webhook-signature`. The secret is `whsec_` and Base64.
    StandardWebhooks,
    /// `X-PagerDuty-Signature`, webhooks of version 3. The secret is the subscription's.
    PagerDuty,
    /// The headers that the contact point names. The secret is the contact point's.
    Grafana(GrafanaHeaders),
    /// `Authorization: Bearer …`, for senders that sign nothing, such as Alertmanager. It says who
    /// sent a request, not that the body arrived as it was sent: that is left to TLS.
    BearerToken,
}

/// A scheme with the secrets that are good at present.
#[derive(Debug, Clone)]
pub struct Verifier {
    scheme: Scheme,
    secrets: Secrets,
}

impl Verifier {
    /// A check by this scheme that any one of these secrets satisfies, in the form in which the
    /// vendor shows them.
    ///
    /// # Errors
    /// [`Refused::SecretInvalid`] for no secret, more than [`MAX_SECRETS`], an empty one, one longer
    /// than [`MAX_SECRET_BYTES`], or one that isn't written as the scheme writes its secrets.
    pub fn new<S: AsRef<[u8]>>(
        scheme: Scheme,
        secrets: impl IntoIterator<Item = S>,
    ) -> Result<Self, Refused> {
        let mut secrets = Secrets::new(secrets)?;
        if scheme == Scheme::StandardWebhooks {
            secrets = secrets.decoded(standard_webhooks::key)?;
        }
        Ok(Self { scheme, secrets })
    }

    /// Whether the holder of one of the secrets sent this request, and sent it now if the scheme
    /// signs a time.
    ///
    /// # Errors
    /// [`Refused`], whose text is for the operator alone: whoever sent the request is answered alike
    /// for every reason (401 without details), or it learns how to get closer.
    pub fn check(&self, request: &Request, now: Timestamp) -> Result<(), Refused> {
        request.bounded()?;
        let secrets = &self.secrets;
        match &self.scheme {
            Scheme::GitHub => github::check(secrets, request),
            Scheme::Slack => slack::check(secrets, request, now),
            Scheme::Twilio => twilio::check(secrets, request),
            Scheme::StandardWebhooks => standard_webhooks::check(secrets, request, now),
            Scheme::PagerDuty => pagerduty::check(secrets, request),
            Scheme::Grafana(headers) => grafana::check(headers, secrets, request, now),
            Scheme::BearerToken => bearer::check(secrets, request),
        }
    }
}
