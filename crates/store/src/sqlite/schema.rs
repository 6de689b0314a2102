//! Opening connections, migrating, and the boot epoch.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::time::Duration;

use ports::StoreError;
use rusqlite::{Connection, OpenFlags, OptionalExtension};
use types::{NodeId, Timestamp};

use super::fault::{Fault, not_found, other};
use crate::files::{KEY, io, make_private};

mod embedded {
    //! The files of `migrations/`.
    refinery::embed_migrations!("migrations");
}

/// How every SQLite file begins (SQLite file format, section 1.3).
const MAGIC: &[u8; 16] = b"SQLite format 3\0";
/// Every statement of the store is kept prepared.
const STATEMENTS: usize = 160;
const BUSY: Duration = Duration::from_secs(5);

/// Opens the writing connection, making and migrating the database if `create` is set.
pub(super) fn open_writer(path: &Path, create: bool, own: &str) -> Result<Connection, StoreError> {
    let found = looks_like_sqlite(path)?;
    if !found && !create {
        return Err(not_found("database", path.display()));
    }
    if !found {
        make_private(path)?;
    }
    let mut connection = connect(path, create)?;
    check_version(&connection, own)?;
    if create {
        migrate(&mut connection)?;
    } else if version(&connection)? != Some(known()) {
        return Err(other(format!(
            "the database '{}' has an older schema: start the server once to migrate it",
            path.display()
        )));
    }
    Ok(connection)
}

/// Whether there is a database that was migrated at least once. One that can't be read now is none.
pub(super) fn is_made(path: &Path) -> bool {
    looks_like_sqlite(path) == Ok(true)
        && open_reader(path).is_ok_and(|reader| matches!(stamp(&reader), Ok(Some(_))))
}

/// Opens a connection for queries.
pub(super) fn open_reader(path: &Path) -> Result<Connection, Fault> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    connection.pragma_update(None, "cache_size", -8192)?;
    Ok(connection)
}

/// Limits the size of the file, in whole pages; what is there already stays.
pub(super) fn limit_size(connection: &Connection, bytes: Option<u64>) -> Result<(), Fault> {
    const MOST: u64 = 4_294_967_294;
    let page: u32 = connection.pragma_query_value(None, "page_size", |row| row.get(0))?;
    let pages = bytes.map_or(MOST, |bytes| (bytes / u64::from(page)).clamp(1, MOST));
    // This pragma answers with what it has set, so it is a query.
    connection.query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(()))?;
    Ok(())
}

/// Copies the database as it is at this instant into an empty file, while others go on writing.
pub(super) fn copy_into(from: &Path, to: &Path) -> Result<(), Fault> {
    let Some(to) = to.to_str() else {
        return Err(other(format!("the path '{}' is not Unicode", to.display())).into());
    };
    let connection = open_reader(from)?;
    connection.execute("VACUUM INTO ?1", [to])?;
    Ok(())
}

/// Counts one more boot and returns its epoch. Only the folder's holder may.
pub(super) fn next_boot(connection: &Connection, node: NodeId, at: Timestamp) -> Result<u64, Fault> {
    let epoch: i64 = connection.query_row(
        "INSERT INTO boot (one, epoch, node, at) VALUES (1, 1, ?1, ?2)
         ON CONFLICT (one) DO UPDATE SET epoch = epoch + 1, node = excluded.node, at = excluded.at
         RETURNING epoch",
        rusqlite::params![node.as_bytes(), at.as_millis()],
        |row| row.get(0),
    )?;
    Ok(u64::try_from(epoch).unwrap_or(0))
}

/// The epoch of the newest boot, for a guest.
pub(super) fn current_boot(connection: &Connection) -> Result<u64, Fault> {
    let epoch = connection
        .query_row("SELECT epoch FROM boot", [], |row| row.get::<_, i64>(0))
        .optional()?;
    Ok(epoch.and_then(|epoch| u64::try_from(epoch).ok()).unwrap_or(0))
}

