//! Copies of the database file, made while it is in use.

use std::fs::File;
use std::path::{Path, PathBuf};

use ports::StoreError;

use super::fault::conflict;
use super::schema;
use crate::files::{flush_names, io, make_private};

/// Writes a copy beside its place, flushes it and renames it, so that there is never half a backup.
pub(super) fn copy(from: &Path, to: &PathBuf) -> Result<(), StoreError> {
    if to.exists() {
        return Err(conflict(format!("'{}' exists already", to.display())));
    }
    let mut draft = to.clone().into_os_string();
    draft.push(".part");
    let draft = PathBuf::from(draft);
    if draft.exists() {
        std::fs::remove_file(&draft).map_err(|error| io("remove", &draft, &error))?;
    }
    let result = make_private(&draft)
        .and_then(|()| schema::copy_into(from, &draft).map_err(StoreError::from))
        .and_then(|()| {
            let flushed = File::open(&draft).and_then(|file| file.sync_all());
            flushed
                .and_then(|()| std::fs::rename(&draft, to))
                .and_then(|()| match to.parent() {
                    Some(folder) if !folder.as_os_str().is_empty() => flush_names(folder),
                    _ => Ok(()),
                })
                .map_err(|error| io("write", to, &error))
        });
    if result.is_err() {
        // What is left of a failed copy is of no use; the error that matters is the first one.
        std::fs::remove_file(&draft).ok();
    }
    result
}
