//! Orders are in force until their end, weights are replaced as a whole, and the trail keeps what became of both.

use metastore::{OrderKind, OrderNew};
use types::{Region, Target};

use crate::{Fixture, open, people, user, video};

fn order(id: u64, ends_at_ms: i64) -> OrderNew {
    OrderNew {
        id,
        kind: if id == 1 { OrderKind::Pin } else { OrderKind::Boost },
        target: Target::Video(video(id)),
        region: (id == 2).then(|| Region::from_bytes(*b"BR").expect("a region")),
        factor: 1.5,
        reason: "a storm".to_owned(),
        made_at_ms: 10,
        made_by: user(1),
        ends_at_ms,
    }
}

#[tokio::test]
async fn orders_are_in_force_until_they_end() {
    let Fixture {
        store,
        folder: _folder,
    } = open().await;
    let orders = [order(1, 100), order(2, 200), order(3, 300)];
    let mut tx = store.write("orders").await.expect("the writer is free");
    for order in &orders {
        tx.order_insert(order).await.expect("a row");
    }
    assert!(tx.order_end(3, 150).await.expect("an end"));
    assert!(!tx.order_end(3, 150).await.expect("ended already"));
    assert!(!tx.order_end(9, 150).await.expect("never made"));
    tx.commit().await.expect("a commit");
    let ended = OrderNew {
        ends_at_ms: 150,
        ..orders[2].clone()
    };
    for (now_ms, expect) in [
        (99, vec![ended.clone(), orders[1].clone(), orders[0].clone()]),
        (100, vec![ended, orders[1].clone()]),
        (150, vec![orders[1].clone()]),
        (200, vec![]),
    ] {
        assert_eq!(
            store.orders_active(now_ms).await.expect("a read"),
            expect,
            "at {now_ms}"
        );
    }
}

#[tokio::test]
async fn weights_are_replaced_and_changes_are_kept() {
    let Fixture {
        store,
        folder: _folder,
    } = open().await;
    people(&store, 1).await;
    let weights = |list: &[(&str, f64)]| -> Vec<(String, f64)> {
        list.iter()
            .map(|(head, weight)| ((*head).to_owned(), *weight))
            .collect()
    };
    let rows = [
        weights(&[("like", 0.5), ("share", -1.25)]),
        weights(&[("share", 2.0)]),
        vec![],
    ];
    for (at_ms, row) in (1..).zip(&rows) {
        let mut tx = store.write("weights").await.expect("the writer is free");
        tx.value_weights_put(row).await.expect("rows");
        let detail = format!("{} weights", row.len());
        tx.operator_change_note("value_weights", &detail, at_ms, user(at_ms as u64))
            .await
            .expect("a note");
        tx.commit().await.expect("a commit");
        assert_eq!(&store.value_weights().await.expect("a read"), row);
    }
    let trail = store.operator_changes().await.expect("a read");
    let trail: Vec<_> = trail
        .iter()
        .map(|row| (row.detail.as_str(), row.changed_at_ms, row.username.as_deref()))
        .collect();
    let expect = [
        ("0 weights", 3, None),
        ("1 weights", 2, None),
        ("2 weights", 1, Some("user_1")),
    ];
    assert_eq!(trail, expect);
}
