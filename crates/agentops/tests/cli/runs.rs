//! Runs without a server: each command holds the folder, works until people are needed, and says so
//! by its exit code.

use serde_json::json;

use crate::rig::{Folder, WAITS};

fn waits() -> Folder {
    let folder = Folder::seeded();
    let file = folder.file("waits.yaml", WAITS);
    folder.ok(&["recipe", "save", &file, "--activate"]);
    folder
}

fn id(folder: &Folder) -> String {
    folder.newest()["run"]["run"].as_str().expect("an id").to_owned()
}

#[test]
fn a_shipped_recipe_runs_through_an_approval_to_its_end() {
    let folder = Folder::seeded();
    let start = [
        "run",
        "start",
        "zoom-room-hdmi-black",
        "-i",
        "room=Boardroom 4A",
        "--watch",
    ];
    let watched = folder.run(&start);
    assert_eq!(watched.code, 6, "{watched:?}");
    for part in [
        "Intake\n",
        "Plan\n",
        "Act\n",
        "✓ Find the room",
        "waits for an approval: zoom.restart_room",
    ] {
        assert!(watched.out.contains(part), "{part} in {}", watched.out);
    }
    assert!(!watched.out.contains('\u{1b}'), "no colours without a terminal");
    let approvals = folder.json(0, &["approvals", "list"]);
    let approval = approvals[0]["id"].as_str().expect("an approval");
    folder.refused(4, "self_approval_off", &["approvals", "approve", approval]);

    let done = folder.json(
        0,
        &[
            "approvals",
            "approve",
            approval,
            "--as",
            "bob",
            "--note",
            "seen it",
        ],
    );
    assert_eq!(done["run"]["status"], "succeeded");
    assert_eq!(done["run"]["outputs"]["restarted"], true);
    let kinds: Vec<_> = done["artifacts"]
        .as_array()
        .expect("artifacts")
        .iter()
        .map(|one| one["kind"].clone())
        .collect();
    assert!(
        kinds.contains(&json!("incident")) && kinds.contains(&json!("message")),
        "{kinds:?}"
    );
    folder.refused(
        4,
        "approval_closed",
        &["approvals", "deny", approval, "--as", "eve", "--note", "late"],
    );
    assert_eq!(
        folder.json(0, &["approvals", "show", approval])["status"],
        "approved"
    );
    assert_eq!(folder.json(0, &["approvals", "list"]), json!([]));

    let run = id(&folder);
    folder.refused(4, "run_ended", &["run", "cancel", &run]);
    let shown = folder.json(0, &["run", "show", &run, "--journal"]);
    for artifact in shown["artifacts"].as_array().expect("artifacts") {
        let labels = artifact["labels"].as_str().expect("labels");
        assert!(labels.contains("untrusted"), "{artifact}");
    }
    let events = shown["journal"].as_array().expect("events");
    assert_eq!(events.last().expect("an event")["event"]["type"], "run_finished");
}

