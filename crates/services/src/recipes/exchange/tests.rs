//! Plans beside what comes of them, over a real store.

use super::*;
use crate::recipes::bundle::Piece;
use crate::testing::{self, Bench, ann_there};

fn piece(path: &str, text: impl Into<Vec<u8>>) -> Piece {
    Piece {
        path: path.to_owned(),
        bytes: text.into(),
    }
}

fn note(name: &str, words: &str) -> String {
    format!(
        "name: {name}\nintake: []\nplan: []\nact:\n  - id: say\n    action: slack.post_message\n    \
         with: {{channel: c, text: {words}}}\nverify: []\n"
    )
}

fn told(changes: &[Change]) -> Vec<String> {
    let change = |one: &Change| {
        let activated = if one.activated { " activated" } else { "" };
        format!("{} {} {}{activated}", one.noun, one.name, one.what.as_str())
    };
    changes.iter().map(change).collect()
}

/// What the plan says and what is done, which must be the same.
async fn both(bench: &Bench, pieces: &[Piece], activate: bool) -> Vec<String> {
    let plan = plan(&bench.services, pieces, From::Anywhere, activate)
        .await
        .expect("planned");
    assert_eq!(plan.problems, []);
    let done = apply(&bench.services, &plan, &ann_there()).await.expect("done");
    assert_eq!(told(&plan.changes), told(&done));
    told(&done)
}

#[tokio::test]
async fn what_comes_twice_in_one_import_is_told_as_it_is_done() {
    let bench = testing::bench().await;
    let agent = r#"{"name": "Keeper", "role": "Keeps", "tools": ["zoom"]}"#;
    let limits = |words: &str| {
        format!(r#"{{"id": "limits", "title": "{words}", "deny_actions": ["zoom.restart_room"]}}"#)
    };
    let pieces = [
        piece("agents/a.json", agent),
        piece("agents/b.json", agent),
        piece("guardrails/a.json", limits("one")),
        piece("guardrails/b.json", limits("two")),
    ];
    assert_eq!(
        both(&bench, &pieces, false).await,
        [
            "agent Keeper new",
            "agent Keeper there",
            "guardrails limits new",
            "rule zoom.restart_room: deny new",
            "guardrails limits changed",
            "rule zoom.restart_room: deny there",
        ]
    );
    let again = both(&bench, &pieces[..3], false).await;
    assert_eq!(
        again,
        [
            "agent Keeper there",
            "agent Keeper there",
            "guardrails limits changed",
            "rule zoom.restart_room: deny there",
        ]
    );
}

#[tokio::test]
async fn runs_follow_the_last_version_of_an_import_alone() {
    let bench = testing::bench().await;
    let pieces = [
        piece("tea.yaml", note("Tea", "one")),
        piece("tea-v2.yaml", note("Tea", "two")),
    ];
    assert_eq!(
        both(&bench, &pieces, true).await,
        ["recipe tea new", "recipe tea changed activated"]
    );
    let record = crate::recipes::find(&bench.services, "tea").await.expect("there");
    assert_eq!((record.latest, record.active), (2, Some(2)));
    assert_eq!(
        both(&bench, &pieces, true).await,
        ["recipe tea there", "recipe tea same"]
    );
    // The first version again, as the only one, is a third.
    assert_eq!(both(&bench, &pieces[..1], false).await, ["recipe tea changed"]);
    let record = crate::recipes::find(&bench.services, "tea").await.expect("there");
    assert_eq!((record.latest, record.active), (3, Some(2)));
    assert_eq!(
        both(&bench, &pieces[..1], true).await,
        ["recipe tea same activated"]
    );
}

#[tokio::test]
async fn differences_are_shown_up_to_a_bound() {
    let bench = testing::bench().await;
    let long = "# x\n".repeat(40_000);
    let pieces = |words: &str| -> Vec<Piece> {
        let text = |at: usize| format!("{}{long}", note(&format!("Tea {at}"), words));
        (0..20)
            .map(|at| piece(&format!("tea-{at}.yaml"), text(at)))
            .collect()
    };
    both(&bench, &pieces("one"), false).await;
    let plan = plan(&bench.services, &pieces("two"), From::Anywhere, false)
        .await
        .expect("planned");
    let shown = plan.changes.iter().filter(|change| change.diff.is_some());
    assert_eq!((plan.changes.len(), shown.count()), (20, 13));
}

#[tokio::test]
async fn a_list_of_thousands_is_refused_before_it_is_read() {
    let bench = testing::bench().await;
    let list = format!("[{}7]", "7,".repeat(2_000));
    let plan = plan(&bench.services, &[piece("all.json", list)], From::Anywhere, false)
        .await
        .expect("planned");
    assert_eq!(plan.documents.len(), 0);
    let problems: Vec<String> = plan.problems.iter().map(ToString::to_string).collect();
    assert_eq!(
        problems,
        ["all.json: there are more than 2000 documents up to here [bundle_invalid]"]
    );
    let refused = apply(&bench.services, &plan, &ann_there())
        .await
        .expect_err("refused");
    assert_eq!(refused.code, "bundle_invalid");
}
