//! Manifests that are read, and every problem of those that aren't.

use super::*;

#[test]
fn a_manifest_without_classification_is_taken_as_destructive() {
    let manifest = json!({
        "name": "qsys_control",
        "description": "Controls processors.",
        "endpoints": ["/health"],
        "actions": {"set_gain": {"description": "Sets a gain.", "parameters": {"device_id": "string", "db": "number", "ramp": "number?"}}},
    });
    let tool = http_tool(&manifest.to_string()).expect("a tool");
    let action = &tool.spec.actions[0];
    assert_eq!(
        (action.effect, action.idempotency, action.risk),
        (Effect::Destructive, Idempotency::Unkeyed, Risk::High)
    );
    assert_eq!(action.input["required"], json!(["device_id", "db"]));
    assert_eq!(action.arg_classes["db"], ArgClass::Target);
}

#[test]
fn an_action_may_say_what_it_does() {
    let manifest = json!({
        "name": "lights", "description": "Lights.", "base_url": "http://lights.example",
        "actions": {"set": {
            "description": "Sets a scene.", "effect": "write", "idempotency": "native_key", "risk": "low",
            "timeout_ms": 500, "parameters": {"scene": {"type": "string", "enum": ["on", "off"]}},
            "arg_classes": {"scene": "command"}, "trust": {"/scene": "system"},
        }},
    });
    let tool = http_tool(&manifest.to_string()).expect("a tool");
    let action = &tool.spec.actions[0];
    assert_eq!(
        (action.effect, action.idempotency, action.timeout_ms),
        (Effect::Write, Idempotency::NativeKey, 500)
    );
    assert_eq!(action.arg_classes["scene"], ArgClass::Command);
    assert_eq!(tool.base_url.as_deref(), Some("http://lights.example"));
}

#[test]
fn every_problem_is_told_at_once() {
    let manifest = json!({
        "name": "Q-SYS", "base_url": "ftp://x", "acions": {},
        "actions": {"set": {
            "description": "Sets.", "effect": "wirte", "idempotency": "marker", "timeout_ms": 0,
            "parameters": {"a": "strnig", "b": {"type": "nothing"}, "c": 5}, "arg_classes": {"a": "money"},
        }},
    });
    let problems = http_tool(&manifest.to_string()).expect_err("problems");
    let paths: Vec<&str> = problems.iter().map(|problem| problem.path.as_str()).collect();
    for path in [
        "/acions",
        "/name",
        "/description",
        "/base_url",
        "/actions/set/effect",
        "/actions/set/idempotency",
        "/actions/set/parameters/a",
        "/actions/set/parameters/b",
        "/actions/set/parameters/c",
        "/actions/set/arg_classes",
        "/actions/set/timeout_ms",
    ] {
        assert!(paths.contains(&path), "{path} in {paths:?}");
    }
    assert!(
        problems[0].to_string().contains("did you mean actions?"),
        "{}",
        problems[0]
    );
    for bad in ["", "[]", "{\"name\": "] {
        assert_eq!(http_tool(bad).expect_err("a problem").len(), 1, "{bad}");
    }
}
