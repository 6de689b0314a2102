//! Pages of lists: each begins where the one before it ended, whatever was added or taken away in between.

use ports::{ByName, DeadLetter, LetterFilter, RecipeFilter, SecretRecord, TokenFilter, VersionFilter};
use types::{Failure, UserId};

use super::fixtures::{Bench, TENANT, World, by_name};
use super::library::{agent, version};
use super::people::{put, token, user};

/// In the order of lists: without regard to case.
const NAMES: [&str; 5] = ["Ada", "bob", "Cid", "dot", "Eve"];

/// The page of two after a name.
fn two(after: Option<&str>) -> ByName {
    ByName {
        after: after.map(str::to_owned),
        limit: 2,
    }
}

pub async fn named_things_are_paged(bench: &dyn Bench) {
    let (store, world) = (bench.boot().await, bench.world());
    for name in ["dot", "Cid", "Ada", "Eve", "bob"] {
        let leaf = || world.leaf("put");
        let made = agent(world, name);
        store.put_agent(TENANT, made, None, leaf()).await.expect("put");
        put(store.as_ref(), world, &user(world, name)).await.expect("put");
        let secret = SecretRecord {
            name: name.to_lowercase(),
            origin: "https://a.example".to_owned(),
            hint: String::new(),
            updated_at: world.now(),
        };
        store
            .put_secret(TENANT, secret, "value", leaf())
            .await
            .expect("put");
    }
    let pages = [
        (None, &NAMES[..2]),
        (Some("BOB"), &NAMES[2..4]),
        (Some("dot"), &NAMES[4..]),
        (Some("Eve"), &[]),
        (Some("c"), &NAMES[2..4]),
    ];
    for (after, expected) in pages {
        let agents = store.agents(TENANT, two(after)).await.expect("listed");
        let users = store.users(TENANT, two(after)).await.expect("listed");
        let lower = after.map(str::to_lowercase);
        let secrets = store
            .secrets(TENANT, two(lower.as_deref()))
            .await
            .expect("listed");
        let agents: Vec<_> = agents.iter().map(|one| one.name.as_str()).collect();
        let users: Vec<_> = users.iter().map(|one| one.name.as_str()).collect();
        assert_eq!(agents, expected);
        assert_eq!(users, expected);
        let secrets: Vec<_> = secrets.into_iter().map(|one| one.name).collect();
        let expected: Vec<_> = expected.iter().map(|name| name.to_lowercase()).collect();
        assert_eq!(secrets, expected);
    }
    let mut cid = store.agent(TENANT, "cid").await.expect("is there");
    cid.archived_at = Some(world.now());
    let leaf = world.leaf("put");
    store.put_agent(TENANT, cid, None, leaf).await.expect("archived");
    let left = store.agents(TENANT, two(Some("bob"))).await.expect("listed");
    let left: Vec<_> = left.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(left, ["dot", "Eve"]);
    let all = store.users(TENANT, by_name(u32::MAX)).await.expect("listed");
    assert_eq!(all.len(), 5);
}

pub async fn recipes_are_paged_and_calls_left_out(bench: &dyn Bench) {
    let (store, world) = (bench.boot().await, bench.world());
    // Two of one name, whose order their short names decide, and one that begins as calls do.
    let named = [
        ("b-2", "Same"),
        ("b-1", "same"),
        ("call_x", "Aa"),
        ("callax", "Zz"),
    ];
    for (slug, name) in named {
        let mut new = version(world, slug, slug);
        new.name = name.to_owned();
        store
            .save_version(TENANT, new, world.leaf("saved"))
            .await
            .expect("saved");
    }
    let list = async |after: Option<(&str, &str)>, not_begun: Option<&str>, limit: u32| {
        let filter = RecipeFilter {
            after: after.map(|(name, slug)| (name.to_owned(), slug.to_owned())),
            not_begun: not_begun.map(str::to_owned),
            limit,
        };
        let found = store.recipes(TENANT, filter).await.expect("listed");
        found.into_iter().map(|recipe| recipe.slug).collect::<Vec<_>>()
    };
    assert_eq!(list(None, None, 2).await, ["call_x", "b-1"]);
    assert_eq!(list(Some(("SAME", "b-1")), None, 9).await, ["b-2", "callax"]);
    let rest = list(None, Some("call_"), 9).await;
    assert_eq!(rest, ["b-1", "b-2", "callax"], "an underscore is itself only");
    assert_eq!(list(None, Some("%"), 9).await.len(), 4);
}

