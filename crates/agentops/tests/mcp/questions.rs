//! What servers ask people in the midst of a call, in both generations.

use serde_json::Value;

use crate::peers::{folder, judge, peer, program, script, section};
use crate::rig::Folder;

/// A run that waits for an answer, and the name to answer under.
fn waiting(folder: &Folder, call: &[&str]) -> (String, String, Value) {
    folder.run(&[&["tool", "call"], call, &["--mode", "real"]].concat());
    let run = folder.newest();
    let asked = run["asks"][0].clone();
    assert_eq!(asked["kind"], "input", "{run}");
    let name = asked["name"].as_str().expect("a name").to_owned();
    (run["run"]["run"].as_str().expect("an id").to_owned(), name, asked)
}

#[test]
fn the_newest_revision_asks_in_its_answer_and_goes_on_with_what_a_person_says() {
    let judge = judge();
    let server = section(
        "judge",
        &peer("py/bin/python"),
        &[judge.to_str().expect("UTF-8"), "stdio"],
        "",
    );
    let folder = folder(&[server]);
    assert_eq!(
        folder.json(0, &["tool", "show", "judge"])["mcp"]["protocol"],
        "2026-07-28"
    );
    folder.ok(&["tool", "classify", "judge.greet", "--effect", "read"]);
    let (run, name, asked) = waiting(&folder, &["judge.greet", "-a", "word=hello"]);
    assert!(
        asked["prompt"]
            .as_str()
            .expect("words")
            .starts_with("Who is there?"),
        "{asked}"
    );
    folder.refused(
        4,
        "inputs_invalid",
        &["run", "input", &run, &format!("{name}:=5")],
    );
    folder.ok(&["run", "input", &run, &format!("{name}={{\"name\": \"Ann\"}}")]);
    let done = folder.json(0, &["run", "show", &run]);
    assert_eq!(
        done["run"]["outputs"]["result"]["structured"]["result"], "hello Ann",
        "{done}"
    );
    let (run, name, _) = waiting(&folder, &["judge.greet", "-a", "word=hello"]);
    folder.run(&["run", "input", &run, &format!("{name}=decline")]);
    let declined = folder.json(0, &["run", "show", &run]);
    assert_eq!(declined["run"]["status"], "failed", "{declined}");
}

#[test]
fn an_older_server_is_answered_by_the_next_attempt() {
    let node = program("node");
    let folder = folder(&[section(
        "every",
        &node,
        &[&script("everything"), "stdio"],
        "trusted = true",
    )]);
    let action = "every.trigger-elicitation-request";
    // Not safe to repeat: what it did without the answer is for a person to say first.
    folder.run(&["tool", "rule", action, "run"]);
    folder.run(&["tool", "call", action, "--mode", "real"]);
    let run = folder.newest();
    assert_eq!(run["asks"][0]["kind"], "uncertain", "{run}");
    let seen = run["asks"][0]["seen"].as_str().expect("words");
    assert!(seen.contains("cancelled the elicitation"), "{seen}");
    let id = run["run"]["run"].as_str().expect("an id");
    let step = run["asks"][0]["step"].as_str().expect("a step");
    folder.run(&["run", "resolve", id, step, "redo"]);
    let asked = folder.json(0, &["run", "show", id])["asks"][0].take();
    assert_eq!(asked["kind"], "input", "{asked}");
    let name = asked["name"].as_str().expect("a name");
    folder.ok(&[
        "run",
        "input",
        id,
        &format!("{name}={{\"name\": \"Ann\", \"check\": true}}"),
    ]);
    let done = folder.json(0, &["run", "show", id]);
    let text = done["run"]["outputs"]["result"]["text"].as_str().expect("a text");
    assert!(text.contains("- Name: Ann"), "{text}");
    // Safe to repeat: it is asked at once.
    folder.ok(&["tool", "classify", action, "--effect", "read"]);
    let (run, name, _) = waiting(&folder, &[action]);
    folder.ok(&["run", "input", &run, &format!("{name}=decline")]);
    let done = folder.json(0, &["run", "show", &run]);
    let text = done["run"]["outputs"]["result"]["text"].as_str().expect("a text");
    assert!(text.contains("declined"), "{text}");
}

#[test]
fn a_place_to_visit_is_shown_and_never_visited() {
    let node = program("node");
    let folder = folder(&[section(
        "every",
        &node,
        &[&script("everything"), "stdio"],
        "trusted = true",
    )]);
    let action = "every.trigger-url-elicitation";
    folder.ok(&["tool", "classify", action, "--effect", "read"]);
    let args = [
        action,
        "-a",
        "url=https://sign-in.example/now",
        "-a",
        "elicitationId=e-1",
    ];
    let (run, name, asked) = waiting(&folder, &args);
    let words = asked["prompt"].as_str().expect("words");
    assert!(words.contains("https://sign-in.example/now"), "{asked}");
    folder.ok(&["run", "input", &run, &format!("{name}=done")]);
    let done = folder.json(0, &["run", "show", &run]);
    assert_eq!(done["run"]["status"], "succeeded", "{done}");
    // The other way: the server refuses the call until somebody has been there.
    let (_, _, asked) = waiting(&folder, &[&args[..], &["-a", "errorPath=true"]].concat());
    assert!(
        asked["prompt"]
            .as_str()
            .expect("words")
            .contains("then answer done"),
        "{asked}"
    );
}
