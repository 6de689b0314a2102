//! Clients by trust settings, and sending one request with them.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, Once, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue};
use reqwest::{Certificate, Client, Url, redirect, retry};
use types::Failure;

use super::address::{Closed, Guarded, Names, Refused, open_addresses};
use super::{Body, Request, Response};
use crate::{CallError, Credentials, Endpoint};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Shorter than servers keep idle connections, so that a request rarely meets a closing one.
const IDLE_TIMEOUT: Duration = Duration::from_secs(4);
/// The longest answer that is read.
pub(crate) const MOST_BYTES: usize = 4 * 1024 * 1024;
/// Clients kept at a time; endpoints differ in few trust settings.
const MOST_CLIENTS: usize = 32;

/// What a client may reach and whom it believes.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Trust {
    ca_pem: Option<String>,
    allow_private: bool,
    encrypted: bool,
}

/// The outbound clients, one per trust settings.
pub(crate) struct Http {
    names: Arc<dyn Names>,
    clients: Mutex<HashMap<Trust, Client>>,
}

/// A request that can go out: everything that can fail before sending has not failed.
pub(crate) struct Ready {
    client: Client,
    request: reqwest::Request,
}

impl Http {
    /// No clients yet; host names are resolved by `names`.
    pub(crate) fn new(names: Arc<dyn Names>) -> Self {
        Self {
            names,
            clients: Mutex::default(),
        }
    }

    /// The addresses of a host that may be reached, for what isn't HTTP.
    pub(crate) async fn addresses(&self, host: &str, allow_private: bool) -> Result<Vec<IpAddr>, CallError> {
        let found = match host.trim_matches(['[', ']']).parse::<IpAddr>() {
            Ok(address) => vec![address],
            Err(_) => self.names.addresses(host).await.map_err(|error| {
                CallError::retryable(
                    Failure::new("tool_unreachable", format!("'{host}' has no address: {error}"))
                        .hint("check the tool's base URL"),
                )
            })?,
        };
        open_addresses(host, &found, allow_private)
            .map_err(|refused| CallError::refused(address_refused(&refused)))
    }

    /// Builds the request for this endpoint.
    pub(crate) fn prepare(&self, endpoint: &Endpoint, request: &Request) -> Result<Ready, CallError> {
        let url = url(endpoint, request)?;
        check_address(&url, endpoint)?;
        let client = self.client(endpoint, url.scheme() == "https")?;
        let mut built = client.request(request.method.clone(), url);
        if !request.query.is_empty() {
            built = built.query(&request.query);
        }
        for (name, value) in &request.headers {
            built = built.header(name.as_ref(), value);
        }
        built = match &request.body {
            Body::Empty => built,
            Body::Json(value) => built.json(value),
            Body::Form(fields) => built.form(fields),
            Body::Bytes { content_type, bytes } => {
                built.header(CONTENT_TYPE, content_type).body(bytes.clone())
            }
        };
        let mut request_out = built
            .build()
            .map_err(|error| misconfigured(&error.without_url().to_string()))?;
        let credentials = request.credentials.as_ref().unwrap_or(&endpoint.credentials);
        if let Some((name, mut value)) = authorization(credentials)? {
            value.set_sensitive(true);
            request_out.headers_mut().insert(name, value);
        }
        Ok(Ready {
            client,
            request: request_out,
        })
    }

    fn client(&self, endpoint: &Endpoint, encrypted: bool) -> Result<Client, CallError> {
        let trust = Trust {
            ca_pem: endpoint.ca_pem.clone(),
            allow_private: endpoint.allow_private,
            encrypted,
        };
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = clients.get(&trust) {
            return Ok(client.clone());
        }
        if clients.len() >= MOST_CLIENTS {
            clients.clear();
        }
        let client = build(&trust, &self.names)?;
        clients.insert(trust, client.clone());
        Ok(client)
    }
}

impl Ready {
    /// Sends, and leaves the body of the answer to be read as it comes.
    pub(crate) async fn open(self) -> Result<Incoming, CallError> {
        open(self.client, self.request).await
    }

