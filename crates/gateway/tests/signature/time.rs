//! The window of time: five minutes both ways, to the millisecond.

use gateway::signature::{Refused, WINDOW_SECONDS};

use crate::sample::{self, Sample};

const SECOND_MS: i64 = 1000;

fn signed_times() -> [Sample; 3] {
    [
        sample::slack(),
        sample::standard_webhooks(),
        sample::grafana_with_time(),
    ]
}

#[test]
fn the_window_has_sharp_edges() {
    let window_ms = i64::try_from(WINDOW_SECONDS).expect("it is small") * SECOND_MS;
    for sample in signed_times() {
        let sent = sample.now_ms;
        for (off_ms, expected) in [
            (0, "accepted"),
            (window_ms, "accepted"),
            (-window_ms, "accepted"),
            (window_ms + 1, "webhook_time_off"),
            (-window_ms - 1, "webhook_time_off"),
        ] {
            let mut shifted = sample.clone();
            shifted.now_ms = sent + off_ms;
            assert_eq!(shifted.outcome(), expected, "{} {off_ms}", sample.name);
        }
    }
}

#[test]
fn the_operator_hears_how_far_the_clocks_are_apart() {
    let mut old = sample::slack();
    old.now_ms += 301 * SECOND_MS;
    let refused = old.check().expect_err("it is old");
    assert_eq!(
        refused.to_string(),
        "the time in the header X-Slack-Request-Timestamp is 301 s behind this machine's, the most is 300 s"
    );
    let mut early = sample::slack();
    early.now_ms -= 300 * SECOND_MS + 1;
    let refused = early.check().expect_err("it is from the future");
    assert!(
        matches!(
            refused,
            Refused::TimeOff {
                seconds: 301,
                late: false,
                ..
            }
        ),
        "{refused:?}"
    );
}

#[test]
fn clocks_at_the_ends_of_time_refuse_and_do_no_harm() {
    for mut sample in signed_times() {
        for now_ms in [i64::MIN, -1, 0, i64::MAX] {
            sample.now_ms = now_ms;
            assert_eq!(sample.outcome(), "webhook_time_off", "{} {now_ms}", sample.name);
        }
    }
    let furthest = sample::slack().set("X-Slack-Request-Timestamp", "999999999999");
    assert_eq!(furthest.outcome(), "webhook_time_off");
}

#[test]
fn a_signature_without_a_time_is_good_at_any_time() {
    for mut sample in [sample::github(), sample::pagerduty(), sample::grafana()] {
        sample.now_ms = 0;
        assert_eq!(sample.check(), Ok(()), "{}", sample.name);
    }
}

#[test]
fn leaving_out_the_time_of_grafana_does_not_leave_out_its_check() {
    let old = sample::grafana_with_time();
    let body = String::from_utf8(old.body.clone()).expect("the sample is text");
    // What was signed is TIME:BODY, so that this would pass if the header decided.
    let stripped = old.without("X-Grafana-Time").body(&format!("1700000000:{body}"));
    assert_eq!(stripped.outcome(), "webhook_header_missing");
}
