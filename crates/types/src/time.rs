//! Instants and spans in whole milliseconds, the grain of every deadline and timer.

use std::fmt;
use std::ops::{Add, Sub};

use serde::{Deserialize, Serialize};

/// A span of time in milliseconds.
pub type Millis = u64;

/// An instant: milliseconds since the Unix epoch, UTC. Serialised as that number; shown as RFC 3339.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The latest instant there is: "never" for a wake-up time.
    pub const MAX: Timestamp = Timestamp(i64::MAX);

    /// The instant `millis` milliseconds after the Unix epoch.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the Unix epoch.
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// The span from `earlier` to this instant, in milliseconds; zero if `earlier` is later.
    pub fn since(self, earlier: Timestamp) -> Millis {
        u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0)
    }
}

/// Reads a span such as `10m`, `90s`, `1h30m`, `2d`, `250ms`; units d, h, m, s, ms, each once, largest first.
/// `None` if it is anything else.
pub fn parse_span(text: &str) -> Option<Millis> {
    const UNITS: [(&str, Millis); 5] = [
        ("d", 86_400_000),
        ("h", 3_600_000),
        ("m", 60_000),
        ("s", 1_000),
        ("ms", 1),
    ];
    let (mut rest, mut total, mut next) = (text.trim(), 0u64, 0);
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let number: Millis = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let letters = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_alphabetic()).len();
        let unit = UNITS[next..]
            .iter()
            .position(|(name, _)| *name == &rest[..letters])?
            + next;
        total = total.checked_add(number.checked_mul(UNITS[unit].1)?)?;
        (rest, next) = (&rest[letters..], unit + 1);
    }
    Some(total)
}

impl std::str::FromStr for Timestamp {
    type Err = jiff::Error;

    /// Reads an RFC 3339 instant, such as `2026-11-21T17:00:00Z`.
    fn from_str(text: &str) -> Result<Self, jiff::Error> {
        Ok(Self(text.trim().parse::<jiff::Timestamp>()?.as_millisecond()))
    }
}

impl Add<Millis> for Timestamp {
    type Output = Timestamp;
    fn add(self, millis: Millis) -> Timestamp {
        Timestamp(self.0.saturating_add(i64::try_from(millis).unwrap_or(i64::MAX)))
    }
}

impl Sub<Millis> for Timestamp {
    type Output = Timestamp;
    fn sub(self, millis: Millis) -> Timestamp {
        Timestamp(self.0.saturating_sub(i64::try_from(millis).unwrap_or(i64::MAX)))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(instant) => write!(f, "{instant:.3}"),
            Err(_) => f.write_str("never"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_spans_and_instants() {
        assert_eq!(parse_span("1h30m"), Some(5_400_000));
        assert_eq!(parse_span(" 250ms "), Some(250));
        for wrong in ["", "10", "m", "5m5m", "5m1h", "1.5h", "99999999999999999d", "ü"] {
            assert_eq!(parse_span(wrong), None, "{wrong}");
        }
        assert_eq!(
            "2023-11-14T22:13:20.123Z".parse::<Timestamp>().ok(),
            Some(Timestamp(1_700_000_000_123))
        );
        assert!("tomorrow".parse::<Timestamp>().is_err());
    }

    #[test]
    fn shows_rfc_3339_and_never_overflows() {
        assert_eq!(
            Timestamp::from_millis(1_700_000_000_123).to_string(),
            "2023-11-14T22:13:20.123Z"
        );
        assert_eq!(Timestamp::MAX + 1, Timestamp::MAX);
        assert_eq!(Timestamp::from_millis(5).since(Timestamp::from_millis(9)), 0);
        assert_eq!(Timestamp::MAX.to_string(), "never");
    }
}
