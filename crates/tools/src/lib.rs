//! Tools: the registry of actions, `perform(permit)`, the vendor connectors, plain HTTP connectors
//! and the local actions.
//!
//! Boundary: [`Registry`] implements [`ports::Tools`]; nothing is performed without a
//! [`governance::Permit`]. Where a tool lives and how to get in comes from [`Endpoints`], what the
//! local actions keep goes to a [`LocalSink`], time comes from a [`types::Clock`]. Deliberately
//! absent: any decision whether a call may run, retries, settings, storage.

mod access;
mod aliases;
mod answer;
mod arguments;
mod connector;
mod connectors;
mod context;
mod endpoint;
mod http;
mod load;
mod marker;
mod outside;
mod perform;
mod plain_text;
mod registry;
mod schemas;
mod tcp;
mod tokens;

pub use access::{Access, Way};
pub use answer::{Answer, CallError, Unanswered};
pub use arguments::canonical_arguments;
pub use connector::Connector;
pub use connectors::local::{LocalSink, Saved};
pub use connectors::mcp::{McpCommand, McpNotes, McpServer};
pub use connectors::plain::{HttpTool, Problem, http_tool};
pub use context::CallContext;
use endpoint::origin_of;
pub use endpoint::{Credentials, Endpoint, Endpoints, Secret, secrets_url};
pub use http::{Body, Names, Request, Response, SystemNames};
pub use registry::{Options, Registry};
