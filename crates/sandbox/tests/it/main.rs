//! The sandbox over real sockets: every vendor's answers, every fault, TLS and the state file.

mod control;
mod devices;
mod faults;
mod github;
mod google;
mod mail;
mod rig;
mod server;
mod servicenow;
mod slack;
mod tracking;
mod web;
mod zoom;
mod zoom_sessions;
