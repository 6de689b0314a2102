//! Habits that a machine can check: which crate may know which, how long files are, what every file
//! and page must carry, and what must never be committed.
//!
//! Each check is a function from plain data to a list of problems, so that its own tests can hand it
//! bad input. A check that has never been seen to fail proves nothing.

mod codes;
mod docs;
mod edges;
mod files;
mod licences;
mod words;

use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

use cargo_metadata::{Metadata, MetadataCommand};

/// A file of the project: its path from the root, with `/`, and its text.
struct File {
    path: String,
    text: String,
}

impl File {
    fn new(path: &str, text: &str) -> Self {
        Self {
            path: path.to_owned(),
            text: text.to_owned(),
        }
    }
}

/// The root of the workspace: two folders above this crate.
fn root() -> &'static Path {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors()
        .nth(2)
        .expect("the crate lies in crates/agentops")
}

/// Every text file that is committed or would be by `git add --all`; pictures and the like are left out.
fn project() -> &'static [File] {
    static FILES: OnceLock<Vec<File>> = OnceLock::new();
    FILES.get_or_init(|| {
        let arguments = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
        let listing = output(Command::new("git").args(arguments).current_dir(root()));
        let mut paths: Vec<&str> = listing.split('\0').filter(|path| !path.is_empty()).collect();
        // A path in the middle of a merge is listed once for each side.
        paths.dedup();
        let read = |path: &str| std::fs::read_to_string(root().join(path)).ok();
        paths
            .into_iter()
            .filter_map(|path| Some(File::new(path, &read(path)?)))
            .collect()
    })
}

/// What cargo knows of the workspace on this platform, without touching the network: other platforms'
/// crates need not have been downloaded.
fn metadata() -> &'static Metadata {
    static METADATA: OnceLock<Metadata> = OnceLock::new();
    METADATA.get_or_init(|| {
        let version = output(Command::new("rustc").arg("-vV").current_dir(root()));
        let host = version.lines().find_map(|line| line.strip_prefix("host: "));
        let host = host.expect("rustc -vV names its host").to_owned();
        MetadataCommand::new()
            .manifest_path(root().join("Cargo.toml"))
            .other_options(["--offline".to_owned(), "--filter-platform".to_owned(), host])
            .exec()
            .expect("cargo metadata answers")
    })
}

fn output(command: &mut Command) -> String {
    let output = command.output().expect("the command starts");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?} failed: {errors}");
    String::from_utf8(output.stdout).expect("the command answers in UTF-8")
}

/// Fails with one line for each problem.
#[track_caller]
fn none(problems: Vec<String>) {
    assert!(problems.is_empty(), "\n  {}\n", problems.join("\n  "));
}

#[test]
fn the_project_is_seen() {
    assert!(project().iter().any(|file| file.path == "Cargo.toml"));
    assert!(
        project()
            .iter()
            .any(|file| file.path == "crates/types/src/lib.rs")
    );
    assert!(metadata().workspace_packages().len() > 1);
}
