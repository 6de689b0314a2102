//! A checked tree as text in today's form. Reading it again gives the same tree but for lines.

use serde_json::{Map, Value, json};

use crate::program::{
    Evidence, Kind, OnError, OnUncertain, Recipe, Retry, Save, SaveFrom, Step, Template, Wait,
};
use crate::reader::{default_title, shown_duration};
use crate::traps::quoted;

/// Writes a recipe in today's form.
pub fn show(recipe: &Recipe) -> String {
    let mut out = String::new();
    block(&mut out, &document(recipe), 0);
    out
}

fn document(recipe: &Recipe) -> Value {
    let mut top = Map::new();
    top.insert("name".into(), json!(recipe.name));
    let mut put = |key: &str, value: Value| {
        let empty = match &value {
            Value::Null => true,
            Value::String(text) => text.is_empty(),
            Value::Array(items) => items.is_empty(),
            Value::Object(map) => map.is_empty(),
            _ => false,
        };
        if !empty {
            top.insert(key.to_owned(), value);
        }
    };
    put("description", json!(recipe.description));
    put("version", json!(recipe.version));
    put("changelog", json!(recipe.changelog));
    put("agent", json!(recipe.agent));
    let inputs: Map<String, Value> = recipe
        .inputs
        .iter()
        .map(|input| (input.name.clone(), self::input(input)))
        .collect();
    put("inputs", Value::Object(inputs));
    put("params", recipe.params.clone());
    for (name, section) in [
        ("intake", &recipe.intake),
        ("plan", &recipe.plan),
        ("act", &recipe.act),
        ("verify", &recipe.verify),
    ] {
        top.insert(name.to_owned(), steps(section));
    }
    let mut guardrails = Map::new();
    if let Some(timeout) = recipe.guardrails.timeout_ms {
        guardrails.insert("timeout_s".into(), seconds(timeout));
    }
    if let Some(cost) = recipe.guardrails.max_cost_microusd {
        guardrails.insert("max_cost_usd".into(), json!(cost as f64 / 1e6));
    }
    if !recipe.guardrails.rollback.is_empty() {
        guardrails.insert("rollback".into(), steps(&recipe.guardrails.rollback));
    }
    if !guardrails.is_empty() {
        top.insert("guardrails".into(), Value::Object(guardrails));
    }
    if !recipe.success_metrics.is_empty() {
        let metrics = recipe
            .success_metrics
            .iter()
            .map(|m| json!({"metric": m.metric, "target": m.target}));
        top.insert("success_metrics".into(), metrics.collect());
    }
    if !recipe.outputs.is_empty() {
        let outputs = recipe
            .outputs
            .iter()
            .map(|(name, value)| (name.clone(), template(value)));
        top.insert("outputs".into(), Value::Object(outputs.collect()));
    }
    Value::Object(top)
}

fn input(input: &crate::program::InputSpec) -> Value {
    let mut map = input.schema.as_object().cloned().unwrap_or_default();
    map.insert("required".into(), json!(input.required));
    if let Some(default) = &input.default {
        map.insert("default".into(), default.clone());
    }
    if !input.description.is_empty() {
        map.insert("description".into(), json!(input.description));
    }
    Value::Object(map)
}

fn steps(steps: &[Step]) -> Value {
    steps.iter().map(step).collect()
}

