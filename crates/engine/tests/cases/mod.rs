//! The cases, by theme.

mod branches;
mod children;
mod control;
mod effects;
mod flow;
mod forks;
mod people;
mod properties;
mod questions;
mod samples;
mod stand_ins;
mod time;
mod undo;
