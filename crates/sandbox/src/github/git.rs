//! Running the real `git` on a repository of the sandbox's own: no user's configuration, no hooks, no
//! network, bounded time and answers. Names come in checked; they are never read as options.

use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

/// How long one command may take.
const LONGEST: Duration = Duration::from_secs(20);
/// The longest answer that is read.
const MOST_BYTES: u64 = 8 * 1024 * 1024;
/// Who commits.
const COMMITTER: &str = "AgentOps <agentops@avops.example>";
/// The branch that is there at first.
pub(crate) const MAIN: &str = "main";
/// The old value that says that a reference must not be there yet.
const NOTHING: &str = "0000000000000000000000000000000000000000";

/// Why git didn't do it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Trouble {
    #[error("git can't be run: {0}; install git, or see that it is on the path")]
    Start(std::io::Error),
    #[error("git {0} failed")]
    Failed(String),
    #[error("git {0} took too long or said too much")]
    Bounds(String),
}

/// A bare repository.
pub(crate) struct Repository {
    folder: PathBuf,
}

/// A thing in a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Object {
    pub sha: String,
    /// `blob` or `tree`.
    pub kind: String,
    pub size: u64,
}

/// A file to write.
pub(crate) struct File<'a> {
    pub path: &'a str,
    pub bytes: &'a [u8],
}

/// A commit.
#[derive(Debug, Clone)]
pub(crate) struct Commit {
    pub sha: String,
    pub tree: String,
    pub parents: Vec<String>,
    /// Seconds since the Unix epoch.
    pub at: i64,
    pub message: String,
}

/// How much two commits differ.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Size {
    pub files: u64,
    pub additions: u64,
    pub deletions: u64,
}

impl Repository {
    /// The repository in a folder, which is made with these files if it isn't there.
    pub(crate) fn open(folder: &Path, at: i64, seed: &[File<'_>]) -> Result<Self, Trouble> {
        let repository = Self::at(folder);
        let main = format!("refs/heads/{MAIN}");
        // A repository without its first commit is what a process left that died while making it.
        if folder.join("HEAD").exists() && repository.resolve(&main)?.is_some() {
            return Ok(repository);
        }
        std::fs::create_dir_all(folder).map_err(Trouble::Start)?;
        let branch = format!("--initial-branch={MAIN}");
        repository.run(&["init", "--quiet", "--bare", "--template=", &branch], &[])?;
        repository.import(&main, None, "What every room needs to know", at, seed)?;
        Ok(repository)
    }

    /// A repository that is there.
    pub(crate) fn at(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
        }
    }

    /// The commit of a reference or an id, if it is there.
    pub(crate) fn resolve(&self, name: &str) -> Result<Option<String>, Trouble> {
        let asked = format!("{name}^{{commit}}\n");
        let told = self.run(&["cat-file", "--batch-check=%(objectname)"], asked.as_bytes())?;
        let told = String::from_utf8_lossy(&told);
        let id = told.trim();
        Ok((id.len() == 40 && id.chars().all(|c| c.is_ascii_hexdigit())).then(|| id.to_owned()))
    }

    /// Makes a branch; false if it is there already.
    pub(crate) fn make_branch(&self, branch: &str, commit: &str) -> Result<bool, Trouble> {
        let name = format!("refs/heads/{branch}");
        if self.resolve(&name)?.is_some() {
            return Ok(false);
        }
        self.run(&["update-ref", &name, commit, NOTHING], &[])?;
        Ok(true)
    }

    /// Puts a commit with this file onto a branch and gives its id.
    pub(crate) fn commit(
        &self,
        branch: &str,
        parent: &str,
        message: &str,
        at: i64,
        file: File<'_>,
    ) -> Result<String, Trouble> {
        let name = format!("refs/heads/{branch}");
        self.import(&name, Some(parent), message, at, &[file])?;
        let made = self.resolve(&name)?.filter(|made| made != parent);
        made.ok_or_else(|| Trouble::Failed("fast-import".to_owned()))
    }

    /// What is at each of these paths of a commit; the empty path is its whole tree.
    pub(crate) fn objects(&self, commit: &str, paths: &[&str]) -> Result<Vec<Option<Object>>, Trouble> {
        let asked: String = paths.iter().map(|path| format!("{commit}:{path}\n")).collect();
        let told = self.run(&["cat-file", "--batch-check"], asked.as_bytes())?;
        let told = String::from_utf8_lossy(&told);
        let read = |line: &str| {
            let mut words = line.rsplitn(3, ' ');
            let size = words.next()?.parse().ok()?;
            let kind = words.next().filter(|kind| matches!(*kind, "blob" | "tree"))?;
            Some(Object {
                size,
                kind: kind.to_owned(),
                sha: words.next()?.to_owned(),
            })
        };
        Ok(told.lines().map(read).collect())
    }

    /// The bytes of a blob.
    pub(crate) fn blob(&self, sha: &str) -> Result<Vec<u8>, Trouble> {
        self.run(&["cat-file", "blob", sha], &[])
    }

    /// What lies directly in a tree: name and object.
    pub(crate) fn tree(&self, sha: &str) -> Result<Vec<(String, Object)>, Trouble> {
        let told = self.run(&["ls-tree", "-z", "--long", sha], &[])?;
        let told = String::from_utf8_lossy(&told);
        let read = |line: &str| {
            let (head, name) = line.split_once('\t')?;
            let mut words = head.split_whitespace().skip(1);
            let (kind, sha) = (words.next()?.to_owned(), words.next()?.to_owned());
            let size = words.next()?.parse().unwrap_or(0);
            Some((name.to_owned(), Object { sha, kind, size }))
        };
        Ok(told.split('\0').filter_map(read).collect())
    }

