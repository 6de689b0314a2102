//! From what a server answers to a call to an answer of ours, or to what its failure says about the
//! effect.

use ports::McpTool;
use serde_json::{Map, Value, json};
use types::Failure;

use super::definition::plain_line;
use super::wire::{METHOD_NOT_FOUND, RpcError};
use crate::{Answer, CallError};

/// The longest words of a server that are repeated, in characters.
const MOST_WORDS: usize = 300;
/// The largest answer that is kept, in bytes of JSON.
const MOST_BYTES: usize = 1024 * 1024;
/// The most parts of an answer.
const MOST_PARTS: usize = 500;

/// The answer of a call that the server says is done.
pub(super) fn answer(tool: &McpTool, result: Value) -> Result<Answer, CallError> {
    let lie = |why: &str| {
        let message = format!("the server says that {} is done, but {why}", tool.name);
        CallError::unknown(Failure::new("answer_unreadable", message))
    };
    let parts = match &result["content"] {
        Value::Array(parts) => parts.as_slice(),
        Value::Null if result.get("structuredContent").is_some() => &[],
        _ => return Err(lie("its answer has no content")),
    };
    if parts.len() > MOST_PARTS || result.to_string().len() > MOST_BYTES {
        return Err(lie(&format!(
            "its answer has more than {MOST_PARTS} parts or {MOST_BYTES} bytes"
        )));
    }
    let texts: Vec<&str> = texts(parts);
    if result["isError"] == true {
        let words = plain_line(&texts.join(" "), MOST_WORDS);
        let colon = if words.is_empty() { "" } else { ": " };
        return Err(CallError::refused(Failure::new(
            "tool_refused",
            format!("the server says that {} failed{colon}{words}", tool.name),
        )));
    }
    let mut output = Map::from_iter([
        ("text".to_owned(), Value::from(texts.join("\n"))),
        ("content".to_owned(), Value::from(parts.to_vec())),
    ]);
    if let Some(promised) = &tool.output {
        let given = &result["structuredContent"];
        if !given.is_object() {
            return Err(lie("leaves out the structured answer that it promises"));
        }
        let fits = jsonschema::draft202012::new(promised).is_ok_and(|promised| promised.is_valid(given));
        if !fits {
            return Err(lie(
                "its structured answer doesn't fit the schema that it promises",
            ));
        }
        output.insert("structured".to_owned(), given.clone());
    } else if let Some(given) = result.get("structuredContent").filter(|given| given.is_object()) {
        output.insert("structured".to_owned(), given.clone());
    }
    Ok(Answer::new(Value::Object(output)))
}

fn texts(parts: &[Value]) -> Vec<&str> {
    let text = |part: &'_ Value| part["type"] == "text";
    parts
        .iter()
        .filter(|part| text(part))
        .filter_map(|part| part["text"].as_str())
        .collect()
}

/// What an error of the protocol says: some come before anything is done, the others may not.
pub(super) fn refused(error: &RpcError) -> CallError {
    let words = plain_line(&error.message, MOST_WORDS);
    let failure = |code: &str| {
        Failure::new(
            code,
            format!("the server answered with error {}: {words}", error.code),
        )
    };
    match error.code {
        // Not understood, not known, not fitting; the three of the newest revision about its headers,
        // capabilities and versions; and a place that must be visited first.
        -32700 | -32600 | METHOD_NOT_FOUND | -32602 | -32022..=-32020 | super::wire::URL_NEEDED => {
            CallError::refused(failure("tool_refused"))
        }
        _ => CallError::unknown(failure("tool_failed")),
    }
}

/// What people read of a question that can't be asked.
pub(super) fn unusable_question(why: &str) -> Failure {
    Failure::new(
        "question_unusable",
        format!("the server asks something that can't be put to people: {why}"),
    )
}

