//! A request as it came in, and reading its headers without guessing.

use super::Refused;

/// The largest body, in bytes: GitHub's own limit of 25 MB, the largest of the vendors here.
/// <https://docs.github.com/en/webhooks/webhook-events-and-payloads>
pub const MAX_BODY_BYTES: usize = 25 * 1024 * 1024;
/// The longest address, in bytes.
pub const MAX_URL_BYTES: usize = 8 * 1024;
/// The most headers.
pub const MAX_HEADERS: usize = 128;
/// The longest value of a header that a scheme reads, in bytes.
pub const MAX_VALUE_BYTES: usize = 8 * 1024;

/// A request as it came in.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The whole address that the vendor was given, with scheme and host, and the query as it came
    /// in. Scheme and host come from the configuration: a proxy may have changed them, and `Host` is
    /// the sender's to choose. Only Twilio signs it.
    pub url: &'a str,
    /// Names (in any case) and values, in the order in which they came.
    pub headers: &'a [(&'a str, &'a [u8])],
    /// The bytes of the body, as they came, which needn't be UTF-8.
    pub body: &'a [u8],
}

impl<'a> Request<'a> {
    /// # Errors
    /// [`Refused::TooLarge`].
    pub(super) fn bounded(&self) -> Result<(), Refused> {
        within("bytes of the body", self.body.len(), MAX_BODY_BYTES)?;
        within("bytes of the address", self.url.len(), MAX_URL_BYTES)?;
        within("headers", self.headers.len(), MAX_HEADERS)
    }

    /// The value of a header that is there once.
    ///
    /// # Errors
    /// [`Refused`] if it is missing, repeated, too long, or not of visible ASCII and blanks.
    pub(super) fn header(&self, name: &str) -> Result<&'a str, Refused> {
        let missing = || Refused::HeaderMissing {
            header: name.to_owned(),
        };
        self.optional(name)?.ok_or_else(missing)
    }

    /// The value of a header that is there at most once.
    ///
    /// # Errors
    /// As [`Request::header`], except for a missing one.
    pub(super) fn optional(&self, name: &str) -> Result<Option<&'a str>, Refused> {
        let mut values = self
            .headers
            .iter()
            .filter(|(given, _)| given.eq_ignore_ascii_case(name));
        let Some((_, value)) = values.next() else {
            return Ok(None);
        };
        if values.next().is_some() {
            return Err(Refused::HeaderRepeated {
                header: name.to_owned(),
            });
        }
        within("bytes of a header", value.len(), MAX_VALUE_BYTES)?;
        let text = std::str::from_utf8(value)
            .ok()
            .filter(|text| text.bytes().all(|byte| (b' '..=b'~').contains(&byte)));
        text.map(Some)
            .ok_or_else(|| invalid(name, "visible ASCII is expected"))
    }
}

/// # Errors
/// [`Refused::TooLarge`] if there is more than that.
pub(super) fn within(what: &'static str, count: usize, most: usize) -> Result<(), Refused> {
    if count > most {
        return Err(Refused::TooLarge { what, most });
    }
    Ok(())
}

pub(super) fn invalid(header: &str, why: &'static str) -> Refused {
    Refused::HeaderInvalid {
        header: header.to_owned(),
        why,
    }
}
