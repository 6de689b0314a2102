//! Where the sandbox's git repository lives: beside the state file, or in a folder that goes with the
//! sandbox. It is made at the first request that needs it.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use types::Timestamp;

use super::git::{File, Repository, Trouble};

/// The repository's first files.
const SEED: [File<'static>; 3] = [
    File {
        path: "README.md",
        bytes: b"# Runbooks\n\nHow the rooms of AV Operations are run.\n",
    },
    File {
        path: "rooms/boardroom-4a.md",
        bytes: b"# Boardroom 4A\n\n1. Check power, input and cable of the front display.\n2. Restart the room if it is offline.\n",
    },
    File {
        path: "policies/rooms.json",
        bytes: b"{\n  \"weekly_restart\": true,\n  \"encryption\": \"enhanced_encryption\"\n}\n",
    },
];

/// The place, with a lock: one request at a time works on the repository.
pub(crate) struct Home {
    kept: Option<PathBuf>,
    passing: Mutex<Option<tempfile::TempDir>>,
}

/// The repository, held.
pub(crate) struct Held<'a> {
    pub repository: Repository,
    _lock: MutexGuard<'a, Option<tempfile::TempDir>>,
}

impl Home {
    /// Beside this state file; without one in a temporary folder.
    pub(crate) fn new(state_file: Option<&Path>) -> Self {
        Self {
            kept: state_file.map(beside),
            passing: Mutex::default(),
        }
    }

    /// The repository, made and seeded if it isn't there.
    pub(crate) fn open(&self, now: Timestamp) -> Result<Held<'_>, Trouble> {
        let mut lock = self.lock();
        let folder = match &self.kept {
            Some(kept) => kept.clone(),
            None => match lock.as_ref() {
                Some(passing) => passing.path().join("runbooks.git"),
                None => {
                    let made = tempfile::tempdir().map_err(Trouble::Start)?;
                    lock.insert(made).path().join("runbooks.git")
                }
            },
        };
        let repository = Repository::open(&folder, now.as_millis().div_euclid(1_000), &SEED)?;
        Ok(Held {
            repository,
            _lock: lock,
        })
    }

    /// Forgets the repository: the next request finds the seeds.
    pub(crate) fn clear(&self) -> std::io::Result<()> {
        let mut lock = self.lock();
        *lock = None;
        match &self.kept {
            Some(kept) if kept.exists() => std::fs::remove_dir_all(kept),
            _ => Ok(()),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<tempfile::TempDir>> {
        self.passing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// `sandbox.json` has its repository in `sandbox.git`.
pub(super) fn beside(state_file: &Path) -> PathBuf {
    state_file.with_extension("git")
}