    /// Sends and reads the whole answer, within `limit_ms` if there is one.
    pub(crate) async fn send(self, limit_ms: Option<u64>) -> Result<Response, CallError> {
        let work = exchange(self.client, self.request);
        match limit_ms {
            None => work.await,
            Some(limit) => tokio::time::timeout(Duration::from_millis(limit), work)
                .await
                .unwrap_or_else(|_| Err(lost("no answer in time"))),
        }
    }
}

async fn exchange(client: Client, request: reqwest::Request) -> Result<Response, CallError> {
    open(client, request).await?.rest().await
}

/// Sends a request and reads no more than the head of the answer.
async fn open(client: Client, request: reqwest::Request) -> Result<Incoming, CallError> {
    let host = request.url().host_str().unwrap_or_default().to_owned();
    let answer = client
        .execute(request)
        .await
        .map_err(|error| transport(&host, error))?;
    Ok(Incoming {
        host,
        answer,
        read: 0,
    })
}

/// An answer that is read as it comes, up to the same bound as one that is read whole.
pub(crate) struct Incoming {
    host: String,
    answer: reqwest::Response,
    read: usize,
}

impl Incoming {
    /// The status code.
    pub(crate) fn status(&self) -> u16 {
        self.answer.status().as_u16()
    }

    /// A header, if it is there and a text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.answer.headers().get(name)?.to_str().ok()
    }

    /// Whether it brought more than is read.
    pub(crate) fn is_too_long(&self) -> bool {
        self.read > MOST_BYTES
    }

    /// The next piece of the body; none at its end.
    pub(crate) async fn chunk(&mut self) -> Result<Option<Vec<u8>>, CallError> {
        let chunk = self
            .answer
            .chunk()
            .await
            .map_err(|error| transport(&self.host, error))?;
        self.read += chunk.as_ref().map_or(0, |chunk| chunk.len());
        if self.is_too_long() {
            let (host, status) = (&self.host, self.status());
            return Err(CallError::unknown(Failure::new(
                "answer_unreadable",
                format!("{host} answered {status} with more than {MOST_BYTES} bytes"),
            )));
        }
        Ok(chunk.map(|chunk| chunk.to_vec()))
    }

    /// The whole answer.
    pub(crate) async fn rest(mut self) -> Result<Response, CallError> {
        let (status, headers) = (self.status(), self.answer.headers().clone());
        let url = self.answer.url().clone();
        let mut body = Vec::new();
        while let Some(chunk) = self.chunk().await? {
            body.extend_from_slice(&chunk);
        }
        Ok(Response {
            status,
            url,
            headers,
            body,
        })
    }
}

/// A connection that was never made is known not to have carried anything; all else is in doubt.
fn transport(host: &str, error: reqwest::Error) -> CallError {
    let before = error.is_connect() || error.is_builder();
    let error = error.without_url();
    let text = chain(&error);
    if let Some(refused) = refused_address(&error).filter(|_| before) {
        CallError::refused(address_refused(refused))
    } else if before {
        CallError::retryable(
            Failure::new("tool_unreachable", format!("no connection to {host}: {text}"))
                .hint("check the tool's base URL and that it is up"),
        )
    } else {
        lost(&format!("the answer of {host} was lost: {text}"))
    }
}

fn lost(message: &str) -> CallError {
    CallError::unknown(Failure::new("tool_failed", message))
}

fn refused_address(error: &reqwest::Error) -> Option<&Refused> {
    let mut cause: Option<&dyn std::error::Error> = Some(error);
    while let Some(inner) = cause {
        if let Some(refused) = inner.downcast_ref::<Refused>() {
            return Some(refused);
        }
        cause = inner.source();
    }
    None
}

/// What people are told of an address that is closed.
fn address_refused(refused: &Refused) -> Failure {
    Failure::new("address_refused", refused.to_string()).hint(match refused.closed {
        Closed::Private => "add the tool to tools.private if it really lives inside your network",
        Closed::Always => "correct the tool's base URL: no setting opens this address",
    })
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let inner_text = inner.to_string();
        if !text.contains(&inner_text) {
            text.push_str(": ");
            text.push_str(&inner_text);
        }
        cause = inner.source();
    }
    super::classify::clip(&text)
}

