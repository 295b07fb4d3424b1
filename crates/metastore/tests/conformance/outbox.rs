//! The outbox: order, ids that never come back, signals.

use metastore::{Metastore, OutboxNew, OutboxWaiting};

use crate::{Fixture, open};

fn fact(topic: u8) -> OutboxNew {
    OutboxNew {
        topic,
        partition_key: i64::MAX as u64,
        at_ms: 5,
        payload: vec![topic, 0, 255],
    }
}

async fn append(store: &Metastore, topics: &[u8]) -> Vec<u64> {
    let mut tx = store.write("append").await.expect("the writer is free");
    let mut ids = Vec::new();
    for &topic in topics {
        ids.push(tx.outbox_append(fact(topic)).await.expect("a row"));
    }
    tx.commit().await.expect("a commit");
    ids
}

async fn delete(store: &Metastore, through_id: u64) {
    let mut tx = store.write("delete").await.expect("the writer is free");
    tx.outbox_delete(through_id).await.expect("a deletion");
    tx.commit().await.expect("a commit");
}

#[tokio::test]
async fn rows_come_in_order_and_ids_never_again() {
    let Fixture {
        store,
        folder: _folder,
    } = open().await;
    assert_eq!(append(&store, &[1, 2, 3]).await, [1, 2, 3]);
    let two = store.outbox_take(0, 2).await.expect("rows");
    assert_eq!(
        two.iter().map(|row| (row.id, row.topic)).collect::<Vec<_>>(),
        [(1, 1), (2, 2)]
    );
    assert_eq!(
        (two[0].partition_key, two[0].payload.as_slice()),
        (i64::MAX as u64, [1u8, 0, 255].as_slice())
    );
    delete(&store, 3).await;
    assert_eq!(store.outbox_count().await.expect("a count"), 0);
    assert_eq!(
        append(&store, &[4]).await,
        [4],
        "an empty outbox does not start over"
    );
    assert_eq!(store.outbox_take(4, 9).await.expect("rows"), []);
}

#[tokio::test]
async fn what_waits_is_known_by_number_and_age() {
    let Fixture {
        store,
        folder: _folder,
    } = open().await;
    let waiting = || async { store.outbox_waiting().await.expect("a count") };
    assert_eq!(waiting().await, OutboxWaiting::default());
    append(&store, &[1, 2]).await;
    let two = OutboxWaiting {
        rows: 2,
        oldest_at_ms: Some(5),
    };
    assert_eq!(waiting().await, two);
    delete(&store, 2).await;
    assert_eq!(waiting().await, OutboxWaiting::default());
}

#[tokio::test]
async fn a_dropped_change_publishes_nothing_and_leaves_no_gap() {
    let Fixture {
        store,
        folder: _folder,
    } = open().await;
    let mut tx = store.write("dropped").await.expect("the writer is free");
    tx.outbox_append(fact(1)).await.expect("a row");
    drop(tx);
    assert_eq!(append(&store, &[2]).await, [1]);
    let rows = store.outbox_take(0, 9).await.expect("rows");
    assert_eq!(rows.iter().map(|row| row.topic).collect::<Vec<_>>(), [2]);
}

#[tokio::test]
async fn a_commit_wakes_who_listens_and_a_dropped_change_does_not() {
    let Fixture {
        store,
        folder: _folder,
    } = open().await;
    let signal = store.outbox_signal();
    let mut tx = store.write("dropped").await.expect("the writer is free");
    tx.outbox_append(fact(1)).await.expect("a row");
    drop(tx);
    assert!(!signal.has_changed().expect("an open store"));
    append(&store, &[1]).await;
    assert!(signal.has_changed().expect("an open store"));
}
