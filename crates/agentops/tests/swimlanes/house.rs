//! A house of its own for a test: a data folder, a server on it, and the real binary beside it as
//! people use it.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::world::World;

/// The binary under test.
const BINARY: &str = env!("CARGO_BIN_EXE_agentops");
/// How long one command may take before it counts as hanging.
const PATIENCE: Duration = Duration::from_secs(180);
/// How often a run is looked at before it counts as stuck.
const LOOKS: usize = 2_000;

/// A data folder with a server.
pub struct House {
    folder: TempDir,
    server: Option<Server>,
    client: reqwest::Client,
}

struct Server {
    child: Child,
    sandbox: String,
}

impl House {
    /// A seeded folder, and a server on it.
    pub fn new() -> Self {
        // Fails when another test was first, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        // A sandbox that was started again has the address of the one before, but not its connections.
        let client = reqwest::Client::builder().no_proxy().pool_max_idle_per_host(0);
        let client = client.build().expect("a client");
        let mut house = Self {
            folder: tempfile::tempdir().expect("a folder"),
            server: None,
            client,
        };
        house.json(&["init"]);
        house.start();
        house
    }

    /// Starts the server and waits until it says where it is.
    pub fn start(&mut self) {
        let mut child = Command::new(BINARY)
            .args(["serve", "--listen", "127.0.0.1:0", "--json", "--data"])
            .arg(self.folder.path())
            .stdout(Stdio::piped())
            .stderr(self.log_file())
            .spawn()
            .expect("the server starts");
        let out = child.stdout.take().expect("its output");
        let mut text = String::new();
        for line in BufReader::new(out).lines() {
            let line = line.expect("a line");
            text.push_str(&line);
            if line == "}" {
                break;
            }
        }
        let document: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
        let sandbox = document["sandbox"]
            .as_str()
            .expect("it runs the sandbox")
            .to_owned();
        self.server = Some(Server { child, sandbox });
    }

    /// Asks the server to end, and waits until it has.
    pub fn stop(&mut self) {
        let Server { mut child, .. } = self.server.take().expect("a server runs");
        kill_process(Pid::from_child(&child), Signal::TERM).expect("it is there");
        let ended = child.wait().expect("it ends");
        assert!(ended.success(), "{ended}");
    }

    /// A command that must end with this exit code; its document.
    pub fn ends(&self, code: i32, args: &[&str]) -> Value {
        let output = assert_cmd::Command::new(BINARY)
            .args(args)
            .arg("--json")
            .arg("--data")
            .arg(self.folder.path())
            .timeout(PATIENCE)
            .output()
            .expect("the command runs");
        let (out, err) = (
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr),
        );
        assert_eq!(output.status.code(), Some(code), "{args:?}\n{out}\n{err}");
        let document = if output.stdout.is_empty() { &err } else { &out };
        serde_json::from_str(document).unwrap_or_else(|error| panic!("{args:?}: {error}: {document}"))
    }

    /// A command that must succeed; its document.
    pub fn json(&self, args: &[&str]) -> Value {
        self.ends(0, args)
    }

    /// Starts a run as ann; its id.
    pub fn begin(&self, recipe: &str, inputs: &Value) -> String {
        let file = self.folder.path().join("inputs.json");
        std::fs::write(&file, inputs.to_string()).expect("the inputs are written");
        let file = file.to_str().expect("a path of text");
        let view = self.json(&["run", "start", recipe, "--inputs-file", file, "--as", "ann"]);
        view["run"]["run"].as_str().expect("an id").to_owned()
    }

    /// Saves a recipe and lets runs follow it.
    pub fn save(&self, file: &Path, slug: &str) {
        let file = file.to_str().expect("a path of text");
        self.json(&["recipe", "save", file, "--slug", slug, "--activate"]);
    }

    /// The run once `is` holds of it.
    pub fn until(&self, run: &str, what: &str, is: impl Fn(&Value) -> bool) -> Value {
        for _ in 0..LOOKS {
            let view = self.json(&["run", "show", run]);
            if is(&view) {
                return view;
            }
            let status = view["run"]["status"].as_str().unwrap_or_default();
            assert!(
                !["succeeded", "failed", "cancelled"].contains(&status),
                "{run} ended before {what}: {view:#}"
            );
        }
        panic!("{run} never came to {what}")
    }

    /// The run once it asks people something of this kind.
    pub fn until_asked(&self, run: &str, kind: &str) -> Value {
        self.until(run, kind, |view| {
            let asks = view["asks"].as_array().expect("a list");
            asks.iter().any(|ask| ask["kind"] == kind)
        })
    }

    /// The run once it waits for an approval, and the approval's id.
    pub fn until_approval(&self, run: &str) -> String {
        let view = self.until(run, "an approval", |view| view["approvals"][0].is_object());
        view["approvals"][0]["id"].as_str().expect("an id").to_owned()
    }

    /// The run once it has succeeded.
    pub fn succeeds(&self, run: &str) -> Value {
        self.json(&["run", "watch", run])
    }

    /// What the vendors hold.
    pub async fn world(&self) -> World {
        let url = self.control("state");
        let answer = self.client.get(url).send().await.expect("an answer");
        World(serde_json::from_slice(&answer.bytes().await.expect("a body")).expect("JSON"))
    }

    /// Puts fault rules in force.
    pub async fn faults(&self, rules: &Value) {
        let answer = self
            .client
            .put(self.control("faults"))
            .body(rules.to_string())
            .send()
            .await;
        assert_eq!(answer.expect("an answer").status(), 200, "{rules}");
    }

    /// How often the rules have fired together.
    pub async fn fired(&self) -> u64 {
        let answer = self
            .client
            .get(self.control("faults"))
            .send()
            .await
            .expect("an answer");
        let rules: Value = serde_json::from_slice(&answer.bytes().await.expect("a body")).expect("JSON");
        rules
            .as_array()
            .expect("rules")
            .iter()
            .filter_map(|rule| rule["fired"].as_u64())
            .sum()
    }

    /// What the servers have logged so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("server.log")).expect("the log reads")
    }

    fn log_file(&self) -> File {
        let path = self.folder.path().join("server.log");
        File::options()
            .create(true)
            .append(true)
            .open(path)
            .expect("the log opens")
    }

    fn control(&self, what: &str) -> String {
        let server = self.server.as_ref().expect("a server runs");
        format!("{}/_sandbox/{what}", server.sandbox)
    }
}

impl Drop for House {
    fn drop(&mut self) {
        if let Some(mut server) = self.server.take() {
            // A test that has failed leaves nothing running; the folder goes with it.
            let _ = server.child.kill();
            let _ = server.child.wait();
        }
        if std::thread::panicking() {
            let _ = std::io::stderr().write_all(self.log().as_bytes());
        }
    }
}

/// The path of a fixture.
pub fn fixture(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(name)
}

/// A rule of the sandbox.
pub fn fault(vendor: &str, method: &str, path: &str, kind: &str) -> Value {
    json!({"vendor": vendor, "method": method, "path_prefix": path, "kind": kind})
}
