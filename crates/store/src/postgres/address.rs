//! The address of a database as people write it. What it says of TLS is taken out and read here, since
//! `tokio_postgres` knows a part of it only; the rest is read there.
//!
//! Source of the words: PostgreSQL documentation, "Database Connection Control Functions", connection
//! strings and parameter key words, and "SSL Support".

use std::path::PathBuf;

use percent_encoding::percent_decode_str;
use ports::StoreError;
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode, SslNegotiation};

use crate::fault::other;

const SCHEMES: [&str; 2] = ["postgres://", "postgresql://"];
const MODE: &str = "sslmode";
const AUTHORITIES: &str = "sslrootcert";
/// What a client would show a certificate of its own with.
const OF_CLIENTS: [&str; 3] = ["sslcert", "sslkey", "sslpassword"];
const FORM: &str = "write postgres://USER:PASSWORD@HOST:PORT/DATABASE";

/// Where a database is, and whose word is taken that it is the right one.
#[derive(Clone, Default)]
pub struct Address {
    /// `postgres://user:password@host/database`, or `host=… user=… dbname=…`.
    pub url: String,
    /// A PEM file with the certificates of the authorities that are believed. An `sslrootcert` in the
    /// address beats it; without either they are the machine's.
    pub ca_file: Option<PathBuf>,
}

/// An address that can't be used, whatever runs there. It never tells the address itself, which may hold a
/// password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Unusable {
    message: String,
    hint: &'static str,
}

/// Whose certificates are believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Trust {
    /// TLS is never spoken.
    Plain,
    /// Whoever answers: it keeps out listeners, and nobody who stands between.
    Anybody,
    /// Those that the machine's list of authorities has signed.
    Machine,
    /// Those that the authorities in a file have signed.
    File(PathBuf),
}

impl From<&str> for Address {
    fn from(url: &str) -> Self {
        Self {
            url: url.to_owned(),
            ca_file: None,
        }
    }
}

impl Unusable {
    pub(super) fn new(message: impl Into<String>, hint: &'static str) -> Self {
        Self {
            message: message.into(),
            hint,
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        self.hint
    }
}

impl From<Unusable> for StoreError {
    fn from(unusable: Unusable) -> Self {
        other(format!("{}: {}", unusable.message, unusable.hint))
    }
}

impl Address {
    /// What to connect with, and whom to believe.
    pub(super) fn read(&self) -> Result<(Config, Trust), Unusable> {
        let scheme = SCHEMES.iter().find(|scheme| self.url.starts_with(**scheme));
        let (text, words) = match scheme {
            Some(scheme) => split_url(scheme, &self.url)?,
            None => split_words(&self.url),
        };
        let mut config: Config = text.parse().map_err(|error| unread(&error, scheme.is_some()))?;
        if config.get_hosts().is_empty() {
            // The name that a certificate must be for is the address then.
            for address in config.get_hostaddrs().to_vec() {
                config.host(address.to_string());
            }
        }
        if config.get_hosts().is_empty() {
            return Err(Unusable::new("database.url names no host", FORM));
        }
        let trust = self.trust(&mut config, &words)?;
        if config.get_ssl_negotiation() == SslNegotiation::Direct && config.get_ssl_mode() == SslMode::Prefer
        {
            return Err(Unusable::new(
                "database.url says sslnegotiation=direct, which leaves no choice, without asking for TLS",
                "add sslmode=require",
            ));
        }
        Ok((config, trust))
    }

