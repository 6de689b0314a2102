//! What the database itself can do here: the limit that the engine's benchmark is held against.

use ports::StoreError;

use super::address::Address;
use super::connect::Place;
use super::fault::of_postgres;

/// Bytes of one row, about those of a small event.
const ROW: usize = 120;

/// Writes `count` rows into a table of its own, each in a commit of its own over one connection, with the
/// store's own settings (every commit flushed to disk, if the database does that).
///
/// # Errors
/// The database can't be reached or written.
pub async fn single_commits(address: &Address, count: u32) -> Result<(), StoreError> {
    let direct = Place::parse(address)?.direct().await?;
    let client = &direct.client;
    let write = async {
        client
            .batch_execute(
                "CREATE TABLE IF NOT EXISTS yardstick
                    (seq BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, event TEXT NOT NULL)",
            )
            .await?;
        let insert = client
            .prepare("INSERT INTO yardstick (event) VALUES ($1)")
            .await?;
        let event = "e".repeat(ROW);
        for _ in 0..count {
            client.execute(&insert, &[&event]).await?;
        }
        Ok(())
    };
    write
        .await
        .map_err(|error: tokio_postgres::Error| of_postgres(&error))
}
