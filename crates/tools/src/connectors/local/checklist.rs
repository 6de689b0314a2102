//! `local.run_checklist`: what passed, what failed, what nobody has checked.

use serde_json::{Value, json};

/// Goes through the items. A bare text carries no result, so it is told as unchecked, never as passed.
pub(super) fn run(args: &Value) -> Value {
    let results: Vec<Value> = args["items"]
        .as_array()
        .into_iter()
        .flatten()
        .map(result)
        .collect();
    let count = |status: &str| results.iter().filter(|result| result["status"] == status).count();
    let (passed, failed, unchecked) = (count("passed"), count("failed"), count("unchecked"));
    json!({
        "title": args["title"],
        "results": results,
        "passed": passed,
        "failed": failed,
        "unchecked": unchecked,
        "ok": failed == 0,
    })
}

fn result(item: &Value) -> Value {
    let Some(object) = item.as_object() else {
        return json!({ "item": item, "status": "unchecked", "note": null });
    };
    let passed = match (object.get("ok").and_then(Value::as_bool), object.get("expected")) {
        (Some(ok), _) => Some(ok),
        (None, Some(expected)) => Some(object.get("value") == Some(expected)),
        (None, None) => None,
    };
    let status = match passed {
        Some(true) => "passed",
        Some(false) => "failed",
        None => "unchecked",
    };
    json!({ "item": item["item"], "status": status, "note": item["note"] })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_are_counted_by_their_result() {
        let report = run(&json!({"items": [
            "Cameras white-balanced",
            {"item": "Recorder armed", "ok": true},
            {"item": "Headroom", "value": -12, "expected": -12},
            {"item": "Stream", "value": "off", "expected": "on", "note": "call the encoder team"},
            {"item": "Backup"},
        ]}));
        let statuses: Vec<&str> = report["results"]
            .as_array()
            .expect("results")
            .iter()
            .filter_map(|r| r["status"].as_str())
            .collect();
        assert_eq!(statuses, ["unchecked", "passed", "passed", "failed", "unchecked"]);
        assert_eq!((&report["ok"], &report["unchecked"]), (&json!(false), &json!(2)));
    }
}
