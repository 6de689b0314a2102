//! The examples of `docs/sandbox.md` that ask the sandbox by `curl`, as they stand there.

use serde_json::Value;

use crate::rig::{Folder, project};

#[test]
fn the_examples_of_the_sandboxes_page_work_as_they_stand() {
    let page = project("docs/sandbox.md");
    let blocks: Vec<&str> = page.split("```").skip(1).step_by(2).collect();
    let asking: Vec<&&str> = blocks.iter().filter(|block| block.contains("curl ")).collect();
    assert!(!asking.is_empty());
    let folder = Folder::empty();
    let sandbox = folder.stays(&["sandbox", "--listen", "127.0.0.1:0", "--json"]);
    let url = sandbox.document["http"].as_str().expect("an address");
    let place = url.trim_start_matches("http://").trim_end_matches('/');
    for block in asking {
        let command = block.replace("localhost:PORT", place);
        assert_ne!(command, **block);
        let done = assert_cmd::Command::new("bash")
            .args(["-c", &command.replace("curl ", "curl -fsS ")])
            .output()
            .expect("bash runs");
        let out = String::from_utf8_lossy(&done.stdout).into_owned();
        let said = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success(), "{command}\n{out}\n{said}");
        let answer: Value = serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}"));
        assert_eq!(answer[0]["kind"], "lost_answer", "{out}");
    }
}
