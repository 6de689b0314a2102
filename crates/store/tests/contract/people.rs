//! People and what they sign in with, requests with a key, and the feed.

use engine::rows::ApprovalStatus;
use ports::{
    Begun, KeptAnswer, LinkRecord, RequestKey, SessionRecord, Sessions, Store, StoreError, TokenRecord,
    UserRecord,
};
use types::{Role, Scope, TenantId, Timestamp, TokenId, UserId};

use super::fixtures::{Bench, TENANT, World, by_name, tokens as tokens_of};

pub(super) fn user(world: &World, name: &str) -> UserRecord {
    UserRecord {
        id: UserId::new(world.clock.as_ref(), world.entropy.as_ref()),
        name: name.to_owned(),
        roles: vec![Role::Operator, Role::Approver],
        password: Some("$argon2id$…".to_owned()),
        disabled: false,
        created_at: world.now(),
        updated_at: world.now(),
    }
}

fn session(world: &World, user: UserId, digest: &str) -> SessionRecord {
    SessionRecord {
        digest: digest.to_owned(),
        user,
        created_at: world.now(),
        seen_at: world.now(),
        expires_at: world.now() + 1_000,
    }
}

pub(super) fn token(world: &World, user: UserId, digest: &str) -> TokenRecord {
    TokenRecord {
        id: TokenId::new(world.clock.as_ref(), world.entropy.as_ref()),
        user,
        name: "ci".to_owned(),
        scopes: vec![Scope::Read, Scope::Run],
        digest: digest.to_owned(),
        hint: "wxyz".to_owned(),
        created_at: world.now(),
        expires_at: world.now() + 1_000,
        last_used_at: None,
        revoked_at: None,
    }
}

pub(super) async fn put(store: &dyn Store, world: &World, user: &UserRecord) -> Result<(), StoreError> {
    store
        .put_user(TENANT, user.clone(), None, world.leaf("user_put"))
        .await
}

pub async fn user_names_are_unique_without_case(bench: &dyn Bench) {
    let (store, world) = (bench.boot().await, bench.world());
    let (mut ann, bob) = (user(world, "Ann"), user(world, "bob"));
    for user in [&bob, &ann] {
        put(store.as_ref(), world, user).await.expect("put");
    }
    let twin = put(store.as_ref(), world, &user(world, "ANN")).await;
    assert!(matches!(twin, Err(StoreError::Conflict { .. })), "{twin:?}");
    assert_eq!(store.users(TENANT, by_name(10)).await, Ok(vec![ann.clone(), bob]));
    ann.roles = vec![Role::Admin];
    ann.disabled = true;
    ann.password = None;
    put(store.as_ref(), world, &ann).await.expect("replaced");
    assert_eq!(store.user(TENANT, "aNN").await, Ok(ann.clone()));
    let since = ann.updated_at;
    ann.updated_at = since + 1;
    for (meanwhile, expected) in [(since, true), (since, false)] {
        let leaf = world.leaf("user_put");
        let done = store.put_user(TENANT, ann.clone(), Some(meanwhile), leaf).await;
        assert_eq!(done.is_ok(), expected, "{done:?}");
    }
    assert_eq!(store.user_by_id(TENANT, ann.id).await, Ok(ann.clone()));
    let nobody = store.user_by_id(TENANT, UserId::from_bytes([9; 16])).await;
    assert!(matches!(nobody, Err(StoreError::NotFound { what: "user", .. })));
    let absent = store.user(TENANT, "eve").await;
    assert!(matches!(absent, Err(StoreError::NotFound { what: "user", .. })));
    let other = TenantId::from_bytes([7; 16]);
    assert_eq!(store.users(other, by_name(10)).await, Ok(vec![]));
}

