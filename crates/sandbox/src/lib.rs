//! Vendor servers for mock mode: the wire formats, with state and faults on demand
