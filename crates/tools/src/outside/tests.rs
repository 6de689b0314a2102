//! Limits, circuits and what a run is told of them, with a clock that is turned by hand.

use std::sync::atomic::{AtomicI64, Ordering};

use types::CallLimit;

use super::*;

struct Hand(AtomicI64);

impl Clock for Hand {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst))
    }
}

struct Bench {
    clock: Arc<Hand>,
    outside: Arc<Outside>,
}

impl Bench {
    fn new(limit: CallLimit) -> Self {
        let clock = Arc::new(Hand(AtomicI64::new(1_700_000_000_000)));
        let outside = Arc::new(Outside::new(clock.clone()));
        outside.set_limits(CallLimits::from([("zoom".to_owned(), limit)]));
        Self { clock, outside }
    }

    fn pass(&self, millis: i64) {
        self.clock.0.fetch_add(millis, Ordering::SeqCst);
    }

    fn enter(&self, tool: &str, origin: &str) -> Result<Entry, CallError> {
        self.outside.enter(caller(tool), target(origin))
    }

    /// A call that ends at once.
    fn call(&self, origin: &str, result: Result<(), CallError>, wait: Millis) {
        let entry = self
            .enter("zoom", origin)
            .unwrap_or_else(|error| panic!("{error}"));
        entry.end(&result, wait);
    }

    fn turned_away(&self, tool: &str, origin: &str) -> (String, Millis) {
        match self.enter(tool, origin) {
            Err(CallError::HeldBack {
                failure,
                retry_after_ms,
            }) => (failure.code, retry_after_ms),
            Err(other) => panic!("{other:?}"),
            Ok(_) => panic!("it was let through"),
        }
    }

    fn why_held(&self) -> Vec<String> {
        let held = self.outside.held_back(TenantId::DEFAULT, Mode::Real);
        held.into_values().map(|held| held.failure.code).collect()
    }

    fn held_back(&self) -> Vec<(String, Millis)> {
        let held = self.outside.held_back(TenantId::DEFAULT, Mode::Real);
        held.into_iter()
            .map(|(tool, held)| (tool, held.until.since(self.clock.now())))
            .collect()
    }
}

fn caller(tool: &str) -> Caller {
    Caller {
        tenant: TenantId::DEFAULT,
        mode: Mode::Real,
        tool: tool.to_owned(),
    }
}

fn target(origin: &str) -> Target {
    Target {
        origin: origin.to_owned(),
        only: true,
    }
}

fn ill() -> Result<(), CallError> {
    Err(CallError::unknown(Failure::new("tool_failed", "it broke")))
}

#[test]
fn calls_under_way_and_calls_in_a_minute_are_bounded() {
    let bench = Bench::new(CallLimit {
        per_minute: Some(3),
        at_once: Some(2),
        ..CallLimit::default()
    });
    let first = bench.enter("zoom", "a").expect("room");
    let _second = bench.enter("zoom", "a").expect("room");
    assert_eq!(bench.turned_away("zoom", "a"), ("tool_busy".into(), BUSY_MS));
    assert_eq!(bench.held_back(), [("zoom".to_owned(), BUSY_MS)]);
    assert_eq!(bench.why_held(), ["tool_busy"]);
    assert!(
        bench.enter("slack", "a").is_ok(),
        "another tool has limits of its own"
    );
    drop(first);
    bench.pass(1_000);
    let _third = bench.enter("zoom", "a").expect("room again");
    bench.pass(1_000);
    drop(_third);
    assert_eq!(
        bench.turned_away("zoom", "a"),
        ("call_limit_reached".into(), 58_000)
    );
    assert_eq!(bench.held_back(), [("zoom".to_owned(), 58_000)]);
    assert_eq!(bench.why_held(), ["call_limit_reached"]);
    bench.outside.set_limits(CallLimits::default());
    assert!(
        bench.enter("zoom", "a").is_ok(),
        "a raised limit is taken up at once"
    );
}

#[test]
fn the_circuit_opens_for_the_origin_that_fails() {
    let bench = Bench::new(CallLimit {
        failures: Some(3),
        ..CallLimit::default()
    });
    for _ in 0..3 {
        bench.call("a", ill(), 0);
    }
    assert_eq!(bench.turned_away("zoom", "a"), ("circuit_open".into(), 30_000));
    assert_eq!(bench.held_back(), [("zoom".to_owned(), 30_000)]);
    assert_eq!(bench.why_held(), ["circuit_open"]);
    let trouble = bench.outside.trouble(&caller("zoom"), &target("a"));
    assert!(trouble.is_some_and(|text| text.contains("30 s") && text.contains("3 failures")));
    // The tool moves: what the old place did is no longer held against it.
    bench.call("b", Ok(()), 0);
    assert_eq!(bench.held_back(), []);
    assert_eq!(bench.turned_away("zoom", "a").0, "circuit_open");
    bench.outside.forget_trouble();
    bench.call("a", Ok(()), 0);
}

#[test]
fn a_look_at_a_tool_closes_its_circuit_and_never_opens_it() {
    let bench = Bench::new(CallLimit {
        failures: Some(1),
        ..CallLimit::default()
    });
    bench.call("a", ill(), 0);
    assert_eq!(bench.turned_away("zoom", "a").1, 30_000);
    bench.outside.saw(&caller("zoom"), &target("a"), &ill(), 0);
    assert_eq!(bench.turned_away("zoom", "a").1, 30_000);
    bench.outside.saw(&caller("zoom"), &target("a"), &Ok(()), 0);
    bench.call("a", Ok(()), 0);
}

#[test]
fn a_wish_to_be_let_alone_closes_the_tool_for_everybody() {
    let bench = Bench::new(CallLimit::default());
    let slow: Result<(), _> = Err(CallError::retryable(Failure::new(
        "tool_rate_limited",
        "slow down",
    )));
    bench.call("a", slow, 7_000);
    assert_eq!(bench.turned_away("zoom", "a"), ("tool_closed".into(), 7_000));
    bench.pass(7_000);
    assert_eq!(bench.held_back(), []);
    // One call tries; the others wait for it, and a call that is given up lets the next one try.
    let tries = bench.enter("zoom", "a").expect("one call tries");
    assert_eq!(bench.turned_away("zoom", "a"), ("tool_closed".into(), 1_000));
    drop(tries);
    bench.call("a", Ok(()), 0);
    bench.call("a", Ok(()), 0);
}

#[test]
fn what_the_tool_did_not_see_says_nothing_of_it() {
    let bench = Bench::new(CallLimit {
        failures: Some(1),
        ..CallLimit::default()
    });
    for code in [
        "lease_lost",
        "address_refused",
        "arguments_invalid",
        "tool_refused",
        "tool_misconfigured",
    ] {
        bench.call("a", Err(CallError::refused(Failure::new(code, "no"))), 0);
    }
    assert_eq!(bench.held_back(), []);
}
