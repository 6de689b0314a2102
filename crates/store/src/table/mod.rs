//! The SQL of both databases, one file per table group. What is to be written comes prepared: all JSON is made on the
//! caller's thread, so that the writing thread does nothing but SQL.

pub(crate) mod agents;
pub(crate) mod append;
pub(crate) mod approvals;
pub(crate) mod artifacts;
pub(crate) mod calendar;
mod conditions;
pub(crate) mod dead_letters;
pub(crate) mod desk_calls;
pub(crate) mod feed;
pub(crate) mod inbox;
pub(crate) mod journal;
pub(crate) mod leases;
pub(crate) mod leaves;
pub(crate) mod library;
pub(crate) mod recipes;
pub(crate) mod requests;
pub(crate) mod rows;
pub(crate) mod runs;
pub(crate) mod secrets;
pub(crate) mod sessions;
pub(crate) mod settings;
pub(crate) mod snapshots;
pub(crate) mod steps;
pub(crate) mod tickets;
pub(crate) mod tokens;
pub(crate) mod tools;
pub(crate) mod users;
