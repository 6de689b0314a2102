//! Judging our requests by what a vendor's SDK sends for the same purpose: method, path, parameters,
//! media type, way to sign in, and the keys and JSON types of the body.
//!
//! An SDK is asked for each purpose once with everything that it takes (`PURPOSE.most`) and once with
//! as little as it takes (`PURPOSE.least`). A request of ours may have no key that the first hasn't, and
//! must have each that the second has.

use std::cell::RefCell;
use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::recorder::Exchange;

/// What an SDK sent, and where it leaves the choice to its caller.
pub struct Judge {
    known: Vec<Exchange>,
    /// Places whose keys an SDK takes as they come, each with why.
    free: Vec<(&'static str, &'static str)>,
    used: RefCell<BTreeSet<&'static str>>,
    matched: RefCell<BTreeSet<String>>,
}

impl Judge {
    /// Judges by these recordings.
    pub fn new(known: Vec<Exchange>) -> Self {
        Self {
            known,
            free: Vec::new(),
            used: RefCell::default(),
            matched: RefCell::default(),
        }
    }

    /// Lets any key stand at a JSON pointer, or one key stand or miss there; `query/NAME` and `form/NAME`
    /// are parameters.
    pub fn except(mut self, place: &'static str, reason: &'static str) -> Self {
        assert!(!reason.is_empty(), "{place}: an exception needs a reason");
        self.free.push((place, reason));
        self
    }

    /// Everything in which a request of ours is unlike the SDK's; by the purpose that it is most like.
    pub fn problems(&self, ours: &Exchange) -> Vec<String> {
        let what = format!("{} {}", ours.method, ours.path);
        let same = |known: &&Exchange| known.method == ours.method && known.path == ours.path;
        let most = self
            .known
            .iter()
            .filter(same)
            .filter(|known| known.label.ends_with(".most"));
        let judged = most.map(|most| {
            let mut problems = self.differences(ours, most);
            problems.extend(self.lacks(ours, purpose(most)));
            if problems.is_empty() {
                self.matched.borrow_mut().insert(purpose(most).to_owned());
            }
            (problems, purpose(most))
        });
        match judged.min_by_key(|(problems, _)| problems.len()) {
            None => vec![format!("{what}: no SDK sends that")],
            Some((problems, purpose)) => {
                let told = |problem| format!("{what} ({purpose}): {problem}");
                problems.into_iter().map(told).collect()
            }
        }
    }

    /// Purposes that no request of ours had, and exceptions that none needed: both don't belong there.
    pub fn left_over(&self) -> Vec<String> {
        let matched = self.matched.borrow();
        let idle = self
            .known
            .iter()
            .map(purpose)
            .filter(|purpose| !matched.contains(*purpose));
        let used = self.used.borrow();
        let unused = self
            .free
            .iter()
            .map(|(place, _)| *place)
            .filter(|place| !used.contains(place));
        let names: BTreeSet<&str> = idle.chain(unused).collect();
        names.into_iter().map(str::to_owned).collect()
    }

    fn differences(&self, ours: &Exchange, most: &Exchange) -> Vec<String> {
        let mut problems = Vec::new();
        let mut unlike = |what: &str, ours: String, theirs: String| {
            if ours != theirs {
                problems.push(format!("{what} is {ours:?}, an SDK's {theirs:?}"));
            }
        };
        unlike("the way to sign in", credentials(ours), credentials(most));
        if !ours.sent.is_empty() || !most.sent.is_empty() {
            unlike("the media type", ours.sent_type(), most.sent_type());
        }
        problems.extend(self.strangers("query", &ours.query_pairs(), &most.query_pairs()));
        problems.extend(self.strangers("form", &ours.form_pairs(), &most.form_pairs()));
        match (ours.request(), most.request()) {
            (Some(ours), Some(most)) => self.unlike("", &ours, &most, &mut problems),
            (Some(_), None) => problems.push("a JSON body, an SDK sends none".to_owned()),
            (None, _) => {}
        }
        problems
    }

    /// Parameters that the SDK doesn't send, or with another kind of text.
    fn strangers(&self, place: &str, ours: &[(String, String)], most: &[(String, String)]) -> Vec<String> {
        let mut problems = Vec::new();
        for (name, text) in ours {
            let at = format!("{place}/{name}");
            match most.iter().find(|(known, _)| known == name) {
                None if self.is_free(&at) => {}
                None => problems.push(format!("{at}: no SDK sends it")),
                Some((_, known)) if is_number(text) != is_number(known) => {
                    problems.push(format!("{at}: {text:?} is of another kind than {known:?}"));
                }
                Some(_) => {}
            }
        }
        problems
    }

