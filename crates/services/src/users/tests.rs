//! Users, sessions and tokens as they work together.

use super::*;
use crate::principal::{Principal, Proof};
use crate::settings;
use crate::testing::{self, Bench, ann, ann_there, ann_token};
use crate::tokens::{self, NewToken};
use types::Scope;

const GOOD: &str = "correct horse battery";

fn code<T: std::fmt::Debug>(answer: Result<T>) -> String {
    answer.expect_err("it should fail").code
}

async fn first(bench: &Bench) -> UserRecord {
    let services = &bench.services;
    let link = first_link(services)
        .await
        .expect("made")
        .expect("there is no user");
    redeem(services, &link.secret, "root", GOOD)
        .await
        .expect("redeemed")
}

async fn signed_in(bench: &Bench, name: &str) -> (Principal, String) {
    let signed = sessions::sign_in(&bench.services, name, GOOD)
        .await
        .expect("signed in");
    let principal = sessions::authenticate(&bench.services, &signed.secret).await;
    (principal.expect("a session"), signed.secret)
}

#[tokio::test]
async fn the_first_link_makes_one_admin() {
    let bench = testing::bench().await;
    let services = &bench.services;
    let older = first_link(services).await.expect("made").expect("a link");
    let link = first_link(services).await.expect("made").expect("a link");
    assert_eq!(
        code(redeem(services, &older.secret, "root", GOOD).await),
        "link_invalid"
    );
    assert_eq!(
        code(redeem(services, &link.secret, "a b", GOOD).await),
        "user_invalid"
    );
    assert_eq!(
        code(redeem(services, &link.secret, "root", "short").await),
        "password_weak"
    );
    let root = redeem(services, &link.secret, "root", GOOD)
        .await
        .expect("redeemed");
    assert_eq!(root.roles, [Role::Admin]);
    assert_eq!(
        code(redeem(services, &link.secret, "eve", GOOD).await),
        "link_invalid"
    );
    assert_eq!(first_link(services).await, Ok(None));
}

#[tokio::test]
async fn a_link_expires() {
    let bench = testing::bench().await;
    let link = first_link(&bench.services).await.expect("made").expect("a link");
    bench.pass(25 * 3600 * 1000);
    let late = redeem(&bench.services, &link.secret, "root", GOOD).await;
    assert_eq!(code(late), "link_invalid");
}

#[tokio::test]
async fn wrong_names_and_wrong_passwords_look_the_same() {
    let bench = testing::bench().await;
    first(&bench).await;
    let sign_in = async |name, password| code(sessions::sign_in(&bench.services, name, password).await);
    for (name, password) in [("root", "wrong"), ("nobody", GOOD), ("root", "")] {
        assert_eq!(sign_in(name, password).await, "sign_in_failed");
    }
    assert!(sessions::sign_in(&bench.services, "ROOT", GOOD).await.is_ok());
}

#[tokio::test]
async fn sessions_end_idle_by_age_and_by_will() {
    let bench = testing::bench().await;
    let services = &bench.services;
    let root = first(&bench).await;
    let (_, idle) = signed_in(&bench, "root").await;
    bench.pass(24 * 3600 * 1000);
    assert_eq!(code(sessions::authenticate(services, &idle).await), "signed_out");
    let (_, busy) = signed_in(&bench, "root").await;
    for _ in 0..8 {
        bench.pass(20 * 3600 * 1000);
        assert!(sessions::authenticate(services, &busy).await.is_ok());
    }
    bench.pass(20 * 3600 * 1000);
    assert_eq!(code(sessions::authenticate(services, &busy).await), "signed_out");
    let (_, one) = signed_in(&bench, "root").await;
    let (_, two) = signed_in(&bench, "root").await;
    sessions::end_all(services, root.id, &ann()).await.expect("ended");
    for secret in [one, two] {
        assert_eq!(
            code(sessions::authenticate(services, &secret).await),
            "signed_out"
        );
    }
}

#[tokio::test]
async fn who_is_kept_out_is_out_at_once() {
    let bench = testing::bench().await;
    let services = &bench.services;
    first(&bench).await;
    let (bob, link) = add(services, "bob", &[Role::Operator, Role::Operator], &ann_there())
        .await
        .expect("added");
    assert_eq!(bob.roles, [Role::Operator]);
    assert_eq!(
        code(sessions::sign_in(services, "bob", "").await),
        "sign_in_failed"
    );
    redeem(services, &link.secret, "ignored", GOOD)
        .await
        .expect("redeemed");
    let (_, secret) = signed_in(&bench, "bob").await;
    let out = ChangeUser {
        disabled: Some(true),
        ..ChangeUser::default()
    };
    change(services, "bob", out, None, &ann_there())
        .await
        .expect("changed");
    assert_eq!(
        code(sessions::authenticate(services, &secret).await),
        "signed_out"
    );
    assert_eq!(
        code(sessions::sign_in(services, "bob", GOOD).await),
        "sign_in_failed"
    );
    let twin = add(services, "BOB", &[], &ann_there()).await;
    assert_eq!(code(twin), "conflict");
}

