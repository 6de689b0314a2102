//! One request as the handlers see it: read completely, bounded, percent-decoded.

use std::collections::BTreeMap;

use axum::body::{Body, Bytes, to_bytes};
use axum::http::{HeaderMap, Method, Request, header};
use base64::Engine as _;
use serde_json::{Map, Value};

use crate::Vendor;

/// The largest request body, in bytes.
pub(crate) const MAX_BODY_BYTES: usize = 2 * 1024 * 1024;

/// The most parameters read from a query or a form; further ones are ignored.
const MAX_PARAMETERS: usize = 200;

/// Query or form parameters; the last of a name wins.
pub(crate) type Params = BTreeMap<String, String>;

/// A request to one vendor.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub vendor: Vendor,
    pub method: Method,
    /// The path as sent, with the vendor's prefix.
    pub full_path: String,
    /// The path's parts below the vendor's prefix, percent-decoded, empty parts left out.
    pub parts: Vec<String>,
    pub query: Params,
    pub headers: HeaderMap,
    pub body: Bytes,
}

/// Why a request couldn't be read.
pub(crate) enum Unreadable {
    /// The body is larger than [`MAX_BODY_BYTES`].
    TooLarge,
}

impl Call {
    /// Reads the whole request.
    pub(crate) async fn read(vendor: Vendor, request: Request<Body>) -> Result<Self, Unreadable> {
        let (head, body) = request.into_parts();
        let declared = head
            .headers
            .get(header::CONTENT_LENGTH)
            .and_then(|length| length.to_str().ok());
        if declared
            .and_then(|length| length.parse::<usize>().ok())
            .is_some_and(|length| length > MAX_BODY_BYTES)
        {
            return Err(Unreadable::TooLarge);
        }
        let body = to_bytes(body, MAX_BODY_BYTES)
            .await
            .map_err(|_| Unreadable::TooLarge)?;
        let full_path = head.uri.path().to_owned();
        let below = full_path.strip_prefix(vendor.prefix()).unwrap_or(&full_path);
        let parts = below
            .split('/')
            .filter(|part| !part.is_empty())
            .map(|part| decode(part, false))
            .collect();
        Ok(Call {
            vendor,
            method: head.method,
            parts,
            query: head.uri.query().map(parameters).unwrap_or_default(),
            headers: head.headers,
            body,
            full_path,
        })
    }

    /// A header as text, if it is there and readable.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The token of `Authorization: Bearer`.
    pub(crate) fn bearer(&self) -> Option<&str> {
        let (scheme, token) = self.header("authorization")?.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
    }

    /// User and password of `Authorization: Basic`.
    pub(crate) fn basic(&self) -> Option<(String, String)> {
        let (scheme, encoded) = self.header("authorization")?.split_once(' ')?;
        if !scheme.eq_ignore_ascii_case("basic") {
            return None;
        }
        let bytes = base64::engine::general_purpose::STANDARD
            .decode(encoded.trim())
            .ok()?;
        let text = String::from_utf8(bytes).ok()?;
        text.split_once(':')
            .map(|(user, password)| (user.to_owned(), password.to_owned()))
    }

    /// The media type of the body, lower case, without parameters; empty if none was sent.
    pub(crate) fn media_type(&self) -> String {
        let sent = self.header("content-type").unwrap_or("");
        sent.split(';').next().unwrap_or("").trim().to_ascii_lowercase()
    }

    /// The body as a form.
    pub(crate) fn form(&self) -> Params {
        std::str::from_utf8(&self.body)
            .map(parameters)
            .unwrap_or_default()
    }

    /// The body as a JSON object.
    pub(crate) fn json_object(&self) -> Option<Map<String, Value>> {
        serde_json::from_slice(&self.body).ok()
    }

    /// A whole number from the query, between `least` and `most`; `default` if it is missing or no number.
    pub(crate) fn number(&self, name: &str, default: usize, least: usize, most: usize) -> usize {
        let sent = self.query.get(name).and_then(|text| text.parse().ok());
        sent.unwrap_or(default).clamp(least, most)
    }

    /// The parts of the path, for matching.
    pub(crate) fn route(&self) -> Vec<&str> {
        self.parts.iter().map(String::as_str).collect()
    }
}

/// Reads `application/x-www-form-urlencoded` text.
fn parameters(text: &str) -> Params {
    text.split('&')
        .filter(|pair| !pair.is_empty())
        .take(MAX_PARAMETERS)
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(name, true), decode(value, true))
        })
        .collect()
}

/// Undoes percent-encoding; what isn't UTF-8 afterwards becomes replacement characters.
fn decode(text: &str, plus_is_space: bool) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let escaped = (byte == b'%').then(|| bytes.get(at + 1).copied().zip(bytes.get(at + 2).copied()));
        if let Some(value) = escaped
            .flatten()
            .and_then(|(high, low)| Some(hex(high)? * 16 + hex(low)?))
        {
            out.push(value);
            at += 3;
            continue;
        }
        out.push(if plus_is_space && byte == b'+' { b' ' } else { byte });
        at += 1;
    }
    String::from_utf8_lossy(&out).into_owned()
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit)
        .to_digit(16)
        .and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(input: &str, expected: &[(&str, &str)]) {
        let expected: Params = expected
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect();
        assert_eq!(parameters(input), expected, "{input}");
    }

    #[test]
    fn forms_are_read_as_browsers_write_them() {
        check(
            "a=1&b=two+words&c=%C3%A9%2B",
            &[("a", "1"), ("b", "two words"), ("c", "é+")],
        );
        check("flag&a=1&a=2", &[("flag", ""), ("a", "2")]);
        check("bad=%zz%4", &[("bad", "%zz%4")]);
        check("", &[]);
    }
}