    fn unlike(&self, at: &str, ours: &Value, most: &Value, problems: &mut Vec<String>) {
        match (ours, most) {
            (Value::Object(ours), Value::Object(most)) => self.unlike_fields(at, ours, most, problems),
            (Value::Array(ours), Value::Array(most)) => {
                for item in ours {
                    let judged = most.iter().map(|known| {
                        let mut problems = Vec::new();
                        self.unlike(&format!("{at}/0"), item, known, &mut problems);
                        problems
                    });
                    problems.extend(judged.min_by_key(Vec::len).unwrap_or_default());
                }
            }
            _ if kind(ours) == kind(most) => {}
            _ => problems.push(format!("{at}: {} where an SDK sends {}", kind(ours), kind(most))),
        }
    }

    fn unlike_fields(
        &self,
        at: &str,
        ours: &Map<String, Value>,
        most: &Map<String, Value>,
        problems: &mut Vec<String>,
    ) {
        for (name, value) in ours {
            let inner = format!("{at}/{name}");
            match most.get(name) {
                Some(known) => self.unlike(&inner, value, known, problems),
                None if self.is_free(at) || self.is_free(&inner) => {}
                None => problems.push(format!("{inner}: no SDK sends it")),
            }
        }
    }

    /// What even the shortest call of the SDK for the purpose has, and ours hasn't.
    fn lacks(&self, ours: &Exchange, wanted: &str) -> Vec<String> {
        let label = format!("{wanted}.least");
        let Some(least) = self.known.iter().find(|known| known.label == label) else {
            return vec![format!("no SDK was asked for {label}")];
        };
        let mut problems = Vec::new();
        for (place, ours, least) in [
            ("query", ours.query_pairs(), least.query_pairs()),
            ("form", ours.form_pairs(), least.form_pairs()),
        ] {
            let missing = least
                .iter()
                .filter(|(name, _)| !ours.iter().any(|(own, _)| own == name));
            problems.extend(missing.map(|(name, _)| format!("{place}/{name} is missing")));
        }
        if let Some(least) = least.request() {
            missing("", &ours.request().unwrap_or_default(), &least, &mut problems);
        }
        problems.retain(|problem| {
            let place = problem.strip_suffix(" is missing").unwrap_or_default();
            !self.is_free(place)
        });
        problems
    }

    fn is_free(&self, at: &str) -> bool {
        let found = self.free.iter().find(|(place, _)| *place == at);
        found.is_some_and(|(place, _)| {
            self.used.borrow_mut().insert(place);
            true
        })
    }
}

/// Judges all of our requests, and says what belongs to none of them.
pub fn all_problems(judge: &Judge, ours: &[Exchange]) -> Vec<String> {
    let mut problems: Vec<String> = ours
        .iter()
        .flat_map(|exchange| judge.problems(exchange))
        .collect();
    problems.extend(
        judge
            .left_over()
            .into_iter()
            .map(|name| format!("{name}: nothing of ours has it")),
    );
    problems
}

fn purpose(known: &Exchange) -> &str {
    known
        .label
        .rsplit_once('.')
        .map_or(&known.label, |(purpose, _)| purpose)
}

/// The headers that sign a request in, with the scheme but not the secret.
fn credentials(exchange: &Exchange) -> String {
    let mut found: Vec<String> = Vec::new();
    for (name, value) in &exchange.headers {
        let name = name.as_str();
        if name == "authorization" || name.contains("token") || name.ends_with("-key") {
            let text = value.to_str().unwrap_or_default();
            let scheme = text.split_once(' ').map_or("", |(scheme, _)| scheme);
            found.push(format!("{name}: {scheme}"));
        }
    }
    found.sort();
    found.join(", ")
}

fn missing(at: &str, ours: &Value, least: &Value, problems: &mut Vec<String>) {
    for (name, wanted) in least.as_object().into_iter().flatten() {
        let inner = format!("{at}/{name}");
        match ours.get(name) {
            None => problems.push(format!("{inner} is missing")),
            Some(value) => missing(&inner, value, wanted, problems),
        }
    }
}

/// Python's SDKs write a flag as 1, others as true.
fn is_number(text: &str) -> bool {
    matches!(text, "true" | "false") || text.parse::<f64>().is_ok()
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a flag",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
