//! `agentops demo`: what it promises to whoever runs it first.

use std::collections::BTreeSet;
use std::process::Output;
use std::time::Duration;

use serde_json::Value;

fn demo(args: &[&str]) -> Output {
    assert_cmd::Command::new(env!("CARGO_BIN_EXE_agentops"))
        .args(["demo", "--exit"])
        .args(args)
        .timeout(Duration::from_secs(180))
        .output()
        .expect("the demo runs")
}

#[test]
fn the_last_line_is_one_document_with_everything_that_was_left() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let data = data.to_str().expect("a path of text");
    // The second time it finds a folder that was used, and comes to the same.
    for _ in 0..2 {
        let output = demo(&["--json", "--data", data]);
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        let text = String::from_utf8(output.stdout).expect("text");
        let document: Value = serde_json::from_str(text.lines().last().expect("a line")).expect("JSON");
        let runs = document["runs"].as_array().expect("runs");
        assert_eq!(runs.len(), 5);
        for run in runs {
            assert_eq!(run["status"], "succeeded", "{run:#}");
            assert!(run["recipe"].is_string() && run["ms"].is_u64(), "{run:#}");
        }
        let left = |kind: &str| -> Vec<(String, String)> {
            let artifacts = runs
                .iter()
                .flat_map(|run| run["artifacts"].as_array().expect("a list"));
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            artifacts
                .filter(|artifact| artifact["kind"] == kind)
                .map(|artifact| (text(&artifact["external_id"]), text(&artifact["url"])))
                .collect()
        };
        let articles = left("kb");
        assert!(
            articles
                .iter()
                .any(|(id, url)| id.starts_with("KB") && url.contains(id)),
            "{articles:?}"
        );
        let webinars = left("webinar");
        assert!(webinars.iter().all(|(id, url)| url.contains(&format!("/{id}"))) && webinars.len() == 1);
        let links: BTreeSet<String> = left("message").into_iter().map(|(_, url)| url).collect();
        assert!(
            links.iter().all(|url| url.contains("/archives/")) && links.len() == 6,
            "{links:?}"
        );
    }
    let journal = approvals(data);
    assert_eq!(journal.len(), 2, "{journal:?}");
    for approval in journal {
        assert_eq!(
            (&approval["status"], &approval["requester"]),
            (&"approved".into(), &"demo-user".into())
        );
        assert_eq!(approval["votes"][0]["by"], "demo-approver");
    }
}

fn approvals(data: &str) -> Vec<Value> {
    let output = assert_cmd::Command::new(env!("CARGO_BIN_EXE_agentops"))
        .args([
            "approvals",
            "list",
            "--status",
            "approved",
            "--json",
            "--data",
            data,
        ])
        .timeout(Duration::from_secs(60))
        .output()
        .expect("the list is made");
    let document: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let list = document.as_array().or_else(|| document["approvals"].as_array());
    list.expect("a list").clone()
}

#[test]
fn people_see_phases_and_who_said_what_and_the_folder_goes() {
    let output = demo(&[]);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8(output.stdout).expect("text");
    for told in [
        "Intake",
        "Plan",
        "Act",
        "Verify",
        "demo-user answers: Boardroom 4A",
        "demo-approver approves zoom.restart_room",
        "demo-approver confirms it",
        "Zoom Room Health Check",
    ] {
        assert!(text.contains(told), "{told} is missing in\n{text}");
    }
    let folder = text
        .lines()
        .find_map(|line| line.strip_prefix("data folder: "))
        .expect("where it was");
    let folder = folder.split(',').next().expect("a path");
    assert!(!std::path::Path::new(folder).exists(), "{folder} is still there");
}

#[test]
fn what_the_demo_says_to_type_can_be_typed() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("some data");
    let output = demo(&["--data", data.to_str().expect("a path of text")]);
    let text = String::from_utf8(output.stdout).expect("text");
    let lines = text.lines().skip_while(|line| !line.starts_with("Look around"));
    let commands: Vec<&str> = lines.filter_map(|line| line.strip_prefix("  ")).collect();
    assert_eq!(commands.len(), 3, "{text}");
    for command in commands {
        let done = std::process::Command::new("sh").args(["-c", command]).output();
        let done = done.expect("a shell");
        let said = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success(), "{command}: {said}");
    }
}