    /// Sets whether TLS is spoken, and tells whom to believe.
    fn trust(&self, config: &mut Config, words: &[(String, String)]) -> Result<Trust, Unusable> {
        let word = |key: &str| {
            let said = words.iter().rev().find(|(known, _)| known == key);
            said.map(|(_, value)| value.as_str())
                .filter(|value| !value.is_empty())
        };
        if OF_CLIENTS.iter().any(|key| word(key).is_some()) {
            return Err(Unusable::new(
                "database.url names a certificate of the client's own, which agentops can't show",
                "take sslcert, sslkey and sslpassword out, and log in with a password",
            ));
        }
        let named = match word(AUTHORITIES) {
            Some("system") => Some(Trust::Machine),
            Some(file) => Some(Trust::File(file.into())),
            None => self.ca_file.clone().map(Trust::File),
        };
        let mode = match (word(MODE), &named) {
            (Some("disable"), _) => SslMode::Disable,
            (Some("require" | "verify-ca" | "verify-full"), _) => SslMode::Require,
            // Whoever names an authority wants it to be asked.
            (None, Some(_)) => SslMode::Require,
            (Some("prefer") | None, _) => SslMode::Prefer,
            (Some(_), _) => {
                return Err(Unusable::new(
                    "database.url says an sslmode that is not known",
                    "say disable, prefer, require, verify-ca or verify-full",
                ));
            }
        };
        // A socket of the machine is never encrypted; PostgreSQL doesn't offer it there.
        let local = config
            .get_hosts()
            .iter()
            .all(|host| matches!(host, Host::Unix(_)));
        let mode = if local { SslMode::Disable } else { mode };
        config.ssl_mode(mode);
        Ok(match mode {
            SslMode::Disable => Trust::Plain,
            SslMode::Prefer => named.unwrap_or(Trust::Anybody),
            _ => named.unwrap_or(Trust::Machine),
        })
    }
}

/// Why `tokio_postgres` can't read it. It names keys: in a query they are keys, but among words one may be a
/// part of a password that isn't quoted.
fn unread(error: &tokio_postgres::Error, query: bool) -> Unusable {
    let why = std::error::Error::source(error).filter(|_| query);
    let why = why.map_or_else(|| error.to_string(), ToString::to_string);
    Unusable::new(format!("database.url can't be read: {why}"), FORM)
}

/// Whether `tokio_postgres` must not see it.
fn ours(key: &str) -> bool {
    key == MODE || key == AUTHORITIES || OF_CLIENTS.contains(&key)
}

/// Takes our words out of the query of a URL.
fn split_url(scheme: &str, url: &str) -> Result<(String, Vec<(String, String)>), Unusable> {
    let rest = &url[scheme.len()..];
    // As `tokio_postgres` reads it: who logs in stands before the first at sign, wherever that is.
    let (who, place) = match rest.find('@') {
        Some(at) => rest.split_at(at),
        None => ("", rest),
    };
    if who.contains('?') {
        return Err(Unusable::new(
            "database.url has an '@' after a '?', so it can be read in two ways",
            "write %40 for an '@' in what follows the '?', and %3F for a '?' in a name or password",
        ));
    }
    let Some((place, query)) = place.split_once('?') else {
        return Ok((url.to_owned(), Vec::new()));
    };
    let decoded = |text: &str| percent_decode_str(text).decode_utf8().ok().map(String::from);
    let (mut kept, mut words) = (Vec::new(), Vec::new());
    for piece in query.split('&') {
        let read = piece.split_once('=');
        match read.and_then(|(key, value)| Some((decoded(key)?, decoded(value)?))) {
            Some(word) if ours(&word.0) => words.push(word),
            _ => kept.push(piece),
        }
    }
    let mark = if kept.is_empty() { "" } else { "?" };
    let text = format!("{scheme}{who}{place}{mark}{}", kept.join("&"));
    Ok((text, words))
}

/// Takes our words out of `key=value key='value'`. What can't be read stays, to be refused by
/// `tokio_postgres`.
fn split_words(text: &str) -> (String, Vec<(String, String)>) {
    let (mut kept, mut words) = (String::new(), Vec::new());
    let mut rest = text;
    while let Some((key, value, after)) = next_word(rest) {
        if ours(key) {
            words.push((key.to_owned(), value));
        } else {
            kept.push_str(&rest[..rest.len() - after.len()]);
            kept.push(' ');
        }
        rest = after;
    }
    kept.push_str(rest);
    (kept, words)
}

/// A key, its value without quotes and backslashes, and what follows.
fn next_word(text: &str) -> Option<(&str, String, &str)> {
    let text = text.trim_start();
    let end = text.find(|c: char| c == '=' || c.is_whitespace())?;
    let (key, rest) = text.split_at(end);
    let rest = rest.trim_start().strip_prefix('=')?.trim_start();
    let (quoted, rest) = match rest.strip_prefix('\'') {
        Some(rest) => (true, rest),
        None => (false, rest),
    };
    let mut value = String::new();
    let mut letters = rest.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '\\' => value.extend(letters.next().map(|(_, letter)| letter)),
            '\'' if quoted => return Some((key, value, &rest[at + 1..])),
            letter if !quoted && letter.is_whitespace() => return Some((key, value, &rest[at..])),
            letter => value.push(letter),
        }
    }
    (!quoted).then_some((key, value, ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(url: &str) -> (Config, Trust) {
        Address::from(url).read().expect("it can be read")
    }

    fn refused(url: &str) -> Unusable {
        Address::from(url).read().expect_err("it can't be used")
    }

    fn file(path: &str) -> Trust {
        Trust::File(path.into())
    }

    #[test]
    fn both_forms_say_the_same_of_tls() {
        use SslMode::{Disable, Prefer, Require};
        for (said, mode, trust) in [
            ("", Prefer, Trust::Anybody),
            ("sslmode=disable", Disable, Trust::Plain),
            ("sslmode=prefer", Prefer, Trust::Anybody),
            ("sslmode=require", Require, Trust::Machine),
            ("sslmode=verify-ca", Require, Trust::Machine),
            ("sslmode=verify-full", Require, Trust::Machine),
            ("sslmode=disable sslmode=require", Require, Trust::Machine),
            ("sslrootcert=/etc/ca.pem", Require, file("/etc/ca.pem")),
            ("sslrootcert=system", Require, Trust::Machine),
            ("sslmode=prefer sslrootcert=ca.pem", Prefer, file("ca.pem")),
            ("sslmode=disable sslrootcert=ca.pem", Disable, Trust::Plain),
            ("sslmode=require connect_timeout=3", Require, Trust::Machine),
        ] {
            let words = read(&format!("host=db.example user=ann dbname=x {said}"));
            let query = said.replace(' ', "&").replace('/', "%2F");
            let url = read(&format!("postgres://ann@db.example/x?{query}"));
            for (config, of) in [words, url] {
                assert_eq!((config.get_ssl_mode(), &of), (mode, &trust), "{said}");
                assert_eq!(config.get_hosts(), [Host::Tcp("db.example".to_owned())]);
                assert_eq!((config.get_user(), config.get_dbname()), (Some("ann"), Some("x")));
            }
        }
    }

    #[test]
    fn what_is_not_about_tls_comes_through_as_it_was() {
        for url in [
            r"sslmode=require user=ann password='a \'b\\ c' host = db.example sslrootcert='/my files/ca.pem'",
            "postgresql://ann:a%20'b%5C%20c@db.example?sslrootcert=/my%20files/ca.pem&application_name=a%26b",
        ] {
            let (config, trust) = read(url);
            assert_eq!(config.get_password(), Some(&br"a 'b\ c"[..]), "{url}");
            assert_eq!(config.get_user(), Some("ann"));
            assert_eq!(trust, file("/my files/ca.pem"));
        }
        let (config, _) = read("postgres://h/x?sslmode=disable&application_name=a%26b&sslmode=require");
        assert_eq!(config.get_application_name(), Some("a&b"));
    }

    #[test]
    fn a_named_file_asks_for_tls_and_the_address_beats_the_configuration() {
        let of = |url: &str| {
            let address = Address {
                ca_file: Some("/configured.pem".into()),
                ..Address::from(url)
            };
            let (config, trust) = address.read().expect("it can be read");
            (config.get_ssl_mode(), trust)
        };
        assert_eq!(of("host=h"), (SslMode::Require, file("/configured.pem")));
        assert_eq!(
            of("host=h sslrootcert=/b.pem"),
            (SslMode::Require, file("/b.pem"))
        );
        assert_eq!(of("host=h sslmode=disable"), (SslMode::Disable, Trust::Plain));
        assert_eq!(of("host=/run/postgresql"), (SslMode::Disable, Trust::Plain));
    }

    #[test]
    fn a_socket_is_never_encrypted_and_an_address_is_its_own_name() {
        let (config, trust) = read("postgres://ann@/x?host=/run/postgresql&sslmode=verify-full");
        assert_eq!((config.get_ssl_mode(), trust), (SslMode::Disable, Trust::Plain));
        let (config, _) = read("hostaddr=127.0.0.1 user=ann");
        assert_eq!(config.get_hosts(), [Host::Tcp("127.0.0.1".to_owned())]);
    }

    #[test]
    fn what_can_not_be_meant_is_refused_without_telling_it() {
        for (url, said) in [
            ("host=h password=hunter2 sslmode=hunter2", "sslmode"),
            ("postgres://ann:hunter2@h/x?sslmode=allow", "sslmode"),
            (
                "postgres://ann:hunter2@h/x?sslcert=hunter2&sslkey=b",
                "certificate",
            ),
            (
                "postgres://ann:hunter2@h/x?sslnegotiation=direct",
                "sslnegotiation",
            ),
            (
                "postgres://h/x?sslmode=require&application_name=hunter2@h2",
                "'@'",
            ),
            ("postgres://ann:hunter2@h/x?sslcrl=hunter2", "sslcrl"),
            ("postgres://ann:hunter2@h/x?sslmode", "can't be read"),
            ("host=h password='hunter2 sslmode=require", "can't be read"),
            ("host=h password=a hunter2=b", "can't be read"),
            ("postgres://ann:hunter2", "`port`"),
            ("user=ann password=hunter2", "no host"),
            ("sslmode", "can't be read"),
        ] {
            let refused = refused(url);
            let told = StoreError::from(refused.clone()).to_string();
            assert!(told.contains(said), "{url}: {told}");
            assert!(!told.contains("hunter2"), "{told}");
            assert!(!refused.hint().is_empty());
        }
    }
}
