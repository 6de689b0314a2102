//! Redirects of reads: where the next hop goes, and what goes along.
//!
//! Each hop is a request of its own, so its address is checked like the first one's. What opens one
//! origin stays there: at another one there are no credentials, no headers of the connector, no
//! certificate authority of the endpoint's own, and no leave to reach private addresses.

use reqwest::{Method, Url};
use types::Failure;

use super::{Body, Request, Response};
use crate::{CallError, Credentials, Endpoint};

/// Headers that say only what kind of answer is wanted.
const HARMLESS: &[&str] = &["accept", "accept-language"];

/// The next request and where it goes, if the answer sends a read elsewhere.
///
/// # Errors
/// `tool_redirected` if the place can't be gone to.
pub(crate) fn next(
    endpoint: &Endpoint,
    request: &Request,
    response: &Response,
) -> Result<Option<(Endpoint, Request)>, CallError> {
    let follows = request.follows && request.method == Method::GET && !request.is_effect();
    if !follows || !is_redirect(response.status) {
        return Ok(None);
    }
    let to = location(response)?;
    let mut hop = request.clone();
    hop.path = Vec::new();
    hop.query = Vec::new();
    hop.body = Body::Empty;
    let mut place = endpoint.clone();
    if to.origin() != response.url.origin() {
        hop.credentials = Some(Credentials::None);
        hop.headers.retain(|(name, _)| HARMLESS.contains(&name.as_ref()));
        place.credentials = Credentials::None;
    }
    if to.host_str() != response.url.host_str() {
        place.ca_pem = None;
        place.allow_private = false;
    }
    hop.absolute = Some(to.into());
    Ok(Some((place, hop)))
}

/// Whether the status sends a reader elsewhere.
pub(crate) fn is_redirect(status: u16) -> bool {
    matches!(status, 301 | 302 | 303 | 307 | 308)
}

/// Where the answer sends us.
///
/// # Errors
/// `tool_redirected` if it doesn't say, or says what can't be followed.
pub(crate) fn location(response: &Response) -> Result<Url, CallError> {
    let from = response.url.host_str().unwrap_or_default();
    let said = response.header("location");
    let to = said.and_then(|text| response.url.join(text).ok());
    let Some(mut to) = to.filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host()) else {
        return Err(refused(format!(
            "{from} sends us elsewhere without a usable address"
        )));
    };
    if !to.username().is_empty() || to.password().is_some() {
        return Err(refused(format!(
            "{from} sends us to an address with a user name or a password in it"
        )));
    }
    if response.url.scheme() == "https" && to.scheme() == "http" {
        return Err(refused(format!(
            "{from} sends us from an encrypted address to one that isn't"
        )));
    }
    to.set_fragment(None);
    Ok(to)
}

/// It was sent on too often.
pub(crate) fn too_many(most: usize) -> CallError {
    refused(format!(
        "we were sent from one address to the next more than {most} times"
    ))
}

fn refused(message: String) -> CallError {
    CallError::refused(Failure::new("tool_redirected", message))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Secret;
    use reqwest::header::{HeaderMap, HeaderValue};

    fn sent_to(from: &str, location: Option<&str>) -> Response {
        let mut headers = HeaderMap::new();
        if let Some(location) = location {
            headers.insert("location", HeaderValue::from_str(location).expect("a header"));
        }
        Response {
            status: 302,
            url: Url::parse(from).expect("a URL"),
            headers,
            body: Vec::new(),
        }
    }

    fn endpoint() -> Endpoint {
        Endpoint {
            base_url: "https://tool.example".into(),
            credentials: Credentials::Bearer(Secret::new("hush")),
            ca_pem: Some("pem".into()),
            allow_private: true,
        }
    }

    /// Where it goes, and what goes along: credentials, the connector's header, leave for private addresses.
    fn hop(location: &str) -> (String, bool, bool, bool) {
        let request = Request::get(&["a"])
            .header("x-key", "k")
            .header("accept", "text/html");
        let response = sent_to("https://tool.example/a?b=c", Some(location));
        let (place, hop) = next(&endpoint(), &request, &response)
            .expect("a usable address")
            .expect("a redirect");
        assert!(hop.headers.iter().any(|(name, _)| name == "accept"));
        let signed = place.credentials != Credentials::None && hop.credentials.is_none();
        let keyed = hop.headers.iter().any(|(name, _)| name == "x-key");
        (
            hop.absolute.unwrap_or_default(),
            signed,
            keyed,
            place.allow_private,
        )
    }

    #[test]
    fn what_opens_one_origin_stays_there() {
        for (location, to, along, private) in [
            ("/b", "https://tool.example/b", true, true),
            ("b?c=d#e", "https://tool.example/b?c=d", true, true),
            ("https://tool.example/b", "https://tool.example/b", true, true),
            (
                "https://tool.example:444/b",
                "https://tool.example:444/b",
                false,
                true,
            ),
            ("//other.example/b", "https://other.example/b", false, false),
            (
                "https://tool.example.other/b",
                "https://tool.example.other/b",
                false,
                false,
            ),
            (
                "https://169.254.169.254/b",
                "https://169.254.169.254/b",
                false,
                false,
            ),
        ] {
            assert_eq!(
                hop(location),
                (to.to_owned(), along, along, private),
                "{location}"
            );
        }
    }

    #[test]
    fn odd_addresses_and_writes_are_not_followed() {
        for location in [
            None,
            Some("http://tool.example/b"),
            Some("https://ann:hush@tool.example/b"),
            Some("file:///etc/passwd"),
            Some("javascript:1"),
            Some("https://"),
        ] {
            let response = sent_to("https://tool.example/a", location);
            let error = next(&endpoint(), &Request::get(&["a"]), &response).expect_err("odd");
            assert_eq!(error.failure().code, "tool_redirected", "{location:?}");
            assert!(!error.failure().message.contains("hush"));
        }
        let response = sent_to("https://tool.example/a", Some("/b"));
        for request in [
            Request::post(&["a"]),
            Request::get(&["a"]).effect(),
            Request::get(&["a"]).no_redirects(),
        ] {
            assert!(matches!(next(&endpoint(), &request, &response), Ok(None)));
        }
    }
}
