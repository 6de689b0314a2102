//! Judging requests and answers by the types that a vendor publishes with its SDK: TypeScript's
//! compiler or the SDK's own zod schemas decide, and both must refuse the same values broken.

use serde_json::{Map, Value, json};

use crate::peers;
use crate::recorder::Exchange;

/// Who decides.
#[derive(Debug, Clone, Copy)]
pub enum By {
    /// A TypeScript type, such as `import("@slack/web-api").AuthTestResponse`.
    TypeScript,
    /// A schema that a module exports: `jira.js/dist/cloud/models/comment.js CommentSchema`.
    Zod,
}

impl By {
    const fn script(self) -> &'static str {
        match self {
            By::TypeScript => "types.mjs",
            By::Zod => "zod.mjs",
        }
    }
}

/// That a value is of a type.
#[derive(Debug)]
pub struct Claim {
    what: String,
    kind: String,
    value: Value,
}

impl Claim {
    pub fn new(what: impl Into<String>, kind: impl Into<String>, value: Value) -> Self {
        Self {
            what: what.into(),
            kind: kind.into(),
            value,
        }
    }

    /// That the parameters of a query or a form are, once read, a TypeScript type of this name.
    pub fn of_pairs(what: impl Into<String>, kind: &str, pairs: Vec<(String, String)>) -> Self {
        let fields: Map<String, Value> = pairs
            .into_iter()
            .map(|(name, text)| (name, text.into()))
            .collect();
        Self::new(what, format!("Wire<{kind}>"), fields.into())
    }

    /// The same with a key that nobody knows, and the same with each key of a kind that nothing has.
    fn broken(&self) -> Vec<Value> {
        let Some(fields) = self.value.as_object() else {
            panic!("{}: only objects are judged: {}", self.what, self.value);
        };
        let mut strange = fields.clone();
        strange.insert("zz_unheard_of".to_owned(), 1.into());
        let mut all = vec![Value::Object(strange)];
        all.extend(fields.keys().map(|name| {
            let mut spoilt = fields.clone();
            spoilt.insert(name.clone(), json!([[{ "zz_unheard_of": 1 }]]));
            Value::Object(spoilt)
        }));
        all
    }
}

/// Everything in which the values aren't of their types. A type that takes just anything is a problem, too.
pub fn problems(by: By, claims: &[Claim]) -> Vec<String> {
    let mut asked = Vec::new();
    for claim in claims {
        asked.push(json!({"type": claim.kind, "value": claim.value}));
        asked.extend(
            claim
                .broken()
                .into_iter()
                .map(|value| json!({"type": claim.kind, "value": value})),
        );
    }
    let mut verdicts = verdicts(by, &asked).into_iter();
    let mut verdict = || verdicts.next().expect("a verdict on each claim");
    let mut problems = Vec::new();
    for claim in claims {
        let told = verdict()
            .into_iter()
            .map(|problem| format!("{}: {problem}", claim.what));
        problems.extend(told);
        let keys = claim
            .value
            .as_object()
            .into_iter()
            .flat_map(Map::keys)
            .map(String::as_str);
        for key in std::iter::once("zz_unheard_of").chain(keys) {
            if verdict().is_empty() {
                problems.push(format!("{}: {} takes anything as {key}", claim.what, claim.kind));
            }
        }
    }
    problems.sort();
    problems.dedup();
    problems
}

/// Both sides of each exchange by TypeScript types; `kinds` finds, by an exchange, the types of what was
/// sent and of what was told. What is sent may be a query, a form or JSON.
pub fn claims(exchanges: &[Exchange], kinds: impl Fn(&Exchange) -> (Option<String>, String)) -> Vec<Claim> {
    let mut claims = Vec::new();
    for exchange in exchanges {
        let what = format!("{} {}", exchange.method, exchange.path);
        let (sent, told) = kinds(exchange);
        if let Some(kind) = sent {
            claims.push(match exchange.request() {
                Some(body) => Claim::new(format!("{what}: request"), kind, body),
                None => {
                    let mut pairs = exchange.query_pairs();
                    pairs.extend(exchange.form_pairs());
                    Claim::of_pairs(format!("{what}: request"), &kind, pairs)
                }
            });
        }
        let answer = exchange
            .answer()
            .unwrap_or_else(|| panic!("{what}: no JSON was told"));
        claims.push(Claim::new(format!("{what}: answer"), told, answer));
    }
    claims
}

/// The problems of each claim, in their order.
fn verdicts(by: By, asked: &[Value]) -> Vec<Vec<String>> {
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), Value::from(asked.to_vec()).to_string()).expect("the claims are written");
    let mut command = peers::interpreter(by.script());
    let told = peers::printed(by.script(), command.arg(file.path()));
    let verdicts: Vec<Vec<String>> = serde_json::from_value(told).expect("lists of problems");
    assert_eq!(verdicts.len(), asked.len());
    verdicts
}

#[test]
fn a_value_of_another_type_is_found_and_so_is_a_type_that_takes_anything() {
    let kind = "{ name: string; size?: number; inner?: { on: boolean } }";
    let check = |kind: &str, value: Value| problems(By::TypeScript, &[Claim::new("it", kind, value)]);
    assert_eq!(
        check(kind, json!({"name": "a", "inner": {"on": true}})),
        Vec::<String>::new()
    );
    for wrong in [
        json!({"size": 1}),
        json!({"name": 1}),
        json!({"name": "a", "nam": "a"}),
        json!({"name": "a", "inner": {"on": true, "off": true}}),
    ] {
        assert_eq!(check(kind, wrong.clone()).len(), 1, "{wrong}");
    }
    let loose = check("{ name: string; [more: string]: unknown }", json!({"name": "a"}));
    assert!(
        loose.len() == 1 && loose[0].contains("takes anything as zz_unheard_of"),
        "{loose:?}"
    );
    let pairs = |text: &str| vec![("size".to_owned(), text.to_owned())];
    let form = |text| {
        problems(
            By::TypeScript,
            &[Claim::of_pairs("it", "{ size: number }", pairs(text))],
        )
    };
    assert_eq!((form("12").len(), form("x").len()), (0, 1));

    let kind = "jira.js/dist/cloud/models/createdIssue.js CreatedIssueSchema";
    let check = |value: Value| problems(By::Zod, &[Claim::new("it", kind, value)]);
    let issue = json!({"id": "1", "key": "OPS-1", "self": "https://jira.example/1"});
    assert_eq!(check(issue.clone()), Vec::<String>::new());
    for (name, value) in [("id", json!(1)), ("more", json!(1)), ("self", Value::Null)] {
        let mut wrong = issue.clone();
        wrong[name] = value;
        assert_eq!(check(wrong.clone()).len(), 1, "{wrong}");
    }
}
