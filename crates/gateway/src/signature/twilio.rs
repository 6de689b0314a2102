//! Twilio: `X-Twilio-Signature` is, in Base64, the HMAC-SHA1 of the address, followed for a form by
//! each parameter's name and value, in the order of the names.
//!
//! - A body that is no form is covered by its SHA-256 in the address, as `bodySHA256`.
//! - Twilio signs the address sometimes with its port and sometimes without, and always without user
//!   and password; both are tried, as its own libraries do.
//! - A name that comes several times is signed with each of its values once, in their order.
//! - Every parameter counts: Twilio adds new ones without notice.
//! - With a shared key in place of the auth token, `X-Twilio-Webhooks-Signature-Settings` names the
//!   hash, which may then be SHA-256.
//!
//! Nothing parts names from values in what is signed, so one signature fits every way to part the
//! same letters into parameters; the address should be one that is used for nothing else.
//! <https://www.twilio.com/docs/usage/webhooks/webhooks-security>; what the page leaves open is
//! answered by `RequestValidator` of twilio-python 9.13.

use std::collections::BTreeSet;

use percent_encoding::percent_decode;
use sha1::Sha1;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use super::request::{invalid, within};
use super::secrets::Secrets;
use super::{Refused, Request, mac};

/// The most parameters of a form.
pub const MAX_PARAMETERS: usize = 1000;

const SIGNATURE: &str = "X-Twilio-Signature";
const SETTINGS: &str = "X-Twilio-Webhooks-Signature-Settings";
const CONTENT_TYPE: &str = "Content-Type";
const FORM: &str = "application/x-www-form-urlencoded";
const BODY_DIGEST: &str = "bodySHA256";

/// The hash that a request is signed with.
#[derive(Clone, Copy)]
enum Hash {
    Sha1,
    Sha256,
}

impl Hash {
    fn bytes(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 => 32,
        }
    }

    fn hmac(self, key: &[u8], parts: &[&[u8]]) -> Result<Vec<u8>, Refused> {
        match self {
            Self::Sha1 => mac::hmac::<Sha1>(key, parts),
            Self::Sha256 => mac::hmac::<Sha256>(key, parts),
        }
    }
}

pub(super) fn check(secrets: &Secrets, request: &Request) -> Result<(), Refused> {
    let hash = hash(request)?;
    let claimed = mac::base64_of(hash.bytes(), request.header(SIGNATURE)?)
        .ok_or_else(|| invalid(SIGNATURE, "a hash of the agreed kind in Base64 is expected"))?;
    let parameters = parameters(request)?;
    let addresses = addresses(request.url);
    mac::any(SIGNATURE, &[claimed], secrets, |secret| {
        let code = |address: &String| hash.hmac(secret, &[address.as_bytes(), &parameters]);
        addresses.iter().map(code).collect()
    })
}

/// What the settings name, SHA-1 if there are none. Whoever changes them gains nothing: a code of
/// either kind needs the secret.
fn hash(request: &Request) -> Result<Hash, Refused> {
    let settings = request.optional(SETTINGS)?.unwrap_or_default();
    let named = settings
        .split(',')
        .filter_map(|part| part.split_once('='))
        .find(|(name, _)| name.trim() == "algorithm");
    match named.map(|(_, value)| value.trim()) {
        None | Some("HMAC_SHA1") => Ok(Hash::Sha1),
        Some("HMAC_SHA256") => Ok(Hash::Sha256),
        Some(_) => Err(invalid(
            SETTINGS,
            "algorithm=HMAC_SHA1 or HMAC_SHA256 is expected",
        )),
    }
}

/// What is signed behind the address: the parameters of a form, nothing for any other body, which must
/// be the one that the address has the digest of.
fn parameters(request: &Request) -> Result<Vec<u8>, Refused> {
    let content_type = request.optional(CONTENT_TYPE)?.unwrap_or_default();
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    if media_type.eq_ignore_ascii_case(FORM) {
        return form(request.body);
    }
    match body_digest(request.url) {
        None if request.body.is_empty() => Ok(Vec::new()),
        None => Err(Refused::BodyUnsigned),
        Some(claimed) => {
            let digest = hex::encode(Sha256::digest(request.body));
            let same = bool::from(digest.as_bytes().ct_eq(claimed.as_bytes()));
            same.then(Vec::new).ok_or(Refused::BodyChanged)
        }
    }
}

/// The parameters of a form in the order in which they are signed: by the bytes of their names, then
/// of their values, each pair once. Bytes stay as they are, so that two bodies that aren't UTF-8 never
/// read alike.
fn form(body: &[u8]) -> Result<Vec<u8>, Refused> {
    let mut sorted: BTreeSet<(Vec<u8>, Vec<u8>)> = BTreeSet::new();
    let pairs = body.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty());
    for (index, pair) in pairs.enumerate() {
        within("parameters of the form", index + 1, MAX_PARAMETERS)?;
        let equals = pair.iter().position(|byte| *byte == b'=').unwrap_or(pair.len());
        let value = pair.get(equals + 1..).unwrap_or_default();
        sorted.insert((decoded(&pair[..equals]), decoded(value)));
    }
    let pairs = sorted.into_iter().map(|(name, value)| [name, value].concat());
    Ok(pairs.collect::<Vec<_>>().concat())
}

fn decoded(text: &[u8]) -> Vec<u8> {
    let blank = |byte: &u8| if *byte == b'+' { b' ' } else { *byte };
    let spaced: Vec<u8> = text.iter().map(blank).collect();
    percent_decode(&spaced).collect()
}

/// `bodySHA256` of the query, the first if there are several; the signature covers them all.
fn body_digest(url: &str) -> Option<&str> {
    let (_, query) = url.split_once('?')?;
    let query = query.split('#').next().unwrap_or_default();
    let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs.find_map(|(name, value)| (name == BODY_DIGEST).then_some(value))
}

/// The address without user and password, without its port and with it (the scheme's own if it has
/// none). What isn't an address is left as it is.
fn addresses(url: &str) -> Vec<String> {
    let Some((scheme, rest)) = url.split_once("://") else {
        return vec![url.to_owned()];
    };
    let (authority, tail) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let host_and_port = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    // The colons of an IPv6 address stand in brackets.
    let bracket = host_and_port.rfind(']').unwrap_or(0);
    let colon = host_and_port[bracket..].find(':').map(|at| bracket + at);
    let (host, port) = host_and_port.split_at(colon.unwrap_or(host_and_port.len()));
    let secure = ["https", "wss"]
        .iter()
        .any(|known| scheme.eq_ignore_ascii_case(known));
    let port = match port {
        "" if secure => ":443",
        "" => ":80",
        given => given,
    };
    vec![
        format!("{scheme}://{host}{tail}"),
        format!("{scheme}://{host}{port}{tail}"),
    ]
}
