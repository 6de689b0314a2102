//! A tool as a server describes it: read, judged, and made into an action.

use std::collections::{BTreeMap, BTreeSet};

use ports::{McpClass, McpHints, McpLeftOut, McpTool};
use serde_json::{Map, Value, json};
use types::{ActionSpec, ArgClass, Effect, Idempotency, Millis, Risk};

use super::schema::usable;

/// The longest name of a tool, in bytes.
const MOST_NAME: usize = 64;
/// The longest description kept, in characters.
const MOST_DESCRIPTION: usize = 1_000;
/// The most tools of one server.
pub(super) const MOST_TOOLS: usize = 200;

/// Reads the tools of a list, in their order.
pub(super) fn read_all(listed: &[Value]) -> (Vec<McpTool>, Vec<McpLeftOut>) {
    let (mut tools, mut left_out) = (Vec::new(), Vec::new());
    let mut names = BTreeSet::new();
    for (at, definition) in listed.iter().enumerate() {
        let name = definition["name"].as_str().unwrap_or_default();
        let read = if at >= MOST_TOOLS {
            Err(format!("the server lists more than {MOST_TOOLS} tools"))
        } else if !names.insert(name.to_owned()) {
            Err("another tool has the same name".to_owned())
        } else {
            read(definition)
        };
        match read {
            Ok(tool) => tools.push(tool),
            // The rest of a flood of tools isn't worth a line each.
            Err(_) if left_out.len() > MOST_TOOLS => break,
            Err(why) => left_out.push(McpLeftOut {
                name: plain_line(name, MOST_NAME),
                why,
            }),
        }
    }
    (tools, left_out)
}

/// Reads one tool.
///
/// # Errors
/// In words, why it can't be used.
fn read(definition: &Value) -> Result<McpTool, String> {
    let name = definition["name"].as_str().unwrap_or_default();
    let inside = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if name.is_empty() || name.len() > MOST_NAME || !name.chars().all(inside) {
        return Err(format!(
            "its name must have 1 to {MOST_NAME} letters, digits, '_' and '-', so that recipes can name it"
        ));
    }
    if definition.pointer("/execution/taskSupport") == Some(&json!("required")) {
        return Err("it works only as a task of the protocol, which isn't supported".to_owned());
    }
    let input =
        usable(&definition["inputSchema"]).map_err(|why| format!("the schema of its arguments: {why}"))?;
    if input["type"] != "object" {
        return Err("the schema of its arguments doesn't describe an object".to_owned());
    }
    let output = match &definition["outputSchema"] {
        Value::Null => None,
        schema => Some(usable(schema).map_err(|why| format!("the schema of its answer: {why}"))?),
    };
    let hint = |name: &str| definition["annotations"][name].as_bool();
    let described = definition["description"]
        .as_str()
        .or_else(|| definition["title"].as_str());
    Ok(McpTool {
        name: name.to_owned(),
        description: plain_line(
            described.unwrap_or("The server doesn't say what it does."),
            MOST_DESCRIPTION,
        ),
        headers: headers(&input)?,
        input,
        output,
        hints: McpHints {
            read_only: hint("readOnlyHint"),
            destructive: hint("destructiveHint"),
            idempotent: hint("idempotentHint"),
        },
        digest: types::digest(definition),
    })
}

/// Arguments that the newest revision wants as `Mcp-Param-*` headers too.
fn headers(input: &Value) -> Result<BTreeMap<String, String>, String> {
    fn collect(schema: &Value, at: &str, found: &mut BTreeMap<String, String>) -> Result<(), String> {
        for (name, inner) in schema["properties"].as_object().into_iter().flatten() {
            let at = format!("{at}/{}", name.replace('~', "~0").replace('/', "~1"));
            if let Some(header) = inner.get("x-mcp-header") {
                let token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
                let simple = matches!(inner["type"].as_str(), Some("string" | "integer" | "boolean"));
                let text = header.as_str().unwrap_or_default().to_ascii_lowercase();
                let fits = !text.is_empty() && text.len() <= MOST_NAME && text.chars().all(token);
                if !fits || !simple || found.insert(text, at.clone()).is_some() {
                    return Err("an argument is to go along as an HTTP header that can't be sent".to_owned());
                }
            }
            collect(inner, &at, found)?;
        }
        Ok(())
    }
    let mut found = BTreeMap::new();
    collect(input, "", &mut found)?;
    Ok(found)
}

