//! Accounts, refresh tokens and follows.

use metastore::{AccountNew, FollowEntry, MetastoreError, UserCounts};
use types::Username;

use crate::{Fixture, open, people, user};

#[tokio::test]
async fn usernames_are_unique() {
    let Fixture {
        store,
        folder: _folder,
    } = open().await;
    people(&store, 1).await;
    let username = Username::parse("user_1").expect("a valid name");
    let new = AccountNew {
        id: user(9),
        username: &username,
        display_name: "Late",
        password_hash: "$hash",
        birth_date: "2000-01-01",
        created_at_ms: 1,
    };
    let mut tx = store.write("twice").await.expect("the writer is free");
    let refused = tx.account_create(&new).await;
    assert!(matches!(refused, Err(MetastoreError::Conflict(_))), "{refused:?}");
}

#[tokio::test]
async fn a_profile_changes_only_what_is_given() {
    let Fixture {
        store,
        folder: _folder,
    } = open().await;
    people(&store, 1).await;
    for (name, bio, expect) in [
        (None, Some("sings"), ("A Person", "sings")),
        (Some("Mina"), None, ("Mina", "sings")),
        (None, Some(""), ("Mina", "")),
    ] {
        let mut tx = store.write("profile").await.expect("the writer is free");
        tx.account_update_profile(user(1), name, bio)
            .await
            .expect("an update");
        tx.commit().await.expect("a commit");
        let account = store
            .account_by_id(user(1))
            .await
            .expect("a read")
            .expect("user 1");
        assert_eq!((account.display_name.as_str(), account.bio.as_str()), expect);
    }
    let mut tx = store.write("profile").await.expect("the writer is free");
    let nobody = tx.account_update_profile(user(7), Some("x"), None).await;
    assert!(matches!(nobody, Err(MetastoreError::NotFound(_))), "{nobody:?}");
}

#[tokio::test]
async fn refresh_tokens_live_and_end_by_family() {
    let Fixture {
        store,
        folder: _folder,
    } = open().await;
    people(&store, 1).await;
    let (first, second, other) = ([1; 32], [2; 32], [3; 32]);
    let mut tx = store.write("tokens").await.expect("the writer is free");
    tx.refresh_token_create(&first, 70, user(1), 100, 1_000)
        .await
        .expect("a token");
    tx.refresh_token_create(&second, 70, user(1), 200, 2_000)
        .await
        .expect("a token");
    tx.refresh_token_create(&other, 71, user(1), 100, 3_000)
        .await
        .expect("a token");
    tx.refresh_token_rotate(&first, 200).await.expect("a rotation");
    assert_eq!(
        tx.refresh_token_revoke_family(70, 300)
            .await
            .expect("a revocation"),
        2
    );
    assert_eq!(
        tx.refresh_token_revoke_family(70, 301)
            .await
            .expect("a revocation"),
        0
    );
    let token = tx
        .refresh_token_get(&first)
        .await
        .expect("a read")
        .expect("the first token");
    assert_eq!(
        (token.family, token.rotated_at_ms, token.revoked_at_ms),
        (70, Some(200), Some(300))
    );
    let token = tx
        .refresh_token_get(&other)
        .await
        .expect("a read")
        .expect("the other login");
    assert_eq!((token.rotated_at_ms, token.revoked_at_ms), (None, None));
    assert_eq!(tx.refresh_token_purge(2_500, 10).await.expect("a purge"), 2);
    assert_eq!(tx.refresh_token_get(&second).await.expect("a read"), None);
}

#[tokio::test]
async fn follows_count_both_ways_once() {
    let Fixture {
        store,
        folder: _folder,
    } = open().await;
    people(&store, 3).await;
    let mut tx = store.write("follows").await.expect("the writer is free");
    let steps = [
        (1, 2, true, true),
        (1, 2, true, false),
        (3, 2, true, true),
        (1, 2, false, true),
        (1, 2, false, false),
    ];
    for (from, to, add, changes) in steps {
        let changed = match add {
            true => tx.follow_add(user(from), user(to), 10).await,
            false => tx.follow_remove(user(from), user(to)).await,
        };
        assert_eq!(changed.expect("a follow"), changes, "{from} {to} {add}");
    }
    tx.commit().await.expect("a commit");
    let counts = |raw| {
        let store = store.clone();
        async move {
            store
                .account_by_id(user(raw))
                .await
                .expect("a read")
                .expect("an account")
                .counts
        }
    };
    assert_eq!(counts(1).await, UserCounts::default());
    assert_eq!(
        counts(2).await,
        UserCounts {
            followers: 1,
            ..UserCounts::default()
        }
    );
    assert_eq!(
        counts(3).await,
        UserCounts {
            following: 1,
            ..UserCounts::default()
        }
    );
}

#[tokio::test]
async fn follow_pages_go_back_in_time_without_loss() {
    let Fixture {
        store,
        folder: _folder,
    } = open().await;
    people(&store, 8).await;
    let mut tx = store.write("follows").await.expect("the writer is free");
    // Three share a millisecond: the id breaks the tie.
    for (from, at_ms) in [(2, 10), (3, 20), (4, 20), (5, 20), (6, 30), (7, 40)] {
        tx.follow_add(user(from), user(1), at_ms).await.expect("a follow");
    }
    tx.follow_add(user(8), user(4), 50).await.expect("a follow");
    tx.commit().await.expect("a commit");
    let mut seen = Vec::new();
    let mut before = None;
    loop {
        let page = store
            .followers_page(user(1), Some(user(8)), before, 2)
            .await
            .expect("a page");
        let Some(last) = page.last() else { break };
        before = Some((last.followed_at_ms, last.id));
        seen.extend(
            page.iter()
                .map(|entry: &FollowEntry| (entry.id.raw(), entry.viewer_follows)),
        );
    }
    assert_eq!(
        seen,
        [
            (7, false),
            (6, false),
            (5, false),
            (4, true),
            (3, false),
            (2, false)
        ]
    );
    let followees = store.followees(user(8), 10).await.expect("a list");
    assert_eq!(followees, [user(4)]);
}
