//! What only PostgreSQL can get wrong: several nodes, broken connections, TLS, the cluster itself.

mod nodes;
mod outage;
mod tables;
mod tls;
