//! `[user]`: who is at the keyboard.

use std::ffi::OsString;

use serde::Deserialize;

/// Who is at the keyboard.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct User {
    /// The name under which this user starts and decides.
    pub name: String,
}

impl User {
    /// The configured name, or the one at the operating system, or one that is nobody's: a role's or a
    /// group's name would look like more than it is.
    pub(super) fn or_login(self, env: &[(OsString, OsString)]) -> User {
        if !self.name.is_empty() {
            return self;
        }
        let var = |name: &str| {
            let found = env.iter().find(|(key, _)| key == name);
            found
                .and_then(|(_, value)| value.to_str())
                .filter(|value| !value.is_empty())
                .map(str::to_owned)
        };
        let name = var("USER")
            .or_else(|| var("LOGNAME"))
            .unwrap_or_else(|| "local".to_owned());
        User { name }
    }
}
