//! What the database itself keeps and refuses.

use ports::{JournalStore, LibraryStore, NewVersion, StoreError};
use store::postgres::{open, shown};

use crate::contract::fixtures::{Bench, TENANT};
use crate::{PostgresBench, raw};

#[tokio::test]
async fn versions_and_leaves_are_kept_by_the_database() {
    let bench = PostgresBench::new();
    let (store, world) = (bench.node("a").await, bench.world());
    let version = NewVersion {
        recipe: world.recipe_id(),
        slug: "s".to_owned(),
        name: "n".to_owned(),
        description: String::new(),
        text: "t".to_owned(),
        tree: None,
        digest: "d".to_owned(),
        activate: true,
        seen: None,
        author: "a".to_owned(),
        labels: types::Label::Author.into(),
        at: world.now(),
    };
    let saved = store.save_version(TENANT, version, world.leaf("saved")).await;
    saved.expect("saved");
    assert_eq!(store.leaves(TENANT, 0, 5).await.expect("read").len(), 1);
    let raw = raw(&bench.url).await;
    for (sql, refused) in [
        ("UPDATE recipe_versions SET text = 'other'", true),
        ("UPDATE recipe_versions SET labels = 'author'", true),
        ("DELETE FROM recipe_versions", true),
        ("TRUNCATE recipe_versions", true),
        ("UPDATE recipe_versions SET status = 'retired'", false),
        ("UPDATE leaves SET body = '{}'", true),
        ("UPDATE leaves SET commitment = ''", true),
        ("DELETE FROM leaves", true),
        ("TRUNCATE leaves", true),
        ("UPDATE leaf_order SET position = 7", true),
        ("DELETE FROM leaf_order", true),
        ("UPDATE leaves SET salt = 'ff'", true),
        ("UPDATE leaves SET salt = ''", false),
    ] {
        let result = raw.execute(sql, &[]).await;
        assert_eq!(result.is_err(), refused, "{sql}: {result:?}");
    }
}

/// A table without a tenant in its key could not be shared by tenants later.
#[tokio::test]
async fn every_table_begins_with_its_tenant() {
    let bench = PostgresBench::new();
    let _store = bench.node("a").await;
    let sql = "SELECT c.relname, (SELECT a.attname FROM pg_index i JOIN pg_attribute a
                ON a.attrelid = c.oid AND a.attnum = i.indkey[0]
            WHERE i.indrelid = c.oid AND i.indisprimary)
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind IN ('r', 'p') AND n.nspname = 'public' ORDER BY 1";
    let tables = raw(&bench.url).await.query(sql, &[]).await.expect("listed");
    assert!(tables.len() >= 25, "{tables:?}");
    for row in tables {
        let (table, key): (String, Option<String>) = (row.get(0), row.get(1));
        let of_the_database = [
            "boot",
            "key_check",
            "last_groups",
            "nodes",
            "schema_info",
            "refinery_schema_history",
        ]
        .contains(&table.as_str());
        assert_eq!(key.as_deref() == Some("tenant_id"), !of_the_database, "{table}");
    }
}

#[tokio::test]
async fn journals_lie_in_the_partition_of_their_week() {
    let bench = PostgresBench::new();
    let (store, world) = (bench.node("a").await, bench.world());
    let raw = raw(&bench.url).await;
    let count = async |sql: &str| -> i64 { raw.query_one(sql, &[]).await.expect("counted").get(0) };
    let partitions = "SELECT count(*) FROM pg_inherits WHERE inhparent = 'journal'::regclass";
    assert_eq!(
        count(partitions).await,
        10,
        "this week, eight ahead, and the rest"
    );
    world.held_run(&store).await;
    assert_eq!(count("SELECT count(*) FROM journal_rest").await, 0);
    assert_eq!(count("SELECT count(*) FROM journal").await, 1);
    store.close().await;
    // Long after, as if no node had run for a year: what comes before the next start goes to the rest.
    world.clock.advance(365 * 86_400_000);
    let late = store::postgres::open(bench.options(&bench.url, "a", false)).await;
    world.held_run(&late.expect("it opens")).await;
    assert_eq!(count("SELECT count(*) FROM journal_rest").await, 0);
    assert_eq!(count(partitions).await, 19);
}

