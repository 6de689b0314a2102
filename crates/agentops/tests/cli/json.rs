//! With `--json` every command writes exactly one JSON document: its answer to standard output, or
//! what went wrong to standard error.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::rig::{BINARY, Folder, WAITS, project};

/// Commands that go on until they are ended.
const SERVING: &[&[&str]] = &[&["serve"], &["sandbox"]];
/// Commands whose document other tests read, since they take long: the demonstration, the chaos and
/// the measurements.
const LONG: &[&str] = &["demo", "chaos", "bench engine", "bench api", "bench door"];

/// One call of each command and its exit code; the words `RUN` and `APPROVAL` stand for
/// what the calls before have made, `FOLDER` for a folder beside the database. They build on each other, in this order.
const CALLS: &[(i32, &[&str])] = &[
    (0, &["init"]),
    (0, &["recipe", "check", "waits.yaml"]),
    (0, &["recipe", "save", "waits.yaml", "--activate"]),
    (0, &["recipe", "show", "waits"]),
    (0, &["recipe", "list"]),
    (0, &["recipe", "versions", "waits"]),
    (0, &["recipe", "activate", "waits", "1"]),
    (0, &["recipe", "schema"]),
    (0, &["recipe", "convert", "waits.yaml"]),
    (0, &["recipe", "export", "FOLDER"]),
    (0, &["recipe", "sync", "FOLDER"]),
    (0, &["recipe", "import", "waits.yaml"]),
    (6, &["run", "start", "waits"]),
    (0, &["run", "list"]),
    (6, &["run", "input", "RUN", "colour=red"]),
    (0, &["run", "show", "RUN", "--journal"]),
    (6, &["run", "watch", "RUN"]),
    (6, &["run", "pause", "RUN"]),
    (6, &["run", "resume", "RUN"]),
    (6, &["run", "task", "RUN", "tidy", "done"]),
    (6, &["run", "signal", "RUN", "go"]),
    (6, &["run", "task", "RUN", "fine", "done"]),
    (0, &["approvals", "list"]),
    (0, &["approvals", "show", "APPROVAL"]),
    (0, &["approvals", "approve", "APPROVAL", "--as", "bob"]),
    (4, &["approvals", "deny", "APPROVAL", "--note", "late"]),
    (4, &["run", "cancel", "RUN"]),
    (4, &["run", "kill", "RUN"]),
    (4, &["run", "resolve", "RUN", "restart", "redo"]),
    (6, &["run", "restart", "RUN", "--from", "fine"]),
    (0, &["run", "dead-letters"]),
    (0, &["tool", "list"]),
    (0, &["tool", "show", "zoom"]),
    (0, &["tool", "health", "local"]),
    (0, &["tool", "pause", "zoom"]),
    (0, &["tool", "resume", "zoom"]),
    (0, &["tool", "call", "local.noop"]),
    (4, &["tool", "add", "waits.yaml"]),
    (4, &["tool", "remove", "zoom"]),
    (0, &["tool", "rule", "zoom.restart_room", "run"]),
    (4, &["tool", "add-mcp", "zoom", "http://127.0.0.1:1/mcp"]),
    (3, &["tool", "refresh", "nothing"]),
    (2, &["tool", "classify", "zoom.restart_room", "--effect", "read"]),
    (0, &["agent", "list"]),
    (0, &["agent", "show", "Support"]),
    (0, &["setting", "list"]),
    (0, &["setting", "get", "runs.mode"]),
    (0, &["setting", "set", "runs.mode", "mock"]),
    (0, &["secret", "set", "slack.token"]),
    (0, &["secret", "list"]),
    (0, &["secret", "remove", "slack.token"]),
    (0, &["user", "add", "eve", "--role", "viewer"]),
    (0, &["user", "list"]),
    (0, &["user", "change", "eve", "--role", "operator"]),
    (0, &["user", "link", "eve"]),
    (
        4,
        &["token", "make", "--name", "ci", "--scope", "run", "--user", "eve"],
    ),
    (0, &["token", "list"]),
    (3, &["token", "revoke", "tok_00000000000000000000000000000000"]),
    (0, &["audit", "leaves"]),
    (0, &["completions", "bash"]),
    (0, &["explain", "not_found"]),
    (3, &["explain", "nonsense"]),
    // What is asked for isn't there, or is no request at all.
    (3, &["run", "show", "run_00000000000000000000000000000000"]),
    (3, &["recipe", "show", "nothing"]),
    (3, &["sandbox", "diff"]),
    (2, &["run", "start"]),
    (2, &["nonsense"]),
];

