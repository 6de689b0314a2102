//! Plain words bound to tool actions: BM25 over what each action is called, does and takes.

use std::collections::{BTreeMap, BTreeSet};

use bm25::{DefaultTokenizer, Document, Language, SearchEngine, SearchEngineBuilder, Tokenizer};
use types::{ActionSpec, Catalog};

/// The share of the words that the action must explain.
const MIN_COVERAGE: f32 = 0.5;
/// How much better the best action must fit than the next.
const MIN_MARGIN: f32 = 1.15;
/// How many words must be found at least.
const MIN_MATCHES: usize = 2;

/// Finds actions by words.
pub(crate) struct Binder {
    engine: SearchEngine<String>,
    tokenizer: DefaultTokenizer,
    tokens: BTreeMap<String, BTreeSet<String>>,
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
        let texts: Vec<(String, String)> = catalog
            .actions()
            .map(|spec| (spec.name(), words_of(spec)))
            .collect();
        let tokens = texts
            .iter()
            .map(|(name, text)| (name.clone(), tokenizer.tokenize(text).into_iter().collect()))
            .collect();
        let documents: Vec<Document<String>> = texts
            .into_iter()
            .map(|(id, contents)| Document { id, contents })
            .collect();
        let engine = SearchEngineBuilder::<String>::with_documents(Language::English, documents).build();
        Self {
            engine,
            tokenizer,
            tokens,
        }
    }

    pub(crate) fn fit(&self, words: &str) -> Fit {
        let mut ranked: Vec<(String, f32)> = self
            .engine
            .search(words, 20)
            .into_iter()
            .map(|found| (found.document.id, (found.score * 100.0).round() / 100.0))
            .collect();
        ranked.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        ranked.truncate(4);
        let clear = ranked.first().is_some_and(|(name, score)| {
            let wanted: BTreeSet<String> = self.tokenizer.tokenize(words).into_iter().collect();
            let found = self
                .tokens
                .get(name)
                .map_or(0, |tokens| tokens.intersection(&wanted).count());
            let next = ranked.get(1).map_or(0.0, |(_, score)| *score);
            found >= MIN_MATCHES
                && found as f32 >= MIN_COVERAGE * wanted.len() as f32
                && *score >= next * MIN_MARGIN
        });
        Fit { ranked, clear }
    }
}

fn words_of(spec: &ActionSpec) -> String {
    let arguments = spec
        .input
        .get("properties")
        .and_then(serde_json::Value::as_object);
    let arguments = arguments.into_iter().flat_map(|map| map.keys().cloned());
    let mut words = format!("{} {} {}", spec.tool, spec.action, spec.description);
    for more in spec.aliases.iter().cloned().chain(arguments) {
        words.push(' ');
        words.push_str(&more);
    }
    words.replace(['_', '.'], " ")
}