fn step(step: &Step) -> Value {
    let mut map = Map::new();
    map.insert("id".into(), json!(step.id));
    if step.title != default_title(&step.kind, &step.id) {
        map.insert("title".into(), json!(step.title));
    }
    kind(&step.kind, &mut map);
    if let Some(when) = &step.when {
        map.insert("when".into(), json!(when.source));
    }
    if !step.save.is_empty() {
        map.insert("save".into(), saves(&step.save));
    }
    if let Some(for_each) = &step.for_each {
        map.insert("for_each".into(), template(&for_each.items));
        if for_each.name != "item" {
            map.insert("as".into(), json!(for_each.name));
        }
    }
    if step.retry != Retry::default() {
        map.insert("retry".into(), retry(&step.retry));
    }
    if let Some(timeout) = step.timeout_ms {
        map.insert("timeout_s".into(), seconds(timeout));
    }
    if let Some(until) = &step.until {
        map.insert("until".into(), json!(until.condition.source));
        map.insert("every_s".into(), seconds(until.every_ms));
    }
    match &step.on_error {
        OnError::Fail => {}
        OnError::Continue => drop(map.insert("on_error".into(), json!("continue"))),
        OnError::Steps(inner) => drop(map.insert("on_error".into(), steps(inner))),
    }
    if !step.undo.is_empty() {
        map.insert("undo".into(), steps(&step.undo));
    }
    if let Some(on_uncertain) = step.on_uncertain {
        let word = match on_uncertain {
            OnUncertain::Ask => "ask",
            OnUncertain::Redo => "redo",
            OnUncertain::Accept => "accept",
        };
        map.insert("on_uncertain".into(), json!(word));
    }
    if let Some(approval) = &step.approval {
        map.insert("approval".into(), self::approval(approval));
    }
    if !step.evidence.is_empty() {
        map.insert("evidence".into(), step.evidence.iter().map(evidence).collect());
    }
    if let Some(mock) = &step.mock {
        map.insert("mock".into(), mock.clone());
    }
    Value::Object(map)
}

fn kind(kind: &Kind, map: &mut Map<String, Value>) {
    let mut put = |key: &str, value: Value| drop(map.insert(key.to_owned(), value));
    match kind {
        Kind::Ask { name, prompt } => {
            put("ask", template(prompt));
            put("as", json!(name));
        }
        Kind::Action { action, args } => {
            put("action", json!(action));
            with(args, put);
        }
        Kind::Agent {
            agent,
            goal,
            tools,
            output,
            limits,
        } => {
            put("agent", json!(agent));
            put("goal", template(goal));
            if !tools.is_empty() {
                put("tools", json!(tools));
            }
            for (key, value) in [("output", output), ("limits", limits)] {
                if !value.is_null() {
                    put(key, value.clone());
                }
            }
        }
        Kind::Check { condition } => put("check", json!(condition.source)),
        Kind::Confirm { text } => put("confirm", template(text)),
        Kind::Manual { text } => put("manual", template(text)),
        Kind::Wait {
            wait: Wait::Span { millis },
        } => put("wait", json!(shown_duration(*millis))),
        Kind::Wait {
            wait: Wait::Until { at },
        } => put("wait", json!({"until": template(at)})),
        Kind::Wait {
            wait: Wait::Signal { name },
        } => put("wait", json!({"signal": name})),
        Kind::Run { recipe, inputs } => {
            put("run", json!(recipe));
            with(inputs, put);
        }
        Kind::Parallel {
            branches,
            max_concurrency,
        } => {
            put("parallel", branches.iter().map(|branch| steps(branch)).collect());
            if let Some(most) = max_concurrency {
                put("max_concurrency", json!(most));
            }
        }
    }
}

fn with(args: &Template, mut put: impl FnMut(&str, Value)) {
    let shown = template(args);
    if shown.as_object().is_some_and(|map| !map.is_empty()) {
        put("with", shown);
    }
}

fn saves(saves: &[Save]) -> Value {
    if let [
        Save {
            name,
            from: SaveFrom::Output(pointer),
        },
    ] = saves
        && pointer.is_empty()
    {
        return json!(name);
    }
    let shown = saves.iter().map(|save| {
        let from = match &save.from {
            SaveFrom::Output(pointer) => json!(json_path(pointer)),
            SaveFrom::Literal(value) => json!({"value": value}),
        };
        (save.name.clone(), from)
    });
    Value::Object(shown.collect())
}

