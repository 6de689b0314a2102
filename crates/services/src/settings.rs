//! Settings: a fixed set of typed keys with defaults, kept in the store and changed with an audit leaf.

mod check;

use std::collections::BTreeMap;

use governance::{Need, Rule};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use types::{Actor, Failure};

use crate::names::{cut, nearest};
use crate::principal::Principal;
use crate::{Result, Services};
use check::{as_type, check_domains, check_groups, check_keeper, check_limits, check_sender, check_urls};

/// Whether people may decide approvals of runs that they started.
pub const SELF_APPROVAL: &str = "approvals.self_approval";
/// Groups that approvals may name, each with its members.
pub const GROUPS: &str = "approvals.groups";
/// The installation's own rules by `tool.action`.
pub const RULES: &str = "approvals.rules";
/// The rule for writes that nothing else decides.
pub const REST: &str = "approvals.rest";
/// Where tools live in real mode, by tool.
pub const BASE_URLS: &str = "tools.base_urls";
/// How often and how many at once, by tool.
pub const LIMITS: &str = "tools.limits";
/// Domains that pages may be fetched from.
pub const FETCH_DOMAINS: &str = "tools.page_fetch.domains";
/// Which search service answers.
pub const SEARCH_ENGINE: &str = "tools.web_search.engine";
/// Who e-mails come from.
pub const MAIL_FROM: &str = "tools.email.from";
/// Tools whose address may be private.
pub const PRIVATE: &str = "tools.private";
/// Where tickets are kept.
pub const TICKETS: &str = "tools.incident_ticketing.through";
/// Tickets are kept by the built-in desk.
pub const BUILT_IN: &str = "built_in";
/// Mock or real, for runs that don't say.
pub const MODE: &str = "runs.mode";
/// Workflows of earlier tools, as they were written.
pub const WORKFLOWS: &str = "workflows.kept";
/// Guardrails of earlier tools, as they were written.
pub const GUARDRAILS: &str = "guardrails.kept";

/// The most bytes of JSON that kept documents of one kind may have.
const MOST_KEPT: usize = 4 * 1024 * 1024;

/// One key that can be set.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    /// Its name.
    pub name: &'static str,
    /// What it is for, one sentence.
    pub description: &'static str,
    /// What it takes, as an example of the form.
    pub form: &'static str,
    default: fn() -> Value,
    check: fn(&Value) -> std::result::Result<(), String>,
}

