//! The state file: read at start, replaced as a whole after each change.
//!
//! A write goes to a neighbouring temporary file that is then renamed over the old one, so a
//! killed process leaves either the old state or the new one, never half of one. (It isn't
//! synced to the disk: losing the machine's power may lose the newest changes.)

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::Error;
use crate::state::{FORMAT, State};

/// The largest state file read, in bytes.
const MAX_STATE_BYTES: u64 = 128 * 1024 * 1024;

/// The state kept in `path`; `None` if there is no such file yet.
pub(crate) fn load(path: &Path) -> Result<Option<State>, Error> {
    let unreadable = |source| Error::ReadState {
        path: path.to_owned(),
        source,
    };
    let corrupt = |reason: String| Error::CorruptState {
        path: path.to_owned(),
        reason,
    };
    match std::fs::metadata(path) {
        Ok(file) if file.len() > MAX_STATE_BYTES => {
            return Err(corrupt(format!("it is larger than {MAX_STATE_BYTES} bytes")));
        }
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unreadable(error)),
    }
    let bytes = std::fs::read(path).map_err(unreadable)?;
    let value: serde_json::Value =
        serde_json::from_slice(&bytes).map_err(|error| corrupt(error.to_string()))?;
    // The format comes first: a newer file should be called newer, not ill-formed.
    match value.get("format").and_then(serde_json::Value::as_u64) {
        Some(format) if format == u64::from(FORMAT) => {}
        Some(format) => {
            return Err(corrupt(format!(
                "its format is {format}, this sandbox knows {FORMAT}"
            )));
        }
        None => return Err(corrupt("it has no 'format'".to_owned())),
    }
    serde_json::from_value(value)
        .map(Some)
        .map_err(|error| corrupt(error.to_string()))
}

/// Replaces the file by `state`.
pub(crate) fn save(path: &Path, state: &State) -> Result<(), Error> {
    let unwritable = |source| Error::WriteState {
        path: path.to_owned(),
        source,
    };
    let bytes = serde_json::to_vec(state).map_err(|error| unwritable(error.into()))?;
    let temporary = neighbour(path);
    std::fs::write(&temporary, bytes).map_err(unwritable)?;
    std::fs::rename(&temporary, path).map_err(unwritable)
}

fn neighbour(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.tmp", std::process::id()));
    path.with_file_name(name)
}
