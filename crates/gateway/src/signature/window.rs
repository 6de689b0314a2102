//! How old a signed request may be.

use types::Timestamp;

use super::Refused;
use super::request::invalid;

/// How far a signed time may be from now, in either direction, in seconds: what Slack and Standard
/// Webhooks ask for. Exactly this much is let pass.
pub const WINDOW_SECONDS: u64 = 300;

const MILLIS_A_SECOND: i64 = 1000;

/// The longest number of seconds that is read: until the year 33658.
const MAX_DIGITS: usize = 12;

/// Reads whole seconds since the Unix epoch, and sees whether that is about now.
///
/// # Errors
/// [`Refused::HeaderInvalid`] for anything but a plain decimal number (which has one spelling:
/// no sign, fraction, blank or leading zero), [`Refused::TimeOff`] outside the window.
pub(super) fn check(header: &str, value: &str, now: Timestamp) -> Result<(), Refused> {
    let digits = value.bytes().all(|byte| byte.is_ascii_digit());
    let plain = digits && value.len() <= MAX_DIGITS && (value == "0" || !value.starts_with('0'));
    let seconds: Option<i64> = plain.then(|| value.parse().ok()).flatten();
    let Some(seconds) = seconds else {
        return Err(invalid(header, "whole seconds since 1970 are expected"));
    };
    let sent = Timestamp::from_millis(seconds.saturating_mul(MILLIS_A_SECOND));
    let late = now > sent;
    let off_ms = if late { now.since(sent) } else { sent.since(now) };
    let millis_a_second = MILLIS_A_SECOND.unsigned_abs();
    if off_ms <= WINDOW_SECONDS * millis_a_second {
        return Ok(());
    }
    Err(Refused::TimeOff {
        header: header.to_owned(),
        seconds: off_ms.div_ceil(millis_a_second),
        late,
        most: WINDOW_SECONDS,
    })
}
