//! What every route shares: who asks, problems, bodies, pages, ETags, repeated requests, bounds.

pub(crate) mod attempts;
pub(crate) mod begun;
pub(crate) mod body;
pub(crate) mod busy;
pub(crate) mod etag;
pub(crate) mod gate;
pub(crate) mod identity;
pub(crate) mod limits;
pub(crate) mod needs;
pub(crate) mod page;
pub(crate) mod path;
pub(crate) mod problem;
pub(crate) mod query;
pub(crate) mod repeat;