pub async fn two_admins_cannot_send_each_other_away_at_once(bench: &dyn Bench) {
    let (store, world) = (bench.boot().await, bench.world());
    let admins = ["ann", "bob"].map(|name| UserRecord {
        roles: vec![Role::Admin, Role::Viewer],
        ..user(world, name)
    });
    for admin in &admins {
        put(store.as_ref(), world, admin).await.expect("put");
    }
    let [ann, bob] = &admins;
    let less = UserRecord {
        roles: vec![Role::Viewer],
        ..ann.clone()
    };
    let out = UserRecord {
        disabled: true,
        ..bob.clone()
    };
    let (first, second) = tokio::join!(
        put(store.as_ref(), world, &less),
        put(store.as_ref(), world, &out)
    );
    let told = if first.is_err() { &first } else { &second };
    assert!(first.is_ok() != second.is_ok(), "{first:?} {second:?}");
    assert!(matches!(told, Err(StoreError::LastAdmin { .. })), "{told:?}");
    // Who is no admin can be kept out, and the last one can be changed otherwise.
    let last = if first.is_ok() { bob } else { ann };
    let renamed = UserRecord {
        name: "cleo".to_owned(),
        ..last.clone()
    };
    put(store.as_ref(), world, &renamed).await.expect("put");
    let viewer = user(world, "dan");
    put(store.as_ref(), world, &viewer).await.expect("put");
    let gone = UserRecord {
        disabled: true,
        ..viewer
    };
    put(store.as_ref(), world, &gone).await.expect("put");
}

pub async fn a_link_works_once(bench: &dyn Bench) {
    let (store, world) = (bench.boot().await, bench.world());
    let link = |digest: &str, user: Option<UserId>| LinkRecord {
        digest: digest.to_owned(),
        user,
        expires_at: world.now() + 1_000,
    };
    let keep = async |link: LinkRecord| {
        store
            .put_link(TENANT, link, world.leaf("link_made"))
            .await
            .expect("kept");
    };
    let redeem = async |digest: &str, user: &UserRecord| {
        let leaf = world.leaf("user_put");
        store.redeem_link(TENANT, digest, user.clone(), leaf).await
    };
    keep(link("first", None)).await;
    keep(link("second", None)).await;
    let (ann, bob) = (user(world, "ann"), user(world, "bob"));
    let replaced = redeem("first", &ann).await;
    assert!(
        matches!(replaced, Err(StoreError::NotFound { .. })),
        "{replaced:?}"
    );
    assert_eq!(store.link(TENANT, "first").await, Ok(None));
    assert_eq!(store.link(TENANT, "second").await, Ok(Some(link("second", None))));
    assert_eq!(redeem("second", &ann).await, Ok(()));
    assert!(redeem("second", &ann).await.is_err(), "it works once");
    assert_eq!(store.users(TENANT, by_name(10)).await, Ok(vec![ann.clone()]));

    keep(link("third", None)).await;
    let late = redeem("third", &bob).await;
    assert!(matches!(late, Err(StoreError::Conflict { .. })), "{late:?}");
    keep(link("anns", Some(ann.id))).await;
    let foreign = redeem("anns", &bob).await;
    assert!(matches!(foreign, Err(StoreError::Conflict { .. })), "{foreign:?}");
    assert_eq!(store.users(TENANT, by_name(10)).await, Ok(vec![ann.clone()]));
    let changed = UserRecord {
        password: Some("other".into()),
        ..ann
    };
    assert_eq!(redeem("anns", &changed).await, Ok(()));
    assert_eq!(store.users(TENANT, by_name(10)).await, Ok(vec![changed]));
}

pub async fn sessions_begin_and_end(bench: &dyn Bench) {
    let (store, world) = (bench.boot().await, bench.world());
    let (ann, bob) = (user(world, "ann"), user(world, "bob"));
    for user in [&ann, &bob] {
        put(store.as_ref(), world, user).await.expect("put");
    }
    let begin = async |session: SessionRecord| {
        let leaf = world.leaf("session_begun");
        store.put_session(TENANT, session, leaf).await.expect("begun");
    };
    let old = session(world, ann.id, "old");
    begin(old).await;
    let at = world.clock.advance(1_000);
    let mut first = session(world, ann.id, "first");
    begin(first.clone()).await;
    begin(session(world, ann.id, "second")).await;
    begin(session(world, bob.id, "bobs")).await;
    assert_eq!(
        store.session(TENANT, "old").await,
        Ok(None),
        "expired ones are forgotten"
    );
    store
        .touch_session(TENANT, "first", at + 5)
        .await
        .expect("touched");
    first.seen_at = at + 5;
    assert_eq!(
        store.session(TENANT, "first").await,
        Ok(Some((first, ann.clone())))
    );
    assert_eq!(
        store.session(TenantId::from_bytes([7; 16]), "first").await,
        Ok(None)
    );
    let end = async |which: Sessions| {
        store
            .end_sessions(TENANT, which, world.leaf("session_ended"))
            .await
    };
    assert_eq!(end(Sessions::One("first".into())).await, Ok(1));
    assert_eq!(end(Sessions::One("first".into())).await, Ok(0));
    assert_eq!(end(Sessions::AllOf(ann.id)).await, Ok(1));
    assert_eq!(store.session(TENANT, "second").await, Ok(None));
    assert!(store.session(TENANT, "bobs").await.expect("read").is_some());
}