/// A server that was told that nobody answers and went on: what it said.
pub(super) fn went_on(tool: &str, answer: &Answer) -> Failure {
    let said = plain_line(answer.output["text"].as_str().unwrap_or_default(), MOST_WORDS);
    let message = format!(
        "{tool} asked something, was told that nobody is there to answer, and says that it is done: {said}"
    );
    Failure::new("input_in_doubt", message)
        .hint("look whether it happened; if not, have it redone and answer")
}

/// What the newest revision's `resultType` may be here; anything else is nothing that can be read.
pub(super) fn kind(result: &Value) -> &str {
    match &result["resultType"] {
        Value::String(kind) => kind,
        _ => "complete",
    }
}

/// A kind of result that isn't understood.
pub(super) fn unknown_kind(kind: &str) -> CallError {
    let shown = json!(plain_line(kind, 60));
    CallError::unknown(Failure::new(
        "answer_unreadable",
        format!("the server answered with a result of the kind {shown}, which isn't understood"),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ports::McpHints;

    fn tool(output: Option<Value>) -> McpTool {
        McpTool {
            name: "t".into(),
            description: String::new(),
            input: json!({"type": "object"}),
            output,
            hints: McpHints::default(),
            headers: Default::default(),
            digest: types::digest(&Value::Null),
        }
    }

    #[test]
    fn an_answer_has_its_texts_its_parts_and_what_was_promised() {
        let result = json!({
            "content": [{"type": "text", "text": "a"}, {"type": "image", "data": "AA==", "mimeType": "image/png"}, {"type": "text", "text": "b"}],
            "structuredContent": {"n": 1},
        });
        let promised = json!({"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]});
        let output = answer(&tool(Some(promised)), result.clone())
            .expect("fits")
            .output;
        assert_eq!(output["text"], "a\nb");
        assert_eq!(
            (output["content"].as_array().map(Vec::len), &output["structured"]),
            (Some(3), &json!({"n": 1}))
        );
        assert!(answer(&tool(None), json!({"structuredContent": {}})).is_ok());
    }

    #[test]
    fn a_lie_leaves_it_open_what_happened() {
        let promised = || Some(json!({"type": "object", "required": ["n"]}));
        let many: Vec<Value> = vec![json!({"type": "text", "text": ""}); 501];
        for (tool, result) in [
            (tool(promised()), json!({"content": []})),
            (
                tool(promised()),
                json!({"content": [], "structuredContent": {"m": 1}}),
            ),
            (tool(promised()), json!({"content": [], "structuredContent": 5})),
            (tool(None), json!({})),
            (tool(None), json!("done")),
            (tool(None), json!({"content": "done"})),
            (tool(None), json!({"content": many})),
            (
                tool(None),
                json!({"content": [{"type": "text", "text": "x".repeat(1_100_000)}]}),
            ),
        ] {
            let error = answer(&tool, result).expect_err("a lie");
            assert!(matches!(error, CallError::Unknown { .. }), "{error}");
            assert_eq!(error.failure().code, "answer_unreadable");
        }
    }

    #[test]
    fn a_failure_is_known_and_an_error_only_where_it_comes_first() {
        let failed = json!({"content": [{"type": "text", "text": "no\nroom"}], "isError": true});
        let error = answer(&tool(Some(json!({"type": "object"}))), failed).expect_err("failed");
        assert_eq!(error.failure().message, "the server says that t failed: no room");
        assert!(matches!(error, CallError::Failed { retryable: false, .. }));
        let of = |code| {
            refused(&RpcError {
                code,
                message: "m".into(),
                data: Value::Null,
            })
        };
        for known in [-32700, -32600, -32601, -32602, -32020, -32021, -32022, -32042] {
            assert!(matches!(of(known), CallError::Failed { .. }), "{known}");
        }
        for unknown in [-32603, -32000, -32023, 0, 1] {
            assert!(matches!(of(unknown), CallError::Unknown { .. }), "{unknown}");
        }
    }
}
