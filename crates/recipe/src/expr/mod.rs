//! The expression language: Jinja's syntax as minijinja parses it, walked by an evaluator of ours.
//!
//! Why not minijinja's own machine: provenance labels must travel with each value (a look at one
//! field must not taint with its neighbours), and every product of an operation must be bounded
//! while it is made; minijinja folds `'a' * 10**8` already when it compiles. The walk here charges
//! fuel for every node and item, and bytes for everything that is built.

mod args;
mod filters;
mod lists;
mod machine;
mod ops;
pub(crate) mod parse;
mod tests_of_values;
mod text;
mod value;

pub(crate) use machine::Machine;

use serde_json::Value;
use types::Failure;

/// What one evaluation may use up in nodes visited and items handled.
pub(crate) const FUEL: u64 = 100_000;
/// The largest result, in bytes of text or about as many of JSON.
pub(crate) const MAX_RESULT: usize = 1 << 20;
/// The most that one evaluation may build on the way, in the same measure.
pub(crate) const MAX_WORK: usize = 8 << 20;

pub(crate) fn undefined(message: impl Into<String>) -> Failure {
    Failure::new("template_undefined", message)
}

pub(crate) fn syntax(message: impl Into<String>) -> Failure {
    Failure::new("template_syntax", message)
}

pub(crate) fn failed(message: impl Into<String>) -> Failure {
    Failure::new("template_failed", message)
}

pub(crate) fn out_of_fuel() -> Failure {
    Failure::new(
        "template_fuel",
        format!("the expression needs more than {FUEL} steps"),
    )
    .hint("loop over fewer items, or let a tool prepare the data")
}

pub(crate) fn too_large() -> Failure {
    Failure::new(
        "template_too_large",
        "the expression builds more than it may: 1 MiB for a result",
    )
    .hint("keep the large value in an artifact and pass a part of it")
}

/// The known name nearest to `name`, if one is near enough to be a slip.
pub(crate) fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let lower = name.to_lowercase();
    let limit = 1 + name.chars().count() / 4;
    known
        .into_iter()
        .map(|candidate| {
            (
                strsim::damerau_levenshtein(&lower, &candidate.to_lowercase()),
                candidate,
            )
        })
        .filter(|(distance, _)| *distance <= limit)
        .min_by(|a, b| a.0.cmp(&b.0).then(a.1.cmp(b.1)))
        .map(|(_, candidate)| candidate)
}

/// The size of a value, counted only until it passes `limit`.
pub(crate) fn size_up_to(value: &Value, limit: usize) -> usize {
    match value {
        Value::String(text) => text.len() + 2,
        Value::Array(items) => items.iter().fold(2, |size, item| match size > limit {
            true => size,
            false => size + 1 + size_up_to(item, limit),
        }),
        Value::Object(map) => map.iter().fold(2, |size, (key, item)| match size > limit {
            true => size,
            false => size + key.len() + 4 + size_up_to(item, limit),
        }),
        _ => 8,
    }
}
