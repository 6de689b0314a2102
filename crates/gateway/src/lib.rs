//! The gateway: what comes in from outside without having been asked for.
//!
//! Boundary: so far only [`signature`], the pure checks of who sent a webhook. Deliberately absent
//! until webhooks are taken in: routes, idempotency, rate limits, dead letters. Nothing in AgentOps
//! calls this crate yet, and no address takes a webhook.

pub mod signature;
