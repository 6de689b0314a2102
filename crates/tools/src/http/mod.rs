//! The one outbound HTTP client: requests and answers as connectors see them.
//!
//! It redirects reads only, retries nothing, bounds every answer, and logs no header and no body.

mod address;
mod classify;
mod client;
pub(crate) mod redirect;
mod retry_after;
mod tls;

use std::borrow::Cow;

use reqwest::header::HeaderMap;
use reqwest::{Method, Url};
use serde_json::Value;
use types::{Failure, Timestamp};

use crate::{CallError, Credentials, Secret};

pub use address::{Names, SystemNames};
pub(crate) use classify::clip;
pub(crate) use client::{Http, Incoming, MOST_BYTES, Ready};
pub(crate) use tls::tls_config;

/// What a request carries.
#[derive(Debug, Clone, PartialEq)]
pub enum Body {
    /// Nothing.
    Empty,
    /// JSON.
    Json(Value),
    /// `application/x-www-form-urlencoded`.
    Form(Vec<(String, String)>),
    /// Anything else.
    Bytes {
        /// Its content type.
        content_type: String,
        /// The bytes.
        bytes: Vec<u8>,
    },
}

/// What a request is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Purpose {
    /// It changes nothing.
    Read,
    /// It performs the action.
    Effect,
    /// It only adorns an answer that is already there; it may fail.
    Side,
}

/// One request to the tool's endpoint.
#[derive(Debug, Clone)]
pub struct Request {
    method: Method,
    path: Vec<String>,
    /// Instead of the endpoint's base URL and `path`.
    absolute: Option<String>,
    query: Vec<(String, String)>,
    headers: Vec<(Cow<'static, str>, String)>,
    body: Body,
    credentials: Option<Credentials>,
    purpose: Purpose,
    /// Whether redirects are followed, if it is a read.
    follows: bool,
}

impl Request {
    /// A read of `path`, given as segments: they are escaped, so a value can't reach another path.
    pub fn get(path: &[&str]) -> Self {
        Self::new(Method::GET, path)
    }

    /// A POST.
    pub fn post(path: &[&str]) -> Self {
        Self::new(Method::POST, path)
    }

    /// A PATCH.
    pub fn patch(path: &[&str]) -> Self {
        Self::new(Method::PATCH, path)
    }

    /// A PUT.
    pub fn put(path: &[&str]) -> Self {
        Self::new(Method::PUT, path)
    }

    /// A POST to another URL than the endpoint's, such as the one for tokens.
    pub(crate) fn post_to(url: String) -> Self {
        let mut request = Self::new(Method::POST, &[]);
        request.absolute = Some(url);
        request
    }

    fn new(method: Method, path: &[&str]) -> Self {
        Self {
            method,
            path: path.iter().map(|&segment| segment.to_owned()).collect(),
            absolute: None,
            query: Vec::new(),
            headers: Vec::new(),
            body: Body::Empty,
            credentials: None,
            purpose: Purpose::Read,
            follows: true,
        }
    }

    /// A read of another URL than the endpoint's.
    pub(crate) fn get_from(url: String) -> Self {
        let mut request = Self::new(Method::GET, &[]);
        request.absolute = Some(url);
        request
    }

    /// Adds a query parameter.
    #[must_use]
    pub fn query(mut self, name: &str, value: impl Into<String>) -> Self {
        self.query.push((name.to_owned(), value.into()));
        self
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: impl Into<Cow<'static, str>>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Sets the body.
    #[must_use]
    pub fn body(mut self, body: Body) -> Self {
        self.body = body;
        self
    }

    /// Sets a JSON body.
    #[must_use]
    pub fn json(self, value: Value) -> Self {
        self.body(Body::Json(value))
    }

    /// Authenticates differently from what the endpoint says.
    #[must_use]
    pub fn credentials(mut self, credentials: Credentials) -> Self {
        self.credentials = Some(credentials);
        self
    }

    /// Authenticates with this bearer token.
    #[must_use]
    pub fn bearer(self, token: Secret) -> Self {
        self.credentials(Credentials::Bearer(token))
    }

    /// Says that this request performs the action: from its first byte on the outcome may be unknown.
    #[must_use]
    pub fn effect(mut self) -> Self {
        self.purpose = Purpose::Effect;
        self
    }

    /// Says that this request only adorns an answer that is already there: it gets little time.
    #[must_use]
    pub fn side(mut self) -> Self {
        self.purpose = Purpose::Side;
        self
    }

    /// Leaves redirects to the caller.
    #[must_use]
    pub(crate) fn no_redirects(mut self) -> Self {
        self.follows = false;
        self
    }

    pub(crate) fn is_effect(&self) -> bool {
        self.purpose == Purpose::Effect
    }

    pub(crate) fn is_side(&self) -> bool {
        self.purpose == Purpose::Side
    }
}

/// The whole answer to one request, whatever its status.
#[derive(Debug, Clone)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// The URL that answered.
    pub(crate) url: Url,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Response {
    /// The body as JSON.
    ///
    /// # Errors
    /// `answer_unreadable`, an unknown outcome: something answered, but nobody can tell what.
    pub fn json(&self) -> Result<Value, CallError> {
        serde_json::from_slice(&self.body).map_err(|error| {
            CallError::unknown(Failure::new(
                "answer_unreadable",
                format!(
                    "the tool answered {} with {} bytes that aren't JSON: {error}",
                    self.status,
                    self.body.len()
                ),
            ))
        })
    }

    /// The same answer if its status is a success.
    ///
    /// # Errors
    /// A refusal that precedes execution is `Failed`; anything else is `Unknown`. `say` finds the
    /// vendor's own words in the body.
    pub fn accept(self, now: Timestamp, say: fn(&Value) -> Option<String>) -> Result<Self, CallError> {
        classify::accept(self, now, say)
    }

    /// How long the tool asks us to wait, in milliseconds: by `Retry-After`, else by when its limit is
    /// said to end (ServiceNow says only that).
    pub fn retry_after_ms(&self, now: Timestamp) -> Option<u64> {
        let header = |name: &str| self.headers.get(name)?.to_str().ok();
        header("retry-after")
            .and_then(|value| retry_after::parse(value, now))
            .or_else(|| {
                let value = header("x-ratelimit-reset").or_else(|| header("ratelimit-reset"))?;
                retry_after::parse_reset(value, now)
            })
    }

    /// How long the tool asks everybody to let it alone, in milliseconds.
    pub(crate) fn let_alone_ms(&self, now: Timestamp) -> Option<u64> {
        let asks = match self.status {
            429 | 503 => true,
            // GitHub's way to say 429.
            403 => self.headers.contains_key("retry-after"),
            _ => false,
        };
        asks.then(|| self.retry_after_ms(now))?.filter(|wait| *wait > 0)
    }

    /// A header's text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}
