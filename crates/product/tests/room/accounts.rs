//! Signing up, signing in, tokens, profiles.

use product::{Fault, ProductError, ProfileChange, Registration};

use crate::{Fixture, code, registration};

#[tokio::test]
async fn registrations() {
    let fixture = Fixture::open().await;
    let check = async |given: Registration, expect: &str, field: Option<&str>| {
        let label = format!("{} {}", given.username, given.birth_date);
        let answer = fixture.room.account_register(given).await;
        let said = (code(&answer), answer.as_ref().err().and_then(ProductError::field));
        assert_eq!(said, (expect, field), "{label}");
    };
    check(registration("mina"), "ok", None).await;
    check(registration("mina"), "username_taken", None).await;
    check(registration(" MINA "), "username_taken", None).await;
    check(registration("mi"), "invalid", Some("username")).await;
    check(registration("mi-na"), "invalid", Some("username")).await;

    let with_password = |name, password: String| Registration {
        password,
        ..registration(name)
    };
    check(
        with_password("a_1", "short".to_owned()),
        "invalid",
        Some("password"),
    )
    .await;
    check(with_password("a_2", "é".repeat(129)), "invalid", Some("password")).await;
    check(with_password("a_3", "é".repeat(128)), "ok", None).await;

    let born = |name, date: &str| Registration {
        birth_date: date.to_owned(),
        ..registration(name)
    };
    check(born("a_4", "2013-11-22"), "too_young", None).await;
    check(born("a_5", "2013-11-21"), "ok", None).await;
    check(born("a_6", "2030-01-01"), "invalid", Some("birthDate")).await;
    check(born("a_7", "yesterday"), "invalid", Some("birthDate")).await;

    let called = |name, shown: &str| Registration {
        display_name: Some(shown.to_owned()),
        ..registration(name)
    };
    check(called("a_8", " \u{7} "), "invalid", Some("displayName")).await;
}

#[tokio::test]
async fn two_at_once_cannot_have_one_name() {
    let fixture = Fixture::open().await;
    let (first, second) = tokio::join!(fixture.register("mina"), fixture.register("mina"));
    let mut codes = [code(&first), code(&second)];
    codes.sort_unstable();
    assert_eq!(codes, ["ok", "username_taken"]);
}

#[tokio::test]
async fn logins() {
    let fixture = Fixture::open().await;
    let user = fixture.person("mina").await;
    let login = async |name: &str, password: &str| fixture.room.account_login(name, password).await;
    assert_eq!(
        login("Mina", "correct horse")
            .await
            .expect("the right password")
            .user,
        user
    );
    for (name, password) in [
        ("mina", "wrong horse!"),
        ("nobody", "correct horse"),
        ("not a name", "correct horse"),
        ("mina", ""),
    ] {
        let answer = login(name, password).await;
        assert_eq!(code(&answer), "bad_credentials", "{name} {password}");
    }
    let huge = login("mina", &"x".repeat(1_000_000)).await;
    assert_eq!(code(&huge), "bad_credentials");
}

#[tokio::test]
async fn a_full_hasher_says_when_to_come_back() {
    let limits = product::ProductLimits {
        hashes_running_max: 1,
        hashes_waiting_max: 0,
        ..Default::default()
    };
    let fixture = Fixture::with_limits(limits).await;
    let (first, second) = tokio::join!(fixture.register("mina"), fixture.register("noor"));
    let mut codes = [code(&first), code(&second)];
    codes.sort_unstable();
    assert_eq!(codes, ["busy", "ok"]);
    let refused = first.err().or(second.err()).expect("one found the hasher full");
    assert_eq!(
        (refused.fault(), refused.retry_after_ms().is_some()),
        (Fault::Busy, true)
    );
}

#[tokio::test]
async fn access_tokens_speak_for_minutes() {
    let fixture = Fixture::open().await;
    let session = fixture.register("mina").await.expect("a session");
    let verify = |token: &str| fixture.room.access_verify(token);
    assert_eq!(
        verify(&session.access_token).expect("a fresh token"),
        session.user
    );
    fixture.pass_ms(15 * 60_000 - 1_000);
    assert_eq!(code(&verify(&session.access_token)), "ok");
    fixture.pass_ms(1_000);
    assert_eq!(code(&verify(&session.access_token)), "unauthenticated");
}

