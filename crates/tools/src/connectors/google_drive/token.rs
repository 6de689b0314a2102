//! Access tokens of an OAuth client, fetched with its refresh token (RFC 6749, section 6).

use reqwest::Url;
use types::Failure;

use crate::http::{Body, Request};
use crate::tokens::Grant;
use crate::{CallError, Credentials, Endpoint};

/// Where Google gives out tokens for everything at `www.googleapis.com`.
const GOOGLE: &str = "https://oauth2.googleapis.com/token";

/// What fetches a token for this endpoint; `None` if its credentials need none.
pub(super) fn grant(endpoint: &Endpoint) -> Result<Option<Grant>, CallError> {
    let Credentials::Parts(parts) = &endpoint.credentials else {
        return Ok(None);
    };
    let part = |name: &str| {
        parts
            .get(name)
            .map(|secret| secret.reveal().to_owned())
            .unwrap_or_default()
    };
    let url = token_url(&endpoint.base_url).ok_or_else(|| {
        let message = format!("'{}' is not a URL", endpoint.base_url);
        CallError::refused(Failure::new("tool_misconfigured", message))
    })?;
    let fields = ["client_id", "client_secret", "refresh_token"];
    let mut form: Vec<(String, String)> = fields
        .iter()
        .map(|name| ((*name).to_owned(), part(name)))
        .collect();
    form.push(("grant_type".to_owned(), "refresh_token".to_owned()));
    let request = Request::post_to(url.clone())
        .body(Body::Form(form))
        .credentials(Credentials::None);
    let kept = types::Digest::of_bytes(part("refresh_token").as_bytes());
    Ok(Some(Grant {
        vendor: "google",
        owner: vec![url, part("client_id"), kept.as_str().to_owned()],
        request,
        hint: "check client id, client secret and refresh token; a refresh token ends when its user takes it \
               back, and after seven days if the client's consent screen is still in testing",
    }))
}

/// Where tokens for an API at `base_url` are fetched: Google has a host of its own for them, elsewhere
/// both live at one base URL.
pub(crate) fn token_url(base_url: &str) -> Option<String> {
    let mut url = Url::parse(base_url.trim_end_matches('/')).ok()?;
    if url.host_str() == Some("www.googleapis.com") {
        return Some(GOOGLE.to_owned());
    }
    url.set_path(&format!("{}/token", url.path().trim_end_matches('/')));
    Some(url.into())
}
