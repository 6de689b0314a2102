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
async fn what_has_no_room_keeps_all_of_an_import_out() {
    let bench = testing::bench().await;
    let services = &bench.services;
    let full: serde_json::Map<String, Value> = (0..500).map(|n| (format!("w{n}"), json!({}))).collect();
    let leaf = services.leaf("setting_changed", &testing::ann(), Value::Null);
    services
        .store
        .put_setting(
            services.tenant,
            settings::GUARDRAILS,
            Value::Object(full),
            None,
            leaf,
        )
        .await
        .expect("put");
    let pieces = [
        piece(
            "agents/a.json",
            r#"{"name": "Keeper", "role": "Keeps", "tools": ["zoom"]}"#,
        ),
        piece("tea.yaml", note("Tea", "one")),
        piece(
            "guardrails/a.json",
            r#"{"id": "limits", "title": "one", "deny_actions": ["zoom.restart_room"]}"#,
        ),
    ];
    let plan = plan(services, &pieces, From::Anywhere, true)
        .await
        .expect("planned");
    let refused = apply(services, &plan, &ann_there()).await.expect_err("no room");
    assert_eq!(refused.code, "setting_invalid");
    assert_eq!(agents::list(services).await.expect("listed"), []);
    assert_eq!(list(services).await.expect("listed"), []);
    let rules: Value = settings::read(services, settings::RULES).await.expect("read");
    assert_eq!(rules, json!({}));
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
    // The first version again, as the only one, is in the library already: nobody's draft is covered.
    assert_eq!(both(&bench, &pieces[..1], false).await, ["recipe tea same"]);
    assert_eq!(
        both(&bench, &pieces[..1], true).await,
        ["recipe tea same activated"]
    );
    let record = crate::recipes::find(&bench.services, "tea").await.expect("there");
    assert_eq!((record.latest, record.active), (2, Some(1)));
    // As the last of several it comes after them.
    let turned = [
        piece("tea.yaml", note("Tea", "two")),
        piece("tea-v2.yaml", note("Tea", "one")),
    ];
    assert_eq!(
        both(&bench, &turned, false).await,
        ["recipe tea same", "recipe tea changed"]
    );
    let record = crate::recipes::find(&bench.services, "tea").await.expect("there");
    assert_eq!((record.latest, record.active), (3, Some(1)));
}

#[tokio::test]
async fn what_was_exported_is_the_same_when_it_comes_back_whatever_drafts_there_are() {
    let bench = testing::bench().await;
    both(&bench, &[piece("tea.yaml", note("Tea", "one"))], true).await;
    both(&bench, &[piece("tea.yaml", note("Tea", "two"))], false).await;
    let names = ["tea".to_owned()];
    let mut out = export(&bench.services, &names, false).await.expect("exported");
    for piece in &mut out {
        piece.path = piece.path.replace("recipes/", "");
    }
    for activate in [false, true] {
        let plan = plan(&bench.services, &out, From::Folder, activate)
            .await
            .expect("planned");
        assert_eq!(told(&plan.changes), ["recipe tea same"]);
        assert!(!change_anything(&plan.changes));
        apply(&bench.services, &plan, &ann_there()).await.expect("done");
    }
    let record = crate::recipes::find(&bench.services, "tea").await.expect("there");
    assert_eq!((record.latest, record.active), (2, Some(1)));
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

#[tokio::test]
async fn a_name_that_saving_refuses_is_a_problem_of_the_plan() {
    let bench = testing::bench().await;
    let long = format!("{}.yaml", "tea-".repeat(40));
    let listed = json!([{"name": "!!!", "yaml": note("'!!!'", "two")}]).to_string();
    let pieces = [
        piece(&long, note("Long", "one")),
        piece("all.json", listed),
        piece("tool-call-slack-post-message.yaml", note("Call", "three")),
        piece("tea.yaml", note("Tea", "four")),
    ];
    let alone = async |piece: &Piece| {
        let only = std::slice::from_ref(piece);
        let plan = plan(&bench.services, only, From::Anywhere, false)
            .await
            .expect("planned");
        plan.problems
    };
    let [bad @ .., good] = &pieces;
    for piece in bad {
        let problems = alone(piece).await;
        let told: Vec<&str> = problems.iter().map(|problem| problem.code.as_str()).collect();
        assert_eq!(told, ["recipe_name_invalid"], "{problems:?}");
        assert!(problems[0].at.starts_with(&piece.path), "{problems:?}");
    }
    assert_eq!(alone(good).await, []);
    let all = plan(&bench.services, &pieces, From::Anywhere, false)
        .await
        .expect("planned");
    assert_eq!(all.problems.len(), 3, "all of them at once");
    apply(&bench.services, &all, &ann_there())
        .await
        .expect_err("refused");
    assert!(
        crate::recipes::find(&bench.services, "tea").await.is_err(),
        "nothing is kept"
    );
}

#[tokio::test]
async fn limits_of_guardrails_lower_those_of_the_tools_and_raise_none() {
    let bench = testing::bench().await;
    let limits = |id: &str, rpm: u32| {
        format!(
            r#"{{"id": "{id}", "rate_limits": {{"mcp-slack": {{"rpm": {rpm}}}, "mcp-zoom": {{"rpm": 5000}}}}}}"#
        )
    };
    let pieces = [
        piece("guardrails/a.json", limits("a", 60)),
        piece("guardrails/b.json", limits("b", 90)),
    ];
    assert_eq!(
        both(&bench, &pieces, false).await,
        [
            "guardrails a new",
            "limit slack: 60 calls a minute new",
            "limit zoom: 5000 calls a minute there",
            "guardrails b new",
            "limit slack: 90 calls a minute there",
            "limit zoom: 5000 calls a minute there",
        ]
    );
    let set: Value = settings::read(&bench.services, settings::LIMITS)
        .await
        .expect("read");
    assert_eq!(set, json!({"slack": {"per_minute": 60}}));
}