/// Every key, by name.
pub const KEYS: &[Key] = &[
    Key {
        name: GROUPS,
        description: "groups that approvals may name, each with its members",
        form: r#"{"Support_L2": ["ann", "bob"]}"#,
        default: || json!({}),
        check: check_groups,
    },
    Key {
        name: REST,
        description: "what happens to writes that no rule names and that are neither destructive, notifications \
                      nor the opening of an issue; shipped: those of the shipped recipes run, others ask",
        form: r#""shipped", "run", "ask", "deny" or {"ask": {"groups": ["Support_L2"], "quorum": 1}}"#,
        default: || json!("shipped"),
        check: |value| parse_rest(value).map(drop),
    },
    Key {
        name: RULES,
        description: "rules of this installation by action, which beat everything shipped",
        form: r#"{"zoom.restart_room": "ask", "slack.post_message": "run"}"#,
        default: || json!({}),
        check: |value| parse_rules(value).map(drop),
    },
    Key {
        name: SELF_APPROVAL,
        description: "whether people may decide approvals of runs that they started themselves",
        form: "true or false",
        default: || json!(false),
        check: |value| as_type::<bool>(value, "true or false"),
    },
    Key {
        name: WORKFLOWS,
        description: "workflows of earlier tools as they were written, by short name, until workflows can run",
        form: r#"{"daily-health": {"trigger": {"cron": "0 6 * * *"}, "graph": []}}"#,
        default: || json!({}),
        check: check_documents,
    },
    Key {
        name: GUARDRAILS,
        description: "guardrails of earlier tools as they were written, by short name; nothing enforces them",
        form: r#"{"default-guardrails": {"deny_domains": ["example.com"]}}"#,
        default: || json!({}),
        check: check_documents,
    },
    Key {
        name: MODE,
        description: "mock (the sandbox) or real (the configured services), for runs that don't say",
        form: r#""mock" or "real""#,
        default: || json!("mock"),
        check: |value| as_type::<types::Mode>(value, r#""mock" or "real""#),
    },
    Key {
        name: BASE_URLS,
        description: "where tools live in real mode, by tool; a secret is sent only to the origin it was set for",
        form: r#"{"servicenow": "https://example.service-now.com"}"#,
        default: || json!({}),
        check: check_urls,
    },
    Key {
        name: TICKETS,
        description: "where incident_ticketing keeps tickets; a call that is under way stays where it began",
        form: r#""built_in", "servicenow" or "jira:PROJECT""#,
        default: || json!(BUILT_IN),
        check: check_keeper,
    },
    Key {
        name: MAIL_FROM,
        description: "the address that e-mails come from in real mode",
        form: r#""AV operations <av@example.com>""#,
        default: || json!(""),
        check: check_sender,
    },
    Key {
        name: LIMITS,
        description: "for each tool (* for all) how many calls may begin in a minute and be under way at once, and after how many failures in a row the tool is let alone, for how many seconds at first",
        form: r#"{"*": {"per_minute": 600, "at_once": 32, "failures": 5, "open_s": 30}, "zoom": {"per_minute": 60}}"#,
        default: || json!({}),
        check: check_limits,
    },
    Key {
        name: FETCH_DOMAINS,
        description: "domains that page_fetch.fetch_page may read from, with their subdomains where written *.domain, on the usual ports or the one given; none: it fetches nothing",
        form: r#"["example.com", "*.example.org", "wiki.example.net:8443"]"#,
        default: || json!([]),
        check: check_domains,
    },
    Key {
        name: PRIVATE,
        description: "tools whose address may be private or loopback in real mode; link-local and metadata addresses stay closed",
        form: r#"["qsys_control"]"#,
        default: || json!([]),
        check: |value| as_type::<Vec<String>>(value, "a list of tools"),
    },
    Key {
        name: SEARCH_ENGINE,
        description: "which service web_search.search asks: a SearXNG instance at the tool's base URL, or Brave",
        form: r#""searxng" or "brave""#,
        default: || json!("searxng"),
        check: |value| match value.as_str() {
            Some("searxng" | "brave") => Ok(()),
            _ => Err(r#"it is "searxng" or "brave""#.to_owned()),
        },
    },
];

/// A setting as it stands.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Setting {
    /// Its key.
    pub key: &'static str,
    /// What holds now.
    pub value: Value,
    /// Whether nobody has set it.
    pub is_default: bool,
    /// What it is for.
    pub description: &'static str,
    /// What it takes.
    pub form: &'static str,
}

/// Every setting, by key.
///
/// # Errors
/// The store can't be read.
pub async fn list(services: &Services) -> Result<Vec<Setting>> {
    let stored = services.store.settings(services.tenant).await?;
    Ok(KEYS
        .iter()
        .map(|key| {
            let found = stored
                .iter()
                .find(|(name, _)| name == key.name)
                .map(|(_, value)| value.clone());
            shown(key, found)
        })
        .collect())
}

/// One setting.
///
/// # Errors
/// `setting_unknown`, or the store can't be read.
pub async fn get(services: &Services, key: &str) -> Result<Setting> {
    let key = find(key)?;
    let found = services.store.setting(services.tenant, key.name).await?;
    Ok(shown(key, found))
}

/// Sets a setting, if it is still as somebody saw it.
///
/// # Errors
/// `human_needed` for a token that would say who decides approvals or what needs one, `setting_unknown`, `setting_invalid`,
/// `conflict` if it was changed meanwhile, or the store can't be written.
pub async fn change(
    services: &Services,
    key: &str,
    value: Value,
    seen: Option<Setting>,
    by: &Principal,
) -> Result<Setting> {
    if [GROUPS, SELF_APPROVAL, RULES, REST].contains(&key) {
        by.must_be_present("says what needs an approval, and who decides it")?;
    }
    put(services, key, value, seen, &by.actor).await
}

/// Whether a setting takes this value.
///
/// # Errors
/// `setting_unknown`, `setting_invalid`.
pub(crate) fn check(key: &str, value: &Value) -> Result<&'static Key> {
    let key = find(key)?;
    (key.check)(value).map_err(|why| {
        Failure::new(
            "setting_invalid",
            format!(
                "the setting {} doesn't take {}: {why}",
                key.name,
                cut(&value.to_string())
            ),
        )
        .hint(format!("it takes {}", key.form))
    })?;
    Ok(key)
}

