//! The HTTP API as programs use it: a real server, each test on a data folder of its own.

mod bad_input;
mod bounds;
mod bundle;
mod bundle_bounds;
mod commands;
mod events;
mod examples;
mod keys;
mod lists;
mod odd;
mod pages;
mod people;
mod rates;
mod repeat;
#[path = "../cli/rig.rs"]
mod rig;
mod roles;
mod sandbox;
mod site;
mod tenants;
