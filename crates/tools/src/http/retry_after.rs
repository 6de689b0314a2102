//! The header `Retry-After` (RFC 9110, section 10.2.3): seconds or an HTTP date.

use jiff::fmt::rfc2822::DateTimeParser;
use types::{Millis, Timestamp};

/// What is believed at most: a day.
const MOST_MS: Millis = 24 * 60 * 60 * 1000;

/// The wait in milliseconds, at most a day; `None` if the value can't be read.
pub(crate) fn parse(value: &str, now: Timestamp) -> Option<Millis> {
    let value = value.trim();
    if let Ok(seconds) = value.parse::<u64>() {
        return Some(seconds.saturating_mul(1000).min(MOST_MS));
    }
    // An IMF-fixdate is an RFC 2822 date whose zone is written GMT.
    let at = DateTimeParser::new().parse_timestamp(value).ok()?;
    Some(
        Timestamp::from_millis(at.as_millisecond())
            .since(now)
            .min(MOST_MS),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_and_dates_are_read() {
        let now = Timestamp::from_millis(784_111_777_000); // Sun, 06 Nov 1994 08:49:37 GMT
        assert_eq!(parse("7", now), Some(7000));
        assert_eq!(parse("Sun, 06 Nov 1994 08:49:47 GMT", now), Some(10_000));
        assert_eq!(parse("Sun, 06 Nov 1994 08:49:00 GMT", now), Some(0));
        assert_eq!(parse("99999999999999999999", now), None);
        assert_eq!(parse("9999999999", now), Some(MOST_MS));
        assert_eq!(parse("soon", now), None);
    }
}
