//! Use cases: start, cancel and decide runs; save recipes; set up; secrets