pub async fn versions_are_paged(bench: &dyn Bench) {
    let (store, world) = (bench.boot().await, bench.world());
    let mut recipe = None;
    for text in ["one", "two", "three"] {
        let saved = store
            .save_version(TENANT, version(world, "a", text), world.leaf("saved"))
            .await
            .expect("saved");
        recipe = Some(saved.recipe);
    }
    let recipe = recipe.expect("one was saved");
    for (before, expected) in [(None, &[3, 2][..]), (Some(2), &[1]), (Some(1), &[])] {
        let filter = VersionFilter { before, limit: 2 };
        let found = store.versions(TENANT, recipe, filter).await.expect("listed");
        let found: Vec<_> = found.iter().map(|version| version.version).collect();
        assert_eq!(found, expected);
    }
}

pub async fn tokens_are_paged_and_those_that_work_found(bench: &dyn Bench) {
    let (store, world) = (bench.boot().await, bench.world());
    let (ann, bob) = (user(world, "ann"), user(world, "bob"));
    let mut tokens = Vec::new();
    for (index, owner) in [&ann, &bob, &ann, &ann].into_iter().enumerate() {
        world.clock.advance(1);
        let made = token(world, owner.id, &format!("digest {index}"));
        let leaf = world.leaf("token_made");
        store.put_token(TENANT, made.clone(), leaf).await.expect("put");
        tokens.insert(0, made);
    }
    let all = TokenFilter {
        limit: 2,
        ..TokenFilter::default()
    };
    assert_eq!(store.tokens(TENANT, all).await, Ok(tokens[..2].to_vec()));
    let next = TokenFilter {
        before: Some(tokens[1].id),
        ..all
    };
    assert_eq!(store.tokens(TENANT, next).await, Ok(tokens[2..].to_vec()));
    let of = |user: UserId| TokenFilter {
        user: Some(user),
        ..next
    };
    assert_eq!(store.tokens(TENANT, of(ann.id)).await, Ok(tokens[3..].to_vec()));
    let leaf = world.leaf("token_revoked");
    let (revoked, at) = (tokens[0].id, world.now());
    store
        .revoke_token(TENANT, revoked, None, at, leaf)
        .await
        .expect("revoked");
    let working = |at| TokenFilter {
        working_at: Some(at),
        limit: 9,
        ..TokenFilter::default()
    };
    assert_eq!(store.tokens(TENANT, working(at)).await, Ok(tokens[1..].to_vec()));
    let oldest_ends = tokens[3].expires_at;
    assert_eq!(
        store.tokens(TENANT, working(oldest_ends)).await,
        Ok(tokens[1..3].to_vec()),
        "a token doesn't work any more at the instant at which it expires"
    );
}

pub async fn dead_letters_are_paged(bench: &dyn Bench) {
    let (store, world) = (bench.boot().await, bench.world());
    let mut letters = Vec::new();
    // Two at the same instant, whose order their runs decide.
    for wait in [1, 5, 0] {
        let letter = give_up(store.as_ref(), world, wait).await;
        letters.push(letter);
    }
    letters.sort_by_key(|letter| std::cmp::Reverse((letter.at, letter.run)));
    let page = |before: Option<&DeadLetter>| LetterFilter {
        before: before.map(|letter| (letter.at, letter.run)),
        limit: 2,
    };
    for (before, expected) in [
        (None, &letters[..2]),
        (Some(&letters[0]), &letters[1..]),
        (Some(&letters[1]), &letters[2..]),
        (Some(&letters[2]), &[]),
    ] {
        let found = store.dead_letters(TENANT, page(before)).await;
        assert_eq!(found, Ok(expected.to_vec()));
    }
}

async fn give_up(store: &dyn ports::Store, world: &World, wait: i64) -> DeadLetter {
    let (row, claim) = world.held_run(store).await;
    let mut append = world.append(claim.lease, &row, 1, 1);
    let letter = DeadLetter {
        tenant: TENANT,
        run: row.run,
        failure: Failure::new("poison", "given up"),
        at: world.clock.advance(wait),
    };
    append.dead_letter = Some(letter.clone());
    store.append(append).await.expect("appended");
    letter
}
