//! The chaos must be able to fail: each planted bug is caught by the counter it belongs to, and without
//! one every promise holds.

use std::process::Command;

use serde_json::Value;

/// How long the server is disturbed; letting the runs end takes longer.
const SECONDS: &str = "6";

/// Two servers on one PostgreSQL.
const TWO_ON_POSTGRES: [&str; 4] = ["--store", "postgres", "--nodes", "2"];

/// Runs `agentops chaos`: whether it says that all is well, and its last line.
fn chaos(seed: u32, bug: &str, place: &[&str]) -> (bool, Value) {
    let output = Command::new(env!("CARGO_BIN_EXE_agentops"))
        .args(["chaos", "--json", "--seconds", SECONDS, "--bug", bug])
        .args(["--seed", &seed.to_string()])
        .args(place)
        .output()
        .expect("agentops starts");
    let text = String::from_utf8(output.stdout).expect("text");
    let report = text.lines().last().map(serde_json::from_str);
    let report = report
        .unwrap_or_else(|| panic!("no report: {}", String::from_utf8_lossy(&output.stderr)))
        .expect("JSON");
    (output.status.success(), report)
}

fn count(report: &Value, name: &str) -> u64 {
    report[name]
        .as_u64()
        .unwrap_or_else(|| panic!("no {name} in {report:#}"))
}

fn caught_as(bug: &str, counter: &str) {
    caught_at(&[], bug, counter);
}

fn caught_at(place: &[&str], bug: &str, counter: &str) {
    let (well, report) = chaos(7, bug, place);
    assert!(!well, "{report:#}");
    assert!(count(&report, counter) > 0, "{report:#}");
    assert!(count(&report, "runs") > 0, "{report:#}");
}

#[test]
fn without_a_bug_every_promise_holds() {
    let (well, report) = chaos(7, "none", &[]);
    assert!(well, "{report:#}");
    for counter in ["lost", "doubled", "stuck"] {
        assert_eq!(count(&report, counter), 0, "{report:#}");
    }
    assert_eq!(
        count(&report, "uncertain"),
        count(&report, "permitted_uncertain"),
        "{report:#}"
    );
    for counter in ["kills", "runs", "steps"] {
        assert!(count(&report, counter) > 0, "{report:#}");
    }
}

#[test]
fn a_key_that_is_not_passed_is_caught() {
    caught_as("key-not-passed", "doubled");
}

#[test]
fn a_write_retried_after_a_time_out_is_caught() {
    caught_as("retry-after-timeout", "doubled");
}

#[test]
fn a_removed_fence_is_caught() {
    caught_as("no-fence", "doubled");
}

/// Here a run may have been with the other server before its former holder writes.
#[test]
fn a_removed_fence_is_caught_on_postgres() {
    caught_at(&TWO_ON_POSTGRES, "no-fence", "doubled");
}

#[test]
fn writes_parked_as_uncertain_are_caught() {
    caught_as("park-everything", "stuck");
}

/// The fence alone keeps two holders of one run apart, so leases that run out do no harm.
#[test]
fn leases_that_are_never_renewed_lose_and_double_nothing() {
    let (_, report) = chaos(7, "no-renewal", &[]);
    assert_eq!(count(&report, "lost"), 0, "{report:#}");
    assert_eq!(count(&report, "doubled"), 0, "{report:#}");
    assert!(count(&report, "runs") > 0, "{report:#}");
}
