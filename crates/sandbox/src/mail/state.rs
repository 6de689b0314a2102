//! What the mail server keeps: the messages that it took.

use serde::{Deserialize, Serialize};
use types::Timestamp;

/// The mailbox that everything goes to, whoever it is addressed to.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Mail {
    /// Oldest first.
    pub messages: Vec<Message>,
}

/// A message as it was taken.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Message {
    pub id: u64,
    pub received: Timestamp,
    /// From the envelope.
    pub from: String,
    /// From the envelope: copies included.
    pub to: Vec<String>,
    pub subject: String,
    pub message_id: String,
    /// Whether it came over an encrypted connection.
    pub encrypted: bool,
    /// Headers and body as they came.
    pub data: String,
}
