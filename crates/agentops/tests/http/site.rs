//! A server with an admin who has signed in, and clients of every kind.

use reqwest::{Client, Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};

use crate::rig::{Folder, Server};

/// A password that may be chosen.
pub const PASSWORD: &str = "correct horse battery";

/// A server on a seeded folder.
pub struct Site {
    pub folder: Folder,
    pub address: String,
    pub admin: Browser,
    pub server: Server,
}

/// Somebody who asks: a signed-in browser, a token, or nobody.
#[derive(Clone)]
pub struct Browser {
    address: String,
    client: Client,
    headers: Vec<(&'static str, String)>,
}

/// An answer, read.
#[derive(Debug)]
pub struct Got {
    pub status: StatusCode,
    pub headers: reqwest::header::HeaderMap,
    pub body: Value,
}

impl Site {
    /// Starts it and makes the first admin, `root`.
    pub async fn open() -> Self {
        Self::open_with(&[]).await
    }

    /// A server of the Model Context Protocol by the name `silent` that takes connections and says nothing.
    pub async fn silent_server(&self) -> tokio::net::TcpListener {
        let silent = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a port");
        let url = format!("http://{}/mcp", silent.local_addr().expect("an address"));
        let path = "/api/v1/settings/tools.private";
        self.admin.put(path, json!({"value": ["silent"]})).await.ok(200);
        let path = "/api/v1/tools/silent/mcp";
        self.admin.put(path, json!({"url": url})).await.ok(200);
        silent
    }

    /// The same with more in the server's environment.
    pub async fn open_with(env: &[(&str, &str)]) -> Self {
        Self::open_configured("", env).await
    }

    /// The same with a configuration file.
    pub async fn open_configured(config: &str, env: &[(&str, &str)]) -> Self {
        let folder = Folder::seeded();
        folder.file("agentops.toml", config);
        let server = folder.stays_with(&["serve", "--listen", "127.0.0.1:0", "--json"], env);
        let address = server.document["address"]
            .as_str()
            .expect("an address")
            .to_owned();
        let welcome = server.document["welcome"]
            .as_str()
            .expect("a first link")
            .to_owned();
        let (_, secret) = welcome.split_once('#').expect("a secret");
        let nobody = Browser::nobody(&address);
        let admin = nobody.use_link(secret, "root").await;
        Self {
            folder,
            address,
            admin,
            server,
        }
    }

    /// Somebody who shows nothing.
    pub fn nobody(&self) -> Browser {
        Browser::nobody(&self.address)
    }

    /// A new user with these roles, signed in.
    pub async fn user(&self, name: &str, roles: &[&str]) -> Browser {
        let wish = json!({"name": name, "roles": roles});
        let link = self.admin.post("/api/v1/users", wish).await.ok(201);
        let secret = link["secret"].as_str().expect("a secret");
        self.nobody().use_link(secret, "").await
    }
}

impl Browser {
    /// Somebody who shows nothing, at the address of a server.
    pub fn nobody(address: &str) -> Self {
        // Another test of this process may have installed it before.
        let _ = rustls::crypto::ring::default_provider().install_default();
        Self {
            address: address.to_owned(),
            client: Client::builder().no_proxy().build().expect("a client"),
            headers: Vec::new(),
        }
    }

    async fn use_link(&self, secret: &str, name: &str) -> Self {
        let wish = json!({"secret": secret, "name": name, "password": PASSWORD});
        let got = self.post("/api/v1/links/use", wish).await;
        self.signed_in(&got)
    }

    /// The browser after an answer that signed it in.
    pub fn signed_in(&self, got: &Got) -> Self {
        assert_eq!(got.status, 200, "{got:?}");
        let cookie = got.headers["set-cookie"].to_str().expect("text");
        let cookie = cookie.split(';').next().expect("a cookie").to_owned();
        let csrf = got.body["csrf"].as_str().expect("a token").to_owned();
        Self {
            headers: vec![("cookie", cookie), ("x-csrf-token", csrf)],
            ..self.clone()
        }
    }

    /// The same client with another header.
    pub fn with(&self, name: &'static str, value: impl Into<String>) -> Self {
        let mut more = self.clone();
        more.headers.push((name, value.into()));
        more
    }

    /// The same client at another address, such as that of a server which was started again.
    pub fn at(&self, address: &str) -> Self {
        Self {
            address: address.to_owned(),
            ..self.clone()
        }
    }

    /// The same client without a header.
    pub fn without(&self, name: &str) -> Self {
        let mut less = self.clone();
        less.headers.retain(|(header, _)| *header != name);
        less
    }

    /// A client that shows this token.
    pub fn token(&self, token: &str) -> Self {
        Self {
            headers: vec![("authorization", format!("Bearer {token}"))],
            ..self.clone()
        }
    }

    /// A request with what this client shows.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.client.request(method, format!("{}{path}", self.address));
        let add =
            |request: RequestBuilder, (name, value): &(&'static str, String)| request.header(*name, value);
        self.headers.iter().fold(request, add)
    }

    pub async fn get(&self, path: &str) -> Got {
        ask(self.request(Method::GET, path)).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Got {
        ask(self.request(Method::POST, path).json(&body)).await
    }

    pub async fn put(&self, path: &str, body: Value) -> Got {
        ask(self.request(Method::PUT, path).json(&body)).await
    }

    pub async fn patch(&self, path: &str, body: Value) -> Got {
        ask(self.request(Method::PATCH, path).json(&body)).await
    }

    pub async fn delete(&self, path: &str) -> Got {
        ask(self.request(Method::DELETE, path)).await
    }

    /// Makes a token with these scopes for whoever is signed in.
    pub async fn make_token(&self, scopes: &[&str]) -> Self {
        let wish = json!({"name": "test", "scopes": scopes, "days": 1});
        let made = self.post("/api/v1/tokens", wish).await.ok(201);
        self.token(made["secret"].as_str().expect("a token"))
    }
}

impl Got {
    /// The body of an answer with this status.
    pub fn ok(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{self:?}");
        self.body
    }

    /// Checks that it is a problem with this status and code.
    pub fn refused(self, status: u16, code: &str) -> Value {
        assert_eq!(
            (self.status.as_u16(), self.body["code"].as_str()),
            (status, Some(code)),
            "{self:?}"
        );
        assert_eq!(self.headers["content-type"], "application/problem+json");
        assert_eq!(self.body["status"], status);
        self.body
    }
}

/// Sends, and reads a JSON answer (`null` for none).
pub async fn ask(request: RequestBuilder) -> Got {
    let answer = request.send().await.expect("an answer");
    let (status, headers) = (answer.status(), answer.headers().clone());
    let bytes = answer.bytes().await.expect("a body");
    let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
    Got {
        status,
        headers,
        body,
    }
}
