//! Servers of the Model Context Protocol that others wrote, called by the binary as its users do.
//! README.md says how they are installed.

mod api;
mod peers;
mod questions;
mod stdio;
mod web;

#[path = "../cli/rig.rs"]
#[expect(
    dead_code,
    reason = "the rig of the command line's tests; these need a part of it"
)]
mod rig;
#[path = "../http/site.rs"]
#[expect(dead_code, reason = "the site of the API's tests; these need a part of it")]
mod site;
