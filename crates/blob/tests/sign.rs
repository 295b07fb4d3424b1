//! Signed URLs: what we signed opens until it expires, and no change of a byte opens anything.

use blob::{BlobKey, SecretTooShort, SignatureError, UploadGrant, UrlSigner};
use proptest::prelude::*;

const NOW_MS: u64 = 1_800_000_000_000;
const HOUR_MS: u64 = 3_600_000;

fn signer() -> UrlSigner {
    UrlSigner::new(&[7; 32]).expect("long enough")
}

fn key(text: &str) -> BlobKey {
    BlobKey::parse(text).expect("the test writes valid keys")
}

#[test]
fn short_secrets_are_refused() {
    assert_eq!(UrlSigner::new(&[0; 31]).err(), Some(SecretTooShort { bytes: 31 }));
}

#[test]
fn a_media_link_opens_its_folder_until_its_hour() {
    let signer = signer();
    let url = signer.sign_prefix(&key("v/abc"), NOW_MS + 1);
    let check = |path: &str, now_ms: u64, expect: Result<&str, SignatureError>| {
        let got = signer.verify_media(path, now_ms);
        assert_eq!(
            got.as_ref().map(BlobKey::as_str).map_err(|error| *error),
            expect,
            "{path} at {now_ms}"
        );
    };
    check(&url, NOW_MS, Ok("v/abc"));
    check(
        &format!("{url}/480p/init.mp4"),
        NOW_MS + HOUR_MS - 1,
        Ok("v/abc/480p/init.mp4"),
    );
    check(
        &format!("{url}/0.m4s"),
        NOW_MS + HOUR_MS,
        Err(SignatureError::Expired),
    );
    check(&url.replace("abc", "abd"), NOW_MS, Err(SignatureError::Invalid));
    check(
        &url.replace("v/abc", "u/abc"),
        NOW_MS,
        Err(SignatureError::Invalid),
    );
    check(&format!("{url}/../abd"), NOW_MS, Err(SignatureError::Malformed));
    check(&url.replace(".2", ".1"), NOW_MS, Err(SignatureError::Invalid));
    check(&url.replace(".2", ".3"), NOW_MS, Err(SignatureError::Malformed));
    check(
        &url.replace("/v/abc", "/v"),
        NOW_MS,
        Err(SignatureError::Malformed),
    );
    for shape in [
        "",
        "/media/",
        "/media/x",
        "/media/x/y",
        "/media/./v",
        "/media/1.2/v/a",
        "media/1.2aa/v/a",
    ] {
        assert!(signer.verify_media(shape, NOW_MS).is_err(), "{shape}");
    }
}

#[test]
fn media_links_of_one_hour_are_the_same_link() {
    let (signer, folder) = (signer(), key("v/abc"));
    let url = |ms| signer.sign_prefix(&folder, ms);
    assert_eq!(url(NOW_MS + 1), url(NOW_MS + HOUR_MS));
    assert_ne!(url(NOW_MS), url(NOW_MS + 1));
    assert_ne!(
        url(NOW_MS),
        UrlSigner::new(&[8; 32])
            .expect("long enough")
            .sign_prefix(&folder, NOW_MS)
    );
}

#[test]
fn an_upload_link_grants_one_part() {
    let signer = signer();
    let url = signer.sign_upload("0abc", 3, 5_000_000, NOW_MS);
    let granted = UploadGrant {
        video_id: "0abc".into(),
        part_number: 3,
        bytes_max: 5_000_000,
    };
    assert_eq!(signer.verify_upload(&url, NOW_MS - 1), Ok(granted));
    let check = |url: &str, now_ms: u64, expect: SignatureError| {
        assert_eq!(signer.verify_upload(url, now_ms), Err(expect), "{url}");
    };
    check(&url, NOW_MS, SignatureError::Expired);
    check(&url.replace("/3?", "/4?"), 0, SignatureError::Invalid);
    check(&url.replace("max=5", "max=9"), 0, SignatureError::Invalid);
    check(&url.replace("0abc", "0abd"), 0, SignatureError::Invalid);
    check(&url.replace("/3?", "/+3?"), 0, SignatureError::Invalid);
    check(&url.replace("0abc", ".."), 0, SignatureError::Malformed);
    check(&url.replace("&sig", "&gis"), 0, SignatureError::Malformed);
    check("/upload/", 0, SignatureError::Malformed);
}

proptest! {
    #[test]
    fn what_was_signed_verifies(path in "[a-z0-9][a-z0-9_.-]{0,20}(/[a-z0-9][a-z0-9_.-]{0,20}){0,4}", ttl_ms in 1u64..1 << 40) {
        let (signer, prefix) = (signer(), key(&path));
        let url = signer.sign_prefix(&prefix, NOW_MS + ttl_ms);
        prop_assert_eq!(signer.verify_media(&url, NOW_MS), Ok(prefix.clone()));
        prop_assert_eq!(signer.verify_media(&format!("{url}/x"), NOW_MS).ok(), prefix.join("x").ok());
    }

    #[test]
    fn no_changed_byte_opens_another_door(at in 0usize..200, byte in 0u8..128, upload in any::<bool>()) {
        let signer = signer();
        let url = match upload {
            true => signer.sign_upload("0abc", 1, 1000, NOW_MS),
            false => format!("{}/480p/0.m4s", signer.sign_prefix(&key("v/0abc"), NOW_MS)),
        };
        let signed_bytes = url.len() - if upload { 0 } else { "/480p/0.m4s".len() };
        let mut changed = url.clone().into_bytes();
        let at = at % signed_bytes;
        prop_assume!(changed[at] != byte);
        changed[at] = byte;
        let changed = String::from_utf8(changed).expect("ascii");
        let opened = match upload {
            true => signer.verify_upload(&changed, 0).map(|grant| grant.video_id),
            false => signer.verify_media(&changed, 0).map(|key| key.to_string()),
        };
        prop_assert!(opened.is_err(), "{} opened {:?}", changed, opened);
    }

    #[test]
    fn any_text_is_refused(text in ".{0,80}") {
        let (media, upload) = (format!("/media/{text}"), format!("/upload/{text}"));
        prop_assert!(signer().verify_media(&media, 0).is_err());
        prop_assert!(signer().verify_upload(&upload, 0).is_err());
    }
}
