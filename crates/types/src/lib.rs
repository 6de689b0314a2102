//! The vocabulary of AgentOps: ids, enums, records, durations and provenance labels,
//! and the clock and id traits. Every other crate speaks in these types.
//!
//! Boundary: plain data and arithmetic on it. Deliberately absent: IO, tokio, SQL, HTTP,
//! and any way to read a clock or a random source (those come in through [`Clock`] and [`Entropy`]).

mod action;
mod actor;
mod canonical;
mod clock;
mod codes;
mod failure;
mod ids;
mod label;
mod labeled;
mod limit;
mod named;
mod outcome;
mod question;
mod role;
mod status;
mod time;

pub use action::{
    ActionSpec, ArgClass, Catalog, Effect, FOREIGN_VERSION, Idempotency, Lookup, Risk, ToolSpec,
};
pub use actor::{Actor, ActorKind};
pub use canonical::{Digest, canonical_json, digest};
pub use clock::{Clock, Entropy};
pub use codes::CODES;
pub use failure::Failure;
pub use ids::{
    AgentId, ApprovalId, ArtifactId, EventId, InboxId, LeafId, NodeId, ParseIdError, RecipeId, RunId,
    TenantId, TicketId, TokenId, ToolId, UserId,
};
pub use label::{Label, Labels};
pub use labeled::{LabelMap, Labeled};
pub use limit::{CallLimit, CallLimits, HeldBack, holding};
pub use named::UnknownStatus;
pub use outcome::{Artifact, ArtifactKind, Outcome, ProbeResult};
pub use question::{Answers, InputNeeded, Question};
pub use role::{Role, Scope};
pub use status::{EventStatus, Mode, Phase, RunStatus, StepStatus, TicketStatus, Urgency};
pub use time::{Millis, Timestamp, parse_span};
