//! Traits that the outside implements or offers: the store, the desk, the tools, facts,
//! runs.
//!
//! Boundary: signatures and the plain records they carry. Deliberately absent: logic.

mod desk;
mod facts;
mod feed;
mod journal;
mod library;
mod mcp;
mod page;
mod people;
mod requests;
mod runs;
mod store;
mod tools;

pub use desk::{
    Booking, CLASHES, COMMENTS, CalendarEvent, DESK_PAGE, DeskStore, EventFilter, EventMove, Ticket,
    TicketChange, TicketComment, TicketFilter,
};
pub use facts::FactSource;
pub use feed::{Change, FeedBounds, FeedStore};
pub use journal::{
    After, Append, ApprovalFilter, ArtifactFilter, Claim, Created, InboxItem, JournalStore, Lease,
    LeaseRequest, Loaded, NewRun, Post, RunFilter, Snapshot,
};
pub use library::{
    AgentRecord, LeafRecord, LibraryChange, LibraryStore, NewVersion, RecipeRecord, SavedVersion,
    SecretRecord, SeenRecipe, ToolRecord, VersionRecord, VersionStatus,
};
pub use mcp::{McpClass, McpHints, McpLeftOut, McpRecord, McpSeen, McpStand, McpTool};
pub use page::{ByName, LetterFilter, RecipeFilter, TokenFilter, VersionFilter};
pub use people::{LinkRecord, PeopleStore, SessionRecord, Sessions, TokenRecord, UserRecord};
pub use requests::{Begun, KeptAnswer, RequestKey, RequestStore};
pub use runs::Runs;
pub use store::{Boot, DeadLetter, Store, StoreError};
pub use tools::{Call, Health, SendGuard, Tools};
