//! A relay between the connectors and the sandbox that keeps every exchange as it was sent.

use std::net::Ipv4Addr;
use std::ops::Deref;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Response, header};
use sandbox::Vendor;
use serde_json::{Value, json};

use crate::peers;

use crate::rig::Rig;

/// The longest body that is relayed.
const MAX_BODY: usize = 8 * 1024 * 1024;

/// A request and its answer.
#[derive(Debug, Clone, Default)]
pub struct Exchange {
    /// What an SDK was asked to do, such as `trigger.most`; empty for our connectors.
    pub label: String,
    pub method: String,
    /// With the vendor's prefix.
    pub path: String,
    pub query: String,
    pub headers: HeaderMap,
    pub sent: Bytes,
    pub status: u16,
    pub content_type: String,
    pub told: Bytes,
}

impl Exchange {
    /// The request's body, if it is JSON.
    pub fn request(&self) -> Option<Value> {
        serde_json::from_slice(&self.sent).ok()
    }

    /// The parameters in the query.
    pub fn query_pairs(&self) -> Vec<(String, String)> {
        pairs(&self.query)
    }

    /// The parameters of a form that was sent; none if something else was.
    pub fn form_pairs(&self) -> Vec<(String, String)> {
        let form = self.sent_type() == "application/x-www-form-urlencoded";
        if form {
            pairs(&String::from_utf8_lossy(&self.sent))
        } else {
            Vec::new()
        }
    }

    /// The media type of what was sent, without its parameters.
    pub fn sent_type(&self) -> String {
        let sent = self.headers.get(header::CONTENT_TYPE);
        let text = sent.and_then(|value| value.to_str().ok()).unwrap_or_default();
        text.split(';').next().unwrap_or_default().trim().to_lowercase()
    }

    /// The answer's body, if it is JSON.
    pub fn answer(&self) -> Option<Value> {
        let json = self.content_type.contains("json");
        json.then(|| serde_json::from_slice(&self.told).ok()).flatten()
    }
}

/// The rig of the connectors' tests with a relay in the way.
pub struct Recorded {
    rig: Rig,
    relay: Arc<Relay>,
    base: String,
}

struct Relay {
    base: String,
    client: reqwest::Client,
    exchanges: Mutex<Vec<Exchange>>,
}

impl Recorded {
    pub async fn start() -> Self {
        let mut kept = None;
        let mut reached = String::new();
        let rig = Rig::through(false, async |base: &str| {
            let relay = Arc::new(Relay {
                base: base.to_owned(),
                client: client(),
                exchanges: Mutex::default(),
            });
            kept = Some(Arc::clone(&relay));
            let app = Router::new().fallback(pass).with_state(relay);
            let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
                .await
                .expect("a port");
            let address = listener.local_addr().expect("an address");
            // It ends with the test's runtime.
            tokio::spawn(async move { axum::serve(listener, app).await });
            reached = format!("http://{address}");
            reached.clone()
        })
        .await;
        let relay = kept.expect("the way was asked for");
        Self {
            rig,
            relay,
            base: reached,
        }
    }

    /// A read that no connector makes: the answer must be a success with JSON.
    pub async fn get(&self, path: &str, authorization: &str) -> Value {
        let request = self.relay.client.get(format!("{}{path}", self.base));
        let answer = request
            .header(header::AUTHORIZATION, authorization)
            .send()
            .await
            .expect("an answer");
        assert_eq!(answer.status(), 200, "{path}");
        answer.json().await.expect("JSON")
    }

    /// What our connectors exchanged with the vendor under this prefix so far.
    pub fn exchanges(&self, prefix: &str) -> Vec<Exchange> {
        let all = self.relay.exchanges.lock().expect("the list");
        let theirs = |exchange: &&Exchange| exchange.label.is_empty() && exchange.path.starts_with(prefix);
        all.iter().filter(theirs).cloned().collect()
    }

    /// Has `sdk/SCRIPT` call the vendor with `things`, and gives back what it sent, and what it printed.
    /// The script puts `/~LABEL` before the vendor's prefix, which names each of its exchanges.
    pub async fn record(&self, script: &str, vendor: Vendor, things: Value) -> (Vec<Exchange>, Value) {
        let secrets: serde_json::Map<String, Value> = vendor
            .secrets()
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).into()))
            .collect();
        let told = json!({
            "url": self.base, "prefix": vendor.prefix(), "secrets": secrets, "things": things,
        });
        let mut command = peers::interpreter(script);
        command.arg(told.to_string()).env("NO_PROXY", "*");
        let name = script.to_owned();
        let before = self.relay.exchanges.lock().expect("the list").len();
        let printed = tokio::task::spawn_blocking(move || peers::printed(&name, &mut command))
            .await
            .expect("the script ends");
        let all = self.relay.exchanges.lock().expect("the list");
        let labelled = |exchange: &&Exchange| !exchange.label.is_empty();
        let sent: Vec<Exchange> = all[before..].iter().filter(labelled).cloned().collect();
        assert!(!sent.is_empty(), "{script} sent nothing that is labelled");
        (sent, printed)
    }
}

impl Deref for Recorded {
    type Target = Rig;

    fn deref(&self) -> &Rig {
        &self.rig
    }
}

async fn pass(State(relay): State<Arc<Relay>>, request: Request) -> Response<Body> {
    let (head, body) = request.into_parts();
    let sent = axum::body::to_bytes(body, MAX_BODY).await.expect("a request");
    let (label, path) = labelled(head.uri.path());
    let query = head.uri.query().unwrap_or_default().to_owned();
    let mark = if query.is_empty() { "" } else { "?" };
    let target = format!("{}{path}{mark}{query}", relay.base);
    let mut headers = head.headers;
    headers.remove(header::HOST);
    let sent_headers = headers.clone();
    let answer = relay
        .client
        .request(head.method.clone(), target)
        .headers(headers)
        .body(sent.clone())
        .send()
        .await
        .expect("the sandbox answers");
    let (status, headers) = (answer.status(), answer.headers().clone());
    let told = answer.bytes().await.expect("an answer");
    let content_type = headers.get(header::CONTENT_TYPE);
    relay.exchanges.lock().expect("the list").push(Exchange {
        label,
        method: head.method.to_string(),
        path,
        query,
        headers: sent_headers,
        sent,
        status: status.as_u16(),
        content_type: content_type
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
            .to_owned(),
        told: told.clone(),
    });
    let mut back = Response::new(Body::from(told));
    *back.status_mut() = status;
    *back.headers_mut() = headers;
    back.headers_mut().remove(header::TRANSFER_ENCODING);
    back
}

/// The label before a path, and the path without it.
fn labelled(path: &str) -> (String, String) {
    match path.strip_prefix("/~").and_then(|rest| rest.split_once('/')) {
        Some((label, rest)) => (label.to_owned(), format!("/{rest}")),
        None => (String::new(), path.to_owned()),
    }
}

fn pairs(text: &str) -> Vec<(String, String)> {
    let url = reqwest::Url::parse(&format!("http://q/?{text}")).expect("a query");
    url.query_pairs().into_owned().collect()
}

fn client() -> reqwest::Client {
    // Fails when another test was first, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .no_proxy()
        .tls_certs_only([])
        .build()
        .expect("a client")
}
