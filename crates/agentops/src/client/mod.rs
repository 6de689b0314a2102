//! How commands ask: through the API, always. If a server runs, it is asked over HTTP and the database
//! isn't touched; if none runs, the same routes answer in this process over the opened data folder.

mod answer;
mod folder;
mod server;

use std::sync::Arc;

use axum::http::Method;
use runtime::system::SystemClock;
use serde::Serialize;
use serde::de::DeserializeOwned;
use types::{Clock, Failure, Timestamp};

use crate::compose::{Access, App};
use crate::config::Config;
use answer::Answer;
pub use answer::checked;
use folder::Folder;
use server::Remote;

/// Items of a page.
const PAGE: u32 = 500;
/// Pages of a list at most.
const PAGES: usize = 1_000;

/// Somebody who asks the API.
pub struct Client {
    way: Way,
    who: Who,
}

/// Who answers.
enum Way {
    /// A server.
    Server(Box<Remote>),
    /// The routes in this process.
    Folder(Box<Folder>),
}

/// Who asks.
#[derive(Clone)]
enum Who {
    /// Somebody at the machine, under this name.
    Local(String),
    /// A person who has signed in.
    Person { cookie: String, csrf: String },
}

/// One request, whoever answers it.
struct Wish {
    method: Method,
    /// The path and query, `/api/v1` included.
    path: String,
    body: Option<Content>,
    who: Who,
}

/// The body of a request.
struct Content {
    /// Its media type.
    kind: &'static str,
    bytes: Vec<u8>,
    /// The tag of what whoever asks has seen: if it is otherwise by now, nothing is done.
    seen: Option<String>,
}

/// One page of a list.
#[derive(serde::Deserialize)]
struct Page<T> {
    items: Vec<T>,
    #[serde(default)]
    next: Option<String>,
}

impl Client {
    /// Asks the server of the data folder if one answers, else opens the folder beside whoever holds it.
    ///
    /// # Errors
    /// See [`App::open`].
    pub async fn open(config: &Config) -> Result<Self, Failure> {
        match Self::of_server(config).await {
            Some(client) => Ok(client),
            None => {
                let app = App::open(config.clone(), Access::Guest).await?;
                Ok(Self::in_folder(app))
            }
        }
    }

    /// A client of the server of the data folder, if one answers.
    pub async fn of_server(config: &Config) -> Option<Self> {
        let remote = Remote::find(config).await?;
        Some(Self {
            way: Way::Server(Box::new(remote)),
            who: Who::Local(config.user.name.clone()),
        })
    }

    /// A client of the routes in this process.
    pub fn in_folder(app: App) -> Self {
        Self {
            who: Who::Local(app.config.user.name.clone()),
            way: Way::Folder(Box::new(Folder::new(app))),
        }
    }

    /// What a route answers to GET.
    ///
    /// # Errors
    /// Whatever the API says, or `server_unreachable`.
    pub async fn get<T: DeserializeOwned>(&self, path: &[&str]) -> Result<T, Failure> {
        self.get_with(path, &[]).await
    }

    /// What a route answers to GET with a query.
    ///
    /// # Errors
    /// See [`Client::get`].
    pub async fn get_with<T: DeserializeOwned>(
        &self,
        path: &[&str],
        query: &[(&str, String)],
    ) -> Result<T, Failure> {
        self.ask(Method::GET, path_of(path, query)?, None).await?.read()
    }

    /// The items of a list, page by page, at most `limit`.
    ///
    /// # Errors
    /// See [`Client::get`].
    pub async fn list<T: DeserializeOwned>(
        &self,
        path: &[&str],
        query: &[(&str, String)],
        limit: u32,
    ) -> Result<Vec<T>, Failure> {
        let mut items = Vec::new();
        let mut cursor = None;
        for _ in 0..PAGES {
            let left = limit.saturating_sub(u32::try_from(items.len()).unwrap_or(u32::MAX));
            let mut query = query.to_vec();
            query.push(("limit", left.clamp(1, PAGE).to_string()));
            query.extend(cursor.take().map(|cursor| ("cursor", cursor)));
            let page: Page<T> = self.get_with(path, &query).await?;
            items.extend(page.items);
            cursor = page.next;
            if cursor.is_none() || items.len() >= limit as usize {
                break;
            }
        }
        items.truncate(limit as usize);
        Ok(items)
    }

