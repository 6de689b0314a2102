//! The comparison with an SDK's requests finds each thing that can be wrong.

use axum::http::HeaderMap;
use serde_json::{Value, json};

use crate::recorder::Exchange;
use crate::same::{Judge, all_problems};

fn sent(label: &str, query: &str, body: Value) -> Exchange {
    let mut headers = HeaderMap::new();
    headers.insert("authorization", "Bearer one".parse().expect("a value"));
    headers.insert(
        "content-type",
        "application/json; charset=utf-8".parse().expect("a value"),
    );
    Exchange {
        label: label.into(),
        method: "POST".into(),
        path: "/v/things".into(),
        query: query.into(),
        headers,
        sent: body.to_string().into(),
        ..Exchange::default()
    }
}

fn known() -> Vec<Exchange> {
    let most = json!({"name": "a", "size": 1, "tags": [{"key": "k"}], "extra": {"x": 1}, "on": true});
    vec![
        sent("make.most", "page=1&order=up", most),
        sent("make.least", "page=1", json!({"name": "a"})),
    ]
}

/// Our request, with one thing changed.
fn ours(change: impl FnOnce(&mut Exchange)) -> Exchange {
    let body = json!({"name": "b", "size": 2, "tags": [{"key": "l"}, {"key": "m"}]});
    let mut exchange = sent("", "page=7", body);
    change(&mut exchange);
    exchange
}

#[test]
fn a_request_like_an_sdks_has_no_problems() {
    assert_eq!(
        all_problems(&Judge::new(known()), &[ours(|_| {})]),
        Vec::<String>::new()
    );
}

#[test]
fn each_thing_that_is_wrong_is_found() {
    let with = |body: Value| move |exchange: &mut Exchange| exchange.sent = body.to_string().into();
    let wrong: Vec<(&str, Exchange)> = vec![
        (
            "no SDK sends that",
            ours(|exchange| exchange.method = "PUT".into()),
        ),
        (
            "no SDK sends that",
            ours(|exchange| exchange.path = "/v/thing".into()),
        ),
        (
            "query/size: no SDK",
            ours(|exchange| exchange.query.push_str("&size=1")),
        ),
        (
            "query/page: \"x\"",
            ours(|exchange| exchange.query = "page=x".into()),
        ),
        ("query/page is missing", ours(|exchange| exchange.query.clear())),
        ("/nam: no SDK", ours(with(json!({"name": "b", "nam": "b"})))),
        ("/name is missing", ours(with(json!({"size": 1})))),
        ("/size: text where", ours(with(json!({"name": "b", "size": "1"})))),
        ("/name: null where", ours(with(json!({"name": null})))),
        (
            "/tags/0/kee: no SDK",
            ours(with(json!({"name": "b", "tags": [{"kee": "l"}]}))),
        ),
        (
            "/tags/0/key: a number",
            ours(with(json!({"name": "b", "tags": [{"key": 1}]}))),
        ),
        (
            "/extra/y: no SDK",
            ours(with(json!({"name": "b", "extra": {"y": 1}}))),
        ),
        (
            "the way to sign in",
            ours(|exchange| {
                let basic = "Basic one".parse().expect("a value");
                exchange.headers.insert("authorization", basic);
            }),
        ),
        ("the way to sign in", ours(|exchange| exchange.headers.clear())),
        (
            "the media type",
            ours(|exchange| {
                let form = "application/x-www-form-urlencoded".parse().expect("a value");
                exchange.headers.insert("content-type", form);
            }),
        ),
    ];
    for (expected, exchange) in wrong {
        let problems = Judge::new(known()).problems(&exchange);
        let found = problems.iter().any(|problem| problem.contains(expected));
        assert!(found, "{expected}: {problems:?}");
    }
}

#[test]
fn an_exception_holds_at_its_place_only_and_must_be_needed() {
    let judge = Judge::new(known()).except("/extra", "it is a free map");
    let body = json!({"name": "b", "extra": {"y": 1}});
    let free = ours(|exchange| exchange.sent = body.to_string().into());
    assert_eq!(all_problems(&judge, &[free]), Vec::<String>::new());
    let judge = Judge::new(known()).except("/extra", "it is a free map");
    assert_eq!(
        all_problems(&judge, &[ours(|_| {})]),
        ["/extra: nothing of ours has it"]
    );
    let judge = Judge::new(known());
    assert_eq!(all_problems(&judge, &[]), ["make: nothing of ours has it"]);
}