fn seconds(millis: types::Millis) -> Value {
    if millis.is_multiple_of(1000) {
        json!(millis / 1000)
    } else {
        json!(millis as f64 / 1000.0)
    }
}

pub(crate) fn json_path(pointer: &str) -> String {
    pointer.split('/').skip(1).fold("$".to_owned(), |path, token| {
        let token = token.replace("~1", "/").replace("~0", "~");
        if token.contains(['.', '[', ']', '\'']) {
            format!("{path}['{token}']")
        } else {
            format!("{path}.{token}")
        }
    })
}

fn retry(retry: &Retry) -> Value {
    json!({
        "max_attempts": retry.max_attempts,
        "backoff_s": seconds(retry.backoff_ms),
        "factor": retry.factor,
        "max_backoff_s": seconds(retry.max_backoff_ms),
    })
}

fn approval(approval: &crate::program::ApprovalSpec) -> Value {
    let mut map = Map::new();
    map.insert("roles".into(), json!(approval.roles));
    if approval.quorum > 0 {
        map.insert("quorum".into(), json!(approval.quorum));
    }
    if let Some(expires) = approval.expires_ms {
        map.insert("expires_s".into(), seconds(expires));
    }
    Value::Object(map)
}

fn evidence(evidence: &Evidence) -> Value {
    match &evidence.value {
        Some(value) => json!({"name": evidence.name, "value": template(value)}),
        None => json!(evidence.name),
    }
}

fn template(shown: &Template) -> Value {
    match shown {
        Template::Literal { v } => v.clone(),
        Template::Whole { e } => Value::String(format!("{{{{ {} }}}}", e.source)),
        Template::Text { e } => Value::String(e.source.clone()),
        Template::List { items } => items.iter().map(template).collect(),
        Template::Map { entries } => Value::Object(
            entries
                .iter()
                .map(|(key, entry)| (key.clone(), template(entry)))
                .collect(),
        ),
    }
}

/// Writes a value as block YAML; `indent` is the depth of its lines.
fn block(out: &mut String, value: &Value, indent: usize) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            for (index, (key, inner)) in map.iter().enumerate() {
                if index > 0 || !out.ends_with("- ") {
                    out.push_str(&" ".repeat(indent));
                }
                out.push_str(&scalar(key));
                out.push(':');
                nested(out, inner, indent);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for item in items {
                out.push_str(&" ".repeat(indent));
                out.push_str("- ");
                match item {
                    Value::Object(map) if !map.is_empty() => block(out, item, indent + 2),
                    Value::Array(inner) if !inner.is_empty() => {
                        out.truncate(out.len() - 1);
                        out.push('\n');
                        block(out, item, indent + 2);
                    }
                    _ => {
                        out.push_str(&flow(item));
                        out.push('\n');
                    }
                }
            }
        }
        other => {
            out.push_str(&flow(other));
            out.push('\n');
        }
    }
}

fn nested(out: &mut String, value: &Value, indent: usize) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            out.push('\n');
            block(out, value, indent + 2);
        }
        Value::Array(items) if !items.is_empty() => {
            out.push('\n');
            block(out, value, indent + 2);
        }
        _ => {
            out.push(' ');
            out.push_str(&flow(value));
            out.push('\n');
        }
    }
}

fn flow(value: &Value) -> String {
    match value {
        Value::String(text) => scalar(text),
        other => other.to_string(),
    }
}

/// A text without quotes where every YAML reader takes it for the same text.
fn scalar(text: &str) -> String {
    let words = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"];
    let plain = text.starts_with(|c: char| c.is_alphabetic() || c == '_' || c == '$')
        && text
            .chars()
            .all(|c| c.is_alphanumeric() || " _-./$@+,()!?=<>".contains(c))
        && !text.ends_with(' ')
        && !text.contains("  ")
        && !words.contains(&text.to_lowercase().as_str());
    if plain { text.to_owned() } else { quoted(text) }
}
