//! The data folder: who holds it.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;

use ports::StoreError;

use crate::files::io;

/// The database's name in the data folder.
pub(super) const DATABASE: &str = "agentops.db";
const LOCK: &str = "lock";

/// The data folder, held by an operating-system lock for as long as this lives. The lock ends with
/// the process, however that ends.
#[derive(Debug)]
pub(super) struct Hold(#[expect(dead_code, reason = "the open file is the lock")] File);

/// Whether some process holds the folder now. A folder that can't be looked at counts as held.
pub fn is_held(folder: &Path) -> bool {
    // Shared, so that two who look don't take each other for a holder.
    let looked = File::open(folder.join(LOCK)).map(|file| file.try_lock_shared());
    !matches!(looked, Ok(Ok(())))
}

/// Whether some process certainly holds the folder now.
pub(super) fn is_locked(folder: &Path) -> bool {
    let looked = File::open(folder.join(LOCK)).map(|file| file.try_lock_shared());
    matches!(looked, Ok(Err(TryLockError::WouldBlock)))
}

/// The process that says it holds the folder.
pub(super) fn holder(folder: &Path) -> Option<u32> {
    pid(&mut File::open(folder.join(LOCK)).ok()?)
}

fn pid(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.take(32).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
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
            return Err(StoreError::InUse { pid: pid(&mut file) });
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
