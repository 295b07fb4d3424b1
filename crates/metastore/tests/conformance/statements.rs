//! Every SQL text prepares against the migrated schema, and has the form that both engines take.

use sqlx::{Connection, Executor, SqlSafeStr, SqliteConnection};

use crate::open;

#[tokio::test]
async fn every_statement_prepares() {
    let fixture = open().await;
    let mut connection = SqliteConnection::connect(&fixture.address())
        .await
        .expect("a second connection");
    let all = metastore::statements();
    assert!(
        all.len() > 60,
        "the list of statements is not complete: {}",
        all.len()
    );
    for (name, text) in all {
        let prepared = connection.prepare(text.into_sql_str()).await;
        assert!(prepared.is_ok(), "{name}: {:?}\n{text}", prepared.err());
    }
}

#[test]
fn statements_keep_to_the_common_dialect() {
    let alien = [
        "now()",
        "::",
        "?",
        "autoincrement",
        "rowid",
        "json_",
        "datetime(",
        "array[",
    ];
    for (name, text) in metastore::statements() {
        let lower = text.to_lowercase();
        for word in alien {
            assert!(!lower.contains(word), "{name} uses {word}: {text}");
        }
    }
}

#[test]
fn names_are_unique() {
    let mut names: Vec<_> = metastore::statements().iter().map(|(name, _)| *name).collect();
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count);
}
