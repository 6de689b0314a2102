//! Files and folders: writing so that a crash leaves the old file or the new one, never half of one,
//! and data folders that go when they have served.

use std::io::Write;
use std::path::Path;

use types::Failure;

/// A data folder among the temporary files, for `what`; it goes when it is dropped.
///
/// # Errors
/// `file_unwritable`.
pub fn scratch(what: &str) -> Result<tempfile::TempDir, Failure> {
    let made = tempfile::Builder::new()
        .prefix(&format!("agentops-{what}-"))
        .tempdir();
    made.map_err(|error| {
        Failure::new(
            "file_unwritable",
            format!("failed to make a data folder: {error}"),
        )
    })
}

/// Replaces a file that only its owner may read; its folder is made if missing.
///
/// # Errors
/// `file_unwritable`, or `disk_full`.
pub fn replace(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let write = || -> std::io::Result<()> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(format!(".{}.new", std::process::id()));
        let draft = path.with_file_name(name);
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&draft)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        std::fs::rename(&draft, path)
    };
    write().map_err(|error| {
        let code = if error.kind() == std::io::ErrorKind::StorageFull {
            "disk_full"
        } else {
            "file_unwritable"
        };
        Failure::new(code, format!("failed to write '{}': {error}", path.display()))
    })
}