pub async fn tokens_are_kept_until_revoked(bench: &dyn Bench) {
    let (store, world) = (bench.boot().await, bench.world());
    let ann = user(world, "ann");
    put(store.as_ref(), world, &ann).await.expect("put");
    let mut tokens = Vec::new();
    for digest in ["a", "b"] {
        world.clock.advance(1);
        let token = token(world, ann.id, digest);
        store
            .put_token(TENANT, token.clone(), world.leaf("token_made"))
            .await
            .expect("put");
        tokens.insert(0, token);
    }
    assert_eq!(store.tokens(TENANT, tokens_of(None)).await, Ok(tokens.clone()));
    assert_eq!(
        store.tokens(TENANT, tokens_of(Some(ann.id))).await,
        Ok(tokens.clone())
    );
    let bob = UserId::from_bytes([9; 16]);
    assert_eq!(store.tokens(TENANT, tokens_of(Some(bob))).await, Ok(vec![]));
    let newest = tokens[0].id;
    store
        .touch_token(TENANT, newest, world.now() + 5)
        .await
        .expect("touched");
    let at = world.now() + 9;
    let foreign = store
        .revoke_token(TENANT, newest, Some(bob), at, world.leaf("token_revoked"))
        .await;
    assert!(matches!(foreign, Err(StoreError::NotFound { .. })), "{foreign:?}");
    for (of, at) in [(Some(ann.id), at), (None, at + 1)] {
        store
            .revoke_token(TENANT, newest, of, at, world.leaf("token_revoked"))
            .await
            .expect("revoked");
    }
    tokens[0].last_used_at = Some(world.now() + 5);
    tokens[0].revoked_at = Some(at);
    assert_eq!(store.token(TENANT, "b").await, Ok(Some((tokens[0].clone(), ann))));
    assert_eq!(store.token(TENANT, "c").await, Ok(None));
    let absent = TokenId::from_bytes([3; 16]);
    let absent = store
        .revoke_token(TENANT, absent, None, at, world.leaf("token_revoked"))
        .await;
    assert!(matches!(absent, Err(StoreError::NotFound { .. })), "{absent:?}");
}

pub async fn a_repeated_request_is_answered_again(bench: &dyn Bench) {
    let (store, world) = (bench.boot().await, bench.world());
    let key = |principal: &str| RequestKey {
        principal: principal.to_owned(),
        key: "k1".to_owned(),
    };
    let begin = async |key: RequestKey, digest: &str, at: Timestamp| {
        let (stale, forget) = (at - 60_000, at - 86_400_000);
        store.begin_request(TENANT, &key, digest, at, stale, forget).await
    };
    let now = world.now();
    assert_eq!(begin(key("ann"), "d1", now).await, Ok(Begun::New));
    let alive = Begun::UnderWay { free_at: None };
    assert_eq!(begin(key("ann"), "d1", now).await, Ok(alive));
    assert_eq!(begin(key("ann"), "d2", now).await, Ok(Begun::Other));
    assert_eq!(
        begin(key("bob"), "d2", now).await,
        Ok(Begun::New),
        "keys of two people never meet"
    );
    assert_eq!(
        begin(key("ann"), "d1", now + 60_001).await,
        Ok(Begun::New),
        "its server has died"
    );
    let answer = KeptAnswer {
        status: 201,
        headers: vec![("location".to_owned(), "/api/v1/runs/x".to_owned())],
        body: "{}".to_owned(),
    };
    store
        .end_request(TENANT, &key("ann"), Some(answer.clone()))
        .await
        .expect("kept");
    store
        .end_request(TENANT, &key("ann"), None)
        .await
        .expect("an answer stays");
    assert_eq!(
        begin(key("ann"), "d1", now + 60_002).await,
        Ok(Begun::Done(answer))
    );
    assert_eq!(begin(key("ann"), "d2", now + 60_002).await, Ok(Begun::Other));
    store
        .end_request(TENANT, &key("bob"), None)
        .await
        .expect("forgotten");
    assert_eq!(begin(key("bob"), "d3", now).await, Ok(Begun::New));
    let late = now + 86_400_000 + 60_003;
    assert_eq!(
        begin(key("ann"), "d9", late).await,
        Ok(Begun::New),
        "forgotten after a day"
    );
}

