//! Commands beside a server, and two processes on one folder.

use std::io::{Read, Write};
use std::net::TcpStream;

use serde_json::json;

use crate::rig::{Folder, WAITS};

#[test]
fn commands_beside_a_server_hand_their_wishes_to_it() {
    let folder = Folder::seeded();
    let file = folder.file("waits.yaml", WAITS);
    let server = folder.serve();
    folder.ok(&["recipe", "save", &file, "--activate"]);
    let started = folder.ok(&[
        "run",
        "start",
        "zoom-room-hdmi-black",
        "-i",
        "room=Training Room 1",
    ]);
    assert!(started.contains("handed to the server"), "{started}");
    let watched = folder.run(&[
        "run",
        "start",
        "zoom-room-hdmi-black",
        "-i",
        "room=Training Room 1",
        "--watch",
    ]);
    assert_eq!(watched.code, 0, "{watched:?}");
    assert!(watched.out.contains("Verify\n"), "{}", watched.out);
    let health = folder.json(0, &["tool", "health"]);
    assert!(
        health
            .as_array()
            .expect("a list")
            .iter()
            .all(|tool| tool["ok"] == true),
        "{health}"
    );
    let again = folder.json(0, &["init"]);
    assert_eq!(again["database"]["made"], false);
    drop(server);
}

/// Two calls of one tool; the second may take two seconds.
const TWO_CALLS: &str = r#"name: Two calls
intake: []
plan: []
act:
  - {id: one, action: slack.auth_test}
  - {id: two, action: slack.auth_test, timeout_s: 2}
verify: []
"#;

