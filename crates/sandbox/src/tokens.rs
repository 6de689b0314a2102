//! Access tokens that a vendor gives out for its own credentials.

use serde::{Deserialize, Serialize};
use types::Timestamp;

/// The most tokens remembered; older ones become unknown.
const MOST: usize = 100;

/// What has been given out, newest last.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Tokens(Vec<Token>);

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Token {
    text: String,
    expires: Timestamp,
}

impl Tokens {
    /// Gives one out.
    pub(crate) fn give(&mut self, text: &str, expires: Timestamp) {
        self.0.push(Token {
            text: text.to_owned(),
            expires,
        });
        if self.0.len() > MOST {
            self.0.remove(0);
        }
    }

    /// When a token expires; none if it is unknown.
    pub(crate) fn expires(&self, text: &str) -> Option<Timestamp> {
        let known = self.0.iter().find(|token| token.text == text);
        known.map(|token| token.expires)
    }

    /// Makes a token expired from now on. Unknown ones stay unknown.
    pub(crate) fn revoke(&mut self, text: &str) {
        for token in self.0.iter_mut().filter(|token| token.text == text) {
            token.expires = Timestamp::from_millis(0);
        }
    }
}