#[tokio::test]
async fn forged_tokens_are_refused() {
    let fixture = Fixture::open().await;
    let stranger = Fixture::open().await;
    let session = fixture.register("mina").await.expect("a session");
    let (head, tail) = session.access_token.rsplit_once('.').expect("a signature");
    let flipped = if tail.starts_with('A') { "B" } else { "A" };
    let claims = head.split('.').nth(1).expect("claims");
    let unsigned = format!("eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.{claims}.");
    for forged in [
        format!("{head}.{flipped}{}", &tail[1..]),
        unsigned,
        session.refresh_token.clone(),
        String::new(),
    ] {
        assert_eq!(
            code(&fixture.room.access_verify(&forged)),
            "unauthenticated",
            "{forged}"
        );
    }
    // Same key in both rooms: what tells them apart is only the account.
    assert_eq!(code(&stranger.room.access_verify(&session.access_token)), "ok");
}

#[tokio::test]
async fn a_reused_refresh_token_ends_the_login() {
    let fixture = Fixture::open().await;
    let first = fixture.register("mina").await.expect("a session");
    let elsewhere = fixture
        .room
        .account_login("mina", "correct horse")
        .await
        .expect("a second login");
    let refresh = async |token: &str| fixture.room.session_refresh(token).await;
    let second = refresh(&first.refresh_token).await.expect("a rotation");
    assert_eq!((second.user, second.username.as_str()), (first.user, "mina"));
    assert_ne!(second.refresh_token, first.refresh_token);
    assert_eq!(code(&refresh(&first.refresh_token).await), "refresh_reused");
    assert_eq!(
        code(&refresh(&second.refresh_token).await),
        "unauthenticated",
        "the family is revoked"
    );
    assert_eq!(
        code(&refresh(&elsewhere.refresh_token).await),
        "ok",
        "other logins are not"
    );
}

#[tokio::test]
async fn refresh_tokens_expire_and_log_out() {
    let fixture = Fixture::open().await;
    let first = fixture.register("mina").await.expect("a session");
    let second = fixture
        .room
        .account_login("mina", "correct horse")
        .await
        .expect("a login");
    fixture
        .room
        .session_logout(&first.refresh_token)
        .await
        .expect("a logout");
    fixture.room.session_logout("unknown").await.expect("no error");
    assert_eq!(
        code(&fixture.room.session_refresh(&first.refresh_token).await),
        "unauthenticated"
    );
    fixture.pass_ms(30 * 24 * 3_600_000);
    assert_eq!(
        code(&fixture.room.session_refresh(&second.refresh_token).await),
        "unauthenticated"
    );
    fixture.pass_ms(1);
    assert_eq!(fixture.room.sessions_purge().await.expect("a purge"), 2);
}

#[tokio::test]
async fn profiles_are_seen_and_changed() {
    let fixture = Fixture::open().await;
    let (mina, noor) = (fixture.person("mina").await, fixture.person("noor").await);
    let change = |name: Option<&str>, bio: Option<&str>| ProfileChange {
        display_name: name.map(str::to_owned),
        bio: bio.map(str::to_owned),
    };
    let changed = fixture
        .room
        .profile_update(mina, change(Some(" Mina M "), Some("surf\nand sea")))
        .await;
    let changed = changed.expect("a change");
    assert_eq!(
        (
            changed.display_name.as_str(),
            changed.bio.as_str(),
            changed.is_self
        ),
        ("Mina M", "surf and sea", true)
    );
    let seen = fixture
        .room
        .profile_by_username("MINA", Some(noor))
        .await
        .expect("a profile");
    assert_eq!((seen.id, seen.is_self, seen.following), (mina, false, false));
    let long = fixture
        .room
        .profile_update(mina, change(None, Some(&"x".repeat(161))))
        .await;
    assert_eq!(long.expect_err("too long").field(), Some("bio"));
    assert_eq!(
        code(&fixture.room.profile_by_username("nobody", None).await),
        "not_found"
    );
    assert_eq!(
        code(&fixture.room.profile_by_username("no body", None).await),
        "not_found"
    );
}
