//! Between columns and values: ids as 16 bytes, instants as milliseconds, names and JSON as text.

use std::error::Error;
use std::str::FromStr;

use serde::de::DeserializeOwned;
use types::Timestamp;

use crate::fault::Fault;
use crate::sql::{Row, unreadable};

/// A count or position as a database keeps it. Nothing here ever comes near the limit.
pub(crate) fn int(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// A count or position read back; a negative one is damage.
pub(crate) fn count(row: &Row<'_>, index: usize) -> Result<u64, Fault> {
    row.get(index)
}

pub(crate) fn at(row: &Row<'_>, index: usize) -> Result<Timestamp, Fault> {
    row.get(index).map(Timestamp::from_millis)
}

pub(crate) fn opt_at(row: &Row<'_>, index: usize) -> Result<Option<Timestamp>, Fault> {
    Ok(row.get::<Option<i64>>(index)?.map(Timestamp::from_millis))
}

/// An id from its 16 bytes: `id(row, 0, RunId::from_bytes)`.
pub(crate) fn id<T>(row: &Row<'_>, index: usize, make: fn([u8; 16]) -> T) -> Result<T, Fault> {
    row.get(index).map(make)
}

/// A value from its name in the interface.
pub(crate) fn parsed<T>(row: &Row<'_>, index: usize) -> Result<T, Fault>
where
    T: FromStr,
    T::Err: Error + Send + Sync + 'static,
{
    let text = row.text(index)?;
    text.parse().map_err(|error| unreadable(index, error))
}

/// A value from JSON text.
pub(crate) fn json<T: DeserializeOwned>(row: &Row<'_>, index: usize) -> Result<T, Fault> {
    let text = row.text(index)?;
    serde_json::from_str(text).map_err(|error| unreadable(index, error))
}

/// A value from JSON text, or none from NULL.
pub(crate) fn opt_json<T: DeserializeOwned>(row: &Row<'_>, index: usize) -> Result<Option<T>, Fault> {
    match row.opt_text(index)? {
        None => Ok(None),
        Some(text) => serde_json::from_str(text)
            .map(Some)
            .map_err(|error| unreadable(index, error)),
    }
}

/// A value of an enum that serialises as its name.
pub(crate) fn named<T: DeserializeOwned>(row: &Row<'_>, index: usize) -> Result<T, Fault> {
    let name: String = row.get(index)?;
    serde_json::from_value(serde_json::Value::String(name)).map_err(|error| unreadable(index, error))
}
