//! Traits that the outside implements or offers: the store, the tools, facts, runs.
//!
//! Boundary: signatures and the plain records they carry. Deliberately absent: logic.

mod facts;
mod journal;
mod library;
mod runs;
mod store;
mod tools;

pub use facts::FactSource;
pub use journal::{
    After, Append, Claim, Created, InboxItem, JournalStore, Lease, LeaseRequest, Loaded, NewRun, Post,
    RunFilter, Snapshot,
};
pub use library::{
    AgentRecord, LeafRecord, LibraryStore, NewVersion, RecipeRecord, SavedVersion, SecretRecord, ToolRecord,
    VersionRecord, VersionStatus,
};
pub use runs::Runs;
pub use store::{Boot, DeadLetter, Store, StoreError};
pub use tools::{Call, Health, SendGuard, Tools};