fn url(endpoint: &Endpoint, request: &Request) -> Result<Url, CallError> {
    let base = request.absolute.as_deref().unwrap_or(&endpoint.base_url);
    let mut url =
        Url::parse(base).map_err(|error| misconfigured(&format!("'{base}' is not a URL: {error}")))?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Err(misconfigured(&format!(
            "'{base}' is not an http(s) URL with a host"
        )));
    }
    if !url.username().is_empty() || url.password().is_some() {
        // Neither in messages nor in settings: a URL is shown, a secret isn't.
        return Err(CallError::refused(
            Failure::new("tool_misconfigured", "the URL holds a user name or a password")
                .hint("take it out, and set the tool's secrets with `agentops secret set`"),
        ));
    }
    if let Some(odd) = request
        .path
        .iter()
        .find(|segment| matches!(segment.as_str(), "" | "." | ".."))
    {
        return Err(CallError::refused(Failure::new(
            "arguments_invalid",
            format!("'{odd}' can't name a thing in an address"),
        )));
    }
    if !request.path.is_empty() {
        let mut segments = url
            .path_segments_mut()
            .map_err(|()| misconfigured("the base URL can't carry a path"))?;
        segments.pop_if_empty().extend(&request.path);
    }
    Ok(url)
}

/// A host that is an address is never resolved, so it is looked at here.
fn check_address(url: &Url, endpoint: &Endpoint) -> Result<(), CallError> {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    let Ok(address) = host.parse::<IpAddr>() else {
        return Ok(());
    };
    open_addresses(host, &[address], endpoint.allow_private)
        .map(drop)
        .map_err(|refused| CallError::refused(address_refused(&refused)))
}

fn authorization(credentials: &Credentials) -> Result<Option<(HeaderName, HeaderValue)>, CallError> {
    let unsendable = || misconfigured("a secret holds characters that no header can carry");
    let value = |text: String| HeaderValue::from_str(&text).map_err(|_| unsendable());
    Ok(match credentials {
        Credentials::None | Credentials::Account { .. } | Credentials::Parts(_) => None,
        Credentials::Bearer(token) => Some((AUTHORIZATION, value(format!("Bearer {}", token.reveal()))?)),
        Credentials::Basic { user, password } => {
            let pair = STANDARD.encode(format!("{user}:{}", password.reveal()));
            Some((AUTHORIZATION, value(format!("Basic {pair}"))?))
        }
        Credentials::Header { name, value: secret } => {
            let name = HeaderName::from_bytes(name.as_bytes())
                .map_err(|_| misconfigured(&format!("'{name}' is not the name of a header")))?;
            Some((name, value(secret.reveal().to_owned())?))
        }
    })
}

fn build(trust: &Trust, names: &Arc<dyn Names>) -> Result<Client, CallError> {
    static PROVIDER: Once = Once::new();
    PROVIDER.call_once(|| {
        // An error only says that another part of the process has installed one before.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
    let mut builder = Client::builder()
        .user_agent(concat!("agentops/", env!("CARGO_PKG_VERSION")))
        .redirect(redirect::Policy::none())
        // A proxy would resolve names by itself, past the check of addresses.
        .no_proxy()
        .retry(retry::never())
        .connect_timeout(CONNECT_TIMEOUT)
        .pool_idle_timeout(IDLE_TIMEOUT);
    if let Some(pem) = &trust.ca_pem {
        builder = builder.tls_certs_only(authorities(pem)?);
    } else if !trust.encrypted {
        // Plain HTTP must not depend on the machine's certificates, which may be missing.
        builder = builder.tls_certs_only([]);
    }
    builder = builder.dns_resolver(Arc::new(Guarded {
        names: Arc::clone(names),
        allow_private: trust.allow_private,
    }));
    builder.build().map_err(|error| misconfigured(&chain(&error)))
}

fn authorities(pem: &str) -> Result<Vec<Certificate>, CallError> {
    let unreadable = |why: &str| misconfigured(&format!("the certificate authority can't be read: {why}"));
    let found =
        Certificate::from_pem_bundle(pem.as_bytes()).map_err(|error| unreadable(&error.to_string()))?;
    if found.is_empty() {
        return Err(unreadable("it holds no certificate"));
    }
    Ok(found)
}

fn misconfigured(message: &str) -> CallError {
    CallError::refused(Failure::new("tool_misconfigured", message).hint("check the tool's settings"))
}
