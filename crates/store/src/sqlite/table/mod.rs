//! The SQL, one file per table group. What is to be written comes prepared: all JSON is made on the
//! caller's thread, so that the writing thread does nothing but SQL.

pub(super) mod agents;
pub(super) mod approvals;
pub(super) mod artifacts;
pub(super) mod calendar;
mod conditions;
pub(super) mod dead_letters;
pub(super) mod desk_calls;
pub(super) mod feed;
pub(super) mod inbox;
pub(super) mod journal;
pub(super) mod leases;
pub(super) mod leaves;
pub(super) mod recipes;
pub(super) mod requests;
pub(super) mod rows;
pub(super) mod runs;
pub(super) mod secrets;
pub(super) mod sessions;
pub(super) mod settings;
pub(super) mod snapshots;
pub(super) mod steps;
pub(super) mod tickets;
pub(super) mod tokens;
pub(super) mod tools;
pub(super) mod users;