pub async fn a_key_of_a_process_that_has_ended_is_free(bench: &dyn Bench) {
    let world = bench.world();
    let key = |key: &str| RequestKey {
        principal: "ann".to_owned(),
        key: key.to_owned(),
    };
    let now = world.now();
    let begin = async |store: &dyn ports::Store, key: RequestKey, at: Timestamp| {
        let (stale, forget) = (at - 60_000, at - 86_400_000);
        store.begin_request(TENANT, &key, "d1", at, stale, forget).await
    };
    let first = bench.boot().await;
    let guest = bench.guest().await.expect("opened");
    for name in ["done", "left"] {
        assert_eq!(begin(first.as_ref(), key(name), now).await, Ok(Begun::New));
    }
    let answer = KeptAnswer {
        status: 201,
        headers: Vec::new(),
        body: "{}".to_owned(),
    };
    let done = key("done");
    let kept = first.end_request(TENANT, &done, Some(answer.clone()));
    kept.await.expect("kept");
    assert_eq!(begin(guest.as_ref(), key("guest"), now).await, Ok(Begun::New));
    let alive = Begun::UnderWay { free_at: None };
    assert_eq!(begin(guest.as_ref(), key("left"), now).await, Ok(alive));
    drop(guest);

    let second = bench.boot().await;
    let begun = async |name: &str, at: Timestamp| begin(second.as_ref(), key(name), at).await;
    assert_eq!(begun("left", now).await, Ok(Begun::New));
    assert_eq!(begun("left", now).await, Ok(Begun::UnderWay { free_at: None }));
    assert_eq!(begun("done", now).await, Ok(Begun::Done(answer)));
    let unseen = Begun::UnderWay {
        free_at: Some(now + 60_000),
    };
    assert_eq!(
        begun("guest", now + 60_000).await,
        Ok(unseen),
        "a guest may still be at it"
    );
    assert_eq!(begun("guest", now + 60_001).await, Ok(Begun::New));
}

pub async fn the_feed_tells_what_changed_in_order(bench: &dyn Bench) {
    let (store, world) = (bench.boot().await, bench.world());
    assert_eq!(
        store.feed_bounds(TENANT).await.map(|b| (b.oldest, b.newest)),
        Ok((0, 0))
    );
    put(store.as_ref(), world, &user(world, "ann"))
        .await
        .expect("put");
    let (row, claim) = world.held_run(store.as_ref()).await;
    let mut append = world.append(claim.lease, &row, 1, 1);
    let approval = world.approval(row.run);
    append.rows.approvals = vec![approval.clone()];
    store.append(append).await.expect("appended");
    let refused = store.append(world.append(claim.lease, &row, 7, 1)).await;
    assert!(refused.is_err(), "a refused append changes nothing");

    let all = bench.settled_feed(store.as_ref()).await;
    let seen: Vec<_> = all
        .iter()
        .map(|change| (change.noun.as_str(), change.id.clone(), change.what.as_str()))
        .collect();
    let run = row.run.to_string();
    let pending = ApprovalStatus::Pending.as_str();
    assert_eq!(seen[0].0, "user");
    assert_eq!(
        seen[1..],
        [
            ("run", run.clone(), "queued"),
            ("run", run, "queued"),
            ("approval", approval.id.to_string(), pending)
        ]
    );
    assert!(all.windows(2).all(|pair| pair[0].position < pair[1].position));
    let bounds = store.feed_bounds(TENANT).await.expect("read");
    assert_eq!((bounds.oldest, bounds.newest), (all[0].position, all[3].position));
    assert_eq!(
        store.feed(TENANT, all[1].position, 1).await,
        Ok(vec![all[2].clone()])
    );
    assert_eq!(store.feed(TENANT, all[3].position, 10).await, Ok(vec![]));
    assert_eq!(store.feed(TenantId::from_bytes([7; 16]), 0, 10).await, Ok(vec![]));
}
