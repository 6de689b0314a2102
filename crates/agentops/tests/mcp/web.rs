//! Servers that answer over streamable HTTP.

use std::process::Command;

use crate::peers::{Web, judge, output, peer, program, script};
use crate::rig::Folder;

pub fn everything() -> Web {
    let mut command = Command::new(program("node"));
    command.args([&script("everything"), "streamableHttp"]);
    let with_port = |command: &mut Command, port: u16| {
        command.env("PORT", port.to_string());
    };
    Web::start(&mut command, with_port, "listening on port")
}

pub fn python() -> Web {
    let mut command = Command::new(peer("py/bin/python"));
    command.arg(judge()).arg("http");
    let with_port = |command: &mut Command, port: u16| {
        command.arg(port.to_string());
    };
    Web::start(&mut command, with_port, "Uvicorn running")
}

#[test]
fn servers_of_both_generations_are_added_by_their_address() {
    let folder = Folder::seeded();
    let (older, newest) = (everything(), python());
    // Loopback is private, and nobody has allowed it yet.
    let refused = folder.run(&["tool", "add-mcp", "every", &older.url, "--trusted"]);
    assert!(
        refused.code != 0 && refused.err.contains("address_refused"),
        "{refused:?}"
    );
    folder.ok(&["setting", "set", "tools.private", r#"["every", "judge"]"#]);
    folder.ok(&["tool", "refresh", "every"]);
    folder.ok(&["tool", "add-mcp", "judge", &newest.url]);
    for (server, protocol) in [("every", "2025-11-25"), ("judge", "2026-07-28")] {
        assert_eq!(
            folder.json(0, &["tool", "show", server])["mcp"]["protocol"],
            protocol
        );
    }
    let sum = output(&folder, &["every.get-sum", "-a", "a=20", "-a", "b=22"]);
    assert_eq!(sum["text"], "The sum of 20 and 22 is 42.");
    folder.ok(&["tool", "classify", "judge.add", "--effect", "read"]);
    folder.ok(&["tool", "classify", "judge.fail", "--effect", "read"]);
    assert_eq!(
        output(&folder, &["judge.add", "-a", "a=1", "-a", "b=2"])["structured"]["total"],
        3
    );
    folder.run(&["tool", "call", "judge.fail", "--mode", "real"]);
    let failed = folder.newest();
    assert_eq!(failed["run"]["failure"]["code"], "tool_refused", "{failed}");
    let health = folder.json(0, &["tool", "health", "judge", "--mode", "real"]);
    assert!(
        health[0]["detail"]
            .as_str()
            .expect("words")
            .contains("revision 2026-07-28"),
        "{health}"
    );
}

#[test]
fn a_server_that_is_gone_or_restarted_is_told_apart() {
    let folder = Folder::seeded();
    folder.ok(&["setting", "set", "tools.private", r#"["every"]"#]);
    let mut server = everything();
    folder.ok(&["tool", "add-mcp", "every", &server.url, "--trusted"]);
    server.stop();
    folder.run(&[
        "tool",
        "call",
        "every.get-sum",
        "-a",
        "a=1",
        "-a",
        "b=2",
        "--mode",
        "real",
    ]);
    let failed = folder.newest();
    assert_eq!(failed["run"]["failure"]["code"], "tool_unreachable", "{failed}");
    let unwell = folder.run(&["tool", "refresh", "every"]);
    assert!(
        unwell.code != 0 && unwell.err.contains("tool_unreachable"),
        "{unwell:?}"
    );
}
