//! The connectors against servers that answer as told: every vendor's good answers and refusals, and
//! one contract that holds for all of them.

mod calendar;
mod contract;
mod door;
mod egress;
mod github;
mod google_drive;
mod jira;
mod limits;
mod lines;
mod local;
mod mcp;
mod pagerduty;
mod peer;
mod plain;
mod reference;
mod servicenow;
mod slack;
mod specs;
mod support;
mod ticketing;
mod transport;
mod web;
mod writes;
mod zoom;