#[test]
fn a_server_takes_up_limits_of_calls_without_a_restart() {
    let folder = Folder::seeded();
    let file = folder.file("two.yaml", TWO_CALLS);
    let server = folder.serve();
    folder.ok(&["recipe", "save", &file, "--activate"]);
    folder.ok(&[
        "setting",
        "set",
        "tools.limits",
        r#"{"slack": {"per_minute": 1}}"#,
    ]);
    let held = folder.run(&["run", "start", "two-calls", "--watch"]);
    assert_ne!(held.code, 0, "the second call gets no room in its time: {held:?}");
    let why = "as often as it may be [call_limit_reached]";
    assert!(
        held.out.contains("waits for its turn, held back until "),
        "{held:?}"
    );
    assert!(held.out.contains(why), "{held:?}");
    folder.ok(&[
        "setting",
        "set",
        "tools.limits",
        r#"{"slack": {"per_minute": 100}}"#,
    ]);
    let free = folder.run(&["run", "start", "two-calls", "--watch"]);
    assert_eq!(free.code, 0, "{free:?}");
    folder.refused(
        4,
        "setting_invalid",
        &["setting", "set", "tools.limits", r#"{"slack": {"per_hour": 1}}"#],
    );
    drop(server);
}

#[test]
fn what_begins_after_a_change_of_a_rule_goes_by_it() {
    let folder = Folder::seeded();
    let server = folder.serve();
    let call = [
        "tool",
        "call",
        "slack.post_message",
        "-a",
        "channel=#avops",
        "-a",
        "text=hi",
        "--watch",
    ];
    for round in 0..4 {
        for (rule, code) in [("run", 0), ("deny", 5)] {
            folder.ok(&["tool", "rule", "slack.post_message", rule]);
            let ended = folder.run(&call);
            assert_eq!(ended.code, code, "{rule} in round {round}: {ended:?}");
        }
    }
    drop(server);
}

#[test]
fn a_second_server_is_refused_and_disturbs_nothing() {
    let folder = Folder::seeded();
    let server = folder.serve();
    let error = folder.refused(7, "data_in_use", &["serve", "--listen", "127.0.0.1:0"]);
    let message = error["message"].as_str().expect("a message");
    assert!(message.contains(&server.document["pid"].to_string()), "{message}");
    assert!(error["hint"].is_string());
    let watched = folder.run(&[
        "run",
        "start",
        "zoom-room-hdmi-black",
        "-i",
        "room=Training Room 1",
        "--watch",
    ]);
    assert_eq!(watched.code, 0, "{watched:?}");
}

#[test]
fn what_a_killed_server_left_is_taken_up() {
    let folder = Folder::seeded();
    let file = folder.file("waits.yaml", WAITS);
    folder.ok(&["recipe", "save", &file, "--activate"]);
    let mut server = folder.serve();
    folder.ok(&["run", "start", "waits", "-i", "colour=red"]);
    server.kill();
    // Nobody holds the folder now: this is written down for whoever comes.
    folder.ok(&["run", "start", "waits", "-i", "colour=green", "--detach"]);
    let mut server = folder.serve();
    let runs = folder.json(0, &["run", "list"]);
    for run in runs.as_array().expect("runs") {
        let id = run["run"].as_str().expect("an id");
        assert_eq!(folder.run(&["run", "task", id, "tidy", "done"]).code % 4, 0);
    }
    server.kill();
    for run in runs.as_array().expect("runs") {
        let id = run["run"].as_str().expect("an id");
        let shown = folder.run(&["run", "watch", id, "--json"]);
        assert_eq!(shown.code, 6, "{shown:?}");
    }
    let waiting = folder.json(0, &["run", "list", "--status", "waiting"]);
    assert_eq!(waiting.as_array().map(Vec::len), Some(2), "{waiting}");
}

#[test]
fn an_address_in_use_is_named() {
    let folder = Folder::seeded();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address").to_string();
    let error = folder.refused(1, "listen_failed", &["serve", "--listen", &address]);
    assert!(error["message"].as_str().expect("a message").contains(&address));
    assert_eq!(folder.json(0, &["run", "list"]), json!([]));
}

/// Gives the server's sandbox one rule.
fn fault(sandbox: &str, rule: &serde_json::Value) {
    let address = sandbox.strip_prefix("http://").expect("plain HTTP");
    let body = json!([rule]).to_string();
    let mut stream = TcpStream::connect(address).expect("the sandbox is there");
    let head = format!("PUT /_sandbox/faults HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n");
    let rest = format!(
        "content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream
        .write_all(format!("{head}{rest}").as_bytes())
        .expect("sends");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("answers");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[test]
fn a_person_settles_what_nobody_knows() {
    let folder = Folder::seeded();
    folder.ok(&[
        "tool",
        "add",
        concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/qsys_control.json"),
    ]);
    folder.ok(&["tool", "rule", "qsys_control.recall_snapshot", "run"]);
    let server = folder.serve();
    let sandbox = server.document["sandbox"].as_str().expect("a sandbox");
    fault(
        sandbox,
        &json!({"vendor": "devices", "method": "POST", "kind": "lost_answer"}),
    );
    let call = [
        "tool",
        "call",
        "qsys_control.recall_snapshot",
        "--arg",
        "snapshot=show",
    ];
    folder.ok(&call);
    let run = folder.newest()["run"]["run"].as_str().expect("an id").to_owned();
    let mut asks = json!([]);
    for _ in 0..2_000 {
        asks = folder.json(0, &["run", "show", &run])["asks"].clone();
        if asks[0]["kind"] == "uncertain" {
            break;
        }
    }
    assert_eq!(asks[0]["kind"], "uncertain", "{asks}");
    assert_eq!(
        folder.json(0, &["run", "list", "--attention"])[0]["run"],
        json!(run)
    );
    folder.refused(
        4,
        "step_not_waiting",
        &["run", "resolve", &run, "cal", "happened"],
    );
    folder.refused(
        2,
        "argument_invalid",
        &["run", "resolve", &run, "call", "happened", "--output", "{"],
    );
    let settled = [
        "run",
        "resolve",
        &run,
        "call",
        "happened",
        "--output",
        r#"{"ok": true}"#,
        "--watch",
    ];
    let done = folder.json(0, &settled);
    assert_eq!(done["run"]["outputs"], json!({"result": {"ok": true}}));
    folder.refused(
        4,
        "step_not_waiting",
        &["run", "resolve", &run, "call", "happened"],
    );
}
