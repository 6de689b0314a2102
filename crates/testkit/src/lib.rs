//! Simulated clock, crash points, ledger tools and the chaos model
