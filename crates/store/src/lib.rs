//! The store: SQLite behind `ports::JournalStore`, `ports::LibraryStore` and `ports::DeskStore`, with its
//! migrations.
//!
//! Boundary: [`sqlite::open`] gives a [`sqlite::SqliteStore`]; everything else goes through the traits
//! of `ports`. SQL lives in `sqlite/table/` (one file per table group) and in `migrations/`, nowhere
//! else. Deliberately absent: SQL types in any signature, and any decision about runs (the engine
//! decides, the store keeps).

mod audit;
mod crash;
pub mod sqlite;

pub use audit::commitment;
pub use crash::CRASH_POINTS;
