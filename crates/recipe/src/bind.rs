//! Plain words bound to tool actions: BM25 over what each action is called, does and takes, weighed
//! by how much of the action's name was said, its verb, and the arguments that are given.

use std::collections::{BTreeMap, BTreeSet};

use bm25::{DefaultTokenizer, Document, Language, SearchEngine, SearchEngineBuilder, Tokenizer};
use serde_json::Value;
use types::{ActionSpec, Catalog, Effect};

#[cfg(test)]
mod tests;

/// The share of the words that the action must explain.
const MIN_COVERAGE: f32 = 0.5;
/// How much better the best action must fit than the next.
const MIN_MARGIN: f32 = 1.15;
/// How many words must be found at least.
const MIN_MATCHES: usize = 2;
/// Actions that are weighed at most.
const MOST_WEIGHED: usize = 100;
/// Actions that are told at most.
const MOST_TOLD: usize = 4;
/// What an action whose name begins with the verb that was said is worth more.
const SAME_VERB: f32 = 1.3;
/// What is left of an action that does something else than the verb that was said.
const OTHER_VERB: f32 = 0.75;
/// What is left of an action none of whose things was said: to check a room is not to check a policy.
const NOTHING_SAID: f32 = 0.5;
/// What a read is worth more, so that it wins when a write fits about as well.
const READ: f32 = 1.1;
/// What is left of an action for each given argument that it doesn't take.
const FOREIGN_ARGUMENT: f32 = 0.5;

/// Verbs that mean the same to the binder; the first stands for the others. Two words stand for a
/// phrase at the beginning of a sentence.
const VERBS: &[&[&str]] = &[
    &[
        "find",
        "get",
        "lookup",
        "look up",
        "look for",
        "search",
        "search for",
        "locate",
        "fetch",
        "read",
    ],
    &["list", "show"],
    &["create", "make", "open", "raise", "schedule", "set up"],
    &["send", "post", "write to", "tell"],
    &["update", "change", "edit"],
    &["restart", "reboot"],
    &["check", "verify", "validate"],
    &["attach", "upload"],
    &["save", "keep", "store"],
    &["add", "append"],
];

/// Finds actions by words.
pub(crate) struct Binder {
    engine: SearchEngine<String>,
    tokenizer: DefaultTokenizer,
    actions: BTreeMap<String, Known>,
}

/// What the binder knows of an action.
struct Known {
    tokens: BTreeSet<String>,
    /// Its own name and its other names.
    names: Vec<Called>,
    arguments: BTreeSet<String>,
    /// Whether it takes arguments that it doesn't name.
    takes_more: bool,
    reads: bool,
}

/// A name taken apart.
struct Called {
    verb: Option<&'static str>,
    things: BTreeSet<String>,
}

/// Actions that fit, best first.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Fit {
    pub ranked: Vec<(String, f32)>,
    /// Whether the first is clearly meant.
    pub clear: bool,
}

impl Binder {
    pub(crate) fn new(catalog: &Catalog) -> Self {
        let tokenizer = DefaultTokenizer::new(Language::English);
        // Words that strangers wrote choose no action.
        let own = catalog.tools().filter(|tool| !tool.is_foreign());
        let actions = own.flat_map(|tool| &tool.actions);
        let texts: Vec<(&ActionSpec, String)> = actions.map(|spec| (spec, words_of(spec))).collect();
        let actions = texts
            .iter()
            .map(|(spec, text)| (spec.name(), Known::new(spec, text, &tokenizer)))
            .collect();
        let documents: Vec<Document<String>> = texts
            .into_iter()
            .map(|(spec, contents)| Document {
                id: spec.name(),
                contents,
            })
            .collect();
        let engine = SearchEngineBuilder::<String>::with_documents(Language::English, documents).build();
        Self {
            engine,
            tokenizer,
            actions,
        }
    }

    /// Actions for these words, where arguments of these names are given.
    pub(crate) fn fit(&self, words: &str, given: &[&str]) -> Fit {
        let (verb, words) = said(words);
        let wanted: BTreeSet<String> = self.tokenizer.tokenize(&words).into_iter().collect();
        let mut ranked: Vec<(String, f32)> = self
            .engine
            .search(&words, MOST_WEIGHED)
            .into_iter()
            .filter_map(|found| {
                let known = self.actions.get(&found.document.id)?;
                let score = found.score * known.weight(verb, &wanted, given);
                Some((found.document.id, (score * 100.0).round() / 100.0))
            })
            .collect();
        ranked.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        ranked.truncate(MOST_TOLD);
        let clear = ranked.first().is_some_and(|(name, score)| {
            let found = self
                .actions
                .get(name)
                .map_or(0, |known| known.tokens.intersection(&wanted).count());
            let next = ranked.get(1).map_or(0.0, |(_, score)| *score);
            found >= MIN_MATCHES
                && found as f32 >= MIN_COVERAGE * wanted.len() as f32
                && *score >= next * MIN_MARGIN
        });
        Fit { ranked, clear }
    }
}