    /// Commits that lead to this one, newest first; only those that touch the path, if one is given.
    pub(crate) fn log(
        &self,
        commit: &str,
        path: Option<&str>,
        skip: usize,
        most: usize,
    ) -> Result<Vec<Commit>, Trouble> {
        let (skip, most) = (format!("--skip={skip}"), format!("--max-count={most}"));
        let mut arguments = vec![
            "log",
            "-z",
            "--format=%H%n%T%n%P%n%ct%n%B",
            skip.as_str(),
            most.as_str(),
            commit,
            "--",
        ];
        arguments.extend(path);
        let told = self.run(&arguments, &[])?;
        let told = String::from_utf8_lossy(&told);
        let read = |entry: &str| {
            let mut lines = entry.splitn(5, '\n');
            Some(Commit {
                sha: lines.next().filter(|sha| sha.len() == 40)?.to_owned(),
                tree: lines.next()?.to_owned(),
                parents: lines.next()?.split_whitespace().map(str::to_owned).collect(),
                at: lines.next()?.parse().ok()?,
                message: lines.next()?.trim_end().to_owned(),
            })
        };
        Ok(told.split('\0').filter_map(read).collect())
    }

    /// What `head` changes since it left `base`, as text.
    pub(crate) fn diff(&self, base: &str, head: &str) -> Result<Vec<u8>, Trouble> {
        let between = format!("{base}...{head}");
        let plain = [
            "diff",
            "--no-color",
            "--no-ext-diff",
            "--no-textconv",
            "--no-renames",
        ];
        self.run(&[&plain[..], &[between.as_str(), "--"]].concat(), &[])
    }

    /// How much that is.
    pub(crate) fn size(&self, base: &str, head: &str) -> Result<Size, Trouble> {
        let between = format!("{base}...{head}");
        let told = self.run(&["diff", "--numstat", "--no-renames", &between, "--"], &[])?;
        let mut size = Size::default();
        for line in String::from_utf8_lossy(&told).lines() {
            let mut words = line.split('\t');
            // A binary file has a dash in place of its lines.
            let mut lines = || words.next().and_then(|count| count.parse().ok()).unwrap_or(0);
            size.additions += lines();
            size.deletions += lines();
            size.files += 1;
        }
        Ok(size)
    }

    /// How many commits of `head` are not in `base`.
    pub(crate) fn ahead(&self, base: &str, head: &str) -> Result<u64, Trouble> {
        let told = self.run(&["rev-list", "--count", &format!("{base}..{head}"), "--"], &[])?;
        Ok(String::from_utf8_lossy(&told).trim().parse().unwrap_or(0))
    }

    fn import(
        &self,
        name: &str,
        parent: Option<&str>,
        message: &str,
        at: i64,
        files: &[File<'_>],
    ) -> Result<(), Trouble> {
        let mut stream = format!("commit {name}\ncommitter {COMMITTER} {at} +0000\n").into_bytes();
        data(&mut stream, message.as_bytes());
        if let Some(parent) = parent {
            stream.extend_from_slice(format!("from {parent}\n").as_bytes());
        }
        for file in files {
            let quoted = file.path.replace('\\', "\\\\").replace('"', "\\\"");
            stream.extend_from_slice(format!("M 100644 inline \"{quoted}\"\n").as_bytes());
            data(&mut stream, file.bytes);
        }
        self.run(&["fast-import", "--quiet", "--date-format=raw"], &stream)?;
        Ok(())
    }

    /// Runs git on the repository and gives what it says.
    fn run(&self, arguments: &[&str], input: &[u8]) -> Result<Vec<u8>, Trouble> {
        let what = arguments.first().copied().unwrap_or_default().to_owned();
        let mut child = self.command(arguments).spawn().map_err(Trouble::Start)?;
        let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
        let input = input.to_vec();
        let writer = std::thread::spawn(move || {
            // A git that has heard enough closes its end; whether it succeeded is in its status.
            let _ = stdin.map(|mut stdin| stdin.write_all(&input));
        });
        let (told, heard) = mpsc::channel();
        std::thread::spawn(move || {
            let mut bytes = Vec::new();
            let read = stdout.map(|stdout| stdout.take(MOST_BYTES + 1).read_to_end(&mut bytes));
            // Nobody listens any more once the time is over.
            let _ = told.send(matches!(read, Some(Ok(_))).then_some(bytes));
        });
        let bytes = heard.recv_timeout(LONGEST).ok().flatten();
        let bytes = bytes.filter(|bytes| bytes.len() as u64 <= MOST_BYTES);
        if bytes.is_none() {
            // It may have ended by itself meanwhile.
            let _ = child.kill();
        }
        let status = child.wait().map_err(Trouble::Start)?;
        let _ = writer.join();
        match bytes {
            None => Err(Trouble::Bounds(what)),
            Some(_) if !status.success() => Err(Trouble::Failed(what)),
            Some(bytes) => Ok(bytes),
        }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("git");
        command
            .env_clear()
            .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
            .env("HOME", &self.folder)
            .env("LC_ALL", "C")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GIT_ALLOW_PROTOCOL", "")
            .args([
                "--literal-pathspecs",
                "-c",
                "core.hooksPath=/dev/null",
                "-c",
                "gc.auto=0",
            ])
            .arg("--git-dir")
            .arg(&self.folder)
            .args(arguments)
            .current_dir(&self.folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        command
    }
}

fn data(stream: &mut Vec<u8>, bytes: &[u8]) {
    stream.extend_from_slice(format!("data {}\n", bytes.len()).as_bytes());
    stream.extend_from_slice(bytes);
    stream.push(b'\n');
}
