//! Access tokens of server-to-server OAuth apps: fetched with account credentials. There is no refresh
//! token.

use reqwest::Url;
use types::Failure;

use crate::http::{Body, Request};
use crate::tokens::Grant;
use crate::{CallError, Credentials, Endpoint};

/// What fetches a token for this endpoint; `None` if its credentials need none.
pub(super) fn grant(endpoint: &Endpoint) -> Result<Option<Grant>, CallError> {
    let Credentials::Account {
        token_url,
        account_id,
        client_id,
        client_secret,
    } = &endpoint.credentials
    else {
        return Ok(None);
    };
    let url = match token_url {
        Some(url) => url.clone(),
        None => derived_url(endpoint)?,
    };
    let request = Request::post_to(url.clone())
        .body(Body::Form(vec![
            ("grant_type".to_owned(), "account_credentials".to_owned()),
            ("account_id".to_owned(), account_id.clone()),
        ]))
        .credentials(Credentials::Basic {
            user: client_id.clone(),
            password: client_secret.clone(),
        });
    Ok(Some(Grant {
        vendor: "zoom",
        owner: vec![url, account_id.clone(), client_id.clone()],
        request,
        hint: "check account id, client id and client secret of the server-to-server app",
    }))
}

/// Where tokens for an API at `base_url` are fetched. Zoom serves them from its web host, everything
/// else from its API host; elsewhere both live at one base URL.
pub(crate) fn token_url(base_url: &str) -> Option<String> {
    let mut url = Url::parse(base_url.trim_end_matches('/')).ok()?;
    if url.host_str() == Some("api.zoom.us") {
        return Some("https://zoom.us/oauth/token".to_owned());
    }
    url.set_path(&format!("{}/oauth/token", url.path().trim_end_matches('/')));
    Some(url.into())
}

fn derived_url(endpoint: &Endpoint) -> Result<String, CallError> {
    token_url(&endpoint.base_url).ok_or_else(|| {
        CallError::refused(Failure::new(
            "tool_misconfigured",
            format!("'{}' is not a URL", endpoint.base_url),
        ))
    })
}
