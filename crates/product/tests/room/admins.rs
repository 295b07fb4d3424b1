//! The admin role: asked for in the store at every question, whatever a token says.

use product::RoleChangeKind;

use crate::{Fixture, code};

#[tokio::test]
async fn the_role_opens_and_its_end_closes_at_once() {
    let fixture = Fixture::open().await;
    let (mina, noor) = (fixture.person("mina").await, fixture.person("noor").await);
    let admins = fixture.room.admins();
    assert_eq!(code(&admins.check(mina).await), "forbidden");
    assert!(admins.grant("Mina", "uid 0").await.expect("a change"));
    assert!(!admins.grant("mina", "uid 0").await.expect("no change"));
    assert_eq!(code(&admins.check(mina).await), "ok");
    assert_eq!(code(&admins.check(noor).await), "forbidden");
    assert_eq!(admins.list().await.expect("a list").len(), 1);
    assert_eq!(admins.roles(mina).await.expect("roles").len(), 1);
    fixture.pass_ms(1);
    assert!(admins.revoke("mina", "uid 0").await.expect("a change"));
    assert!(!admins.revoke("mina", "uid 0").await.expect("no change"));
    assert_eq!(code(&admins.check(mina).await), "forbidden");
    let changes = admins.changes().await.expect("a trail");
    let kinds: Vec<_> = changes.iter().map(|change| change.kind).collect();
    assert_eq!(kinds, [RoleChangeKind::Revoke, RoleChangeKind::Grant]);
}

#[tokio::test]
async fn only_accounts_can_be_admins() {
    let fixture = Fixture::open().await;
    let admins = fixture.room.admins();
    for (username, expect) in [("nobody", "not_found"), ("no body", "invalid"), ("", "invalid")] {
        assert_eq!(
            code(&admins.grant(username, "uid 0").await),
            expect,
            "{username:?}"
        );
        assert_eq!(
            code(&admins.revoke(username, "uid 0").await),
            expect,
            "{username:?}"
        );
    }
    assert!(admins.changes().await.expect("a trail").is_empty());
}
