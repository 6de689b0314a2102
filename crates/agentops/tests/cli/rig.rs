//! A data folder of its own for a test, and the binary on it.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

/// The binary under test.
pub const BINARY: &str = env!("CARGO_BIN_EXE_agentops");
/// How long a command may take before it counts as hanging.
const PATIENCE: Duration = Duration::from_secs(120);

/// A data folder.
pub struct Folder {
    folder: TempDir,
}

/// How a command ended.
#[derive(Debug)]
pub struct Ended {
    /// Its exit code.
    pub code: i32,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

impl Folder {
    /// An empty folder.
    pub fn empty() -> Self {
        Self {
            folder: tempfile::tempdir().expect("a folder"),
        }
    }

    /// A folder that is set up.
    pub fn seeded() -> Self {
        let folder = Self::empty();
        folder.ok(&["init"]);
        folder
    }

    /// A path in it.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file beside the database; its path as an argument.
    pub fn file(&self, name: &str, bytes: impl AsRef<[u8]>) -> String {
        let path = self.path(name);
        std::fs::write(&path, bytes).expect("the file is written");
        path.to_str().expect("UTF-8").to_owned()
    }

    /// The binary on this folder, untouched by the environment of the tests.
    pub fn command(&self, args: &[&str]) -> assert_cmd::Command {
        let mut command = assert_cmd::Command::new(BINARY);
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("AGENTOPS_") {
                command.env_remove(name);
            }
        }
        command.env("USER", "ann").env("AGENTOPS_RUNTIME__POLL_MS", "20");
        command
            .arg("--data")
            .arg(self.folder.path())
            .args(args)
            .timeout(PATIENCE);
        command
    }

    /// Runs a command to its end.
    pub fn run(&self, args: &[&str]) -> Ended {
        ended(&mut self.command(args))
    }

    /// What a command that must succeed prints.
    pub fn ok(&self, args: &[&str]) -> String {
        let ended = self.run(args);
        assert_eq!(ended.code, 0, "{args:?}: {ended:?}");
        ended.out
    }

    /// The document of a command that must end with this exit code.
    pub fn json(&self, code: i32, args: &[&str]) -> Value {
        let ended = self.run(&[args, &["--json"]].concat());
        assert_eq!(ended.code, code, "{args:?}: {ended:?}");
        serde_json::from_str(&ended.out).unwrap_or_else(|error| panic!("{args:?}: {error}: {ended:?}"))
    }

    /// A command that must fail so: with nothing on standard output, for people and for programs.
    pub fn refused(&self, exit: i32, code: &str, args: &[&str]) -> Value {
        let people = self.run(args);
        assert_eq!(
            (people.code, people.out.as_str()),
            (exit, ""),
            "{args:?}: {people:?}"
        );
        assert!(people.err.starts_with("error: "), "{people:?}");
        assert!(people.err.contains(&format!("[{code}]")), "{code} in {people:?}");
        self.refused_json(exit, code, args)
    }

    /// The same for programs alone.
    pub fn refused_json(&self, exit: i32, code: &str, args: &[&str]) -> Value {
        let programs = self.run(&[args, &["--json"]].concat());
        assert_eq!(
            (programs.code, programs.out.as_str()),
            (exit, ""),
            "{args:?}: {programs:?}"
        );
        let document: Value =
            serde_json::from_str(&programs.err).unwrap_or_else(|error| panic!("{error}: {programs:?}"));
        assert_eq!(document["error"]["code"], code, "{document}");
        document["error"].clone()
    }

    /// The newest run, as `run show` tells of it.
    pub fn newest(&self) -> Value {
        let runs = self.json(0, &["run", "list", "--limit", "1"]);
        let id = runs[0]["run"].as_str().expect("a run").to_owned();
        self.json(0, &["run", "show", &id])
    }

    /// A server on this folder.
    pub fn serve(&self) -> Server {
        self.stays(&["serve", "--listen", "127.0.0.1:0", "--json"])
    }

    /// A command that says where it listens and stays.
    pub fn stays(&self, args: &[&str]) -> Server {
        self.stays_with(args, &[])
    }

    /// The same with more in its environment.
    pub fn stays_with(&self, args: &[&str], env: &[(&str, &str)]) -> Server {
        let mut child = Command::new(BINARY)
            .arg("--data")
            .arg(self.folder.path())
            .args(args)
            .env("AGENTOPS_RUNTIME__POLL_MS", "20")
            .envs(env.iter().copied())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the server starts");
        let mut text = String::new();
        for line in BufReader::new(child.stdout.take().expect("its output")).lines() {
            let line = line.expect("a line");
            text.push_str(&line);
            if line == "}" {
                break;
            }
        }
        let document = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
        Server { child, document }
    }
}

/// Runs a command to its end.
pub fn ended(command: &mut assert_cmd::Command) -> Ended {
    let output = command.output().expect("the command runs");
    Ended {
        code: output.status.code().expect("it ends by itself"),
        out: String::from_utf8(output.stdout).expect("UTF-8"),
        err: String::from_utf8(output.stderr).expect("UTF-8"),
    }
}

/// A server, killed when dropped.
pub struct Server {
    child: Child,
    /// What it said of itself.
    pub document: Value,
}

impl Server {
    /// Ends it without warning.
    pub fn kill(&mut self) {
        self.child.kill().expect("it is there");
        self.child.wait().expect("it ends");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have been killed before.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A file of the project.
pub fn project(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Asks for nothing but a look; answers and tasks of each kind, then an approval.
pub const WAITS: &str = r#"name: Waits
inputs:
  colour: {type: string, enum: [red, green], required: true}
intake:
  - ask: Which colour?
    as: colour
plan: []
act:
  - id: tidy
    manual: Tidy the room
  - id: go
    wait: {signal: go}
  - id: fine
    confirm: The room looks {{ intake.colour }}
  - id: restart
    action: zoom.restart_room
    with: {room_id: ZR-101}
verify: []
outputs:
  colour: "{{ intake.colour }}"
"#;