/// A stranger's words on one line of bounded length.
pub(super) fn plain_line(text: &str, most: usize) -> String {
    let cleaned = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    let words: String = cleaned.take(most * 4).collect();
    let line = words.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= most {
        return line;
    }
    line.chars().take(most).chain(['…']).collect()
}

/// The action of a tool. What the server says of itself counts only if it is trusted; what a person
/// said counts before it; without either the action is taken as destructive.
pub(super) fn action(
    server: &str,
    trusted: bool,
    class: Option<&McpClass>,
    tool: &McpTool,
    timeout_ms: Millis,
) -> ActionSpec {
    let hints = if trusted { tool.hints } else { McpHints::default() };
    let hinted = match (hints.read_only, hints.destructive) {
        (Some(true), _) => Effect::Read,
        (_, Some(false)) => Effect::Write,
        _ => Effect::Destructive,
    };
    let effect = class.map_or(hinted, |class| class.effect);
    let again = match class {
        Some(class) => class.idempotent,
        None => hints.idempotent == Some(true),
    };
    let natural = effect == Effect::Read || again;
    let names = tool.input["properties"].as_object().into_iter().flatten();
    let class_of_all = if effect == Effect::Read {
        ArgClass::Text
    } else {
        ArgClass::Target
    };
    ActionSpec {
        tool: server.to_owned(),
        action: tool.name.clone(),
        description: tool.description.clone(),
        aliases: Vec::new(),
        input: tool.input.clone(),
        output: output(tool),
        arg_classes: names.map(|(name, _)| (name.clone(), class_of_all)).collect(),
        // All that a stranger answers is untrusted.
        trust: BTreeMap::new(),
        effect,
        idempotency: if natural {
            Idempotency::Natural
        } else {
            Idempotency::Unkeyed
        },
        risk: match effect {
            Effect::Read => Risk::Low,
            Effect::Write => Risk::Medium,
            Effect::Destructive => Risk::High,
        },
        notification: false,
        probe: false,
        timeout_ms,
    }
}

/// What a call gives: the text of the answer, its parts, and the structured answer if one is promised.
fn output(tool: &McpTool) -> Value {
    let mut properties = Map::from_iter([
        (
            "text".to_owned(),
            json!({"type": "string", "description": "The answer's texts, joined by line breaks."}),
        ),
        (
            "content".to_owned(),
            json!({"type": "array", "description": "The answer's parts as the server gave them."}),
        ),
    ]);
    let mut required = vec!["text", "content"];
    if tool.output.is_some() {
        let about = "The structured answer; it fits the schema that the server promised.";
        properties.insert(
            "structured".to_owned(),
            json!({"type": "object", "description": about}),
        );
        required.push("structured");
    }
    json!({"type": "object", "properties": properties, "required": required})
}

#[cfg(test)]
mod tests {
    use super::*;
    use types::{Timestamp, digest};

    fn definition(extra: Value) -> Value {
        let mut definition =
            json!({"name": "wipe", "description": "Wipes.", "inputSchema": {"type": "object"}});
        for (key, value) in extra.as_object().into_iter().flatten() {
            definition[key] = value.clone();
        }
        definition
    }

