//! The cases, by theme.

mod children;
mod control;
mod effects;
mod flow;
mod forks;
mod people;
mod properties;
mod samples;
mod undo;
