//! `zoom.check_policy`: a room's settings against a policy document.
//!
//! A document is `{name, version?, rules: [{setting, expected | one_of | min | max, optional?}]}`. A
//! setting is a dotted path into the answer of `GET /v2/rooms/{id}/settings`. A setting that isn't
//! there violates its rule unless the rule is optional.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{api::Api, rooms};
use crate::arguments::{invalid, text};
use crate::http::Request;
use crate::{Answer, CallError};

/// The most rules a document may have.
const MOST_RULES: usize = 500;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Policy {
    #[serde(default)]
    name: String,
    #[serde(default)]
    version: String,
    rules: Vec<Rule>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rule {
    setting: String,
    #[serde(default)]
    expected: Option<Value>,
    #[serde(default)]
    one_of: Option<Vec<Value>>,
    #[serde(default)]
    min: Option<f64>,
    #[serde(default)]
    max: Option<f64>,
    #[serde(default)]
    optional: bool,
}

/// Checks one room.
pub(super) async fn call(api: &Api<'_>, args: &Value) -> Result<Answer, CallError> {
    let policy = policy(args.get("policy"))?;
    let id = rooms::id_of(api, text(args, "room_id").unwrap_or_default()).await?;
    let request = Request::get(&["v2", "rooms", &id, "settings"]).query("setting_type", "meeting");
    let settings = api.json(request).await?;
    let violations: Vec<Value> = policy
        .rules
        .iter()
        .filter_map(|rule| rule.violation(&settings))
        .collect();
    let checked = policy
        .rules
        .iter()
        .filter(|rule| !rule.optional || find(&settings, &rule.setting).is_some())
        .count();
    Ok(Answer::new(json!({
        "room_id": id,
        "policy": policy.name,
        "policy_version": policy.version,
        "ok": violations.is_empty(),
        "violations": violations,
        "checked": checked,
    })))
}

fn policy(given: Option<&Value>) -> Result<Policy, CallError> {
    let document = match given {
        None | Some(Value::Null) => {
            serde_json::from_str(include_str!("policy.json")).expect("the shipped policy is read by a test")
        }
        Some(document) => document.clone(),
    };
    let policy: Policy = serde_json::from_value(document)
        .map_err(|error| invalid(format!("the policy can't be read: {error}")))?;
    if policy.rules.len() > MOST_RULES {
        return Err(invalid(format!("the policy has more than {MOST_RULES} rules")));
    }
    match policy.rules.iter().find(|rule| !rule.says_something()) {
        Some(rule) => Err(invalid(format!(
            "the rule for '{}' needs expected, one_of, min or max",
            rule.setting
        ))),
        None => Ok(policy),
    }
}

impl Rule {
    fn says_something(&self) -> bool {
        self.expected.is_some() || self.one_of.is_some() || self.min.is_some() || self.max.is_some()
    }

    fn violation(&self, settings: &Value) -> Option<Value> {
        let actual = match find(settings, &self.setting) {
            Some(actual) => actual,
            None if self.optional => return None,
            None => &Value::Null,
        };
        if self.holds(actual) {
            return None;
        }
        Some(json!({ "setting": self.setting, "expected": self.wanted(), "actual": actual }))
    }

    fn holds(&self, actual: &Value) -> bool {
        let number = actual.as_f64();
        self.expected
            .as_ref()
            .is_none_or(|expected| same(expected, actual))
            && self
                .one_of
                .as_ref()
                .is_none_or(|known| known.iter().any(|known| same(known, actual)))
            && self
                .min
                .is_none_or(|min| number.is_some_and(|number| number >= min))
            && self
                .max
                .is_none_or(|max| number.is_some_and(|number| number <= max))
    }

    fn wanted(&self) -> Value {
        match (&self.expected, &self.one_of) {
            (Some(expected), None) if self.min.is_none() && self.max.is_none() => expected.clone(),
            _ => {
                let mut wanted = serde_json::Map::new();
                let parts = [
                    ("expected", self.expected.clone()),
                    ("one_of", self.one_of.clone().map(Value::from)),
                    ("min", self.min.map(Value::from)),
                    ("max", self.max.map(Value::from)),
                ];
                wanted.extend(
                    parts
                        .into_iter()
                        .filter_map(|(name, value)| Some((name.to_owned(), value?))),
                );
                Value::Object(wanted)
            }
        }
    }
}

/// Equal as JSON, where 1 and 1.0 are one number.
fn same(a: &Value, b: &Value) -> bool {
    match (a.as_f64(), b.as_f64()) {
        (Some(a), Some(b)) => a.total_cmp(&b).is_eq(),
        _ => a == b,
    }
}

fn find<'a>(settings: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').try_fold(settings, |value, name| value.get(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(rule: Value, settings: Value) -> Option<Value> {
        let rule: Rule = serde_json::from_value(rule).expect("a rule");
        rule.violation(&settings)
    }

    #[test]
    fn the_shipped_policy_is_read() {
        assert!(!policy(None).expect("the shipped policy").rules.is_empty());
    }

    #[test]
    fn rules_hold_or_say_what_is_wrong() {
        let settings = json!({"a": {"on": true, "n": 5, "mode": "x"}});
        assert_eq!(
            check(json!({"setting": "a.on", "expected": true}), settings.clone()),
            None
        );
        assert_eq!(
            check(json!({"setting": "a.n", "expected": 5.0}), settings.clone()),
            None
        );
        assert_eq!(
            check(json!({"setting": "a.n", "min": 1, "max": 5}), settings.clone()),
            None
        );
        assert_eq!(
            check(
                json!({"setting": "a.mode", "one_of": ["x", "y"]}),
                settings.clone()
            ),
            None
        );
        assert_eq!(
            check(
                json!({"setting": "a.gone", "expected": 1, "optional": true}),
                settings.clone()
            ),
            None
        );
        assert_eq!(
            check(json!({"setting": "a.n", "max": 4}), settings.clone()),
            Some(json!({"setting": "a.n", "expected": {"max": 4.0}, "actual": 5}))
        );
        assert_eq!(
            check(json!({"setting": "a.gone", "expected": true}), settings.clone()),
            Some(json!({"setting": "a.gone", "expected": true, "actual": null}))
        );
        assert!(
            check(json!({"setting": "a.on", "min": 1}), settings).is_some(),
            "true is no number"
        );
    }

    #[test]
    fn a_policy_that_says_nothing_is_refused() {
        for bad in [
            json!({"rules": [{"setting": "a"}]}),
            json!({"rules": [{"setting": "a", "expect": 1}]}),
            json!("strict"),
        ] {
            let error = policy(Some(&bad)).expect_err("refused");
            assert_eq!(error.failure().code, "arguments_invalid", "{bad}");
        }
    }
}