#[test]
fn people_answer_inputs_tasks_signals_and_confirmations() {
    let folder = waits();
    assert_eq!(folder.run(&["run", "start", "waits", "--watch"]).code, 6);
    let run = id(&folder);
    assert_eq!(folder.newest()["asks"][0]["kind"], "input");
    folder.refused(4, "input_not_asked", &["run", "input", &run, "color=red"]);
    folder.refused(4, "inputs_invalid", &["run", "input", &run, "colour=blue"]);
    folder.json(6, &["run", "input", &run, "colour=red"]);
    let wrong = folder.refused(4, "step_not_waiting", &["run", "task", &run, "tidi", "done"]);
    assert_eq!(wrong["hint"], "steps that can be answered: act/tidy");
    folder.json(6, &["run", "task", &run, "tidy", "done", "--note", "swept"]);
    folder.json(6, &["run", "signal", &run, "go", r#"{"by": 1}"#]);
    let asked = folder.newest()["asks"][0].clone();
    assert_eq!(
        (&asked["kind"], &asked["text"]),
        (&json!("task"), &json!("The room looks red"))
    );
    let page = folder.ok(&["run", "show", &run]);
    assert!(
        page.contains("The room looks red") && !page.contains("{{"),
        "{page}"
    );
    let failed = folder.json(5, &["run", "task", &run, "act/fine", "failed", "--note", "dusty"]);
    assert_eq!(failed["run"]["failure"]["code"], "not_confirmed");

    folder.refused(4, "step_unknown", &["run", "restart", &run, "--from", "act/nope"]);
    let again = folder.json(6, &["run", "restart", &run, "--from", "fine"]);
    let fork = again["run"]["run"].as_str().expect("an id").to_owned();
    assert_ne!(fork, run);
    folder.refused(4, "run_not_ended", &["run", "restart", &fork, "--from", "fine"]);
    folder.json(6, &["run", "task", &fork, "fine", "done"]);
    let approval = folder.json(0, &["approvals", "list"])[0]["id"]
        .as_str()
        .expect("one")
        .to_owned();
    let denied = folder.json(
        5,
        &["approvals", "deny", &approval, "--as", "bob", "--note", "not now"],
    );
    assert_eq!(denied["run"]["failure"]["code"], "approval_denied");
}

#[test]
fn runs_are_held_released_cancelled_and_killed() {
    let folder = waits();
    folder.json(6, &["run", "start", "waits", "-i", "colour=red"]);
    let run = id(&folder);
    assert_eq!(folder.json(6, &["run", "pause", &run])["run"]["status"], "paused");
    folder.refused(4, "run_in_that_state", &["run", "pause", &run]);
    assert!(
        folder
            .ok(&["run", "show", &run])
            .contains(&format!("agentops run resume {run}"))
    );
    assert_eq!(
        folder.json(6, &["run", "resume", &run])["run"]["status"],
        "waiting"
    );
    let cancelled = folder.json(5, &["run", "cancel", &run, "--reason", "enough"]);
    assert_eq!(
        (&cancelled["run"]["status"], &cancelled["stops"][0]["by"]),
        (&json!("cancelled"), &json!("ann"))
    );
    assert!(
        folder
            .ok(&["run", "show", &run])
            .contains("cancelled by ann: enough")
    );
    folder.json(6, &["run", "start", "waits", "-i", "colour=green"]);
    let killed = folder.json(5, &["run", "kill", &id(&folder), "--reason", "on fire"]);
    assert!(
        folder
            .ok(&["run", "show", &id(&folder)])
            .contains("killed by ann: on fire")
    );
    assert_eq!(killed["run"]["failure"]["code"], "run_killed");
    assert_eq!(
        folder
            .json(0, &["run", "list", "--status", "cancelled"])
            .as_array()
            .map(Vec::len),
        Some(2)
    );
    assert_eq!(folder.json(0, &["run", "list", "--status", "waiting"]), json!([]));
}

#[test]
fn a_held_tool_holds_its_calls_until_it_is_released() {
    let folder = Folder::seeded();
    folder.ok(&["tool", "pause", "zoom"]);
    let held = folder.json(
        6,
        &[
            "run",
            "start",
            "zoom-room-hdmi-black",
            "-i",
            "room=Training Room 1",
        ],
    );
    assert_eq!(held["held"], json!(["zoom"]));
    let run = id(&folder);
    assert!(
        folder
            .ok(&["run", "show", &run])
            .contains("agentops tool resume zoom")
    );
    folder.ok(&["tool", "resume", "zoom"]);
    let watched = folder.run(&["run", "watch", &run]);
    assert_eq!(watched.code, 0, "{watched:?}");
}

#[test]
fn starting_twice_with_one_key_starts_once() {
    let folder = waits();
    let start = [
        "run",
        "start",
        "waits",
        "-i",
        "colour=red",
        "--start-key",
        "order-7",
    ];
    let first = folder.json(6, &start);
    let second = folder.json(6, &start);
    assert_eq!(first["run"]["run"], second["run"]["run"]);
    assert_eq!(folder.json(0, &["run", "list"]).as_array().map(Vec::len), Some(1));
}

#[test]
fn inputs_come_from_a_file_and_standard_input_and_the_command_line_over_them() {
    let folder = waits();
    let file = folder.file("inputs.yaml", "colour: red\n");
    folder.json(
        6,
        &[
            "run",
            "start",
            "waits",
            "--inputs-file",
            &file,
            "-i",
            "colour=green",
        ],
    );
    let run = id(&folder);
    let shown = folder.json(0, &["run", "show", &run, "--journal"]);
    let created = &shown["journal"][0]["event"];
    assert_eq!(created["inputs"]["value"], json!({"colour": "green"}));
    let mut piped = folder.command(&["run", "start", "waits", "--inputs-file", "-"]);
    let ended = crate::rig::ended(piped.write_stdin(r#"{"colour": "blue"}"#));
    assert_eq!(ended.code, 4, "{ended:?}");
}
