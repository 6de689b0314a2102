//! The run machine from outside: one case per feature, properties over random runs, and samples of
//! every event that was ever written.

mod cases;
mod support;
