//! `riffle import` as a person runs it: a folder in, videos out, and nothing twice when it is run again.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output};

use testkit::{Clip, Server, Value};

const BINARY: &str = env!("CARGO_BIN_EXE_riffle");

fn import(server: &Server, folder: &Path, creator: &str) -> Output {
    let mut command = Command::new(BINARY);
    command
        .arg("import")
        .arg(folder)
        .args(["--creator", creator, "--server", &server.url()]);
    command.arg("--data").arg(server.data());
    command.output().expect("the binary runs")
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

fn videos(server: &Server, creator: &str) -> Vec<Value> {
    let anon = server.anon();
    let user = anon.get(&format!("/api/v1/users/by-name/{creator}")).expect(200);
    let id = user["id"].as_str().expect("an id").to_owned();
    let page = anon.get(&format!("/api/v1/users/{id}/videos")).expect(200);
    page["items"].as_array().expect("a list").clone()
}

#[test]
fn a_folder_is_imported_once() {
    let server = Server::start(BINARY);
    let folder = tempfile::tempdir().expect("a folder");
    let put = |name: &str| {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        path
    };
    Clip::small(1).write(&put("Ocean/first_wave.mp4"));
    Clip::small(2).write(&put("second #city.mp4"));
    fs::write(put("second #city.txt"), "Lights at night #neon").expect("a sidecar");
    fs::write(put("not a video.mp4"), "only words").expect("a file");

    let first = import(&server, folder.path(), "mina");
    let text = said(&first);
    assert_eq!(
        first.status.code(),
        Some(1),
        "a rejected file is told by the exit code: {text}"
    );
    assert!(
        text.contains("2 published, 0 imported before, 1 rejected, 0 failed"),
        "{text}"
    );
    assert!(text.contains("not a video.mp4"), "{text}");

    let mut words: Vec<(String, Vec<String>)> = videos(&server, "mina").iter().map(words_of).collect();
    words.sort();
    let expect = [
        ("Lights at night #neon", vec!["city", "neon"]),
        ("first wave", vec!["ocean"]),
    ];
    let expect =
        expect.map(|(caption, tags)| (caption.to_owned(), tags.into_iter().map(str::to_owned).collect()));
    assert_eq!(words, expect);

    let second = said(&import(&server, folder.path(), "mina"));
    assert!(
        second.contains("0 published, 3 imported before, 0 rejected, 0 failed"),
        "{second}"
    );
    assert_eq!(videos(&server, "mina").len(), 2);
    let secret = fs::metadata(server.data().join("creators/mina.secret")).expect("a secret");
    assert_eq!(secret.permissions().mode() & 0o777, 0o600);
}

fn words_of(video: &Value) -> (String, Vec<String>) {
    let tags = video["hashtags"].as_array().expect("a list").iter();
    let mut tags: Vec<String> = tags.map(|tag| tag.as_str().expect("a tag").to_owned()).collect();
    tags.sort();
    (video["caption"].as_str().expect("a caption").to_owned(), tags)
}

#[test]
fn what_is_wrong_is_said_in_words() {
    let server = Server::start(BINARY);
    server.person("taken");
    let (empty, full) = (
        tempfile::tempdir().expect("a folder"),
        tempfile::tempdir().expect("a folder"),
    );
    Clip::small(1).write(&full.path().join("a.mp4"));
    let rows = [
        (empty.path(), "mina", "there is no video file"),
        (full.path(), "no", "cannot be a creator's name"),
        (full.path(), "taken", "is taken"),
        (Path::new("/nowhere/at/all"), "mina", "cannot read"),
    ];
    for (folder, creator, words) in rows {
        let output = import(&server, folder, creator);
        let text = said(&output);
        assert!(
            !output.status.success() && text.contains(words),
            "{creator}: {text}"
        );
    }
}
