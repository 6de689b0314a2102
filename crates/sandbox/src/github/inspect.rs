//! Looking at pull requests from outside the server, by the state file and the repository beside it.

use std::path::Path;

use super::git::Repository;
use super::{home, pulls};
use crate::{Error, persist};

/// A pull request of the sandbox with what it changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PullDiff {
    /// Its number.
    pub number: u64,
    /// What it says it changes.
    pub title: String,
    /// The branch that holds the changes.
    pub head: String,
    /// The branch that they shall go to.
    pub base: String,
    /// The unified difference.
    pub diff: String,
}

/// The pull request with this number, or the newest, of the sandbox that keeps its state in this file.
///
/// # Errors
/// [`Error::NoPull`] if there is none, [`Error::Git`], and for the file [`Error::ReadState`] and
/// [`Error::CorruptState`].
pub fn pull_diff(state_file: &Path, number: Option<u64>) -> Result<PullDiff, Error> {
    let state = persist::load(state_file)?;
    let pulls = state.iter().flat_map(|state| &state.github.issues);
    let found = pulls
        .filter_map(|(known, issue)| Some((*known, issue, issue.pull.as_ref()?)))
        .rfind(|(known, _, _)| number.is_none_or(|number| number == *known));
    let Some((number, issue, pull)) = found else {
        return Err(Error::NoPull { number });
    };
    let repository = Repository::at(&home::beside(state_file));
    let diff = pulls::diff(&repository, pull).map_err(|trouble| Error::Git(trouble.to_string()))?;
    let diff = diff.ok_or_else(|| Error::Git("one of the pull request's branches is gone".to_owned()))?;
    Ok(PullDiff {
        number,
        title: issue.title.clone(),
        head: pull.head.clone(),
        base: pull.base.clone(),
        diff: String::from_utf8_lossy(&diff).into_owned(),
    })
}
