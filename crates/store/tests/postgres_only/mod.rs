//! What only PostgreSQL can get wrong: several nodes, broken connections, the cluster itself.

mod nodes;
mod outage;
mod tables;
