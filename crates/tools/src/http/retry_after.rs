//! The header `Retry-After` (RFC 9110, section 10.2.3): seconds or an HTTP date; and
//! `X-RateLimit-Reset` (ServiceNow) or `RateLimit-Reset`: an epoch or seconds from now, in seconds.

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

/// From this number on a reset is an instant (2001-09-09): nobody's limit lasts for thirty years.
const FIRST_EPOCH_S: i64 = 1_000_000_000;

/// The wait until a limit ends in milliseconds, at most a day; `None` if the value can't be read.
pub(crate) fn parse_reset(value: &str, now: Timestamp) -> Option<Millis> {
    let seconds: i64 = value.trim().parse().ok().filter(|seconds| *seconds >= 0)?;
    let millis = seconds.saturating_mul(1000);
    let wait = if seconds < FIRST_EPOCH_S {
        millis.unsigned_abs()
    } else {
        Timestamp::from_millis(millis).since(now)
    };
    Some(wait.min(MOST_MS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reset_is_an_instant_or_a_wait() {
        let now = Timestamp::from_millis(1_700_000_000_000);
        for (value, wait) in [
            ("7", Some(7000)),
            (" 1700000009 ", Some(9000)),
            ("1699999999", Some(0)),
            ("1800000000", Some(MOST_MS)),
            ("0", Some(0)),
            ("999999999", Some(MOST_MS)),
            ("-5", None),
            ("soon", None),
        ] {
            assert_eq!(parse_reset(value, now), wait, "{value}");
        }
    }

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
