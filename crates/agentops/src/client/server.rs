//! A server that holds the data folder, asked over HTTP at the address in `server.json`.

use std::time::Duration;

use axum::http::{HeaderMap, header};
use reqwest::redirect::Policy;
use types::Failure;

use super::answer::Answer;
use super::{Who, Wish};
use crate::compose::{Server, ServerFile, is_held};
use crate::config::Config;

/// How long a server may take to say that it lives. A server that doesn't is not asked: the command
/// works beside it, as it does beside a process without an API.
const ALIVE: Duration = Duration::from_secs(5);
/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(5);
/// How long an answer may take; more than a server gives a request.
const ANSWER: Duration = Duration::from_secs(120);
/// The largest answer, in bytes.
const LARGEST: usize = 256 * 1024 * 1024;

/// A server.
pub(super) struct Remote {
    server: Server,
    http: reqwest::Client,
}

impl Remote {
    /// The server of a data folder: its lock says that somebody holds it, the file in it says where
    /// they listen, and they answer there. A file that a killed server left behind is passed over.
    pub async fn find(config: &Config) -> Option<Self> {
        let server = ServerFile::of(config).read()?;
        if !is_held(config) {
            return None;
        }
        let http = client()?;
        let url = format!("{}/healthz", server.address);
        let alive = http.get(url).timeout(ALIVE).send().await.ok()?;
        let alive: api::Alive = serde_json::from_slice(&alive.bytes().await.ok()?).ok()?;
        (alive.status == "alive").then_some(Self { server, http })
    }

    pub fn address(&self) -> &str {
        &self.server.address
    }

    /// Asks it.
    ///
    /// # Errors
    /// `server_unreachable`; `token_refused` if it doesn't know the secret in the file.
    pub async fn answer(&self, wish: Wish) -> Result<Answer, Failure> {
        let local = matches!(wish.who, Who::Local(_));
        let url = format!("{}{}", self.server.address, wish.path);
        let mut request = self.http.request(wish.method, url);
        request = match wish.who {
            Who::Local(name) => request
                .bearer_auth(&self.server.secret)
                .header(api::LOCAL_USER, name_header(&name)?),
            Who::Person { cookie, csrf } => request
                .header(header::COOKIE, cookie)
                .header("x-csrf-token", csrf),
        };
        if let Some(body) = wish.body {
            if let Some(seen) = body.seen {
                request = request.header(header::IF_MATCH, seen);
            }
            request = request.header(header::CONTENT_TYPE, body.kind).body(body.bytes);
        }
        let mut answer = request.send().await.map_err(|error| self.gone(&error))?;
        let (status, cookie, etag) = (answer.status(), cookie(answer.headers()), etag(answer.headers()));
        let mut body = Vec::new();
        while let Some(part) = answer.chunk().await.map_err(|error| self.gone(&error))? {
            body.extend_from_slice(&part);
            if body.len() > LARGEST {
                let message = format!("the server's answer has more than {LARGEST} bytes");
                return Err(Failure::new("server_unreachable", message));
            }
        }
        let answer = Answer {
            status,
            cookie,
            etag,
            body,
            failure: None,
        };
        match answer.or_failure() {
            Err(failure) if local && failure.code == "token_refused" => Err(self.stranger()),
            answered => answered,
        }
    }

    fn gone(&self, error: &reqwest::Error) -> Failure {
        let address = &self.server.address;
        let message = if error.is_timeout() {
            format!("the server at {address} didn't answer in time")
        } else if error.is_connect() {
            format!("the server at {address} is gone")
        } else {
            format!("the server at {address} broke off: {}", root(error))
        };
        Failure::new("server_unreachable", message)
            .hint("look at what there is now before you ask again: it may have been done")
    }

    fn stranger(&self) -> Failure {
        let message = format!(
            "the server at {} doesn't know the secret in server.json",
            self.server.address
        );
        Failure::new("token_refused", message)
            .hint("the file is an older server's, or a copy: start the server of this data folder again")
    }
}

/// The cookie that an answer sets, without its attributes.
pub(super) fn cookie(headers: &HeaderMap) -> Option<String> {
    let set = headers.get(header::SET_COOKIE)?.to_str().ok()?;
    set.split(';').next().map(str::to_owned)
}

/// The tag of an answer.
pub(super) fn etag(headers: &HeaderMap) -> Option<String> {
    headers.get(header::ETAG)?.to_str().ok().map(str::to_owned)
}

/// Never through a proxy, never elsewhere, and nothing is repeated.
fn client() -> Option<reqwest::Client> {
    // It may be installed already; without a provider no client can be made, TLS or not.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .no_proxy()
        // Plain HTTP must not depend on the machine's certificates, which may be missing.
        .tls_certs_only([])
        .redirect(Policy::none())
        .retry(reqwest::retry::never())
        .connect_timeout(CONNECT)
        .timeout(ANSWER)
        .build()
        .ok()
}

/// A name as a header: bytes of UTF-8 are allowed there, line ends aren't.
fn name_header(name: &str) -> Result<axum::http::HeaderValue, Failure> {
    axum::http::HeaderValue::from_bytes(name.as_bytes()).map_err(|_| {
        Failure::new(
            "argument_invalid",
            "a name has no line ends and no other control characters",
        )
    })
}

fn root(error: &dyn std::error::Error) -> String {
    let mut deepest = error;
    while let Some(source) = deepest.source() {
        deepest = source;
    }
    deepest.to_string()
}