    /// Everything of a list, page by page.
    ///
    /// # Errors
    /// See [`Client::get`].
    pub async fn all<T: DeserializeOwned>(&self, path: &[&str]) -> Result<Vec<T>, Failure> {
        self.list(path, &[], u32::MAX).await
    }

    /// Sends a record; what comes back, `()` for nothing.
    ///
    /// # Errors
    /// See [`Client::get`].
    pub async fn post<T: DeserializeOwned>(
        &self,
        path: &[&str],
        body: &impl Serialize,
    ) -> Result<T, Failure> {
        self.send(Method::POST, path, body).await
    }

    /// The bytes that a route answers to GET.
    ///
    /// # Errors
    /// See [`Client::get`].
    pub async fn bytes(&self, path: &[&str], query: &[(&str, String)]) -> Result<Vec<u8>, Failure> {
        let answer = self.ask(Method::GET, path_of(path, query)?, None).await?;
        Ok(answer.body)
    }

    /// Sends a ZIP archive; what comes back, with its tag. With the tag of what was `seen`, nothing is done
    /// if it is otherwise by now.
    ///
    /// # Errors
    /// `etag_stale`; see [`Client::get`].
    pub async fn post_zip<T: DeserializeOwned>(
        &self,
        path: &[&str],
        query: &[(&str, String)],
        bytes: Vec<u8>,
        seen: Option<String>,
    ) -> Result<(T, Option<String>), Failure> {
        let content = Content {
            kind: "application/zip",
            bytes,
            seen,
        };
        let path = path_of(path, query)?;
        let mut answer = self.ask(Method::POST, path, Some(content)).await?;
        let tag = answer.etag.take();
        Ok((answer.read()?, tag))
    }

    /// Asks for something to be done that needs no more words.
    ///
    /// # Errors
    /// See [`Client::get`].
    pub async fn tell(&self, path: &[&str]) -> Result<(), Failure> {
        self.ask(Method::POST, path_of(path, &[])?, None).await.map(drop)
    }

    /// As [`Client::post`], for a thing as it shall be.
    ///
    /// # Errors
    /// See [`Client::get`].
    pub async fn put<T: DeserializeOwned>(&self, path: &[&str], body: &impl Serialize) -> Result<T, Failure> {
        self.send(Method::PUT, path, body).await
    }

    /// As [`Client::post`], for a part of a thing.
    ///
    /// # Errors
    /// See [`Client::get`].
    pub async fn patch<T: DeserializeOwned>(
        &self,
        path: &[&str],
        body: &impl Serialize,
    ) -> Result<T, Failure> {
        self.send(Method::PATCH, path, body).await
    }

    /// Takes a thing away.
    ///
    /// # Errors
    /// See [`Client::get`].
    pub async fn delete(&self, path: &[&str]) -> Result<(), Failure> {
        self.ask(Method::DELETE, path_of(path, &[])?, None)
            .await
            .map(drop)
    }

    /// Signs a person in, asks as they, and signs them out again.
    ///
    /// # Errors
    /// `sign_in_failed`, or whatever `asking` says.
    pub async fn as_person<T>(
        &mut self,
        name: &str,
        password: &str,
        asking: impl AsyncFnOnce(&Client) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let wish = api::wire::people::SignIn {
            name: name.to_owned(),
            password: password.to_owned(),
        };
        let path = path_of(&["session"], &[])?;
        let signed = self.ask(Method::POST, path, Some(json(&wish)?)).await?;
        let cookie = signed.cookie.clone().unwrap_or_default();
        let session: api::wire::people::Session = signed.read()?;
        let person = Who::Person {
            cookie,
            csrf: session.csrf.unwrap_or_default(),
        };
        let local = std::mem::replace(&mut self.who, person);
        let done = asking(self).await;
        // What was asked counts; a session that stays ends by itself.
        let _ = self.delete(&["session"]).await;
        self.who = local;
        done
    }

