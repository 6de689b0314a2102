//! The data folder: who holds it, and the key file beside the database.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;

use ports::StoreError;
use types::Entropy;

use super::fault::other;

/// The database's name in the data folder.
pub(super) const DATABASE: &str = "agentops.db";
const LOCK: &str = "lock";
pub(super) const KEY: &str = "secret.key";

/// The data folder, held by an operating-system lock for as long as this lives. The lock ends with
/// the process, however that ends.
#[derive(Debug)]
pub(super) struct Hold(#[expect(dead_code, reason = "the open file is the lock")] File);

/// Makes the folder, readable by its owner only, if it isn't there.
pub(super) fn make(folder: &Path) -> Result<(), StoreError> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
        .create(folder)
        .map_err(|error| io("make the data folder", folder, &error))
}

/// Whether some process holds the folder now. A folder that can't be looked at counts as held.
pub fn is_held(folder: &Path) -> bool {
    // Shared, so that two who look don't take each other for a holder.
    let looked = File::open(folder.join(LOCK)).map(|file| file.try_lock_shared());
    !matches!(looked, Ok(Ok(())))
}

/// Takes the folder.
///
/// # Errors
/// [`StoreError::InUse`] with the holder's process id if another process has it.
pub(super) fn hold(folder: &Path) -> Result<Hold, StoreError> {
    let path = folder.join(LOCK);
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path)
        .map_err(|error| io("open", &path, &error))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut text = String::new();
            let read = (&mut file).take(32).read_to_string(&mut text);
            let pid = read.ok().and_then(|_| text.trim().parse().ok());
            return Err(StoreError::InUse { pid });
        }
        Err(TryLockError::Error(error)) => return Err(io("lock", &path, &error)),
    }
    let write = |file: &mut File| -> std::io::Result<()> {
        file.set_len(0)?;
        file.seek(SeekFrom::Start(0))?;
        writeln!(file, "{}", std::process::id())?;
        file.flush()
    };
    write(&mut file).map_err(|error| io("write", &path, &error))?;
    Ok(Hold(file))
}

/// The key that seals secrets, or none if there is no key file and this process may not make one.
pub(super) fn secret_key(
    folder: &Path,
    entropy: &dyn Entropy,
    may_make: bool,
) -> Result<Option<[u8; 32]>, StoreError> {
    let path = folder.join(KEY);
    match std::fs::read_to_string(&path) {
        Ok(text) => {
            let mut key = [0u8; 32];
            hex::decode_to_slice(text.trim(), &mut key).map_err(|_| {
                super::seal::wrong_key(format!(
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
pub(super) fn make_private(path: &Path) -> Result<(), StoreError> {
    let made = private().truncate(false).open(path);
    made.map(drop).map_err(|error| io("make", path, &error))
}

/// Makes the names in a folder durable.
pub(super) fn flush_names(folder: &Path) -> std::io::Result<()> {
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
pub(super) fn io(what: &str, path: &Path, error: &std::io::Error) -> StoreError {
    if error.kind() == std::io::ErrorKind::StorageFull {
        return StoreError::Full;
    }
    other(format!("failed to {what} '{}': {error}", path.display()))
}
