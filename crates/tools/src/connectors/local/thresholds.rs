//! `local.evaluate_thresholds`: metrics against what is allowed.

use serde_json::{Value, json};

use crate::CallError;
use crate::arguments::invalid;

/// Compares. A threshold whose metric is missing is breached: nobody can say that it holds.
pub(super) fn evaluate(args: &Value) -> Result<Value, CallError> {
    let mut breaches = Vec::new();
    let mut checked = 0;
    for (name, threshold) in args["thresholds"].as_object().into_iter().flatten() {
        let (min, max) = bounds(name, threshold)?;
        checked += 1;
        let value = &args["metrics"][name];
        let reason = match value.as_f64() {
            None => "missing",
            Some(number) if max.is_some_and(|max| number > max) => "above",
            Some(number) if min.is_some_and(|min| number < min) => "below",
            Some(_) => continue,
        };
        breaches.push(json!({ "metric": name, "value": value, "threshold": threshold, "reason": reason }));
    }
    Ok(json!({ "ok": breaches.is_empty(), "breaches": breaches, "checked": checked }))
}

fn bounds(name: &str, threshold: &Value) -> Result<(Option<f64>, Option<f64>), CallError> {
    let bounds = match threshold {
        Value::Number(number) => (None, number.as_f64()),
        object => (object["min"].as_f64(), object["max"].as_f64()),
    };
    match bounds {
        (None, None) => Err(invalid(format!(
            "the threshold of {name} needs a number, min or max"
        ))),
        bounds => Ok(bounds),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reasons(metrics: Value, thresholds: Value) -> Vec<String> {
        let report = evaluate(&json!({"metrics": metrics, "thresholds": thresholds})).expect("a report");
        let breaches = report["breaches"].as_array().expect("breaches").clone();
        assert_eq!(report["ok"], breaches.is_empty());
        breaches
            .iter()
            .map(|b| {
                format!(
                    "{} {}",
                    b["metric"].as_str().unwrap_or(""),
                    b["reason"].as_str().unwrap_or("")
                )
            })
            .collect()
    }

    #[test]
    fn bounds_hold_or_are_breached() {
        let metrics = json!({"cpu_percent": 92, "packet_loss": 0.2, "level": -20});
        assert_eq!(
            reasons(metrics.clone(), json!({"cpu_percent": 92, "packet_loss": 3.0})),
            Vec::<String>::new()
        );
        assert_eq!(
            reasons(metrics.clone(), json!({"cpu_percent": 85})),
            ["cpu_percent above"]
        );
        assert_eq!(
            reasons(metrics.clone(), json!({"level": {"min": -12, "max": 0}})),
            ["level below"]
        );
        assert_eq!(reasons(metrics, json!({"jitter_ms": 30})), ["jitter_ms missing"]);
        assert_eq!(
            reasons(Value::Null, json!({"jitter_ms": 30})),
            ["jitter_ms missing"]
        );
    }

    #[test]
    fn a_threshold_must_say_something() {
        let error = evaluate(&json!({"metrics": {}, "thresholds": {"a": {"most": 1}}})).expect_err("refused");
        assert_eq!(error.failure().code, "arguments_invalid");
    }
}