    /// The name under which it asks.
    pub fn user(&self) -> &str {
        match &self.who {
            Who::Local(name) => name,
            Who::Person { .. } => "",
        }
    }

    /// Where the server answers, if one does.
    pub fn address(&self) -> Option<&str> {
        match &self.way {
            Way::Server(server) => Some(server.address()),
            Way::Folder(_) => None,
        }
    }

    /// The opened data folder, if the routes in this process answer.
    fn app(&self) -> Option<&App> {
        match &self.way {
            Way::Server(_) => None,
            Way::Folder(folder) => Some(folder.app()),
        }
    }

    /// Whether some process works on the runs of the data folder. Of a server that answers this is
    /// taken for granted; when it is gone, asking it fails.
    pub async fn is_served(&self) -> bool {
        match self.app() {
            None => true,
            Some(app) => app.is_served().await,
        }
    }

    /// Waits until whoever works on runs goes by tools, rules and settings that were changed. A server that
    /// was asked for the change does so when it answers.
    pub async fn taken_up(&self) {
        if let Some(app) = self.app() {
            app.taken_up().await;
        }
    }

    /// Now, by this machine's clock.
    pub fn now(&self) -> Timestamp {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        clock.now()
    }

    /// Frees the data folder, if it was opened.
    pub async fn close(self) {
        if let Way::Folder(folder) = self.way {
            folder.close().await;
        }
    }

    async fn send<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &[&str],
        body: &impl Serialize,
    ) -> Result<T, Failure> {
        let path = path_of(path, &[])?;
        self.ask(method, path, Some(json(body)?)).await?.read()
    }

    async fn ask(&self, method: Method, path: String, body: Option<Content>) -> Result<Answer, Failure> {
        let wish = Wish {
            method,
            path,
            body,
            who: self.who.clone(),
        };
        let answer = match &self.way {
            Way::Server(server) => server.answer(wish).await?,
            Way::Folder(folder) => folder.answer(wish).await?,
        };
        answer.or_failure()
    }
}

fn json(body: &impl Serialize) -> Result<Content, Failure> {
    let bytes = serde_json::to_vec(body)
        .map_err(|error| Failure::new("argument_invalid", format!("it can't be JSON: {error}")))?;
    Ok(Content {
        kind: "application/json",
        bytes,
        seen: None,
    })
}

/// The path of a route below `/api/v1`, each segment and value escaped.
fn path_of(segments: &[&str], query: &[(&str, String)]) -> Result<String, Failure> {
    let mut path = String::from("/api/v1");
    for segment in segments {
        // Dots are steps in a path, and nothing has such a name.
        if matches!(*segment, "" | "." | "..") {
            return Err(Failure::new("not_found", format!("nothing is named '{segment}'")));
        }
        path.push('/');
        escape(&mut path, segment);
    }
    for (position, (name, value)) in query.iter().enumerate() {
        path.push(if position == 0 { '?' } else { '&' });
        path.push_str(name);
        path.push('=');
        escape(&mut path, value);
    }
    Ok(path)
}

/// Percent-encoding of everything but what RFC 3986 calls unreserved.
fn escape(into: &mut String, text: &str) {
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => into.push(byte.into()),
            _ => into.push_str(&format!("%{byte:02X}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_escaped_and_steps_are_refused() {
        let path = |segments: &[&str]| path_of(segments, &[("a", "x&y=z ö".to_owned())]);
        assert_eq!(
            path(&["agents", "KB & Recipe/Scout"]),
            Ok("/api/v1/agents/KB%20%26%20Recipe%2FScout?a=x%26y%3Dz%20%C3%B6".to_owned())
        );
        for name in ["", ".", ".."] {
            let refused = path(&["recipes", name]).map_err(|failure| failure.code);
            assert_eq!(refused, Err("not_found".to_owned()), "{name}");
        }
        assert!(path(&["recipes", "..."]).is_ok());
    }
}
