//! Instants, spans and zones in the arguments of calendar calls.

use jiff::tz::TimeZone;
use serde_json::Value;
use types::{Millis, Timestamp};

use crate::CallError;
use crate::arguments::{invalid, text};

/// A minute in milliseconds.
pub(super) const MINUTE_MS: Millis = 60_000;
/// A day in milliseconds.
pub(super) const DAY_MS: Millis = 86_400_000;
/// The longest event.
const LONGEST_MS: Millis = 14 * DAY_MS;
/// How far ahead an event may end.
const HORIZON_MS: Millis = 730 * DAY_MS;

/// A time zone by its IANA name.
#[derive(Debug)]
pub(super) struct Zone {
    name: String,
    zone: TimeZone,
}

impl Zone {
    /// The zone in the arguments, or else the usual one.
    pub(super) fn of(args: &Value, usual: &str) -> Result<Self, CallError> {
        let name = text(args, "zone").unwrap_or(usual);
        match TimeZone::get(name) {
            Ok(zone) => Ok(Self {
                name: zone.iana_name().unwrap_or(name).to_owned(),
                zone,
            }),
            Err(_) => Err(invalid(format!(
                "zone: there is no time zone '{name}'; give an IANA name such as Europe/Berlin"
            ))),
        }
    }

    /// A zone that was checked when it was stored; UTC if this machine doesn't know it any more.
    pub(super) fn known(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            zone: TimeZone::get(name).unwrap_or(TimeZone::UTC),
        }
    }

    /// Its IANA name.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// An instant as people in this zone read it.
    pub(super) fn local(&self, at: Timestamp) -> String {
        match jiff::Timestamp::from_millisecond(at.as_millis()) {
            Ok(instant) => instant
                .to_zoned(self.zone.clone())
                .strftime("%Y-%m-%dT%H:%M:%S%:z")
                .to_string(),
            Err(_) => at.to_string(),
        }
    }
}

/// An instant in the arguments, if it is there.
pub(super) fn instant(args: &Value, name: &str) -> Result<Option<Timestamp>, CallError> {
    let Some(given) = text(args, name) else {
        return Ok(None);
    };
    let read = given.parse::<Timestamp>();
    read.map(Some)
        .map_err(|error| invalid(format!("{name}: '{given}' is not an instant: {error}")))
}

/// The time that an event shall take: from `start` to `end`, or for `minutes`, or as long as it was.
pub(super) fn span(
    now: Timestamp,
    args: &Value,
    before_ms: Option<Millis>,
) -> Result<(Timestamp, Timestamp), CallError> {
    let start = instant(args, "start")?.ok_or_else(|| invalid("give start"))?;
    let end = match (instant(args, "end")?, args["minutes"].as_u64(), before_ms) {
        (Some(end), None, _) => end,
        (None, Some(minutes), _) => start + minutes.saturating_mul(MINUTE_MS),
        (None, None, Some(length)) => start + length,
        _ => return Err(invalid("give either end or minutes")),
    };
    if end <= start {
        return Err(invalid(format!(
            "the event would end at {end}, which is not after {start}"
        )));
    }
    if end.since(start) > LONGEST_MS {
        return Err(invalid("an event takes at most 14 days"));
    }
    if end <= now {
        return Err(invalid(format!(
            "the event would be over by now: it would end at {end}"
        )));
    }
    if end > now + HORIZON_MS {
        return Err(invalid("an event ends within 730 days from now"));
    }
    Ok((start, end))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const NOW: Timestamp = Timestamp::from_millis(1_796_115_600_000);

    #[test]
    fn a_span_is_read_with_any_offset_and_bounded() {
        let check = |args: Value, before| {
            span(NOW, &args, before).map(|(from, to)| (from.to_string(), to.since(from)))
        };
        let ten = "2026-12-01T10:00:00.000Z".to_owned();
        for args in [
            json!({"start": "2026-12-01T11:00:00+01:00", "end": "2026-12-01T10:30:00Z"}),
            json!({"start": "2026-12-01T10:00:00Z", "minutes": 30}),
            json!({"start": "2026-12-01T05:00:00-05:00"}),
        ] {
            assert_eq!(
                check(args, Some(30 * MINUTE_MS)).expect("a span"),
                (ten.clone(), 30 * MINUTE_MS)
            );
        }
        for (args, says) in [
            (json!({"start": "2026-12-01T10:00:00Z"}), "either end or minutes"),
            (
                json!({"start": "2026-12-01T10:00:00Z", "minutes": 5, "end": "2026-12-01T11:00:00Z"}),
                "either",
            ),
            (
                json!({"start": "2026-12-01T10:00:00Z", "end": "2026-12-01T10:00:00Z"}),
                "not after",
            ),
            (
                json!({"start": "2026-12-01T10:00:00Z", "end": "2026-12-16T10:00:00Z"}),
                "14 days",
            ),
            (
                json!({"start": "2025-12-01T10:00:00Z", "minutes": 5}),
                "over by now",
            ),
            (json!({"start": "2036-12-01T10:00:00Z", "minutes": 5}), "730 days"),
            (
                json!({"start": "2026-13-01T10:00:00Z", "minutes": 5}),
                "not an instant",
            ),
        ] {
            let error = check(args.clone(), None).expect_err("refused").to_string();
            assert!(error.contains(says), "{args}: {error}");
        }
    }

    #[test]
    fn local_times_follow_the_clock_changes_of_the_zone() {
        let zone = Zone::of(&json!({"zone": "Europe/Berlin"}), "UTC").expect("known");
        for (utc, local) in [
            ("2026-10-25T00:30:00Z", "2026-10-25T02:30:00+02:00"),
            ("2026-10-25T01:30:00Z", "2026-10-25T02:30:00+01:00"),
        ] {
            assert_eq!(zone.local(utc.parse().expect("an instant")), local);
        }
        assert!(Zone::of(&json!({"zone": "Mars/Olympus"}), "UTC").is_err());
        assert_eq!(Zone::of(&json!({}), "UTC").expect("known").name(), "UTC");
    }
}
