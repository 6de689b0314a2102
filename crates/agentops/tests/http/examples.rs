//! The examples of `docs/http.md`, pasted in order into a shell, from an empty folder on. What an answer must hold
//! stands below each: every field of it must be there, `"…"` stands for anything.

use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use crate::rig::{BINARY, project};

/// A command of the page, and what its answer must hold.
struct Example {
    command: String,
    answer: Option<Value>,
}

fn examples(page: &str) -> Vec<Example> {
    let mut found: Vec<Example> = Vec::new();
    let mut blocks = page.split("```").skip(1).step_by(2);
    for block in &mut blocks {
        let (kind, text) = block.split_once('\n').expect("a kind");
        match kind {
            "sh" => found.push(Example {
                command: text.to_owned(),
                answer: None,
            }),
            "json" => {
                let answer = serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"));
                found
                    .last_mut()
                    .expect("a command stands before its answer")
                    .answer = Some(answer);
            }
            other => panic!("a block of kind '{other}'"),
        }
    }
    found
}

/// Whether `got` holds everything that `wanted` says.
fn holds(got: &Value, wanted: &Value) -> bool {
    match (got, wanted) {
        (_, Value::String(any)) if any == "…" => !got.is_null(),
        (Value::Object(got), Value::Object(wanted)) => wanted
            .iter()
            .all(|(key, value)| got.get(key).is_some_and(|got| holds(got, value))),
        (Value::Array(got), Value::Array(wanted)) => {
            wanted.iter().zip(got).all(|(wanted, got)| holds(got, wanted)) && wanted.len() <= got.len()
        }
        _ => got == wanted,
    }
}

/// All blocks in one shell, as somebody pastes them: what each prints goes to a file of its own, and what
/// was begun is ended with the shell.
fn script(examples: &[Example]) -> String {
    let mut text = String::from("set -eu\ntrap 'kill $(jobs -p)' EXIT\n");
    for (number, example) in examples.iter().enumerate() {
        let command = &example.command;
        text.push_str(&format!(
            "echo {number} > reached\n{{\n{command}}} > answer.{number}\n"
        ));
    }
    text
}

#[test]
fn the_examples_of_the_page_work_as_they_stand() {
    let examples = examples(&project("docs/http.md"));
    assert!(examples.len() >= 16, "{}", examples.len());
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let own = Path::new(BINARY).parent().expect("its folder").to_owned();
    let others = std::env::var_os("PATH").unwrap_or_default();
    let path = std::env::join_paths(std::iter::once(own).chain(std::env::split_paths(&others)));
    let mut shell = assert_cmd::Command::new("bash");
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("AGENTOPS_") {
            shell.env_remove(name);
        }
    }
    let done = shell
        .arg("-c")
        .arg(script(&examples))
        .current_dir(folder.path())
        .env("PATH", path.expect("a path"))
        .env("AGENTOPS_DATA__FOLDER", &data)
        .env("AGENTOPS_SERVER__LISTEN", "127.0.0.1:0")
        .env("AGENTOPS_SANDBOX__LISTEN", "127.0.0.1:0")
        .timeout(Duration::from_secs(120))
        .output()
        .expect("bash runs");
    let read = |name: String| std::fs::read_to_string(folder.path().join(name)).unwrap_or_default();
    let reached: usize = read("reached".to_owned()).trim().parse().expect("a number");
    assert!(
        done.status.success(),
        "{}\n{}\n{}",
        examples[reached].command,
        read(format!("answer.{reached}")),
        String::from_utf8_lossy(&done.stderr)
    );
    for (number, example) in examples.iter().enumerate() {
        let Some(wanted) = &example.answer else { continue };
        let out = read(format!("answer.{number}"));
        let got: Value =
            serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}\n{}", example.command));
        assert!(
            holds(&got, wanted),
            "{}\ngot {got:#}\nwanted {wanted:#}",
            example.command
        );
    }
}