async fn put(
    services: &Services,
    key: &str,
    value: Value,
    seen: Option<Setting>,
    by: &Actor,
) -> Result<Setting> {
    let key = check(key, &value)?;
    let before = services.store.setting(services.tenant, key.name).await?;
    let seen = seen.map(|seen| if seen.is_default { Value::Null } else { seen.value });
    let body = json!({"key": key.name, "before": before, "after": value});
    let leaf = services.leaf("setting_changed", by, body);
    services
        .store
        .put_setting(services.tenant, key.name, value.clone(), seen, leaf)
        .await?;
    services.runs.forget_facts();
    services.tools.take_up().await?;
    Ok(shown(key, Some(value)))
}

/// The value of a known key, or its default.
///
/// # Errors
/// `setting_unknown`, `setting_invalid` if the stored value has another type, or the store can't be read.
pub async fn read<T: DeserializeOwned>(services: &Services, key: &str) -> Result<T> {
    typed(key, services.store.setting(services.tenant, key).await?)
}

/// What a setting stands for, out of what is stored, or its default.
///
/// # Errors
/// `setting_unknown`, `setting_invalid` if it is of another type.
pub(crate) fn typed<T: DeserializeOwned>(key: &str, stored: Option<Value>) -> Result<T> {
    serde_json::from_value(shown(find(key)?, stored).value)
        .map_err(|error| stored_badly(key, &error.to_string()))
}

/// The rule for the rest; `None` is the shipped list.
pub(crate) fn parse_rest(value: &Value) -> std::result::Result<Option<Rule>, String> {
    if value == "shipped" {
        return Ok(None);
    }
    parse_rule(value).map(Some)
}

/// A rule as people write it: `run`, `ask`, `deny`, or `ask` with whose approval.
pub(crate) fn parse_rule(value: &Value) -> std::result::Result<Rule, String> {
    match value {
        Value::String(word) => match word.as_str() {
            "run" => Ok(Rule::Run),
            "ask" => Ok(Rule::ask()),
            "deny" => Ok(Rule::Deny),
            other => Err(format!("'{}' is none of run, ask, deny", cut(other))),
        },
        Value::Object(map) if map.len() == 1 => {
            let Some(Value::Object(wish)) = map.get("ask") else {
                return Err("only `ask` takes more".to_owned());
            };
            parse_need(wish).map(Rule::Ask)
        }
        _ => Err("a rule is run, ask or deny".to_owned()),
    }
}

fn parse_need(wish: &serde_json::Map<String, Value>) -> std::result::Result<Need, String> {
    let mut need = Need::default();
    for (key, value) in wish {
        match key.as_str() {
            "groups" => {
                need.groups = serde_json::from_value(value.clone())
                    .map_err(|_| "groups is a list of names".to_owned())?;
            }
            "quorum" => {
                need.quorum = serde_json::from_value(value.clone())
                    .ok()
                    .filter(|quorum| (1..=20).contains(quorum))
                    .ok_or("quorum is a number from 1 to 20")?;
            }
            "expires_s" => {
                let seconds: u64 = serde_json::from_value(value.clone())
                    .ok()
                    .filter(|seconds| (1..=31_536_000).contains(seconds))
                    .ok_or("expires_s is a number of seconds, at most a year")?;
                need.expires_ms = seconds * 1000;
            }
            other => return Err(format!("'{}' is none of groups, quorum, expires_s", cut(other))),
        }
    }
    Ok(need)
}

/// Rules by action.
pub(crate) fn parse_rules(
    value: &Value,
) -> std::result::Result<std::collections::BTreeMap<String, Rule>, String> {
    let Value::Object(map) = value else {
        return Err("it is an object of actions and rules".to_owned());
    };
    map.iter()
        .map(|(action, rule)| {
            if !action.contains('.') {
                return Err(format!("'{}' is not a tool.action", cut(action)));
            }
            let rule = parse_rule(rule).map_err(|why| format!("{}: {why}", cut(action)))?;
            Ok((action.clone(), rule))
        })
        .collect()
}

/// A value in the store that this binary can't read: an older or newer one wrote it.
pub(crate) fn stored_badly(key: &str, why: &str) -> Failure {
    Failure::new(
        "setting_invalid",
        format!("the stored setting {key} can't be read: {why}"),
    )
    .hint(format!("set it again with `agentops setting set {key} …`"))
}

fn check_documents(value: &Value) -> std::result::Result<(), String> {
    type Documents = BTreeMap<String, serde_json::Map<String, Value>>;
    if value.to_string().len() > MOST_KEPT {
        return Err(format!("it has more than {MOST_KEPT} bytes"));
    }
    as_type::<Documents>(value, "documents by name")
}

