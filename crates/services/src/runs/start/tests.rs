//! Which agents and which versions a run may be started with.

use types::{Actor, Label, Labels};

use super::*;
use crate::testing::{self, ann, ann_there, ann_token};

const POST: &str = "name: Post\nintake: []\nplan: []\nact:\n  - action: slack.post_message\n    \
                    with: {channel: a, text: hello}\nverify: []\n";

fn code<T>(result: Result<T>) -> String {
    result.map_or_else(|failure| failure.code, |_| "ok".to_owned())
}

#[tokio::test]
async fn an_agent_works_with_its_own_tools_only() {
    let bench = testing::bench().await;
    let text = "name: Both\nintake: []\nplan:\n  - action: zoom.find_room\n    with: {query: a}\nact:\n  - parallel:\n      \
                - - {id: post, action: slack.post_message, with: {channel: c, text: t}}\nverify: []\n\
                guardrails:\n  rollback: [{notify: \"slack:#a undone\"}]\n";
    bench.save(text).await;
    let services = &bench.services;
    for (name, tools) in [
        ("Nobody", &["pager"][..]),
        ("Half", &["zoom"]),
        ("Whole", &["slack", "zoom"]),
        ("Unstated", &[]),
    ] {
        let new = crate::agents::NewAgent {
            name: name.into(),
            domain: "support".into(),
            instructions: String::new(),
            tools: tools.iter().map(|tool| (*tool).to_owned()).collect(),
            config: None,
            recipes: Vec::new(),
        };
        crate::agents::make(services, &new, &ann())
            .await
            .expect("is made");
        let wish = StartRun {
            agent: Some(name.into()),
            ..StartRun::new("both", ann())
        };
        let missing = match name {
            "Nobody" => Some("doesn't have: slack, zoom"),
            "Half" => Some("doesn't have: slack"),
            _ => None,
        };
        match (start(services, wish).await, missing) {
            (Err(failure), Some(missing)) => {
                assert_eq!(failure.code, "agent_lacks_tool");
                assert!(failure.message.ends_with(missing), "{failure}");
            }
            (started, missing) => assert!(started.is_ok() && missing.is_none(), "{name}: {started:?}"),
        }
    }
}

#[tokio::test]
async fn a_draft_of_strangers_runs_only_after_a_person_has_activated_it() {
    let bench = testing::bench().await;
    let services = &bench.services;
    let by = Actor::system("local.save_recipe_draft");
    for label in [Label::Untrusted, Label::Model, Label::System] {
        let slug = format!("from-{}", label.name());
        let wish = |activate: bool| crate::recipes::SaveRecipe {
            text: POST.to_owned(),
            slug: Some(slug.clone()),
            activate,
            seen: None,
            by: by.clone(),
            person: false,
            labels: Labels::of(Label::Author).union(label.into()),
        };
        let foreign = label != Label::System;
        let expected = if foreign { "recipe_not_reviewed" } else { "ok" };
        let saved = crate::recipes::save(services, wish(false))
            .await
            .expect("a draft");
        assert!(!saved.active);
        let draft = || StartRun {
            version: Some(1),
            ..StartRun::new(slug.clone(), ann())
        };
        assert_eq!(code(start(services, draft()).await), expected, "{label:?}");
        if !foreign {
            continue;
        }
        assert_eq!(code(crate::recipes::save(services, wish(true)).await), expected);
        assert_eq!(
            code(crate::recipes::activate(services, &slug, 1, None, &ann_token()).await),
            expected
        );
        // Handing the same text over doesn't make it the author's.
        let handed = |activate: bool, person: bool| crate::recipes::SaveRecipe {
            labels: Label::Author.into(),
            by: ann(),
            person,
            ..wish(activate)
        };
        assert_eq!(
            code(crate::recipes::save(services, handed(true, false)).await),
            expected
        );
        crate::recipes::save(services, handed(false, true))
            .await
            .expect("it is there");
        assert_eq!(code(start(services, draft()).await), expected);
        let (_, version) = crate::recipes::activate(services, &slug, 1, None, &ann_there())
            .await
            .expect("a person may");
        assert_eq!(
            version.labels,
            wish(false).labels,
            "where it came from stays known"
        );
        start(services, draft()).await.expect("it is reviewed");
        let mine = crate::recipes::SaveRecipe {
            text: POST.replace("hello", "bye"),
            labels: Label::Author.into(),
            by: ann(),
            person: true,
            ..wish(true)
        };
        crate::recipes::save(services, mine).await.expect("saves");
        start(services, draft())
            .await
            .expect("a version that was active stays reviewed");
    }
}

#[tokio::test]
async fn a_write_that_lost_its_target_is_kept_and_never_begun() {
    let bench = testing::bench().await;
    let old = "title: Old\nid: old\nsteps:\n  - {id: one, using: slack, action: post_message, params: {channel: c, text: t, \
               device: core-7}}\n";
    bench.save(old).await;
    let failure = start(&bench.services, StartRun::new("old", ann()))
        .await
        .expect_err("it is refused");
    assert_eq!(failure.code, "argument_not_taken");
    assert!(
        failure
            .message
            .contains("'one' gives 'device' to slack.post_message"),
        "{failure}"
    );
}

#[tokio::test]
async fn a_required_text_that_says_nothing_is_refused_unless_the_recipe_allows_it() {
    let bench = testing::bench().await;
    let text = "name: Words\ninputs:\n  room: {type: string, required: true}\n  \
                note: {type: string, required: true, minLength: 0}\n  kind: {type: string, required: true, enum: [\"\", a]}\n  \
                spare: {type: string, required: false}\n  usual: {type: string, default: b}\n\
                intake:\n  - ask: Which room?\n    as: room\nplan: []\nact: []\nverify: []\n";
    bench.save(text).await;
    let services = &bench.services;
    let wish = |given: &[(&str, &str)]| StartRun {
        inputs: [("note", ""), ("kind", ""), ("spare", ""), ("usual", "")]
            .iter()
            .chain(given)
            .map(|(name, value)| ((*name).to_owned(), Value::from(*value)))
            .collect(),
        ..StartRun::new("words", ann())
    };
    for blank in ["", " ", "\n\t"] {
        let failure = start(services, wish(&[("room", blank)]))
            .await
            .expect_err("refused");
        assert_eq!(failure.code, "inputs_invalid");
        assert!(
            failure
                .message
                .ends_with("'room': is empty; an input that may be empty has minLength: 0"),
            "{failure}"
        );
    }
    start(services, wish(&[("room", "4A")])).await.expect("started");
}