impl Known {
    fn new(spec: &ActionSpec, text: &str, tokenizer: &DefaultTokenizer) -> Self {
        Self {
            tokens: tokenizer.tokenize(text).into_iter().collect(),
            names: names_of(spec)
                .iter()
                .map(|name| Called::new(name, tokenizer))
                .collect(),
            arguments: properties(spec).cloned().collect(),
            takes_more: spec
                .input
                .get("additionalProperties")
                .is_some_and(|more| *more != Value::Bool(false)),
            reads: spec.effect == Effect::Read,
        }
    }

    /// By how much what BM25 says of this action counts.
    fn weight(&self, verb: Option<&str>, wanted: &BTreeSet<String>, given: &[&str]) -> f32 {
        let by_name = self.names.iter().map(|name| name.weight(verb, wanted));
        let by_name = by_name.fold(0.0, f32::max);
        let foreign = given.iter().filter(|name| !self.takes(name)).count();
        let foreign = FOREIGN_ARGUMENT.powi(i32::try_from(foreign).unwrap_or(i32::MAX));
        by_name * foreign * if self.reads { READ } else { 1.0 }
    }

    fn takes(&self, argument: &str) -> bool {
        self.takes_more || self.arguments.contains(argument)
    }
}

impl Called {
    /// Takes `create_incident` apart: what is done, and to what.
    fn new(name: &str, tokenizer: &DefaultTokenizer) -> Self {
        let (first, rest) = name.split_once('_').unwrap_or((name, ""));
        let verb = meaning(first);
        let things = if verb.is_some() { rest } else { name };
        Self {
            verb,
            things: tokenizer
                .tokenize(&things.replace('_', " "))
                .into_iter()
                .collect(),
        }
    }

    fn weight(&self, verb: Option<&str>, wanted: &BTreeSet<String>) -> f32 {
        let said = self.things.intersection(wanted).count() as f32;
        let share = if self.things.is_empty() {
            1.0
        } else {
            said / self.things.len() as f32
        };
        let by_verb = match (verb, self.verb) {
            (Some(said), Some(own)) if said == own => SAME_VERB,
            (Some(_), Some(_)) => OTHER_VERB,
            _ => 1.0,
        };
        (NOTHING_SAID + (1.0 - NOTHING_SAID) * share) * by_verb
    }
}

/// The verb that stands for this one, if it is known.
fn meaning(verb: &str) -> Option<&'static str> {
    VERBS
        .iter()
        .find(|same| same.contains(&verb))
        .and_then(|same| same.first().copied())
}

/// A sentence in lower case, its verb replaced by the one that stands for it; and that verb.
fn said(words: &str) -> (Option<&'static str>, String) {
    let lower = words.to_lowercase();
    let mut words: Vec<&str> = lower
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect();
    if words.first() == Some(&"please") {
        words.remove(0);
    }
    let phrase = words.get(..2).map(|two| two.join(" "));
    let (verb, length) = match phrase.as_deref().and_then(meaning) {
        Some(verb) => (Some(verb), 2),
        None => (words.first().and_then(|first| meaning(first)), 1),
    };
    if let Some(verb) = verb {
        words.splice(..length, [verb]);
    }
    (verb, words.join(" "))
}

/// What is indexed: the words of the names twice, for they say most, each other word as often as it
/// stands there. A verb is joined by the one that stands for it.
fn words_of(spec: &ActionSpec) -> String {
    let names = names_of(spec);
    let mut words: Vec<&str> = vec![&spec.tool, &spec.tool, &spec.description];
    let named: BTreeSet<&str> = names.iter().flat_map(|name| name.split('_')).collect();
    let verbs: BTreeSet<&str> = names
        .iter()
        .filter_map(|name| meaning(name.split('_').next().unwrap_or_default()))
        .collect();
    words.extend(named.iter().chain(&verbs));
    words.extend(spec.action.split('_'));
    words.extend(properties(spec).map(String::as_str));
    words.join(" ").replace(['_', '.'], " ")
}

/// The action's name and its aliases, without tools and each once.
fn names_of(spec: &ActionSpec) -> BTreeSet<String> {
    let own = std::iter::once(spec.action.as_str());
    own.chain(spec.aliases.iter().map(String::as_str))
        .map(|name| name.rsplit('.').next().unwrap_or(name).to_owned())
        .collect()
}

fn properties(spec: &ActionSpec) -> impl Iterator<Item = &String> {
    let properties = spec.input.get("properties").and_then(Value::as_object);
    properties.into_iter().flat_map(serde_json::Map::keys)
}
