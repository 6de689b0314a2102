//! `local.report_status`: a few lines of text from what earlier steps found.

use serde_json::{Value, json};

/// What a room or its health says of itself, in small letters and without spaces, if all is well.
const WELL: &[&str] = &["available", "inmeeting", "online", "good", "ok", "healthy"];
/// The most single findings that are listed under a line.
const MOST_LISTED: usize = 10;

/// Composes the report; what isn't given isn't mentioned.
pub(super) fn compose(args: &Value) -> Value {
    let mut lines = Vec::new();
    let mut ok = true;
    if let Some(title) = args["title"].as_str() {
        lines.push(title.to_owned());
    }
    for part in [
        room(&args["room"]),
        health(&args["health"]),
        policy(&args["policy"]),
        thresholds(&args["thresholds"]),
        checklist(&args["checklist"]),
    ] {
        let Some((fine, text)) = part else { continue };
        ok &= fine;
        lines.extend(text);
    }
    lines.extend(
        args["notes"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .map(str::to_owned),
    );
    if lines.is_empty() {
        lines.push("Nothing to report".to_owned());
    }
    json!({ "text": lines.join("\n"), "ok": ok })
}

/// Whether it is fine, and its lines.
type Part = Option<(bool, Vec<String>)>;

fn room(room: &Value) -> Part {
    let name = room.as_str().or(room["name"].as_str()).or(room["id"].as_str())?;
    let status = room["status"].as_str();
    let told = status.map_or(String::new(), |status| format!(": {status}"));
    Some((status.is_none_or(well), vec![format!("Room {name}{told}")]))
}

fn health(health: &Value) -> Part {
    let said = [health["health"].as_str(), health["status"].as_str()];
    let verdict = said.into_iter().flatten().next()?;
    let issues = texts(&health["issues"]);
    let mut lines = vec![format!("Health: {verdict}")];
    lines.extend(listed(issues.iter().cloned()));
    let fine = said.into_iter().flatten().all(well) && issues.is_empty();
    Some((fine, lines))
}

/// A room that says nothing bad about itself; what isn't known to be good isn't taken for it.
fn well(status: &str) -> bool {
    let status: String = status.to_lowercase().split_whitespace().collect();
    WELL.contains(&status.as_str())
}

fn policy(policy: &Value) -> Part {
    let ok = policy["ok"].as_bool()?;
    let violations = policy["violations"].as_array().cloned().unwrap_or_default();
    let name = policy["policy"].as_str().unwrap_or("policy");
    let mut lines = vec![match violations.len() {
        0 => format!("Policy: {name} holds"),
        count => format!("Policy: {name} is violated in {count} settings"),
    }];
    lines.extend(listed(violations.iter().map(|violation| {
        format!(
            "{} is {}, should be {}",
            shown(&violation["setting"]),
            shown(&violation["actual"]),
            shown(&violation["expected"])
        )
    })));
    Some((ok, lines))
}

fn thresholds(thresholds: &Value) -> Part {
    let ok = thresholds["ok"].as_bool()?;
    let breaches = thresholds["breaches"].as_array().cloned().unwrap_or_default();
    let mut lines = vec![match breaches.len() {
        0 => "Thresholds: all hold".to_owned(),
        count => format!("Thresholds: {count} breached"),
    }];
    lines.extend(listed(breaches.iter().map(|breach| {
        format!(
            "{} is {} ({}), allowed {}",
            shown(&breach["metric"]),
            shown(&breach["value"]),
            shown(&breach["reason"]),
            shown(&breach["threshold"])
        )
    })));
    Some((ok, lines))
}

fn checklist(checklist: &Value) -> Part {
    let ok = checklist["ok"].as_bool()?;
    let count = |name: &str| checklist[name].as_u64().unwrap_or(0);
    let line = format!(
        "Checklist: {} passed, {} failed, {} unchecked",
        count("passed"),
        count("failed"),
        count("unchecked")
    );
    Some((ok, vec![line]))
}

fn texts(list: &Value) -> Vec<String> {
    list.as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect()
}

fn listed(items: impl ExactSizeIterator<Item = String>) -> Vec<String> {
    let more = items.len().saturating_sub(MOST_LISTED);
    let mut lines: Vec<String> = items.take(MOST_LISTED).map(|item| format!("- {item}")).collect();
    if more > 0 {
        lines.push(format!("- and {more} more"));
    }
    lines
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => "not there".to_owned(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_tells_what_is_given() {
        let report = compose(&json!({
            "title": "Room check",
            "room": {"name": "Boardroom 4A", "status": "Offline"},
            "policy": {"ok": false, "policy": "shipped", "violations": [{"setting": "a.b", "expected": true, "actual": null}]},
            "thresholds": {"ok": true, "breaches": []},
            "notes": ["See the incident."],
        }));
        assert_eq!(report["ok"], false);
        assert_eq!(
            report["text"],
            "Room check\nRoom Boardroom 4A: Offline\nPolicy: shipped is violated in 1 settings\n- a.b is not there, should be true\nThresholds: all hold\nSee the incident."
        );
    }

    #[test]
    fn nothing_given_is_nothing_wrong() {
        assert_eq!(
            compose(&json!({})),
            json!({"text": "Nothing to report", "ok": true})
        );
        assert_eq!(compose(&json!({"room": "4A"}))["text"], "Room 4A");
    }

    #[test]
    fn a_room_that_is_not_online_is_not_fine_whatever_else_holds() {
        let thresholds = json!({"ok": true, "breaches": []});
        for (status, ok) in [
            ("Available", true),
            ("In Meeting", true),
            ("Offline", false),
            ("UnderConstruction", false),
        ] {
            let room = json!({"room": {"name": "4A", "status": status}, "thresholds": thresholds});
            assert_eq!(compose(&room)["ok"], ok, "{status}");
            let health = json!({"health": {"health": "good", "status": status, "issues": []}});
            assert_eq!(compose(&health)["ok"], ok, "{status}");
        }
        assert_eq!(compose(&json!({"health": {"health": "critical"}}))["ok"], false);
    }
}
