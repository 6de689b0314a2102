//! Writing a file so that a crash leaves the old one or the new one, never half of one.

use std::io::Write;
use std::path::Path;

use types::Failure;

/// Replaces a file; its folder is made if missing.
///
/// # Errors
/// `file_unwritable`, or `disk_full`.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let write = || -> std::io::Result<()> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(format!(".{}.new", std::process::id()));
        let draft = path.with_file_name(name);
        let mut file = std::fs::File::create(&draft)?;
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
