//! The one registry of ids: newtypes over UUID v7, so they sort by time, printed as
//! `run_019a…` (prefix, underscore, 32 hexadecimal digits).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use sha2::{Digest as _, Sha256};
use uuid::{Builder, Uuid};

use crate::{Clock, Entropy, Timestamp};

/// A text that isn't an id of the expected kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{text}' is not {expected} id: expected '{prefix}_' and 32 hexadecimal digits")]
pub struct ParseIdError {
    /// What was given, cut to 80 characters.
    pub text: String,
    /// The kind of id that was expected, with its article.
    pub expected: &'static str,
    /// The prefix of that kind.
    pub prefix: &'static str,
}

fn v7(at: Timestamp, random: &[u8; 10]) -> Uuid {
    let millis = u64::try_from(at.as_millis()).unwrap_or(0);
    Builder::from_unix_timestamp_millis(millis, random).into_uuid()
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident $prefix:literal $expected:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Uuid);

        impl $name {
            /// The text before the underscore.
            pub const PREFIX: &'static str = $prefix;

            /// A new id, ordered by `clock`.
            pub fn new(clock: &dyn Clock, entropy: &dyn Entropy) -> Self {
                let mut random = [0u8; 10];
                entropy.fill(&mut random);
                Self(v7(clock.now(), &random))
            }

            /// The id that `parts` always give at `at`: pure code makes ids this way, so that
            /// deciding twice yields the same id. The random bits are SHA-256 over the parts.
            pub fn derive(at: Timestamp, parts: &[&str]) -> Self {
                let mut hash = Sha256::new();
                for part in parts {
                    hash.update((part.len() as u64).to_be_bytes());
                    hash.update(part.as_bytes());
                }
                let mut random = [0u8; 10];
                random.copy_from_slice(&hash.finalize()[..10]);
                Self(v7(at, &random))
            }

            /// The least id of those made at this instant or later.
            pub fn first_at(at: Timestamp) -> Self {
                let millis = u64::try_from(at.as_millis()).unwrap_or(0);
                let mut bytes = [0u8; 16];
                bytes[..6].copy_from_slice(&millis.to_be_bytes()[2..]);
                Self(Uuid::from_bytes(bytes))
            }

            /// The 16 bytes, in time order; how stores keep an id.
            pub fn as_bytes(&self) -> &[u8; 16] { self.0.as_bytes() }

            /// The id with these 16 bytes.
            pub fn from_bytes(bytes: [u8; 16]) -> Self { Self(Uuid::from_bytes(bytes)) }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}_{}", $prefix, self.0.simple())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { fmt::Display::fmt(self, f) }
        }

        impl FromStr for $name {
            type Err = ParseIdError;
            fn from_str(text: &str) -> Result<Self, ParseIdError> {
                text.strip_prefix(concat!($prefix, "_"))
                    .filter(|hex| hex.len() == 32)
                    .and_then(|hex| Uuid::try_parse(hex).ok())
                    .map(Self)
                    .ok_or_else(|| ParseIdError {
                        text: text.chars().take(80).collect(),
                        expected: $expected,
                        prefix: $prefix,
                    })
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> { s.collect_str(self) }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(d)?;
                text.parse().map_err(de::Error::custom)
            }
        }
    )*};
}

ids! {
    /// An organisation whose data is kept apart. One exists until the many-machines issue.
    TenantId "ten" "a tenant";
    /// One execution of a recipe version.
    RunId "run" "a run";
    /// A recipe, whatever its versions.
    RecipeId "rcp" "a recipe";
    /// A named worker with a domain, instructions and allowed tools.
    AgentId "agt" "an agent";
    /// A configured tool.
    ToolId "tol" "a tool";
    /// One request for people's consent to exact arguments.
    ApprovalId "apr" "an approval";
    /// Something a run left behind: an article, a message, a file.
    ArtifactId "art" "an artifact";
    /// One message waiting in a run's inbox.
    InboxId "inb" "an inbox";
    /// One leaf of the audit log.
    LeafId "lef" "an audit leaf";
    /// A person who signs in.
    UserId "usr" "a user";
    /// An API token.
    TokenId "tok" "a token";
    /// One boot of one server process.
    NodeId "nod" "a node";
    /// An event on a built-in calendar.
    EventId "evt" "an event";
    /// A built-in ticket.
    TicketId "tkt" "a ticket";
}

impl TenantId {
    /// The tenant of an installation that has only one.
    pub const DEFAULT: TenantId = TenantId(Uuid::from_u128(0x0000_0000_0000_7000_8000_0000_0000_0001));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_print_with_their_prefix_and_read_back() {
        let id = RunId::derive(Timestamp::from_millis(1_700_000_000_000), &["a", "b"]);
        assert!(id.to_string().starts_with("run_"));
        assert_eq!(id.to_string().parse::<RunId>(), Ok(id));
        assert!(id.to_string().replace("run_", "apr_").parse::<RunId>().is_err());
        assert!("run_zz".parse::<RunId>().is_err());
    }

    #[test]
    fn derived_ids_depend_on_every_part_and_sort_by_time() {
        let at = Timestamp::from_millis(5);
        assert_eq!(RunId::derive(at, &["a", "b"]), RunId::derive(at, &["a", "b"]));
        assert_ne!(RunId::derive(at, &["ab"]), RunId::derive(at, &["a", "b"]));
        assert!(RunId::derive(at, &["z"]) < RunId::derive(Timestamp::from_millis(6), &["a"]));
        let first = RunId::first_at(Timestamp::from_millis(6));
        assert!(
            RunId::derive(at, &["z"]) < first && first < RunId::derive(Timestamp::from_millis(6), &["a"])
        );
    }
}
