//! What the database itself can do on this disk: the limit that the engine's benchmark is held against.

use std::path::Path;

use ports::StoreError;
use rusqlite::params;

use super::fault::Fault;
use super::schema;

/// Bytes of one row, about those of a small event.
const ROW: usize = 120;

/// Writes `count` rows into a scratch database in `folder`, each in a commit of its own, with the
/// store's own settings (write-ahead log, every commit flushed to disk).
///
/// # Errors
/// The folder can't be written.
pub fn single_commits(folder: &Path, count: u32) -> Result<(), StoreError> {
    std::fs::create_dir_all(folder).map_err(|error| crate::files::io("make", folder, &error))?;
    let connection = schema::open_writer(&folder.join("yardstick.db"), true, env!("CARGO_PKG_VERSION"))?;
    let write = || -> Result<(), Fault> {
        connection.execute(
            "CREATE TABLE IF NOT EXISTS yardstick (seq INTEGER PRIMARY KEY, event TEXT NOT NULL) STRICT",
            [],
        )?;
        let mut insert = connection.prepare("INSERT INTO yardstick (event) VALUES (?1)")?;
        let event = "e".repeat(ROW);
        for _ in 0..count {
            insert.execute(params![event])?;
        }
        Ok(())
    };
    Ok(write()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_a_commit() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        single_commits(folder.path(), 20).expect("written");
        single_commits(folder.path(), 5).expect("written again");
        let raw = rusqlite::Connection::open(folder.path().join("yardstick.db")).expect("it opens");
        let rows: u32 = raw
            .query_row("SELECT count(*) FROM yardstick", [], |row| row.get(0))
            .expect("counted");
        assert_eq!(rows, 25);
    }
}
