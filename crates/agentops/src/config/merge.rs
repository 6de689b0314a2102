//! Merging: later sources over earlier ones, each key checked against the defaults where it is read,
//! so that a message can say which file or variable is wrong.

use std::ffi::OsString;
use std::path::Path;

use toml::{Table, Value};
use types::Failure;

use super::{Config, DEFAULTS, Flags};

/// What an environment variable of ours begins with.
const PREFIX: &str = "AGENTOPS_";

/// The configuration while it is being put together.
pub(super) struct Merged {
    defaults: Table,
    table: Table,
}

impl Merged {
    /// The defaults.
    pub(super) fn new() -> Result<Self, Failure> {
        let defaults: Table = DEFAULTS
            .parse()
            .map_err(|error: toml::de::Error| invalid("agentops.default.toml", error.message()))?;
        Ok(Self {
            table: defaults.clone(),
            defaults,
        })
    }

    /// A file over what there is.
    pub(super) fn file(&mut self, path: &Path, text: &str) -> Result<(), Failure> {
        let place = format!("the file '{}'", path.display());
        let table: Table = text.parse().map_err(|error: toml::de::Error| {
            let line = error
                .span()
                .map(|span| text[..span.start.min(text.len())].lines().count().max(1));
            let line = line.map(|line| format!("line {line}: ")).unwrap_or_default();
            invalid(&place, &format!("{line}{}", error.message()))
        })?;
        for (section, keys) in table {
            let Value::Table(keys) = keys else {
                return Err(self.unknown(&place, &section));
            };
            for (key, value) in keys {
                self.set(&place, &section, &key, value)?;
            }
        }
        Ok(())
    }

    /// Variables such as `AGENTOPS_SERVER__LISTEN`. Others with our prefix mean something else.
    pub(super) fn environment(&mut self, env: &[(OsString, OsString)]) -> Result<(), Failure> {
        for (name, value) in env {
            let Some(name) = name.to_str().and_then(|name| name.strip_prefix(PREFIX)) else {
                continue;
            };
            let Some((section, key)) = name.split_once("__") else {
                // Meant for us, but without a key.
                if self.defaults.contains_key(&name.to_lowercase()) {
                    let form = format!("a key is missing: {PREFIX}{name}__KEY");
                    return Err(invalid(&format!("the variable {PREFIX}{name}"), &form));
                }
                continue;
            };
            let (section, key) = (section.to_lowercase(), key.to_lowercase());
            let place = format!("the variable {PREFIX}{name}");
            let Some(text) = value.to_str() else {
                return Err(invalid(&place, "its value is not valid UTF-8"));
            };
            let default = self.default(&place, &section, &key)?;
            let value = like(default, text)
                .ok_or_else(|| invalid(&place, &format!("'{text}' is not {}", kind(default))))?;
            self.set(&place, &section, &key, value)?;
        }
        Ok(())
    }

    /// Flags over everything.
    pub(super) fn flags(&mut self, flags: &Flags) -> Result<(), Failure> {
        if let Some(folder) = &flags.data {
            let folder = folder
                .to_str()
                .ok_or_else(|| invalid("--data", "the path is not valid UTF-8"))?;
            if folder.is_empty() {
                return Err(invalid("--data", "the path is empty"));
            }
            self.set("--data", "data", "folder", Value::String(folder.to_owned()))?;
        }
        if let Some(url) = &flags.database {
            self.set("--database", "database", "url", Value::String(url.clone()))?;
        }
        if let Some(node) = &flags.node {
            self.set("--node", "database", "node", Value::String(node.clone()))?;
        }
        if let Some(user) = &flags.user {
            self.set("--as", "user", "name", Value::String(user.clone()))?;
        }
        Ok(())
    }

    /// The typed configuration.
    pub(super) fn config(&self) -> Result<Config, Failure> {
        Config::deserialize_table(self.table.clone())
    }

    fn set(&mut self, place: &str, section: &str, key: &str, value: Value) -> Result<(), Failure> {
        let default = self.default(place, section, key)?;
        if std::mem::discriminant(default) != std::mem::discriminant(&value) {
            return Err(invalid(
                place,
                &format!("{section}.{key} must be {}, not {value}", kind(default)),
            ));
        }
        let mut trial = self.table.clone();
        if let Some(Value::Table(keys)) = trial.get_mut(section) {
            keys.insert(key.to_owned(), value);
        }
        // Checked at once, so that the message names the place where the value stands.
        Config::deserialize_table(trial.clone())
            .map_err(|failure| invalid(place, &format!("{section}.{key}: {}", failure.message)))?;
        self.table = trial;
        Ok(())
    }

    fn default(&self, place: &str, section: &str, key: &str) -> Result<&Value, Failure> {
        self.defaults
            .get(section)
            .and_then(|keys| keys.get(key))
            .ok_or_else(|| self.unknown(place, &format!("{section}.{key}")))
    }

    fn unknown(&self, place: &str, name: &str) -> Failure {
        let known: Vec<String> = self
            .defaults
            .iter()
            .flat_map(|(section, keys)| {
                keys.as_table()
                    .into_iter()
                    .flat_map(Table::keys)
                    .map(move |key| format!("{section}.{key}"))
            })
            .collect();
        let near = known
            .iter()
            .max_by(|a, b| strsim::jaro_winkler(name, a).total_cmp(&strsim::jaro_winkler(name, b)));
        let failure = Failure::new("config_unknown_key", format!("{place}: there is no key {name}"));
        match near {
            Some(near) if strsim::jaro_winkler(name, near) >= 0.75 => {
                failure.hint(format!("did you mean {near}?"))
            }
            _ => failure.hint("agentops.default.toml in docs/configuration.md lists every key"),
        }
    }
}

impl Config {
    fn deserialize_table(table: Table) -> Result<Config, Failure> {
        table
            .try_into()
            .map_err(|error: toml::de::Error| Failure::new("config_invalid", error.message()))
    }
}

/// `text` as a value of the same kind as `default`.
fn like(default: &Value, text: &str) -> Option<Value> {
    match default {
        Value::String(_) => Some(Value::String(text.to_owned())),
        Value::Integer(_) => text.trim().parse().ok().map(Value::Integer),
        Value::Float(_) => text.trim().parse().ok().map(Value::Float),
        Value::Boolean(_) => text.trim().parse().ok().map(Value::Boolean),
        _ => None,
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::String(_) => "a text",
        Value::Integer(_) => "a whole number",
        Value::Float(_) => "a number",
        Value::Boolean(_) => "true or false",
        _ => "of its kind",
    }
}

fn invalid(place: &str, why: &str) -> Failure {
    Failure::new("config_invalid", format!("{place}: {why}"))
}
