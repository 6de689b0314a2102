//! Secrets: set, listed by name, removed; never given back. A secret is bound to the origin that it
//! may be sent to.

use ports::{ByName, SecretRecord};
use serde_json::json;
use types::{Actor, Failure};

use crate::names::{cut, not_found};
use crate::{ROWS, Result, Services, if_found};

/// The longest secret taken, in bytes.
const LONGEST: usize = 16 * 1024;

/// A page of secrets by name, as far as they are ever shown.
///
/// # Errors
/// The store can't be read.
pub async fn page(services: &Services, page: ByName) -> Result<Vec<SecretRecord>> {
    Ok(services.store.secrets(services.tenant, page).await?)
}

/// Sets a secret, bound to an origin such as `https://slack.com`.
///
/// # Errors
/// `secret_invalid`, or the store can't be written.
pub async fn set(
    services: &Services,
    name: &str,
    origin: &str,
    value: &str,
    by: &Actor,
) -> Result<SecretRecord> {
    let good_name = name
        .split_once('.')
        .is_some_and(|(tool, field)| word(tool) && word(field));
    if !good_name || name.len() > 100 {
        return Err(invalid(format!("'{}' is not a name for a secret", cut(name)))
            .hint("name it TOOL.FIELD, such as slack.token or zoom.client_secret"));
    }
    if value.is_empty() || value.len() > LONGEST {
        return Err(invalid(format!(
            "a secret has 1 to {LONGEST} bytes; this one has {}",
            value.len()
        )));
    }
    let origin = origin_of(origin).ok_or_else(|| {
        invalid(format!("'{}' is not an origin", cut(origin))).hint("such as https://slack.com")
    })?;
    let record = SecretRecord {
        name: name.to_owned(),
        origin,
        hint: hint(value),
        updated_at: services.now(),
    };
    let leaf = services.leaf(
        "secret_set",
        by,
        json!({"secret": record.name, "origin": record.origin}),
    );
    services
        .store
        .put_secret(services.tenant, record.clone(), value, leaf)
        .await?;
    Ok(record)
}

/// Removes a secret.
///
/// # Errors
/// `not_found` with the nearest name, or the store can't be written.
pub async fn remove(services: &Services, name: &str, by: &Actor) -> Result<()> {
    let leaf = services.leaf("secret_removed", by, json!({"secret": name}));
    let removed = services.store.remove_secret(services.tenant, name, leaf).await;
    if if_found(removed)?.is_some() {
        return Ok(());
    }
    let first = ByName {
        after: None,
        limit: ROWS,
    };
    let known = page(services, first).await?;
    Err(not_found(
        "secret",
        name,
        known.iter().map(|s| s.name.as_str()),
        "agentops secret list",
    ))
}

/// Scheme, host and port of a URL, in lower case; `None` if it has no such form.
pub fn origin_of(url: &str) -> Option<String> {
    let url = url.trim();
    let (scheme, rest) = url.split_once("://")?;
    let scheme = scheme.to_lowercase();
    let default_port = match scheme.as_str() {
        "https" => ":443",
        "http" => ":80",
        // Devices that speak lines or messages have no usual port in common.
        "tcp" => "",
        "smtp" => ":587",
        "smtps" => ":465",
        _ => return None,
    };
    let host = rest.split(['/', '?', '#']).next()?.to_lowercase();
    let good = !host.is_empty()
        && !host.contains('@')
        && host
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "-._:[]".contains(c));
    let host = host.strip_suffix(default_port).unwrap_or(&host);
    good.then(|| format!("{scheme}://{host}"))
}

/// The last four characters of a long secret: enough to tell two apart, too few to help anybody.
fn hint(value: &str) -> String {
    let length = value.chars().count();
    if length < 12 {
        String::new()
    } else {
        value.chars().skip(length - 4).collect()
    }
}

fn word(text: &str) -> bool {
    !text.is_empty()
        && text
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "_-".contains(c))
}

fn invalid(message: String) -> Failure {
    Failure::new("secret_invalid", message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{self, ann};

    #[test]
    fn an_origin_is_scheme_host_and_port() {
        for (url, origin) in [
            ("https://Slack.com/api/", Some("https://slack.com")),
            (
                "https://dev1.service-now.com:443",
                Some("https://dev1.service-now.com"),
            ),
            ("http://127.0.0.1:8080/x", Some("http://127.0.0.1:8080")),
            ("https://user@evil.example", None),
            ("tcp://Core-4a.example:1710", Some("tcp://core-4a.example:1710")),
            ("ftp://x", None),
            ("https:///x", None),
            ("slack.com", None),
        ] {
            assert_eq!(origin_of(url).as_deref(), origin, "{url}");
        }
    }

    #[tokio::test]
    async fn a_secret_is_never_given_back() {
        let bench = testing::bench().await;
        let services = &bench.services;
        let long = "xoxb-1234567890-secret";
        set(services, "slack.token", "https://slack.com/api", long, &ann())
            .await
            .expect("fits");
        set(services, "zoom.client_id", "https://zoom.us", "short", &ann())
            .await
            .expect("fits");
        let all = || ByName {
            after: None,
            limit: 10,
        };
        let shown = page(services, all()).await.expect("lists");
        let shown = serde_json::to_string(&shown).expect("serialises");
        assert!(!shown.contains(long) && !shown.contains("short"), "{shown}");
        assert!(shown.contains("cret"));
        let leaves = services
            .store
            .leaves(services.tenant, 0, 10)
            .await
            .expect("leaves");
        assert!(!serde_json::to_string(&leaves).expect("serialises").contains(long));

        assert_eq!(
            remove(services, "slack.tokn", &ann())
                .await
                .expect_err("unknown")
                .code,
            "not_found"
        );
        remove(services, "slack.token", &ann()).await.expect("is there");
        assert_eq!(page(services, all()).await.expect("lists").len(), 1);
        for (name, origin, value) in [
            ("token", "https://a.b", "x"),
            ("a.b", "nowhere", "x"),
            ("a.b", "https://a.b", ""),
        ] {
            assert_eq!(
                set(services, name, origin, value, &ann())
                    .await
                    .expect_err(name)
                    .code,
                "secret_invalid"
            );
        }
    }
}
