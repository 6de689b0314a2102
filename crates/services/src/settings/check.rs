//! What each setting takes: checks of values, with what is wrong in words.

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::BUILT_IN;
use crate::names::cut;

/// The most domains that pages may be fetched from.
const MOST_DOMAINS: usize = 1_000;

pub(super) fn check_groups(value: &Value) -> std::result::Result<(), String> {
    as_type::<std::collections::BTreeMap<String, Vec<String>>>(
        value,
        "an object of groups and lists of names",
    )
}

pub(super) fn check_urls(value: &Value) -> std::result::Result<(), String> {
    let urls: std::collections::BTreeMap<String, String> =
        serde_json::from_value(value.clone()).map_err(|_| "it is an object of tools and URLs".to_owned())?;
    match urls
        .iter()
        .find(|(_, url)| crate::secrets::origin_of(url).is_none())
    {
        Some((tool, url)) => Err(format!("'{}' of {} is not a URL", cut(url), cut(tool))),
        None => Ok(()),
    }
}

pub(super) fn check_keeper(value: &Value) -> std::result::Result<(), String> {
    let fits = match value.as_str().unwrap_or_default() {
        BUILT_IN | "servicenow" => true,
        other => other.strip_prefix("jira:").is_some_and(is_project),
    };
    if fits {
        Ok(())
    } else {
        Err("it is built_in, servicenow, or jira: and a project's key, such as jira:OPS".to_owned())
    }
}

/// Whether a text is a key of a Jira project.
fn is_project(key: &str) -> bool {
    (2..=30).contains(&key.len())
        && key.starts_with(|c: char| c.is_ascii_uppercase())
        && key
            .chars()
            .all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
}

pub(super) fn check_limits(value: &Value) -> std::result::Result<(), String> {
    let limits: types::CallLimits = serde_json::from_value(value.clone())
        .map_err(|error| format!("it is an object of tools and limits: {error}"))?;
    let problem = |(tool, limit): (&String, &types::CallLimit)| {
        limit.problem().map(|why| format!("{}: {why}", cut(tool)))
    };
    match limits.iter().find_map(problem) {
        Some(problem) => Err(problem),
        None => Ok(()),
    }
}

pub(super) fn check_domains(value: &Value) -> std::result::Result<(), String> {
    let domains: Vec<String> =
        serde_json::from_value(value.clone()).map_err(|_| "it is a list of domains".to_owned())?;
    if domains.len() > MOST_DOMAINS {
        return Err(format!("it has more than {MOST_DOMAINS} domains"));
    }
    match domains.iter().find(|domain| !is_domain(domain)) {
        Some(odd) => Err(format!(
            "'{}' is not a domain such as example.com, *.example.com or example.com:8443",
            cut(odd)
        )),
        None => Ok(()),
    }
}

/// `host`, `*.host`, either with `:port`; the host a name of at least two parts or `localhost`.
fn is_domain(text: &str) -> bool {
    let (host, port) = text.split_once(':').unwrap_or((text, "1"));
    let host = host.strip_prefix("*.").unwrap_or(host);
    let label = |label: &str| {
        let inner = |c: char| c.is_ascii_alphanumeric() || c == '-';
        !label.is_empty() && label.len() <= 63 && label.chars().all(inner) && !label.starts_with('-')
    };
    port.parse::<u16>().is_ok_and(|port| port > 0)
        && host.len() <= 253
        && host.split('.').all(label)
        && (host.contains('.') || host == "localhost")
}

/// Empty, an address, or a name with an address in angle brackets.
pub(super) fn check_sender(value: &Value) -> std::result::Result<(), String> {
    let Some(text) = value.as_str() else {
        return Err("it is a text".to_owned());
    };
    let address = match text.split_once('<') {
        Some((_, rest)) => rest.strip_suffix('>').unwrap_or(""),
        None => text,
    };
    let good = address.split_once('@').is_some_and(|(local, domain)| {
        let plain = |c: char| !c.is_control() && !c.is_whitespace() && !"<>@,;".contains(c);
        !local.is_empty() && local.chars().all(plain) && is_domain(domain)
    });
    if text.is_empty() || (good && !text.chars().any(char::is_control)) {
        return Ok(());
    }
    Err(format!("'{}' is not an address", cut(text)))
}

pub(super) fn as_type<T: DeserializeOwned>(value: &Value, what: &str) -> std::result::Result<(), String> {
    serde_json::from_value::<T>(value.clone())
        .map(drop)
        .map_err(|_| format!("it is {what}"))
}
