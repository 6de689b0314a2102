//! The records that go over the wire, one file per noun. They are formats of their own: what the store
//! keeps and what the engine holds can change without them. Instants are whole milliseconds since the
//! Unix epoch, UTC; ids are texts with their prefix.

pub mod approvals;
pub mod artifacts;
pub mod audit;
pub mod bundle;
pub(crate) mod forms;
pub mod library;
pub mod people;
pub mod recipes;
pub mod runs;
pub mod sandbox;
pub mod tools;
