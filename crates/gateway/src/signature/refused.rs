//! Why a request isn't believed.

use types::Failure;

/// The reason why a request was refused, for the operator's log.
///
/// Never for whoever sent the request: every reason is answered alike, with 401 and no details.
/// Which header was missing, how far a clock is off, or that a signature was read but didn't match
/// helps nobody but a forger. The text holds no secret, no signature and nothing of the body.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// A header that the scheme needs isn't there.
    #[error("the header {header} is missing")]
    HeaderMissing {
        /// Its name.
        header: String,
    },
    /// A header that must stand alone came more than once, so that two readers could see two values.
    #[error("the header {header} came more than once")]
    HeaderRepeated {
        /// Its name.
        header: String,
    },
    /// A header isn't written as the scheme writes it.
    #[error("the header {header} can't be read: {why}")]
    HeaderInvalid {
        /// Its name.
        header: String,
        /// What is expected.
        why: &'static str,
    },
    /// No secret gives the signature (or the token) that came.
    #[error("what stands in the header {header} fits none of the secrets ({secrets})")]
    SignatureWrong {
        /// The name of the header.
        header: String,
        /// How many secrets were tried.
        secrets: usize,
    },
    /// The signed time is too far from this machine's.
    #[error(
        "the time in the header {header} is {seconds} s {} this machine's, the most is {most} s",
        if *late { "behind" } else { "ahead of" }
    )]
    TimeOff {
        /// The name of the header.
        header: String,
        /// By how much, in whole seconds, rounded up.
        seconds: u64,
        /// Whether the request is old, rather than from the future.
        late: bool,
        /// How much is let pass, in seconds.
        most: u64,
    },
    /// The body is of a kind that the scheme covers only by a digest in the address, which isn't there.
    #[error("the body is no form and the address has no bodySHA256, so no signature covers the body")]
    BodyUnsigned,
    /// The body isn't the one whose digest was signed.
    #[error("the body isn't the one that bodySHA256 in the address belongs to")]
    BodyChanged,
    /// Something is larger than anything a vendor sends.
    #[error("{what}: more than {most}")]
    TooLarge {
        /// What was counted, with its unit.
        what: &'static str,
        /// The most that is let in.
        most: usize,
    },
    /// A secret can't be used; the fault is on this side.
    #[error("the secret can't be used: {why}")]
    SecretInvalid {
        /// What is expected.
        why: &'static str,
    },
}

impl Refused {
    /// The stable code; `docs/errors/` has a page for each.
    pub fn code(&self) -> &'static str {
        match self {
            Self::HeaderMissing { .. } => "webhook_header_missing",
            Self::HeaderRepeated { .. } => "webhook_header_repeated",
            Self::HeaderInvalid { .. } => "webhook_header_invalid",
            Self::SignatureWrong { .. } | Self::BodyChanged => "webhook_signature_wrong",
            Self::TimeOff { .. } => "webhook_time_off",
            Self::BodyUnsigned => "webhook_body_unsigned",
            Self::TooLarge { .. } => "webhook_too_large",
            Self::SecretInvalid { .. } => "webhook_secret_invalid",
        }
    }
}

impl From<Refused> for Failure {
    fn from(refused: Refused) -> Self {
        Failure::new(refused.code(), refused.to_string())
    }
}