    #[test]
    fn hints_count_only_if_trusted_and_a_persons_word_before_them() {
        use Effect::*;
        let annotated = |read_only: Value, destructive: Value, idempotent: Value| {
            let annotations = json!({"readOnlyHint": read_only, "destructiveHint": destructive, "idempotentHint": idempotent});
            read(&definition(json!({"annotations": annotations}))).expect("read")
        };
        let (yes, no, none) = (json!(true), json!(false), Value::Null);
        for (tool, trusted, class, expected) in [
            (
                annotated(none.clone(), none.clone(), none.clone()),
                true,
                None,
                (Destructive, false),
            ),
            (
                annotated(yes.clone(), none.clone(), none.clone()),
                true,
                None,
                (Read, true),
            ),
            (
                annotated(yes.clone(), none.clone(), yes.clone()),
                false,
                None,
                (Destructive, false),
            ),
            (
                annotated(no.clone(), no.clone(), none.clone()),
                true,
                None,
                (Write, false),
            ),
            (
                annotated(no.clone(), no.clone(), yes.clone()),
                true,
                None,
                (Write, true),
            ),
            (
                annotated(json!("yes"), json!(0), none.clone()),
                true,
                None,
                (Destructive, false),
            ),
            (
                annotated(yes.clone(), none.clone(), yes.clone()),
                true,
                Some((Write, false)),
                (Write, false),
            ),
            (
                annotated(none.clone(), none.clone(), none.clone()),
                false,
                Some((Write, true)),
                (Write, true),
            ),
            (
                annotated(none.clone(), none.clone(), none),
                false,
                Some((Read, false)),
                (Read, true),
            ),
        ] {
            let class = class.map(|(effect, idempotent)| McpClass {
                effect,
                idempotent,
                definition: digest(&json!(1)),
                by: "ann".into(),
                at: Timestamp::default(),
            });
            let spec = action("srv", trusted, class.as_ref(), &tool, 1_000);
            let natural = spec.idempotency == Idempotency::Natural;
            assert_eq!((spec.effect, natural), expected, "{tool:?} {class:?}");
        }
    }

    #[test]
    fn what_cant_be_used_is_left_out_with_a_reason() {
        let long = "x".repeat(65);
        let listed = [
            definition(json!({"name": "good"})),
            definition(json!({"name": "good"})),
            definition(json!({"name": "zoom.restart_room"})),
            definition(json!({"name": long})),
            definition(json!({"name": 5})),
            definition(json!({"name": "a", "inputSchema": {"type": "string"}})),
            definition(json!({"name": "b", "inputSchema": {"$ref": "https://evil.example"}})),
            definition(json!({"name": "c", "outputSchema": {"type": "nothing"}})),
            definition(json!({"name": "d", "execution": {"taskSupport": "required"}})),
            definition(
                json!({"name": "e", "inputSchema": {"type": "object", "properties": {"a": {"type": "string", "x-mcp-header": "a b"}}}}),
            ),
            json!("no tool"),
        ];
        let (tools, left_out) = read_all(&listed);
        assert_eq!(tools.len(), 1);
        let whys: Vec<&str> = left_out.iter().map(|left| left.why.as_str()).collect();
        for (why, part) in whys.iter().zip([
            "same name",
            "its name",
            "its name",
            "its name",
            "an object",
            "outside itself",
            "no JSON Schema",
            "task",
            "header",
            "same name",
        ]) {
            assert!(why.contains(part), "{part} in {why}");
        }
        assert_eq!(whys.len(), 10);
        let flood: Vec<Value> = (0..5_000)
            .map(|at| definition(json!({"name": format!("t{at}")})))
            .collect();
        let (tools, left_out) = read_all(&flood);
        assert_eq!((tools.len(), left_out.len()), (MOST_TOOLS, MOST_TOOLS + 1));
    }

    #[test]
    fn a_description_is_one_bounded_line_and_any_change_shows() {
        let tool = read(&definition(
            json!({"description": format!("a\u{1b}[2J\nb {}", "x".repeat(5_000))}),
        ))
        .expect("read");
        assert!(tool.description.starts_with("a [2J b x"));
        assert_eq!(tool.description.chars().count(), MOST_DESCRIPTION + 1);
        let same = read(&definition(json!({}))).expect("read").digest;
        for changed in [
            json!({"description": "Other."}),
            json!({"annotations": {"readOnlyHint": true}}),
            json!({"inputSchema": {"type": "object", "required": ["a"]}}),
        ] {
            assert_ne!(read(&definition(changed)).expect("read").digest, same);
        }
    }
}
