//! The store: SQLite or PostgreSQL behind the traits of `ports`, with their migrations.
//!
//! Boundary: [`sqlite::open`] and [`postgres::open`] give a [`Db`]; everything else goes through the
//! traits of `ports`. SQL lives in `table/` (one file per table group, for both databases), in
//! `postgres/` (what only PostgreSQL does, such as writing many rows with one statement) and in the
//! migrations, nowhere else. Deliberately absent: SQL types in any signature, and any decision about
//! runs (the engine decides, the store keeps).

mod audit;
mod convert;
mod crash;
mod db;
mod desk_store;
mod fault;
mod files;
mod journal_store;
mod library_store;
mod opened;
mod people_store;
pub mod postgres;
mod seal;
mod sql;
pub mod sqlite;
mod table;

pub use audit::commitment;
pub use crash::CRASH_POINTS;
pub use db::Db;
pub use opened::Opened;
