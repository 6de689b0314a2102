//! The data folder: one holder, damaged and newer files, the key beside the database.

use std::fs;

use ports::{SecretRecord, StoreError};
use rusqlite::Connection;
use store::sqlite::open;

use crate::SqliteBench;
use crate::contract::fixtures::{Bench, TENANT};

fn refusal(bench: &SqliteBench) -> StoreError {
    match open(bench.options(bench.data(), false)) {
        Ok(_) => panic!("it must not open"),
        Err(error) => error,
    }
}

/// A data folder that was used and closed.
async fn used() -> SqliteBench {
    let bench = SqliteBench::new();
    let store = bench.boot().await;
    bench.world().held_run(store.as_ref()).await;
    bench.shut().await;
    bench
}

#[tokio::test]
async fn a_second_holder_is_told_who_the_first_is() {
    let bench = SqliteBench::new();
    let store = bench.boot().await;
    assert_eq!(
        refusal(&bench),
        StoreError::InUse {
            pid: Some(std::process::id())
        }
    );
    assert_eq!(store.boot().epoch, 1, "the refused one began no boot");
}

#[tokio::test]
async fn dropping_or_closing_frees_the_folder() {
    let bench = SqliteBench::new();
    let first = open(bench.options(bench.data(), false)).expect("it opens");
    let clone = first.clone();
    drop(first);
    assert_eq!(refusal(&bench).code(), "data_in_use", "a clone is left");
    drop(clone);
    let second = open(bench.options(bench.data(), false)).expect("it opens again");
    second.close().await;
    second.close().await;
    let _third = open(bench.options(bench.data(), false)).expect("it opens although a clone is left");
}

#[tokio::test]
async fn closing_leaves_one_file_with_everything() {
    let bench = used().await;
    assert!(
        !bench.data().join("agentops.db-wal").exists(),
        "the log was moved into the database"
    );
    let raw = Connection::open(bench.database()).expect("it opens");
    let events: i64 = raw
        .query_row("SELECT count(*) FROM journal", [], |row| row.get(0))
        .expect("counted");
    assert_eq!(events, 1);
}

#[tokio::test]
async fn what_is_no_database_is_named_as_damaged() {
    for (garbage, said) in [
        (b"this was a text file once".to_vec(), "is not an SQLite database"),
        (b"SQLite format 3\0 and then rubbish".repeat(9), ""),
    ] {
        let bench = SqliteBench::new();
        fs::create_dir(bench.data()).expect("made");
        fs::write(bench.database(), &garbage).expect("written");
        let error = refusal(&bench);
        assert_eq!(error.code(), "database_damaged");
        assert!(error.to_string().contains(said), "{error}");
        assert_eq!(
            fs::read(bench.database()).expect("read"),
            garbage,
            "it is left as it was"
        );
    }
}

#[tokio::test]
async fn a_database_that_was_emptied_is_damaged_and_not_made_anew() {
    let bench = SqliteBench::new();
    drop(bench.boot().await);
    bench.shut().await;
    fs::write(bench.database(), b"").expect("emptied");
    assert_eq!(refusal(&bench).code(), "database_damaged");
    assert_eq!(fs::read(bench.database()).expect("read"), b"");
}

#[tokio::test]
async fn a_database_of_another_program_is_left_alone() {
    let bench = SqliteBench::new();
    fs::create_dir(bench.data()).expect("made");
    let raw = Connection::open(bench.database()).expect("it opens");
    raw.execute_batch("CREATE TABLE photos (name TEXT)")
        .expect("made");
    drop(raw);
    assert_eq!(refusal(&bench).code(), "database_damaged");
}

#[tokio::test]
async fn pages_overwritten_with_rubbish_are_named_as_damaged() {
    let bench = used().await;
    let mut bytes = fs::read(bench.database()).expect("read");
    // All but the header page: the schema can be read, nothing else can.
    let page = usize::from(u16::from_be_bytes([bytes[16], bytes[17]]));
    bytes[page..].fill(0x5a);
    fs::write(bench.database(), bytes).expect("written");
    assert_eq!(refusal(&bench).code(), "database_damaged");
}

