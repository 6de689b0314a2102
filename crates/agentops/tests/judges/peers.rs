//! Where the judges are installed, and running one of the SDKs.

use std::path::{Path, PathBuf};
use std::process::Command;

use sandbox::Vendor;
use serde_json::{Value, json};

/// A sandbox that listens for TLS, with the file that holds its authority.
pub struct Tls {
    pub sandbox: sandbox::Handle,
    folder: tempfile::TempDir,
}

/// A file below the folder of the judges, which `make judges` fills.
pub fn peer(path: &str) -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .parent()
        .expect("the target folder");
    let found = target.join("judges").join(path);
    assert!(
        found.exists(),
        "{} is missing: run `make judges`",
        found.display()
    );
    found
}

/// The JSON document in such a file.
pub fn document(path: &str) -> Value {
    let text = std::fs::read(peer(path)).expect("the file reads");
    serde_json::from_slice(&text).expect("the file is JSON")
}

/// The one file of this name inside the Python packages.
pub fn python_file(package_path: &str) -> String {
    let lib = peer("py/lib");
    let mut versions = std::fs::read_dir(lib).expect("the environment reads");
    let version = versions.next().expect("a version of Python").expect("an entry");
    format!(
        "py/lib/{}/site-packages/{package_path}",
        version.file_name().to_string_lossy()
    )
}

impl Tls {
    /// Starts one.
    pub async fn start() -> Self {
        let options = sandbox::Options {
            tls: true,
            ..sandbox::Options::new(std::sync::Arc::new(Fixed))
        };
        let sandbox = sandbox::start(options).await.expect("the sandbox starts");
        let folder = tempfile::tempdir().expect("a folder");
        let pem = sandbox.ca_pem().expect("an authority");
        std::fs::write(folder.path().join("ca.pem"), pem).expect("the authority is written");
        Self { sandbox, folder }
    }

    /// Runs `sdk/NAME.py` against the vendor and gives back what it printed.
    pub async fn sdk(&self, name: &str, vendor: Vendor) -> Value {
        self.script(&format!("{name}.py"), vendor).await
    }

    /// Runs a script for Python or Node against the vendor and gives back what it printed.
    pub async fn script(&self, name: &str, vendor: Vendor) -> Value {
        let secrets: serde_json::Map<String, Value> = vendor
            .secrets()
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).into()))
            .collect();
        let ca = self.folder.path().join("ca.pem");
        let base = self.sandbox.https_url().expect("an address for TLS");
        let told = json!({ "url": format!("{base}{}", vendor.prefix()), "ca": ca, "secrets": secrets });
        let mut command = interpreter(name);
        command
            .arg(told.to_string())
            .env("NODE_EXTRA_CA_CERTS", &ca)
            .env("REQUESTS_CA_BUNDLE", &ca)
            .env("SSL_CERT_FILE", &ca)
            .env("NO_PROXY", "*");
        let name = name.to_owned();
        tokio::task::spawn_blocking(move || printed(&name, &mut command))
            .await
            .expect("python ends")
    }
}

/// A file of the folder `sdk`.
pub fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/judges/sdk")
        .join(name)
}

/// What runs a script of the folder `sdk` with the vendors' packages at hand. A script for Node is told
/// in `AGENTOPS_JUDGES` where they are.
pub fn interpreter(name: &str) -> Command {
    match name.strip_suffix(".py") {
        Some(stem) => {
            let mut command = python(stem);
            command.env_clear();
            command
        }
        None => {
            let mut command = Command::new("node");
            command.arg(script(name)).env("AGENTOPS_JUDGES", peer("npm"));
            command
        }
    }
}

/// `sdk/NAME.py` in the environment that has the vendors' packages.
pub fn python(name: &str) -> Command {
    let mut command = Command::new(peer("py/bin/python"));
    command.arg("-I").arg(script(&format!("{name}.py")));
    command
}

/// Runs a script to its end and gives back the JSON that it printed.
pub fn printed(name: &str, command: &mut Command) -> Value {
    let output = command.output().expect("the script starts");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{name}: {errors}");
    serde_json::from_slice(&output.stdout).expect("the script prints JSON")
}

/// A clock that stands still.
struct Fixed;

impl types::Clock for Fixed {
    fn now(&self) -> types::Timestamp {
        types::Timestamp::from_millis(1_736_150_400_000)
    }
}