fn connect(path: &Path, create: bool) -> Result<Connection, StoreError> {
    let mut flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    if create {
        flags |= OpenFlags::SQLITE_OPEN_CREATE;
    }
    let set_up = || -> Result<Connection, Fault> {
        let connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(BUSY)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        // An append touches several pages and writes each of them whole, so with many runs small ones are
        // quicker, although a large event then overflows its page. It counts only when the file is made.
        connection.pragma_update(None, "page_size", 4096)?;
        connection.pragma_update(None, "journal_mode", "wal")?;
        connection.pragma_update(None, "synchronous", "full")?;
        connection.pragma_update(None, "foreign_keys", true)?;
        // Without this, REPLACE would pass by the triggers that forbid deleting.
        connection.pragma_update(None, "recursive_triggers", true)?;
        connection.pragma_update(None, "cache_size", -32768)?;
        // What a savepoint may have to undo stays in memory: no files in a folder that may be full.
        connection.pragma_update(None, "temp_store", "memory")?;
        connection.pragma_update(None, "wal_autocheckpoint", 4000)?;
        connection.pragma_update(None, "journal_size_limit", 32 << 20)?;
        Ok(connection)
    };
    set_up().map_err(StoreError::from)
}

/// Whether there is a database; an empty file is none yet.
fn looks_like_sqlite(path: &Path) -> Result<bool, StoreError> {
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(io("open", path, &error)),
    };
    let mut head = Vec::with_capacity(MAGIC.len());
    Read::by_ref(&mut file)
        .take(MAGIC.len() as u64)
        .read_to_end(&mut head)
        .map_err(|error| io("read", path, &error))?;
    if head.is_empty() {
        return never_used(path);
    }
    if head != MAGIC {
        return Err(StoreError::Corrupt {
            message: format!("'{}' is not an SQLite database", path.display()),
        });
    }
    Ok(true)
}

/// That an empty file is one that nothing was ever written to: the key of the secrets is made after
/// the first migration, so beside it an empty file has lost what it held.
fn never_used(path: &Path) -> Result<bool, StoreError> {
    let wal = path.with_extension("db-wal");
    let written = std::fs::metadata(wal).is_ok_and(|wal| wal.len() > 0);
    let key = path.with_file_name(KEY).exists();
    if key && !written {
        return Err(StoreError::Corrupt {
            message: format!("'{}' is empty, and it was not", path.display()),
        });
    }
    Ok(written)
}

fn known() -> u32 {
    let runner = embedded::migrations::runner();
    let newest = runner
        .get_migrations()
        .iter()
        .map(refinery::Migration::version)
        .max();
    newest
        .and_then(|version| u32::try_from(version).ok())
        .unwrap_or(0)
}

/// The schema's version, or none if the database is new.
fn version(connection: &Connection) -> Result<Option<u32>, StoreError> {
    Ok(stamp(connection)?.map(|(version, _)| version))
}

fn stamp(connection: &Connection) -> Result<Option<(u32, String)>, Fault> {
    let tables: u32 = connection.query_row("SELECT count(*) FROM sqlite_master", [], |row| row.get(0))?;
    if tables == 0 {
        return Ok(None);
    }
    if !connection.table_exists(None, "schema_info")? {
        return Err(Fault(StoreError::Corrupt {
            message: "it is an SQLite database, but not one of this program".to_owned(),
        }));
    }
    let stamp = connection.query_row("SELECT version, min_binary FROM schema_info", [], |row| {
        Ok((row.get(0)?, row.get(1)?))
    })?;
    Ok(Some(stamp))
}

fn check_version(connection: &Connection, own: &str) -> Result<(), StoreError> {
    match stamp(connection)? {
        Some((found, needed)) if found > known() => Err(StoreError::Newer {
            found,
            needed,
            own: own.to_owned(),
        }),
        _ => Ok(()),
    }
}

fn migrate(connection: &mut Connection) -> Result<(), StoreError> {
    let runner = embedded::migrations::runner().set_grouped(true);
    let report = runner.run(connection).map_err(|error| of_refinery(&error))?;
    for migration in report.applied_migrations() {
        tracing::info!(
            schema.version = migration.version(),
            schema.change = migration.name(),
            "migrated"
        );
    }
    Ok(())
}

/// Refinery wraps SQLite's errors; a full disk must still be seen as one.
fn of_refinery(error: &refinery::Error) -> StoreError {
    let mut source = std::error::Error::source(error);
    while let Some(inner) = source {
        if let Some(inner) = inner.downcast_ref::<rusqlite::Error>()
            && let rusqlite::Error::SqliteFailure(code, _) = inner
        {
            return match code.code {
                rusqlite::ErrorCode::DiskFull => StoreError::Full,
                rusqlite::ErrorCode::DatabaseCorrupt | rusqlite::ErrorCode::NotADatabase => {
                    StoreError::Corrupt {
                        message: inner.to_string(),
                    }
                }
                _ => other(format!("failed to migrate the database: {inner}")),
            };
        }
        source = inner.source();
    }
    other(format!("failed to migrate the database: {error}"))
}
