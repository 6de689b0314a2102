//! Files, variables and flags, and the command line itself.

use crate::rig::{Folder, ended};

#[test]
fn an_unknown_key_is_named_with_the_nearest() {
    let folder = Folder::seeded();
    let file = folder.file("agentops.toml", "[server]\nlisen = \"127.0.0.1:1\"\n");
    let error = folder.refused(2, "config_unknown_key", &["run", "list"]);
    assert!(
        error["message"].as_str().expect("a message").contains(&file),
        "{error}"
    );
    assert_eq!(error["hint"], "did you mean server.listen?");
    folder.file("agentops.toml", "[server]\nlisten = 5\n");
    folder.refused(2, "config_invalid", &["run", "list"]);
    folder.refused(
        2,
        "config_unreadable",
        &["--config", "/nonexistent/x.toml", "run", "list"],
    );
    std::fs::remove_file(file).expect("it was there");
    let variable = ended(
        folder
            .command(&["run", "list"])
            .env("AGENTOPS_SERVER__LISEN", "x"),
    );
    assert_eq!(variable.code, 2, "{variable:?}");
    assert!(variable.err.contains("AGENTOPS_SERVER__LISEN"), "{variable:?}");
}

#[test]
fn a_wrong_command_line_ends_with_2_and_is_json_if_asked() {
    let folder = Folder::empty();
    for args in [
        &["run", "strat", "x"][..],
        &["run", "start"],
        &["run", "show", "run_x"],
        &["run", "start", "x", "-i", "nothing"],
        &["run", "list", "--status", "asleep"],
    ] {
        let people = folder.run(args);
        assert_eq!(people.code, 2, "{people:?}");
        folder.refused_json(2, "argument_invalid", args);
    }
    assert!(folder.ok(&["--help"]).contains("Exit codes:"));
    assert!(folder.ok(&["--version"]).starts_with("agentops "));
}

#[test]
fn a_folder_that_is_not_set_up_says_so_and_stays_empty() {
    let folder = Folder::empty();
    for args in [
        &["run", "list"][..],
        &["serve", "--listen", "127.0.0.1:0"],
        &["run", "start", "x"],
        &["setting", "set", "runs.mode", "real"],
    ] {
        let error = folder.refused(8, "data_not_initialised", args);
        assert!(error["hint"].as_str().expect("a hint").contains("agentops init"));
    }
    assert_eq!(std::fs::read_dir(folder.path(".")).expect("a folder").count(), 0);
}

#[test]
fn a_recipe_can_be_checked_before_anything_is_set_up() {
    let (files, none) = (Folder::empty(), Folder::empty());
    let shipped = format!(
        "{}/../../recipes/zoom-room-hdmi-black.yaml",
        env!("CARGO_MANIFEST_DIR")
    );
    let data = none.path("not-there");
    let data = data.to_str().expect("UTF-8");
    let ended = none.run(&["recipe", "check", &shipped, "--data", data]);
    assert_eq!(ended.code, 0, "{}", ended.err);
    assert!(ended.out.contains("can run") && ended.err.contains("no data folder yet"));
    let bad = files.file(
        "bad.yaml",
        "name: x\nintake: []\nplan: []\nact:\n  - id: a\n    action: zoom.restart_rom\nverify: []\n",
    );
    let ended = none.run(&["recipe", "check", &bad, "--data", data]);
    assert_eq!(ended.code, 4);
    assert!(
        ended.out.contains("zoom.restart_room"),
        "the near name comes from the shipped tools: {}",
        ended.out
    );
    assert_eq!(std::fs::read_dir(none.path(".")).expect("a folder").count(), 0);
}

#[test]
fn completions_come_for_every_shell_and_without_a_folder() {
    let folder = Folder::empty();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = folder.ok(&["completions", shell]);
        assert!(
            script.contains("approvals") && script.contains("dead-letters"),
            "{shell}"
        );
    }
}

#[test]
fn a_reader_that_leaves_early_is_no_error() {
    let folder = Folder::seeded();
    let mut child = std::process::Command::new(crate::rig::BINARY)
        .arg("--data")
        .arg(folder.path("."))
        .args(["recipe", "schema"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("starts");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("ends");
    assert_eq!(
        (output.status.code(), output.stderr.as_slice()),
        (Some(0), &b""[..])
    );
}