/// The leaves of the command line, as its reference has them.
fn commands() -> BTreeSet<String> {
    let page = project("docs/cli.md");
    let all: Vec<&str> = page
        .lines()
        .filter_map(|line| line.trim_start_matches('#').strip_prefix(" agentops "))
        .collect();
    let group = |name: &str| all.iter().any(|other| other.starts_with(&format!("{name} ")));
    all.iter()
        .filter(|name| !group(name))
        .map(|name| (*name).to_owned())
        .collect()
}

fn one_document(text: &str, of: &[&str]) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{of:?}: {error}: {text}"))
}

/// The id in the first entry of a list.
fn first(folder: &Folder, list: &[&str], id: &str) -> String {
    folder.json(0, list)[0][id]
        .as_str()
        .unwrap_or_default()
        .to_owned()
}

#[test]
fn every_command_writes_one_document() {
    let folder = Folder::empty();
    let file = folder.file("waits.yaml", WAITS);
    let inside = folder.path("recipes");
    let inside = inside.to_str().expect("UTF-8");
    let (mut run, mut approval) = (String::new(), String::new());
    let mut called = BTreeSet::new();
    for (code, call) in CALLS {
        let words: Vec<&str> = call
            .iter()
            .map(|word| match *word {
                "RUN" => run.as_str(),
                "APPROVAL" => approval.as_str(),
                "waits.yaml" => file.as_str(),
                "FOLDER" => inside,
                word => word,
            })
            .collect();
        let mut command = folder.command(&[&words[..], &["--json"]].concat());
        let ended = crate::rig::ended(command.write_stdin("a-long-enough-secret\n"));
        assert_eq!(ended.code, *code, "{call:?}: {ended:?}");
        let failed = matches!(code, 2..=4);
        let (document, silent) = if failed {
            (&ended.err, &ended.out)
        } else {
            (&ended.out, &ended.err)
        };
        let document = one_document(document, call);
        assert_eq!(silent, "", "{call:?}");
        assert_eq!(failed, document["error"]["code"].is_string(), "{call:?}");
        match call {
            ["run", "start", "waits"] => run = first(&folder, &["run", "list"], "run"),
            ["approvals", "list"] => approval = document[0]["id"].as_str().expect("an id").to_owned(),
            _ => {}
        }
        called.insert(call[..call.len().min(2)].join(" "));
        called.insert(call[0].to_owned());
    }
    let serving: Vec<String> = SERVING.iter().map(|call| call.join(" ")).collect();
    let uncalled: Vec<String> = commands()
        .into_iter()
        .filter(|name| !called.contains(name) && !serving.contains(name) && !LONG.contains(&name.as_str()))
        .collect();
    assert!(uncalled.is_empty(), "commands without a call here: {uncalled:?}");
}

#[test]
fn a_command_that_serves_writes_one_document_and_nothing_after_it() {
    let folder = Folder::seeded();
    for call in SERVING {
        let mut child = Command::new(BINARY)
            .arg("--data")
            .arg(folder.path(""))
            .args(*call)
            .args(["--listen", "127.0.0.1:0", "--json"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("it starts");
        let mut out = BufReader::new(child.stdout.take().expect("its output"));
        let mut text = String::new();
        while !text.ends_with("\n}\n") {
            let read = out.read_line(&mut text).expect("a line");
            assert!(read > 0, "{call:?} ended: {text}");
        }
        child.kill().expect("it is there");
        child.wait().expect("it ends");
        out.read_to_string(&mut text).expect("the rest");
        one_document(&text, call);
    }
}
