//! Traits that the outside implements or offers: the store, the tools, secrets.
//!
//! Boundary: signatures and the plain records they carry. Deliberately absent: logic.

mod journal;
mod library;
mod store;
mod tools;

pub use journal::{
    After, Append, Claim, Created, InboxItem, JournalStore, Lease, LeaseRequest, Loaded, NewRun, Post,
    RunFilter, Snapshot,
};
pub use library::{
    AgentRecord, LeafRecord, LibraryStore, NewVersion, RecipeRecord, SavedVersion, SecretRecord, ToolRecord,
    VersionRecord, VersionStatus,
};
pub use store::{Boot, DeadLetter, Store, StoreError};
pub use tools::{Call, Health, SendGuard, Tools};
