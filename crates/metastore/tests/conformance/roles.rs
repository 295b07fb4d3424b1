//! Roles are granted and taken once, and every change leaves a row in the trail.

use metastore::{Metastore, Role, RoleChangeKind};
use types::{TimestampMs, UserId};

use crate::{Fixture, open, people, user};

async fn change(store: &Metastore, who: UserId, kind: RoleChangeKind, at_ms: TimestampMs) -> bool {
    let mut tx = store.write("role").await.expect("the writer is free");
    let changed = match kind {
        RoleChangeKind::Grant => tx.role_grant(who, Role::Admin, at_ms, "uid 1000").await,
        RoleChangeKind::Revoke => tx.role_revoke(who, Role::Admin, at_ms, "uid 0").await,
    };
    tx.commit().await.expect("a commit");
    changed.expect("a change")
}

#[tokio::test]
async fn a_role_is_held_from_its_grant_to_its_revocation() {
    use RoleChangeKind::{Grant, Revoke};
    let Fixture {
        store,
        folder: _folder,
    } = open().await;
    people(&store, 2).await;
    let who = user(1);
    // What is done, whether that changes anything, and who holds the role after it.
    let rows = [
        (Revoke, false, vec![]),
        (Grant, true, vec![(who, "user_1", 20)]),
        (Grant, false, vec![(who, "user_1", 20)]),
        (Revoke, true, vec![]),
        (Grant, true, vec![(who, "user_1", 50)]),
    ];
    for ((kind, changes, holders), at_ms) in rows.into_iter().zip([10, 20, 30, 40, 50]) {
        assert_eq!(
            change(&store, who, kind, at_ms).await,
            changes,
            "{kind:?} at {at_ms}"
        );
        let held = store.role_holders(Role::Admin).await.expect("a read");
        let held: Vec<_> = held
            .iter()
            .map(|holder| (holder.user, holder.username.as_str(), holder.granted_at_ms))
            .collect();
        assert_eq!(held, holders, "{kind:?} at {at_ms}");
        let holds = !holders.is_empty();
        assert_eq!(store.role_exists(who, Role::Admin).await.expect("a read"), holds);
        assert!(!store.role_exists(user(2), Role::Admin).await.expect("a read"));
        let roles = store.roles_of_user(who).await.expect("a read");
        assert_eq!(roles, if holds { vec![Role::Admin] } else { vec![] });
    }
    let trail = store.role_changes().await.expect("a read");
    let trail: Vec<_> = trail
        .iter()
        .map(|row| {
            (
                row.kind,
                row.changed_at_ms,
                row.changed_by.as_str(),
                row.username.as_deref(),
            )
        })
        .collect();
    let name = Some("user_1");
    assert_eq!(
        trail,
        [
            (Grant, 50, "uid 1000", name),
            (Revoke, 40, "uid 0", name),
            (Grant, 20, "uid 1000", name)
        ]
    );
}

#[tokio::test]
async fn nobody_gets_no_role() {
    let Fixture {
        store,
        folder: _folder,
    } = open().await;
    let mut tx = store.write("role").await.expect("the writer is free");
    let granted = tx.role_grant(user(9), Role::Admin, 1, "uid 0").await;
    assert!(granted.is_err(), "an account that does not exist: {granted:?}");
}
