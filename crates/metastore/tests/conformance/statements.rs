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

/// A page's statements, on a store that was closed while it was nearly empty: its plans must be those of a large one.
#[tokio::test]
async fn no_statement_of_a_page_reads_a_whole_table() {
    let fixture = open().await;
    crate::people(&fixture.store, 3).await;
    crate::published(&fixture.store, crate::video(1), crate::user(1), 5).await;
    let mut connection = SqliteConnection::connect(&fixture.address())
        .await
        .expect("a second connection");
    connection
        .execute("ANALYZE")
        .await
        .expect("statistics of a small store");
    fixture.store.close().await;
    drop(connection);
    let again = metastore::Metastore::open(&fixture.address())
        .await
        .expect("it opens again");
    let mut connection = SqliteConnection::connect(&fixture.address())
        .await
        .expect("a second connection");
    let of_pages = [
        "VIDEO_CARDS_GET",
        "CARDS_COUNTS_GET",
        "MARKS_AMONG",
        "VIDEO_GET",
        "VIDEO_IDS_FOLLOWING",
    ];
    for (name, text) in metastore::statements() {
        if !of_pages.contains(&name) {
            continue;
        }
        let explain = format!("EXPLAIN QUERY PLAN {text}");
        let plan = sqlx::raw_sql(sqlx::AssertSqlSafe(explain))
            .fetch_all(&mut connection)
            .await;
        for row in plan.expect("a plan") {
            let step: String = sqlx::Row::try_get(&row, "detail").expect("a step");
            assert!(!step.starts_with("SCAN"), "{name}: {step}");
        }
    }
    again.close().await;
}