#[tokio::test]
async fn a_binary_that_is_too_old_is_refused_and_a_newer_schema_alone_is_not() {
    let bench = PostgresBench::new();
    bench.node("a").await.close().await;
    let raw = raw(&bench.url).await;
    let change = async |sql: &str| raw.execute(sql, &[]).await.expect("changed");
    change("UPDATE schema_info SET version = version + 1").await;
    bench.node("a").await.close().await;
    change("UPDATE schema_info SET min_binary = '0.2.0'").await;
    for guest in [false, true] {
        let refused = open(bench.options(&bench.url, "a", guest)).await.map(|_| ());
        assert!(
            matches!(&refused, Err(StoreError::Newer { needed, own, .. }) if needed == "0.2.0" && own == "0.1.0"),
            "{refused:?}"
        );
    }
}

#[tokio::test]
async fn a_zero_character_does_not_stop_a_run() {
    let bench = PostgresBench::new();
    let (store, world) = (bench.node("a").await, bench.world());
    let (row, claim) = world.held_run(&store).await;
    let mut append = world.append(claim.lease, &row, 1, 1);
    append.rows.run.waiting_for = "a\0b".to_owned();
    append.rows.run.outputs = serde_json::json!({"text": "a\0b"});
    let outputs = append.rows.run.outputs.clone();
    store.append(append).await.expect("appended");
    let kept = store.run(TENANT, row.run).await.expect("read");
    assert_eq!(
        kept.waiting_for, "a\u{fffd}b",
        "the database keeps no such character in a text"
    );
    assert_eq!(kept.outputs, outputs, "JSON has a spelling for it");
}

#[tokio::test]
async fn no_message_tells_a_password() {
    let url = "postgres://ann:hunter2secret@127.0.0.1:1/agentops";
    let bench = PostgresBench::new();
    let refused = open(bench.options(url, "a", false)).await.map(|_| ());
    let refused = refused.expect_err("nobody listens there");
    assert_eq!(refused.code(), "database_unreachable");
    let shown = shown(&url.into()).expect("it can be read");
    assert_eq!(shown, "agentops at 127.0.0.1 as ann");
    let garbage = "postgres://ann:hunter2secret@host:port/x?what=1";
    let unread = open(bench.options(garbage, "a", false)).await.map(|_| ());
    let unread = unread.expect_err("no such address");
    for text in [refused.to_string(), shown, unread.to_string()] {
        assert!(!text.contains("hunter2"), "{text}");
    }
}

/// The writer plans its statements before there are statistics. With an index that looks as good as the
/// primary key it would read all runs of a tenant to find one.
#[tokio::test]
async fn one_run_is_found_by_its_key_before_there_are_statistics() {
    let bench = PostgresBench::new();
    let (store, world) = (bench.node("a").await, bench.world());
    world.held_run(&store).await;
    let raw = raw(&bench.url).await;
    let set_up = "SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off;
        SET plan_cache_mode = force_generic_plan;
        PREPARE one (bytea[], bytea[]) AS SELECT head FROM runs JOIN unnest($1, $2) AS one (tenant_id, run_id)
            ON runs.tenant_id = one.tenant_id AND runs.run_id = one.run_id";
    raw.batch_execute(set_up).await.expect("prepared");
    let plan = raw.query("EXPLAIN EXECUTE one ('{}', '{}')", &[]).await;
    let lines = plan.expect("explained").into_iter().map(|row| row.get(0));
    let plan = lines.collect::<Vec<String>>().join("\n");
    assert!(plan.contains("using runs_pkey"), "{plan}");
}