#[tokio::test]
async fn there_is_always_an_admin() {
    let bench = testing::bench().await;
    let services = &bench.services;
    let root = first(&bench).await;
    let less = |roles: &[Role]| ChangeUser {
        roles: Some(roles.to_vec()),
        ..ChangeUser::default()
    };
    assert_eq!(
        code(change(services, "root", less(&[Role::Viewer]), None, &ann_there()).await),
        "last_admin"
    );
    add(services, "second", &[Role::Admin], &ann_there())
        .await
        .expect("added");
    let stale = change(
        services,
        "root",
        less(&[]),
        Some(root.updated_at + 9),
        &ann_there(),
    )
    .await;
    assert_eq!(code(stale), "conflict");
    change(services, "root", less(&[Role::Viewer]), None, &ann_there())
        .await
        .expect("changed");
}

#[tokio::test]
async fn tokens_are_made_by_people_and_work_until_revoked() {
    let bench = testing::bench().await;
    let services = &bench.services;
    first(&bench).await;
    let (root, _) = signed_in(&bench, "root").await;
    let wish = |scopes: &[Scope], life_ms| NewToken {
        name: "ci".into(),
        scopes: scopes.to_vec(),
        life_ms,
    };
    for bad in [
        wish(&[], 1000),
        wish(&[Scope::Read], 0),
        wish(&[Scope::Read], u64::MAX / 2),
    ] {
        assert_eq!(code(tokens::make(services, bad, &root).await), "token_invalid");
    }
    let (token, text) = tokens::make(services, wish(&[Scope::Run], 60_000), &root)
        .await
        .expect("made");
    let principal = tokens::authenticate(services, &text).await.expect("known");
    assert_eq!(principal.proof, Proof::Token(vec![Scope::Run]));
    let again = tokens::make(services, wish(&[Scope::Run], 60_000), &principal).await;
    assert_eq!(code(again), "human_needed");
    let kept = services
        .store
        .tokens(
            services.tenant,
            ports::TokenFilter {
                limit: 10,
                ..ports::TokenFilter::default()
            },
        )
        .await
        .expect("listed");
    assert!(!format!("{kept:?}").contains(&text), "only a digest is kept");
    for wrong in [
        "",
        "aops_",
        "nonsense",
        &text[..text.len() - 1],
        &format!("{text}x"),
    ] {
        assert_eq!(code(tokens::authenticate(services, wrong).await), "token_refused");
    }
    let eve = Principal {
        user: Some(UserId::from_bytes([9; 16])),
        roles: vec![Role::Viewer],
        ..root.clone()
    };
    assert_eq!(code(tokens::revoke(services, token.id, &eve).await), "not_found");
    tokens::revoke(services, token.id, &root).await.expect("revoked");
    assert_eq!(code(tokens::authenticate(services, &text).await), "token_refused");
    let (_, text) = tokens::make(services, wish(&[Scope::Run], 60_000), &root)
        .await
        .expect("made");
    bench.pass(60_000);
    assert_eq!(code(tokens::authenticate(services, &text).await), "token_refused");
}

#[tokio::test]
async fn a_password_is_changed_by_the_old_one() {
    let bench = testing::bench().await;
    let services = &bench.services;
    first(&bench).await;
    let (_, secret) = signed_in(&bench, "root").await;
    let wrong = change_password(services, "root", "wrong", "another good one").await;
    assert_eq!(code(wrong), "sign_in_failed");
    change_password(services, "root", GOOD, "another good one")
        .await
        .expect("changed");
    assert_eq!(
        code(sessions::authenticate(services, &secret).await),
        "signed_out"
    );
    assert_eq!(
        code(sessions::sign_in(services, "root", GOOD).await),
        "sign_in_failed"
    );
}

#[tokio::test]
async fn no_token_makes_itself_a_person() {
    let bench = testing::bench().await;
    let services = &bench.services;
    let root = first(&bench).await;
    let token = ann_token();
    assert_eq!(
        code(add(services, "eve", &[Role::Admin], &token).await),
        "human_needed"
    );
    assert_eq!(code(link(services, &root, &token).await), "human_needed");
    let (bob, _) = add(services, "bob", &[], &ann_there()).await.expect("added");
    let change_bob = async |roles: Option<Vec<Role>>, disabled| {
        change(services, &bob.name, ChangeUser { roles, disabled }, None, &token).await
    };
    assert_eq!(
        code(change_bob(Some(vec![Role::Approver]), None).await),
        "human_needed"
    );
    assert!(change_bob(None, Some(true)).await.expect("kept out").disabled);
    assert_eq!(code(change_bob(None, Some(false)).await), "human_needed");
    for (key, value) in [
        (settings::GROUPS, json!({"Support_L2": ["ann"]})),
        (settings::SELF_APPROVAL, json!(true)),
    ] {
        let set = settings::change(services, key, value.clone(), None, &token).await;
        assert_eq!(code(set), "human_needed", "{key}");
        settings::change(services, key, value, None, &ann_there())
            .await
            .expect("a person may");
    }
    settings::change(services, settings::MODE, json!("mock"), None, &token)
        .await
        .expect("it says nothing of people");
}
