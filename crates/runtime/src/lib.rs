//! Workers, leases, timers, recovery and performing actions
