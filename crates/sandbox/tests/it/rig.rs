//! A started sandbox with a clock turned by hand, and short ways to ask it things.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use reqwest::{Client, Method, RequestBuilder, StatusCode};
use sandbox::{Handle, Options, Vendor};
use serde_json::Value;
use types::{Clock, Timestamp};

/// 2023-11-14T22:13:20Z.
pub const START_MS: i64 = 1_700_000_000_000;

pub struct TestClock(AtomicI64);

impl TestClock {
    pub fn new() -> Arc<Self> {
        Arc::new(TestClock(AtomicI64::new(START_MS)))
    }

    pub fn advance_s(&self, seconds: i64) {
        self.0.fetch_add(seconds * 1_000, Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst))
    }
}

pub struct Rig {
    pub sandbox: Handle,
    pub clock: Arc<TestClock>,
    pub client: Client,
}

/// A client that trusts nobody but, if given, one authority.
pub fn client(ca_pem: Option<&str>) -> Client {
    // Fails when another test was first, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let roots = ca_pem.map(|pem| reqwest::Certificate::from_pem(pem.as_bytes()).expect("a certificate"));
    Client::builder()
        .no_proxy()
        .tls_certs_only(roots)
        .build()
        .expect("a client")
}

impl Rig {
    pub async fn start() -> Self {
        let clock = TestClock::new();
        let sandbox = sandbox::start(Options::new(clock.clone()))
            .await
            .expect("a sandbox");
        Rig {
            sandbox,
            clock,
            client: client(None),
        }
    }

    /// A request below the sandbox's root, without credentials.
    pub fn bare(&self, method: Method, path: &str) -> RequestBuilder {
        self.client
            .request(method, format!("{}{path}", self.sandbox.http_url()))
    }

    /// A request to Slack's or ServiceNow's API, with credentials.
    pub fn as_user(&self, method: Method, path: &str) -> RequestBuilder {
        let vendor = if path.starts_with("/slack") {
            Vendor::Slack
        } else {
            Vendor::ServiceNow
        };
        let request = self.bare(method, path);
        match vendor {
            Vendor::Slack => request.bearer_auth(secret(vendor, "token")),
            _ => request.basic_auth(secret(vendor, "user"), Some(secret(vendor, "password"))),
        }
    }

    /// A fresh Zoom token.
    pub async fn zoom_token(&self) -> String {
        let [account_id, client_id, client_secret] =
            ["account_id", "client_id", "client_secret"].map(|name| secret(Vendor::Zoom, name));
        let form = [("grant_type", "account_credentials"), ("account_id", account_id)];
        let request = self
            .bare(Method::POST, "/zoom/oauth/token")
            .basic_auth(client_id, Some(client_secret));
        let (status, body) = ask(request.form(&form)).await;
        assert_eq!(status, 200, "{body}");
        body["access_token"].as_str().expect("a token").to_owned()
    }
}

/// One of the secrets that a vendor accepts.
fn secret(vendor: Vendor, name: &str) -> &'static str {
    let found = vendor.secrets().iter().find(|(field, _)| *field == name);
    found.unwrap_or_else(|| panic!("{vendor} has no secret {name}")).1
}

/// Sends, and reads a JSON answer (`null` for an empty one).
pub async fn ask(request: RequestBuilder) -> (StatusCode, Value) {
    let answer = request.send().await.expect("an answer");
    let status = answer.status();
    let bytes = answer.bytes().await.expect("a body");
    if bytes.is_empty() {
        return (status, Value::Null);
    }
    (status, serde_json::from_slice(&bytes).expect("JSON"))
}

/// Lets the sandbox work until `done`; a hang is cut after a minute.
pub async fn until(done: impl Fn() -> bool) {
    let polling = async {
        while !done() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), polling)
        .await
        .expect("it happens within a minute");
}

/// As [`until`], for what takes a question to find out.
pub async fn until_async(done: impl AsyncFn() -> bool) {
    let polling = async {
        while !done().await {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), polling)
        .await
        .expect("it happens within a minute");
}

/// The text of a header.
pub fn header(answer: &reqwest::Response, name: &str) -> String {
    let value = answer
        .headers()
        .get(name)
        .unwrap_or_else(|| panic!("header {name} in {answer:?}"));
    value.to_str().expect("text").to_owned()
}
