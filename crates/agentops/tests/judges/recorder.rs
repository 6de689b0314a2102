//! A relay between the connectors and the sandbox that keeps every exchange as it was sent.

use std::net::Ipv4Addr;
use std::ops::Deref;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{Response, header};
use serde_json::Value;

use crate::rig::Rig;

/// The longest body that is relayed.
const MAX_BODY: usize = 8 * 1024 * 1024;

/// A request and its answer.
#[derive(Debug, Clone)]
pub struct Exchange {
    pub method: String,
    /// With the vendor's prefix.
    pub path: String,
    pub query: String,
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

    /// What was exchanged with the vendor under this prefix so far.
    pub fn exchanges(&self, prefix: &str) -> Vec<Exchange> {
        let all = self.relay.exchanges.lock().expect("the list");
        let theirs = |exchange: &&Exchange| exchange.path.starts_with(prefix);
        all.iter().filter(theirs).cloned().collect()
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
    let target = format!("{}{}", relay.base, head.uri);
    let mut headers = head.headers;
    headers.remove(header::HOST);
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
        method: head.method.to_string(),
        path: head.uri.path().to_owned(),
        query: head.uri.query().unwrap_or_default().to_owned(),
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

fn client() -> reqwest::Client {
    // Fails when another test was first, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .no_proxy()
        .tls_certs_only([])
        .build()
        .expect("a client")
}
