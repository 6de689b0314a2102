//! Named places at which a crash test ends the process. Compiled out without feature `failpoints`.

/// Every crash point of this crate. Configure one to `return` (through crate `fail`) and the process
/// aborts when it gets there; counts such as `5*off->return` choose a later time.
pub const CRASH_POINTS: &[&str] = &[
    "store.append.begin",
    "store.append.before_commit",
    "store.append.after_commit",
    "store.create.before_commit",
    "store.create.after_commit",
    "store.post.before_commit",
    "store.post.after_commit",
];

/// Aborts the process if a crash test asks for it here.
#[cfg(feature = "failpoints")]
pub(crate) fn crash_point(name: &'static str) {
    fail::fail_point!(name, |_| std::process::abort());
}

/// Nothing, in a build without crash points.
#[cfg(not(feature = "failpoints"))]
pub(crate) fn crash_point(_name: &'static str) {}