#[tokio::test]
async fn a_newer_schema_is_refused_with_what_is_needed() {
    let bench = used().await;
    let raw = Connection::open(bench.database()).expect("it opens");
    raw.execute_batch("UPDATE schema_info SET version = 99, min_binary = '7.0.0'")
        .expect("changed");
    let expected = StoreError::Newer {
        found: 99,
        needed: "7.0.0".to_owned(),
        own: "0.1.0".to_owned(),
    };
    assert_eq!(refusal(&bench), expected);
    assert_eq!(bench.guest().await.map(|_| ()), Err(expected));
}

#[tokio::test]
async fn an_older_schema_is_not_for_a_guest() {
    let bench = used().await;
    let raw = Connection::open(bench.database()).expect("it opens");
    raw.execute_batch("UPDATE schema_info SET version = 1")
        .expect("changed");
    let error = bench.guest().await.map(|_| ()).expect_err("refused");
    assert!(error.to_string().contains("older schema"), "{error}");
}

#[cfg(unix)]
#[tokio::test]
async fn only_the_owner_can_read_what_is_kept() {
    use std::os::unix::fs::PermissionsExt as _;
    let bench = SqliteBench::new();
    // A folder that was there before, open to all.
    fs::create_dir(bench.data()).expect("made");
    fs::set_permissions(bench.data(), fs::Permissions::from_mode(0o755)).expect("opened");
    let store = bench.boot().await;
    bench.world().held_run(store.as_ref()).await;
    let backup = bench.scratch("copy.db");
    store.backup(&backup).await.expect("backed up");
    let mode = |path: std::path::PathBuf| fs::metadata(path).expect("there").permissions().mode() & 0o777;
    for name in ["secret.key", "agentops.db", "agentops.db-wal"] {
        assert_eq!(mode(bench.data().join(name)), 0o600, "{name}");
    }
    assert_eq!(mode(backup), 0o600);
    let fresh = used().await;
    assert_eq!(mode(fresh.data()), 0o700);
}

#[tokio::test]
async fn another_key_opens_no_secret_and_says_so() {
    let bench = SqliteBench::new();
    let store = bench.boot().await;
    let world = bench.world();
    let secret = SecretRecord {
        name: "slack.token".to_owned(),
        origin: "https://slack.example".to_owned(),
        hint: String::new(),
        updated_at: world.now(),
    };
    store
        .put_secret(TENANT, secret.clone(), "value", world.leaf("set"))
        .await
        .expect("put");
    let key = bench.data().join("secret.key");
    fs::remove_file(&key).expect("lost");
    let store = bench.boot().await;
    let error = store
        .reveal_secret(TENANT, "slack.token")
        .await
        .expect_err("another key");
    assert_eq!(error.code(), "secret_key_wrong", "{error}");
    store
        .put_secret(TENANT, secret, "again", world.leaf("set"))
        .await
        .expect("set anew");
    let (_, value) = store
        .reveal_secret(TENANT, "slack.token")
        .await
        .expect("opened")
        .expect("there");
    assert_eq!(value, "again");
    bench.shut().await;
    fs::write(&key, "not a key").expect("written");
    let error = refusal(&bench);
    assert_eq!(error.code(), "secret_key_wrong", "{error}");
}

#[tokio::test]
async fn a_secret_moved_to_another_origin_does_not_open() {
    let bench = SqliteBench::new();
    let store = bench.boot().await;
    let world = bench.world();
    let secret = SecretRecord {
        name: "slack.token".to_owned(),
        origin: "https://slack.example".to_owned(),
        hint: String::new(),
        updated_at: world.now(),
    };
    store
        .put_secret(TENANT, secret, "value", world.leaf("set"))
        .await
        .expect("put");
    let raw = Connection::open(bench.database()).expect("it opens");
    raw.execute_batch("UPDATE secrets SET origin = 'https://thief.example'")
        .expect("changed");
    assert!(store.reveal_secret(TENANT, "slack.token").await.is_err());
}
