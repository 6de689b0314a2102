//! What the database itself refuses, whoever asks.

use ports::NewVersion;
use rusqlite::Connection;

use crate::SqliteBench;
use crate::contract::fixtures::{Bench, TENANT};

#[tokio::test]
async fn versions_and_leaves_are_kept_by_the_database() {
    let bench = SqliteBench::new();
    let (store, world) = (bench.boot().await, bench.world());
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
    store
        .save_version(TENANT, version, world.leaf("saved"))
        .await
        .expect("saved");
    let raw = Connection::open(bench.database()).expect("it opens");
    raw.pragma_update(None, "recursive_triggers", true).expect("set");
    for (sql, refused) in [
        ("UPDATE recipe_versions SET text = 'other'", true),
        ("UPDATE recipe_versions SET tree = '{}'", true),
        ("UPDATE recipe_versions SET digest = 'e'", true),
        ("UPDATE recipe_versions SET labels = 'author'", true),
        ("DELETE FROM recipe_versions", true),
        (
            "INSERT OR REPLACE INTO recipe_versions SELECT * FROM recipe_versions",
            true,
        ),
        ("UPDATE recipe_versions SET status = 'retired'", false),
        ("UPDATE leaves SET body = '{}'", true),
        ("UPDATE leaves SET position = 7", true),
        ("UPDATE leaves SET commitment = ''", true),
        ("DELETE FROM leaves", true),
        ("UPDATE leaves SET salt = 'ff'", true),
        ("UPDATE leaves SET salt = ''", false),
    ] {
        let result = raw.execute(sql, []);
        assert_eq!(result.is_err(), refused, "{sql}: {result:?}");
    }
    let leaves = store.leaves(TENANT, 0, 5).await.expect("read");
    assert_eq!(
        (leaves.len(), leaves[0].salt.as_str()),
        (1, ""),
        "an erased salt can be read"
    );
}

/// A table without a tenant in its key could not be shared by tenants later.
#[tokio::test]
async fn every_table_begins_with_its_tenant() {
    let bench = SqliteBench::new();
    bench.boot().await;
    let raw = Connection::open(bench.database()).expect("it opens");
    let sql = "SELECT m.name, (SELECT c.name FROM pragma_table_info(m.name) c WHERE c.pk = 1)
        FROM sqlite_master m WHERE m.type = 'table' ORDER BY 1";
    let mut select = raw.prepare(sql).expect("prepared");
    let tables = select
        .query_map([], |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, Option<String>>(1)?))
        })
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .expect("listed");
    assert!(tables.len() >= 17, "{tables:?}");
    for (table, key) in tables {
        let of_the_file = ["boot", "schema_info", "refinery_schema_history"].contains(&table.as_str());
        assert_eq!(key.as_deref() == Some("tenant_id"), !of_the_file, "{table}");
    }
}
