//! The command line as people and scripts use it: the real binary, each test on a data folder of its
//! own.

mod bad_input;
mod configuration;
mod exchange;
mod json;
mod pages;
mod postgres;
mod real_mode;
mod rig;
mod runs;
mod sandbox_diff;
mod sandbox_page;
mod server;
mod things;
