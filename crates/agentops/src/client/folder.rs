//! The routes of the API in this process, over a data folder that it has opened.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, header};
use services::people;
use services::principal::Principal;
use tower::ServiceExt as _;
use tracing::instrument::WithSubscriber as _;
use tracing::subscriber::NoSubscriber;
use types::Failure;

use super::answer::Answer;
use super::{Who, Wish};
use crate::compose::App;

/// The largest answer, in bytes.
const LARGEST: usize = 256 * 1024 * 1024;

/// A data folder with the routes over it.
pub(super) struct Folder {
    app: App,
    routes: Router,
}

impl Folder {
    pub fn new(app: App) -> Self {
        let routes = app.routes();
        Self { app, routes }
    }

    pub fn app(&self) -> &App {
        &self.app
    }

    pub async fn close(self) {
        self.app.close().await;
    }

    /// Answers as a server would.
    ///
    /// # Errors
    /// Who asks can't be found out, or the answer can't be read.
    pub async fn answer(&self, wish: Wish) -> Result<Answer, Failure> {
        let failed = |why: String| Failure::new("internal", format!("failed to ask: {why}"));
        let mut request = Request::builder().method(wish.method).uri(wish.path);
        if let Some(body) = &wish.body {
            request = request.header(header::CONTENT_TYPE, body.kind);
            if let Some(seen) = &body.seen {
                request = request.header(header::IF_MATCH, seen);
            }
        }
        match wish.who {
            // The gate takes a principal that stands here for whoever asks; from outside nobody can put
            // one there.
            Who::Local(name) => {
                let actor = people::actor(&self.app.services, &name).await?;
                request = request.extension(Principal::local(actor));
            }
            Who::Person { cookie, csrf } => {
                request = request
                    .header(header::COOKIE, cookie)
                    .header("x-csrf-token", csrf);
            }
        }
        let request = request
            .body(wish.body.map_or_else(Body::empty, |body| Body::from(body.bytes)))
            .map_err(|error| failed(error.to_string()))?;
        // What goes wrong is told to whoever asks; a line of the log beside it would only be in the way.
        let asking = self.routes.clone().oneshot(request);
        let answer = match asking.with_subscriber(NoSubscriber::default()).await {
            Ok(answer) => answer,
            Err(never) => match never {},
        };
        let failure = answer.extensions().get::<Failure>().cloned();
        let (parts, body) = answer.into_parts();
        let body = to_bytes(body, LARGEST)
            .await
            .map_err(|error| failed(error.to_string()))?;
        Ok(Answer {
            status: parts.status,
            cookie: super::server::cookie(&parts.headers),
            etag: super::server::etag(&parts.headers),
            body: body.into(),
            failure,
        })
    }
}
