//! The judge sees what is lost, doubled and stuck in small made-up worlds, and nothing where all is well.

use std::collections::BTreeMap;

use testkit::ledger::{Behaviour, Operation, Received, Script};
use testkit::model::{Broken, CallClaim, Disruption, Facts, RunClaim, Verdict, judge};
use testkit::plan::{Call, Node, OnError, Plan};

const RUN: &str = "r0";

fn call(id: &str, operation: Operation) -> Call {
    Call {
        id: id.to_owned(),
        operation,
        on_error: OnError::Fail,
        undo: None,
    }
}

fn request(id: &str, operation: Operation, at_ms: i64) -> Received {
    Received {
        operation,
        token: format!("{RUN}/{id}"),
        key: id.to_owned(),
        attempt: 1,
        at_ms,
        behaviour: Behaviour::Normal,
        effect_at_ms: Some(at_ms),
    }
}

fn done(id: &str) -> CallClaim {
    CallClaim {
        step: format!("plan/{id}"),
        token: format!("{RUN}/{id}"),
        attempts: BTreeMap::from([(1, 100)]),
        succeeded_at: Some(200),
        ..CallClaim::default()
    }
}

/// One run with a keyed and an unkeyed call, both done.
fn world() -> Facts {
    let plan = Plan {
        slug: "p".to_owned(),
        phases: [
            vec![Node::Call(call("a", Operation::Keyed))],
            vec![Node::Call(call("b", Operation::Unkeyed))],
            vec![],
        ],
        rollback: None,
    };
    Facts {
        script: Script { seed: 1, calm: true },
        plans: vec![plan],
        acknowledged: vec![RUN.to_owned()],
        disruptions: Vec::new(),
        ledger: vec![
            request("a", Operation::Keyed, 150),
            request("b", Operation::Unkeyed, 160),
        ],
        runs: vec![RunClaim {
            run: "run_0".to_owned(),
            recipe: "p".to_owned(),
            base: RUN.to_owned(),
            status: "succeeded".to_owned(),
            ended: true,
            waiting_for: String::new(),
            calls: vec![done("a"), done("b")],
        }],
    }
}

/// The world in which nobody knows what the unkeyed call did.
fn uncertain() -> Facts {
    let mut facts = world();
    facts.ledger.pop();
    let run = &mut facts.runs[0];
    (run.status, run.ended) = ("waiting".to_owned(), false);
    let claim = &mut run.calls[1];
    claim.succeeded_at = None;
    claim.uncertain = vec![(1, 300)];
    claim.open = true;
    facts
}

fn counts(verdict: &Verdict) -> [usize; 3] {
    [Broken::Lost, Broken::Doubled, Broken::Stuck].map(|broken| verdict.count(broken))
}

#[test]
fn all_is_well() {
    let verdict = judge(&world());
    assert_eq!(verdict.findings, []);
    assert_eq!((verdict.runs, verdict.steps, verdict.uncertain), (1, 2, 0));
}

#[test]
fn an_effect_that_is_missing_is_lost() {
    let mut facts = world();
    facts.ledger.remove(0);
    assert_eq!(counts(&judge(&facts)), [1, 0, 0]);
}

#[test]
fn an_acknowledged_run_that_is_gone_is_lost() {
    let mut facts = world();
    facts.acknowledged.push("r1".to_owned());
    assert_eq!(counts(&judge(&facts)), [1, 0, 0]);
}

#[test]
fn an_effect_that_took_place_twice_is_doubled() {
    for (id, operation) in [("a", Operation::Keyed), ("b", Operation::Unkeyed)] {
        let mut facts = world();
        facts.ledger.push(request(id, operation, 170));
        assert_eq!(counts(&judge(&facts)), [0, 1, 0], "{id}");
    }
}

#[test]
fn a_finished_step_that_is_called_again_is_doubled_even_without_an_effect() {
    let mut facts = world();
    let mut again = request("a", Operation::Keyed, 5_000);
    again.effect_at_ms = None;
    facts.ledger.push(again);
    assert_eq!(counts(&judge(&facts)), [0, 1, 0]);
}

#[test]
fn an_effect_that_was_never_due_is_doubled() {
    let mut facts = world();
    facts.ledger.push(request("z", Operation::Keyed, 170));
    assert_eq!(counts(&judge(&facts)), [0, 1, 0]);
}

#[test]
fn a_run_that_did_not_end_is_stuck() {
    let mut facts = world();
    (facts.runs[0].status, facts.runs[0].ended) = ("running".to_owned(), false);
    assert_eq!(counts(&judge(&facts)), [0, 0, 1]);
}

#[test]
fn a_run_that_was_started_twice_is_doubled() {
    let mut facts = world();
    let twin = facts.runs[0].clone();
    facts.runs.push(twin);
    assert_eq!(judge(&facts).count(Broken::Doubled), 1);
}

#[test]
fn uncertainty_needs_a_reason() {
    let verdict = judge(&uncertain());
    assert_eq!(counts(&verdict), [0, 0, 1]);
    assert_eq!((verdict.uncertain, verdict.permitted_uncertain), (1, 0));
    let reasons: [fn(&mut Facts); 3] = [
        |facts| {
            facts.disruptions = vec![Disruption {
                from_ms: 150,
                to_ms: 250,
            }];
        },
        |facts| {
            let mut open = request("b", Operation::Unkeyed, 160);
            (open.behaviour, open.effect_at_ms) = (Behaviour::AnswerLost, None);
            facts.ledger.push(open);
        },
        |facts| facts.runs[0].calls[1].uncertain = vec![(1, 800)],
    ];
    for (at, reason) in reasons.into_iter().enumerate() {
        let mut facts = uncertain();
        reason(&mut facts);
        let verdict = judge(&facts);
        assert_eq!(verdict.findings, [], "reason {at}");
        assert_eq!((verdict.uncertain, verdict.permitted_uncertain), (1, 1));
    }
}

#[test]
fn what_is_not_unkeyed_is_never_uncertain() {
    let mut facts = uncertain();
    facts.disruptions = vec![Disruption {
        from_ms: 0,
        to_ms: 900,
    }];
    facts.plans[0].phases[1] = vec![Node::Call(call("b", Operation::Marked))];
    assert_eq!(counts(&judge(&facts)), [0, 0, 1]);
}
