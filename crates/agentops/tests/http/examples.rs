//! The examples of `docs/http.md`, run in order by a shell against a server. What an answer must hold
//! stands below each: every field of it must be there, `"…"` stands for anything.

use std::process::Command;

use serde_json::{Value, json};

use crate::rig::project;
use crate::site::Site;

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

#[tokio::test(flavor = "multi_thread")]
async fn the_examples_of_the_page_work_as_they_stand() {
    // The script signs in once for each example.
    let site = Site::open_with(&[("AGENTOPS_SERVER__SIGN_INS_PER_MINUTE", "100")]).await;
    site.user("ann", &["operator", "approver"]).await;
    let wish = json!({"name": "admin", "scopes": ["admin"], "days": 1});
    let made = site.admin.post("/api/v1/tokens", wish).await.ok(201);
    let page = project("docs/http.md");
    let examples = examples(&page);
    assert!(examples.len() >= 8, "{}", examples.len());
    let folder = tempfile::tempdir().expect("a folder");
    let mut script = String::new();
    for example in &examples {
        // Variables of earlier examples stay; only the last command's output is looked at.
        script.push_str(&example.command);
        let whole = format!("set -eu\nexec 3>&1 1>/dev/null\n{script}");
        let quiet = whole
            .rsplit_once(&example.command)
            .map(|(before, _)| before.to_owned());
        let asked = format!("{}exec 1>&3\n{}", quiet.unwrap_or_default(), example.command);
        let done = Command::new("bash")
            .arg("-c")
            .arg(&asked)
            .current_dir(folder.path())
            .env("SERVER", &site.address)
            .env("ADMIN", made["secret"].as_str().expect("a token"))
            .output()
            .expect("bash runs");
        let out = String::from_utf8_lossy(&done.stdout).into_owned();
        assert!(
            done.status.success(),
            "{}\n{out}\n{}",
            example.command,
            String::from_utf8_lossy(&done.stderr)
        );
        if let Some(wanted) = &example.answer {
            let got: Value = serde_json::from_str(&out)
                .unwrap_or_else(|error| panic!("{error}: {out}\n{}", example.command));
            assert!(
                holds(&got, wanted),
                "{}\ngot {got:#}\nwanted {wanted:#}",
                example.command
            );
        }
    }
}
