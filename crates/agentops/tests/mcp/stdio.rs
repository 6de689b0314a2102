//! Servers that the configuration starts.

use std::process::Command;

use serde_json::{Value, json};

use crate::peers::{folder, output, peer, program, script, section};
use crate::rig::Folder;

fn python(server: &str) -> [String; 2] {
    [peer("py/bin/python"), format!("mcp_server_{server}")]
}

fn view(folder: &Folder, server: &str) -> Value {
    folder.json(0, &["tool", "show", server])
}

fn effect(tool: &Value, action: &str) -> Value {
    let actions = tool["actions"].as_array().expect("actions");
    let found = actions.iter().find(|found| found["name"] == action);
    found.unwrap_or_else(|| panic!("no {action} in {tool}"))["effect"].clone()
}

#[test]
fn the_reference_servers_of_both_generations_are_tools() {
    let [python, time] = python("time");
    let node = program("node");
    let folder = folder(&[
        section(
            "time",
            &python,
            &["-m", &time, "--local-timezone", "UTC"],
            "trusted = true",
        ),
        section(
            "every",
            &node,
            &[&script("everything"), "stdio"],
            "trusted = true",
        ),
        section(
            "memory",
            &node,
            &[&script("memory")],
            "trusted = true\nmock = true",
        ),
    ]);
    assert_eq!(view(&folder, "time")["mcp"]["protocol"], "2026-07-28");
    let every = view(&folder, "every");
    assert_eq!(every["mcp"]["protocol"], "2025-11-25");
    assert_eq!(effect(&every, "every.get-sum"), "read");
    assert_eq!(effect(&every, "every.trigger-elicitation-request"), "write");
    let left = every["mcp"]["left_out"].as_array().expect("a list");
    assert!(
        left.iter().any(|left| left["name"] == "simulate-research-query"),
        "{left:?}"
    );
    let sum = output(&folder, &["every.get-sum", "-a", "a=2", "-a", "b=3"]);
    assert_eq!(sum["text"], "The sum of 2 and 3 is 5.");
    let weather = output(
        &folder,
        &["every.get-structured-content", "-a", "location=Chicago"],
    );
    assert!(weather["structured"]["temperature"].is_number(), "{weather}");
    let image = output(&folder, &["every.get-tiny-image"]);
    assert!(
        image["content"]
            .as_array()
            .expect("parts")
            .iter()
            .any(|part| part["type"] == "image")
    );
    folder.json(0, &["tool", "classify", "time.convert_time", "--effect", "read"]);
    let converted = output(
        &folder,
        &[
            "time.convert_time",
            "-a",
            "source_timezone=UTC",
            "-a",
            "target_timezone=Asia/Tokyo",
            "-a",
            "time=12:00",
        ],
    );
    assert!(
        converted["text"]
            .as_str()
            .expect("a text")
            .contains("T21:00:00+09:00"),
        "{converted}"
    );
    assert_eq!(effect(&view(&folder, "memory"), "memory.read_graph"), "read");
    // A server that may be called in rehearsals is, and others are not.
    let mock = folder.run(&["tool", "call", "memory.read_graph", "--mode", "mock"]);
    assert_eq!(mock.code, 0, "{mock:?}");
    let refused = folder.run(&[
        "tool",
        "call",
        "every.get-sum",
        "-a",
        "a=1",
        "-a",
        "b=1",
        "--mode",
        "mock",
    ]);
    assert!(
        refused.err.contains("tool_not_configured") || refused.out.contains("tool_not_configured"),
        "{refused:?}"
    );
}

#[test]
fn an_action_asks_until_a_person_has_said_what_it_does() {
    let [python, git] = python("git");
    let path = format!("env = {{ PATH = {:?} }}", std::env::var("PATH").expect("a path"));
    let folder = folder(&[section("git", &python, &["-m", &git], &path)]);
    let repo = folder.path("repo");
    for args in [
        &["init", "-q", "."][..],
        &[
            "-c",
            "user.name=a",
            "-c",
            "user.email=a@b",
            "commit",
            "-q",
            "--allow-empty",
            "-m",
            "first words",
        ],
    ] {
        std::fs::create_dir_all(&repo).expect("a folder");
        let done = Command::new("git")
            .current_dir(&repo)
            .args(args)
            .status()
            .expect("git runs");
        assert!(done.success(), "{args:?}");
    }
    let repo = format!("repo_path={}", repo.display());
    let tool = view(&folder, "git");
    assert_eq!(
        (tool["mcp"]["trusted"].clone(), effect(&tool, "git.git_log")),
        (json!(false), json!("destructive"))
    );
    let asks = folder.run(&["tool", "call", "git.git_log", "-a", &repo, "--mode", "real"]);
    let waits = folder.newest();
    assert_eq!(
        waits["approvals"].as_array().map(Vec::len),
        Some(1),
        "{asks:?} {waits}"
    );
    folder.ok(&["tool", "classify", "git.git_log", "--effect", "read"]);
    let log = output(&folder, &["git.git_log", "-a", &repo]);
    assert!(
        log["text"].as_str().expect("a text").contains("first words"),
        "{log}"
    );
    let page = folder.ok(&["tool", "show", "git"]);
    for part in [
        "not trusted",
        "started by the configuration",
        "classified so by ann",
        "taken as destructive",
    ] {
        assert!(page.contains(part), "{part} in {page}");
    }
    folder.refused(
        3,
        "not_found",
        &["tool", "classify", "git.git_lgo", "--effect", "read"],
    );
}

#[test]
fn commands_come_from_the_configuration_file_only() {
    let folder = Folder::seeded();
    let mut command = folder.command(&["tool", "list"]);
    let refused = crate::rig::ended(command.env("AGENTOPS_MCP__SERVERS", "{evil={command=\"sh\"}}"));
    assert!(refused.err.contains("config_invalid"), "{refused:?}");
    for (text, part) in [
        ("[mcp.servers.x]\ncommand = \"\"\n", "is empty"),
        ("[mcp.servers.Bad]\ncommand = \"x\"\n", "no name"),
        ("[mcp.servers.x]\ncomand = \"x\"\n", "comand"),
        ("[mcp.servers.zoom]\ncommand = \"x\"\n", "tool_name_taken"),
    ] {
        folder.file("agentops.toml", text);
        let refused = folder.run(&["tool", "list"]);
        assert!(
            refused.code != 0 && refused.err.contains(part),
            "{part}: {refused:?}"
        );
    }
    folder.file(
        "agentops.toml",
        "[mcp.servers.gone]\ncommand = \"/nowhere/at-all\"\n",
    );
    let failed = folder.run(&["tool", "refresh", "gone"]);
    assert!(failed.err.contains("tool_unreachable"), "{failed:?}");
}

#[test]
fn a_program_that_gives_back_what_it_is_told_is_said_to_be_no_server() {
    let folder = Folder::seeded();
    folder.file("agentops.toml", "[mcp.servers.cat]\ncommand = \"/bin/cat\"\n");
    let failed = folder.run(&["tool", "refresh", "cat"]);
    assert!(
        failed.err.contains("mcp_server_unusable") && failed.err.contains("gives back what it is told"),
        "{failed:?}"
    );
}
