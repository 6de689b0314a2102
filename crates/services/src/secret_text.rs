//! Texts that open something, made from 32 random bytes.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use types::Entropy;

/// A new one: `prefix` and 43 characters that may stand in URLs and headers.
pub(crate) fn secret_text(prefix: &str, entropy: &dyn Entropy) -> String {
    let mut bytes = [0u8; 32];
    entropy.fill(&mut bytes);
    format!("{prefix}{}", URL_SAFE_NO_PAD.encode(bytes))
}
