//! Where the third-party servers are installed, and a data folder whose configuration starts them.

use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::rig::Folder;

/// A file below the folder of the servers, which `make mcp-peers` fills.
pub fn peer(path: &str) -> String {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .parent()
        .expect("the target folder");
    let found = target.join("mcp-peers").join(path);
    assert!(
        found.exists(),
        "{} is missing: run `make mcp-peers`",
        found.display()
    );
    found.to_str().expect("UTF-8").to_owned()
}

/// A script of a server from npm.
pub fn script(server: &str) -> String {
    peer(&format!(
        "npm/node_modules/@modelcontextprotocol/server-{server}/dist/index.js"
    ))
}

/// `judge.py`.
pub fn judge() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mcp/judge.py")
}

/// Where a program lies that is on the path of the tests.
pub fn program(name: &str) -> String {
    let path = std::env::var_os("PATH").expect("a path");
    let found = std::env::split_paths(&path)
        .map(|folder| folder.join(name))
        .find(|file| file.is_file());
    let found = found.unwrap_or_else(|| panic!("{name} was not found: install it"));
    found.to_str().expect("UTF-8").to_owned()
}

/// One server of the configuration.
pub fn section(name: &str, command: &str, args: &[&str], more: &str) -> String {
    let args: Vec<String> = args.iter().map(|arg| format!("{arg:?}")).collect();
    format!(
        "[mcp.servers.{name}]\ncommand = {command:?}\nargs = [{}]\n{more}\n",
        args.join(", ")
    )
}

/// A data folder that is set up with these servers, each of which was looked at.
pub fn folder(sections: &[String]) -> Folder {
    let folder = Folder::seeded();
    folder.file("agentops.toml", sections.join("\n"));
    for name in sections
        .iter()
        .filter_map(|section| section.split(['.', ']']).nth(2))
    {
        folder.ok(&["tool", "refresh", name]);
    }
    folder
}

/// The output of a call in real mode that needs nobody, by `tool.action`.
pub fn output(folder: &Folder, args: &[&str]) -> Value {
    folder.json(0, &[&["tool", "call"], args, &["--mode", "real"]].concat());
    let run = folder.newest();
    assert_eq!(run["run"]["status"], "succeeded", "{run}");
    run["run"]["outputs"]["result"].clone()
}

/// A server that answers over HTTP, killed when dropped.
pub struct Web {
    child: Child,
    /// Where.
    pub url: String,
}

impl Web {
    /// Starts it on a free port, and waits for the line of its standard error that says so.
    pub fn start(command: &mut Command, with_port: impl FnOnce(&mut Command, u16), says: &str) -> Self {
        let free = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = free.local_addr().expect("an address").port();
        drop(free);
        with_port(command, port);
        let mut child = command
            .stderr(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .expect("it starts");
        let mut lines = BufReader::new(child.stderr.take().expect("its errors")).lines();
        let found = lines
            .by_ref()
            .map_while(Result::ok)
            .any(|line| line.contains(says));
        assert!(found, "it ended before it said '{says}'");
        // Read on, so that it is never held up by what nobody reads.
        std::thread::spawn(move || lines.for_each(drop));
        Self {
            child,
            url: format!("http://127.0.0.1:{port}/mcp"),
        }
    }

    /// Ends it.
    pub fn stop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Web {
    fn drop(&mut self) {
        self.stop();
    }
}