fn find(name: &str) -> Result<&'static Key> {
    KEYS.iter().find(|key| key.name == name).ok_or_else(|| {
        let failure = Failure::new("setting_unknown", format!("there is no setting '{}'", cut(name)));
        match nearest(name, KEYS.iter().map(|key| key.name)) {
            Some(near) => failure.hint(format!("did you mean '{near}'?")),
            None => failure.hint("see `agentops setting list`"),
        }
    })
}

fn shown(key: &'static Key, stored: Option<Value>) -> Setting {
    Setting {
        key: key.name,
        is_default: stored.is_none(),
        value: stored.unwrap_or_else(key.default),
        description: key.description,
        form: key.form,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{self, ann};

    #[test]
    fn every_default_passes_its_own_check() {
        for key in KEYS {
            assert_eq!((key.check)(&(key.default)()), Ok(()), "{}", key.name);
        }
    }

    #[tokio::test]
    async fn tickets_are_kept_where_somebody_can_keep_them() {
        let bench = testing::bench().await;
        for (keeper, good) in [
            ("built_in", true),
            ("servicenow", true),
            ("jira:OPS", true),
            ("jira", false),
            ("jira:ops", false),
            ("jira:O\"P", false),
            ("zoom", false),
        ] {
            let set = put(&bench.services, TICKETS, json!(keeper), None, &ann()).await;
            assert_eq!(set.is_ok(), good, "{keeper}");
        }
    }

    #[tokio::test]
    async fn a_setting_is_typed_and_leaves_an_audit_leaf() {
        let bench = testing::bench().await;
        assert!(
            get(&bench.services, SELF_APPROVAL)
                .await
                .expect("known")
                .is_default
        );
        put(&bench.services, SELF_APPROVAL, json!(true), None, &ann())
            .await
            .expect("fits");
        let stands = get(&bench.services, SELF_APPROVAL).await.expect("known");
        assert_eq!((stands.value, stands.is_default), (json!(true), false));
        let leaves = bench
            .services
            .store
            .leaves(bench.services.tenant, 0, 10)
            .await
            .expect("leaves");
        assert_eq!(
            leaves.last().map(|record| record.leaf.kind.as_str()),
            Some("setting_changed")
        );

        for (key, value) in [
            (
                LIMITS,
                json!({"*": {"per_minute": 10}, "zoom": {"failures": 2, "open_s": 5}}),
            ),
            (
                FETCH_DOMAINS,
                json!(["example.com", "*.example.org:8443", "localhost:80"]),
            ),
            (MAIL_FROM, json!("AV operations <av@example.com>")),
            (MAIL_FROM, json!("av@example.com")),
        ] {
            put(&bench.services, key, value, None, &ann()).await.expect(key);
        }
        for (key, value, code) in [
            (SELF_APPROVAL, json!("yes"), "setting_invalid"),
            (RULES, json!({"zoom.restart_room": "maybe"}), "setting_invalid"),
            (RULES, json!({"restart": "run"}), "setting_invalid"),
            (REST, json!({"ask": {"quorum": 0}}), "setting_invalid"),
            (MODE, json!("fake"), "setting_invalid"),
            (LIMITS, json!({"zoom": {"per_minute": 0}}), "setting_invalid"),
            (LIMITS, json!({"zoom": {"per_hour": 5}}), "setting_invalid"),
            (LIMITS, json!({"zoom": {"at_once": 5_000}}), "setting_invalid"),
            (FETCH_DOMAINS, json!(["https://example.com"]), "setting_invalid"),
            (FETCH_DOMAINS, json!(["*"]), "setting_invalid"),
            (FETCH_DOMAINS, json!(["example.com:0"]), "setting_invalid"),
            (SEARCH_ENGINE, json!("altavista"), "setting_invalid"),
            (
                MAIL_FROM,
                json!("a@b.example\r\nBcc: c@d.example"),
                "setting_invalid",
            ),
            (MAIL_FROM, json!("nobody"), "setting_invalid"),
            ("aprovals.self_approval", json!(true), "setting_unknown"),
        ] {
            let failure = put(&bench.services, key, value, None, &ann())
                .await
                .expect_err(key);
            assert_eq!(failure.code, code, "{key}");
        }
        let failure = get(&bench.services, "aprovals.self_approval")
            .await
            .expect_err("unknown");
        assert_eq!(
            failure.hint.as_deref(),
            Some("did you mean 'approvals.self_approval'?")
        );
    }
}
