//! Files of the data folder that both databases need: the folder itself and the key of the secrets.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write};
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
    if let Some(key) = read_key(&path)? {
        return Ok(Some(key));
    }
    if !may_make {
        return Ok(None);
    }
    let mut key = [0u8; 32];
    entropy.fill(&mut key);
    match write_key(&path, &key, entropy) {
        Ok(()) => Ok(Some(key)),
        // Another node on this folder was quicker: its key is the one.
        Err(error) if error.kind() == ErrorKind::AlreadyExists => read_key(&path),
        Err(error) => Err(io("write", &path, &error)),
    }
}

fn read_key(path: &Path) -> Result<Option<[u8; 32]>, StoreError> {
    let text = match std::fs::read_to_string(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        read => read.map_err(|error| io("read", path, &error))?,
    };
    let mut key = [0u8; 32];
    hex::decode_to_slice(text.trim(), &mut key).map_err(|_| {
        crate::seal::wrong_key(format!(
            "'{}' is not a key of 64 hexadecimal digits",
            path.display()
        ))
    })?;
    Ok(Some(key))
}

/// Written beside its place and linked to it, so that a crash never leaves half a key, and of several that
/// are made at once one stays.
fn write_key(path: &Path, key: &[u8; 32], entropy: &dyn Entropy) -> std::io::Result<()> {
    let mut own = [0u8; 8];
    entropy.fill(&mut own);
    let draft = path.with_extension(format!("{}.new", hex::encode(own)));
    let mut file = private().truncate(true).open(&draft)?;
    writeln!(file, "{}", hex::encode(key))?;
    file.sync_all()?;
    let linked = std::fs::hard_link(&draft, path);
    std::fs::remove_file(&draft)?;
    linked?;
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

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU8, Ordering};

    use super::*;

    /// Bytes that no two callers get alike.
    struct Counted(AtomicU8);

    impl Entropy for Counted {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(self.0.fetch_add(1, Ordering::Relaxed));
        }
    }

    #[test]
    fn of_several_that_make_the_key_at_once_all_have_the_one_that_stays() {
        for _ in 0..50 {
            let folder = tempfile::tempdir().expect("a folder");
            let entropy = Counted(AtomicU8::new(1));
            let make = || secret_key(folder.path(), &entropy, true).expect("a key");
            let keys: Vec<_> = std::thread::scope(|scope| {
                let makers: Vec<_> = (0..8).map(|_| scope.spawn(make)).collect();
                makers
                    .into_iter()
                    .map(|maker| maker.join().expect("made"))
                    .collect()
            });
            let kept = read_key(&folder.path().join(KEY)).expect("readable");
            assert!(kept.is_some() && keys.iter().all(|key| *key == kept), "{keys:?}");
            let names = std::fs::read_dir(folder.path()).expect("listed");
            assert_eq!(names.count(), 1, "no draft is left");
        }
    }
}
