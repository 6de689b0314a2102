//! Files of the data folder that both databases need: the folder itself and the key of the secrets.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;

use ports::StoreError;
use types::Entropy;

use crate::fault::other;

/// The key file's name in the data folder.
pub(crate) const KEY: &str = "secret.key";

/// Makes the folder, readable by its owner only, if it isn't there.
pub(crate) fn make(folder: &Path) -> Result<(), StoreError> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
        .create(folder)
        .map_err(|error| io("make the data folder", folder, &error))
}

/// The key that seals secrets, or none if there is no key file and this process may not make one.
pub(crate) fn secret_key(
    folder: &Path,
    entropy: &dyn Entropy,
    may_make: bool,
) -> Result<Option<[u8; 32]>, StoreError> {
    let path = folder.join(KEY);
    match std::fs::read_to_string(&path) {
        Ok(text) => {
            let mut key = [0u8; 32];
            hex::decode_to_slice(text.trim(), &mut key).map_err(|_| {
                crate::seal::wrong_key(format!(
                    "'{}' is not a key of 64 hexadecimal digits",
                    path.display()
                ))
            })?;
            Ok(Some(key))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && may_make => {
            let mut key = [0u8; 32];
            entropy.fill(&mut key);
            write_key(&path, &key).map_err(|error| io("write", &path, &error))?;
            Ok(Some(key))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(io("read", &path, &error)),
    }
}

/// Written beside its place and renamed, so that a crash never leaves half a key.
fn write_key(path: &Path, key: &[u8; 32]) -> std::io::Result<()> {
    let draft = path.with_extension("new");
    let mut file = private().truncate(true).open(&draft)?;
    writeln!(file, "{}", hex::encode(key))?;
    file.sync_all()?;
    std::fs::rename(&draft, path)?;
    path.parent().map_or(Ok(()), flush_names)
}

/// Makes an empty file that only its owner can read, unless there is one. SQLite gives its files beside
/// the database the same permissions.
pub(crate) fn make_private(path: &Path) -> Result<(), StoreError> {
    let made = private().truncate(false).open(path);
    made.map(drop).map_err(|error| io("make", path, &error))
}

/// Makes the names in a folder durable.
pub(crate) fn flush_names(folder: &Path) -> std::io::Result<()> {
    // Elsewhere folders can't be opened, and names are durable without it.
    #[cfg(unix)]
    File::open(folder)?.sync_all()?;
    Ok(())
}

fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// A failure of the file system, with what was tried.
pub(crate) fn io(what: &str, path: &Path, error: &std::io::Error) -> StoreError {
    if error.kind() == std::io::ErrorKind::StorageFull {
        return StoreError::Full;
    }
    other(format!("failed to {what} '{}': {error}", path.display()))
}
