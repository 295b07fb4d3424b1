//! Signed links to pictures and sound: what they open, and that nothing else opens.

use testkit::{Caller, Value};

use crate::{published, start};

/// The link with another first character in its signature, `…/<expiry>.<signature>/…`.
fn tampered(link: &str) -> String {
    let at = link.find('.').expect("a signature") + 1;
    let other = if &link[at..=at] == "A" { "B" } else { "A" };
    format!("{}{other}{}", &link[..at], &link[at + 1..])
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a link")
}

/// Every link that a player may follow, from the video's JSON.
fn links(playback: &Value) -> Vec<String> {
    let mut links: Vec<String> = ["hls", "dash", "poster", "init", "firstSegment"]
        .map(|name| text(&playback[name]).to_owned())
        .into();
    for list in [
        &playback["thumbnails"],
        &playback["audio"]["segments"],
        &playback["renditions"][0]["segments"],
    ] {
        links.extend(
            list.as_array()
                .expect("a list")
                .iter()
                .map(|link| text(link).to_owned()),
        );
    }
    links
}

#[test]
fn links_open_without_a_token_and_only_as_signed() {
    let server = start();
    let creator = server.creator();
    let video = creator.wait_complete(published(&creator, 1)["id"].as_str().expect("an id"));
    let anon = server.anon();
    for link in links(&video["playback"]) {
        let answer = anon.get(&link);
        assert!(
            answer.status == 200 && !answer.body.is_empty(),
            "{link}: {}",
            answer.status
        );
        assert_eq!(
            answer.headers.get("x-content-type-options").map(String::as_str),
            Some("nosniff"),
            "{link}"
        );
        assert_eq!(anon.get(&tampered(&link)).status, 403, "{link}");
    }
    let init = text(&video["playback"]["init"]);
    let (signed, _) = init.rsplit_once('/').expect("a path");
    for outside in ["../../../riffle.db", "%2e%2e/%2e%2e/x", "..%2f..%2fx"] {
        let status = anon.get(&format!("{signed}/{outside}")).status;
        assert!(matches!(status, 400 | 403 | 404), "{outside}: {status}");
    }
    let (expiry, rest) = init
        .trim_start_matches("/media/")
        .split_once('.')
        .expect("an expiry");
    let later = format!(
        "/media/{}.{rest}",
        expiry
            .chars()
            .map(|c| if c == '9' { '8' } else { '9' })
            .collect::<String>()
    );
    assert_eq!(anon.get(&later).status, 403, "the expiry is signed too");
    ranges(&anon, text(&video["playback"]["firstSegment"]));
}

fn ranges(anon: &Caller, link: &str) {
    let whole = anon.get(link).body;
    let rows: [(&str, u16, &[u8]); 4] = [
        ("bytes=0-9", 206, &whole[..10]),
        ("bytes=10-", 206, &whole[10..]),
        ("bytes=-5", 206, &whole[whole.len() - 5..]),
        ("bytes=99999999-", 416, b""),
    ];
    for (range, status, expect) in rows {
        let answer = anon.send("GET", link, &[("range", range)], b"");
        assert_eq!(answer.status, status, "{range}");
        assert!(
            status == 416 || answer.body == expect,
            "{range}: {} bytes",
            answer.body.len()
        );
    }
}

#[test]
fn playlists_lead_to_segments_by_relative_links() {
    let server = start();
    let creator = server.creator();
    let video = creator.wait_complete(published(&creator, 2)["id"].as_str().expect("an id"));
    let anon = server.anon();
    let master_link = text(&video["playback"]["hls"]);
    let playlists = playlist_lines(&anon, master_link);
    assert!(!playlists.is_empty(), "the master playlist names renditions");
    for playlist in playlists {
        let segments = playlist_lines(&anon, &playlist);
        assert!(!segments.is_empty(), "{playlist} names segments");
        for segment in segments {
            assert_eq!(anon.get(&segment).status, 200, "{segment}");
        }
    }
}

/// The links of a playlist, resolved against its own.
fn playlist_lines(anon: &Caller, link: &str) -> Vec<String> {
    let answer = anon.get(link);
    assert_eq!(answer.status, 200, "{link}");
    let text = String::from_utf8(answer.body).expect("a text");
    assert!(text.starts_with("#EXTM3U"), "{text}");
    let (folder, _) = link.rsplit_once('/').expect("a path");
    let lines = text
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|line| {
            if line.starts_with('/') {
                line.to_owned()
            } else {
                format!("{folder}/{line}")
            }
        })
        .collect()
}
