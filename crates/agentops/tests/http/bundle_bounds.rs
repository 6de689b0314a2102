//! Bundles that are too large, hostile, repeated, or somebody else's.

use std::sync::Arc;

use engine::rows::Leaf;
use ports::NewVersion;
use reqwest::Method;
use serde_json::json;
use types::{Label, RecipeId, TenantId, Timestamp};

use crate::bad_input::raw;
use crate::bundle::{BUNDLE, changes, everything, import, send, tea, zipped};
use crate::site::Site;

const ZIP: &str = "application/zip";
const GUARDRAILS: (&str, &str) = (
    "guardrails/limits.json",
    r#"{"id": "lamps-v1", "deny_actions": ["zoom.restart_room"], "on_violation": "halt"}"#,
);

/// Text that packs badly.
fn noise(bytes: usize) -> String {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut letter = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        char::from(b'a' + (state % 26) as u8)
    };
    (0..bytes).map(|_| letter()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bundle_may_be_larger_than_other_bodies_but_not_too_large() {
    let site = Site::open().await;
    let note = format!("# {}\n{}", noise(900), tea("Brew"));
    let long = noise(3_500_000);
    let large = zipped(&[("tea.yaml", &note), ("notes.txt", &long)]);
    assert!(large.len() > 1024 * 1024, "{}", large.len());
    let taken = send(&site.admin, "", ZIP, large.clone()).await.ok(200);
    assert_eq!(changes(&taken), ["recipe tea new"]);
    let before = everything(&site).await;
    // Elsewhere it is refused by what its head says: a client that sends on may not come to read that.
    let other = site.admin.request(Method::POST, "/api/v1/recipes/check");
    let other = other
        .header("content-length", large.len())
        .build()
        .expect("a request");
    let headers: String = other
        .headers()
        .iter()
        .map(|(name, value)| format!("{name}: {}\r\n", value.to_str().expect("text")))
        .collect();
    let head = format!(
        "POST /api/v1/recipes/check HTTP/1.1\r\nhost: x\r\n{headers}content-type: application/json\r\nconnection: close\r\n\r\n"
    );
    let address = site.address.clone();
    let answer = tokio::task::spawn_blocking(move || raw(&address, head.as_bytes())).await;
    let answer = answer.expect("it ends");
    assert!(
        answer.starts_with("HTTP/1.1 413") && answer.contains("payload_too_large"),
        "{answer}"
    );

    // One byte more than it may have: said beforehand, and found while it is read.
    let length = 16 * 1024 * 1024 + 1;
    let mut parts = b"10000\r\n".to_vec();
    parts.extend([b'P'; 65_536]);
    parts.extend(b"\r\n");
    let mut parts = parts.repeat(256);
    parts.extend(b"1\r\nP\r\n0\r\n\r\n");
    for who in [site.admin.clone(), site.admin.with("idempotency-key", "huge")] {
        let mut request = who.request(Method::POST, BUNDLE).build().expect("a request");
        let headers: String = request
            .headers_mut()
            .iter()
            .map(|(name, value)| format!("{name}: {}\r\n", value.to_str().expect("text")))
            .collect();
        let said = format!("content-length: {length}");
        for (size, body) in [(said.as_str(), &[][..]), ("transfer-encoding: chunked", &parts)] {
            let head = format!(
                "POST {BUNDLE} HTTP/1.1\r\nhost: x\r\n{headers}content-type: {ZIP}\r\n{size}\r\nconnection: close\r\n\r\n"
            );
            let (address, bytes) = (site.address.clone(), [head.as_bytes(), body].concat());
            let answer = tokio::task::spawn_blocking(move || raw(&address, &bytes)).await;
            let answer = answer.expect("it ends");
            assert!(answer.starts_with("HTTP/1.1 413"), "{size}: {answer}");
            assert!(answer.contains("payload_too_large"), "{answer}");
        }
    }
    assert_eq!(everything(&site).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_and_damaged_bundles_are_refused_as_a_whole() {
    let site = Site::open().await;
    let before = everything(&site).await;
    let good = zipped(&[("tea.yaml", &tea("Brew"))]);
    let bomb = "a".repeat(3 << 20);
    let crowd: Vec<(String, String)> = (0..1_001).map(|at| (format!("{at}.yaml"), tea("x"))).collect();
    let crowd: Vec<(&str, &str)> = crowd
        .iter()
        .map(|(path, text)| (path.as_str(), text.as_str()))
        .collect();
    let tea = tea("Brew");
    let million = format!("[{}7]", "7,".repeat(2_000));
    for (what, bytes) in [
        ("leaves", zipped(&[("tea.yaml", &tea), ("../x.yaml", &tea)])),
        ("absolute", zipped(&[("tea.yaml", &tea), ("/etc/x.yaml", &tea)])),
        ("bomb", zipped(&[("tea.yaml", &tea), ("bomb.yaml", &bomb)])),
        ("crowd", zipped(&crowd)),
        ("million", zipped(&[("all.json", &million)])),
        ("twice", zipped(&[("a/tea.yaml", &tea), ("b/tea.yaml", &tea)])),
        ("half", good[..good.len() / 2].to_vec()),
        ("none", b"no archive".to_vec()),
        ("empty", Vec::new()),
        ("nothing in it", zipped(&[])),
    ] {
        let refused = send(&site.admin, "", ZIP, bytes).await;
        assert_eq!(refused.body["code"], "bundle_invalid", "{what}: {refused:?}");
        refused.refused(422, "bundle_invalid");
    }
    for (query, kind, body, status, code) in [
        ("", "text/plain", "name: Tea", 415, "body_type_unknown"),
        (
            "?name=../x.yaml",
            "application/yaml",
            tea.as_str(),
            422,
            "bundle_invalid",
        ),
        (
            "?colour=red",
            "application/yaml",
            tea.as_str(),
            400,
            "query_invalid",
        ),
        (
            "?dry_run=perhaps",
            "application/yaml",
            tea.as_str(),
            400,
            "query_invalid",
        ),
        (
            "?from=elsewhere",
            "application/yaml",
            tea.as_str(),
            400,
            "query_invalid",
        ),
        ("", "application/json", "7", 422, "bundle_invalid"),
    ] {
        let refused = send(&site.admin, query, kind, body.into()).await;
        refused.refused(status, code);
    }
    assert_eq!(everything(&site).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn tools_and_guardrails_are_an_admins_to_take_over() {
    let site = Site::open().await;
    let tea = tea("Brew");
    let both = [("tea.yaml", tea.as_str()), GUARDRAILS];
    let viewer = site.user("vera", &["viewer", "approver"]).await;
    let operator = site.user("olga", &["operator"]).await;
    let token = site.admin.make_token(&["write"]).await;
    let before = everything(&site).await;
    import(&viewer, "", &both[..1]).await.refused(403, "role_missing");
    for query in ["", "?dry_run=true"] {
        import(&operator, query, &both).await.refused(403, "role_missing");
        import(&token, query, &both).await.refused(403, "scope_missing");
    }
    assert_eq!(everything(&site).await, before, "not even the recipe");
    import(&operator, "", &both[..1]).await.ok(200);
    import(&token, "", &both[..1]).await.ok(200);
    import(&site.admin, "", &both).await.ok(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_import_is_answered_again_and_done_once() {
    let site = Site::open().await;
    let once = site.admin.with("idempotency-key", "b-1");
    let tea_1 = tea("Brew");
    let first = import(&once, "", &[("tea.yaml", &tea_1)]).await.ok(200);
    // Meanwhile it has another version; done anew, the import would make a third.
    import(&site.admin, "", &[("tea.yaml", &tea("Brew well"))])
        .await
        .ok(200);
    let before = everything(&site).await;
    let again = import(&once, "", &[("tea.yaml", &tea_1)]).await;
    assert_eq!(again.headers["idempotency-replayed"], "true");
    assert_eq!(again.ok(200), first);
    let query = import(&once, "?activate=true", &[("tea.yaml", &tea_1)]).await;
    query.refused(422, "idempotency_key_reused");
    import(&once, "", &[("tea.yaml", &tea("Pour"))])
        .await
        .refused(422, "idempotency_key_reused");
    assert_eq!(everything(&site).await, before);

    // A report that is too large to be kept is given once; what it reports isn't done again either.
    let many: Vec<(String, String)> = (0..300)
        .map(|at| {
            let text = tea("Brew").replace(
                "name: Tea",
                &format!("name: Tea {at}\ndescription: {}", noise(900)),
            );
            (format!("tea-{at}.yaml"), text)
        })
        .collect();
    let many: Vec<(&str, &str)> = many
        .iter()
        .map(|(path, text)| (path.as_str(), text.as_str()))
        .collect();
    let once = site.admin.with("idempotency-key", "b-2");
    let report = import(&once, "", &many).await.ok(200);
    assert_eq!(changes(&report).len(), 300);
    let before = everything(&site).await;
    let again = import(&once, "", &many).await;
    assert_eq!(again.headers["idempotency-replayed"], "true");
    again.refused(409, "answer_not_kept");
    assert_eq!(everything(&site).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_tenants_recipes_are_neither_taken_out_nor_written_over() {
    let site = Site::open().await;
    let store = store::sqlite::open(store::sqlite::Options {
        folder: site.folder.path("."),
        clock: Arc::new(runtime::system::SystemClock),
        entropy: Arc::new(runtime::system::SystemEntropy),
        binary_version: env!("CARGO_PKG_VERSION").to_owned(),
        guest: true,
    })
    .expect("the store opens");
    let store: &dyn ports::Store = &store;
    let other = TenantId::from_bytes([9; 16]);
    let at = Timestamp::default();
    let theirs = NewVersion {
        recipe: RecipeId::from_bytes([7; 16]),
        slug: "tea".to_owned(),
        name: "Tea".to_owned(),
        description: String::new(),
        text: tea("Theirs"),
        tree: None,
        digest: "0".repeat(64),
        activate: false,
        seen: None,
        author: "eve".to_owned(),
        labels: Label::Author.into(),
        at,
    };
    let leaf = Leaf {
        id: types::LeafId::from_bytes([8; 16]),
        at,
        kind: "recipe_saved".to_owned(),
        actor: "eve".to_owned(),
        run: None,
        step: None,
        body: json!({}),
        args: None,
    };
    store.save_version(other, theirs, leaf).await.expect("saved");
    site.admin
        .get(&format!("{BUNDLE}?recipe=tea"))
        .await
        .refused(404, "not_found");
    let all = site
        .admin
        .request(Method::GET, BUNDLE)
        .send()
        .await
        .expect("an answer");
    let all = services::recipes::bundle::unpack(&all.bytes().await.expect("a body")).expect("a bundle");
    assert!(all.iter().all(|piece| !piece.path.contains("tea")), "{all:?}");
    let done = import(&site.admin, "", &[("tea.yaml", &tea("Ours"))])
        .await
        .ok(200);
    assert_eq!(done["changes"][0]["what"], "new", "{done:#}");
    let record = store.recipe(other, "tea").await.expect("it is there");
    let kept = store.version(other, record.id, 1).await.expect("it is there");
    assert_eq!((record.latest, kept.text), (1, tea("Theirs")));
}
