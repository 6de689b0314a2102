//! How each tool is reached and what opens it: the vendor's usual address, and which secrets of the
//! tool make which kind of credentials. The composition root fills in the secrets' values, from the
//! settings in real mode and from the sandbox's fixed ones in mock mode.

use std::collections::BTreeMap;

use crate::{Credentials, Secret, connectors};

/// One tool's way in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Access {
    /// The URL of a vendor that lives at one place for everybody.
    pub base_url: Option<&'static str>,
    /// What opens the tool; the first way whose secrets are all set is taken.
    pub ways: &'static [Way],
}

/// One way to authenticate, by the names of the tool's secrets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// The tool asks for nothing.
    Open,
    /// `Authorization: Bearer …`.
    Bearer(&'static str),
    /// `Authorization: Basic …`: the user and the password.
    Basic(&'static str, &'static str),
    /// A header of the vendor's own, with what stands before the secret in it.
    Header {
        /// The header.
        name: &'static str,
        /// What stands before the secret, such as `Token token=`.
        before: &'static str,
        /// The secret.
        secret: &'static str,
    },
    /// OAuth with `account_id`, `client_id` and `client_secret`.
    Account,
    /// Secrets that the connector puts where they belong by itself.
    Parts(&'static [&'static str]),
}

impl Access {
    /// Plain HTTP tools: a token if there is one.
    pub const PLAIN: Access = Access {
        base_url: None,
        ways: &[Way::Bearer("token"), Way::Open],
    };

    /// The access of a tool; what no connector declares is a plain HTTP tool.
    pub fn of(tool: &str) -> Access {
        connectors::access(tool).unwrap_or(Access::PLAIN)
    }
}

impl Way {
    /// The secrets it needs.
    pub fn secrets(self) -> Vec<&'static str> {
        match self {
            Way::Open => Vec::new(),
            Way::Bearer(secret) | Way::Header { secret, .. } => vec![secret],
            Way::Basic(user, password) => vec![user, password],
            Way::Account => vec!["account_id", "client_id", "client_secret"],
            Way::Parts(secrets) => secrets.to_vec(),
        }
    }

    /// The credentials, if every secret is in `values`; tokens are fetched at `token_url`.
    pub fn credentials(
        self,
        values: &BTreeMap<&'static str, String>,
        token_url: Option<String>,
    ) -> Option<Credentials> {
        let text = |name: &'static str| values.get(name).cloned();
        let secret = |name: &'static str| text(name).map(Secret::new);
        Some(match self {
            Way::Open => Credentials::None,
            Way::Bearer(name) => Credentials::Bearer(secret(name)?),
            Way::Basic(user, password) => Credentials::Basic {
                user: text(user)?,
                password: secret(password)?,
            },
            Way::Header {
                name,
                before,
                secret: field,
            } => Credentials::Header {
                name: name.to_owned(),
                value: Secret::new(format!("{before}{}", text(field)?)),
            },
            Way::Account => Credentials::Account {
                token_url,
                account_id: text("account_id")?,
                client_id: text("client_id")?,
                client_secret: secret("client_secret")?,
            },
            Way::Parts(names) => Credentials::Parts(
                names
                    .iter()
                    .map(|name| Some(((*name).to_owned(), secret(name)?)))
                    .collect::<Option<_>>()?,
            ),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_way_needs_every_one_of_its_secrets() {
        let values = BTreeMap::from([("user", "ann".to_owned())]);
        let way = Way::Basic("user", "password");
        assert_eq!(way.credentials(&values, None), None);
        let values = BTreeMap::from([("user", "ann".to_owned()), ("password", "hush".to_owned())]);
        assert_eq!(
            way.credentials(&values, None),
            Some(Credentials::Basic {
                user: "ann".into(),
                password: Secret::new("hush")
            })
        );
        assert_eq!(Way::Open.credentials(&values, None), Some(Credentials::None));
    }

    #[test]
    fn a_header_says_what_stands_before_the_secret() {
        let way = Way::Header {
            name: "authorization",
            before: "Token token=",
            secret: "api_key",
        };
        let values = BTreeMap::from([("api_key", "k".to_owned())]);
        let Some(Credentials::Header { value, .. }) = way.credentials(&values, None) else {
            panic!("a header")
        };
        assert_eq!(value.reveal(), "Token token=k");
    }
}
