//! Folders good and bad, written by the test.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::*;

const INTERACTIONS: &str = "time_ms\tuser_id\tvideo_id\ttab\tduration_ms\tplay_time_ms\tis_click\tlong_view\tis_like\tis_follow\tis_comment\tis_forward\tis_hate\tis_profile_enter\n";
const HISTORY: &str = "user_id\tpos\tvideo_id\tlong_view\tis_like\n";
const ITEMS: &str = "video_id\tauthor_id\tvideo_type\tupload_dt\tupload_type\tduration_ms\twidth\theight\tmusic_id\tmusic_type\ttags\n";
const USERS: &str = "user_id\tuser_active_degree\tregister_days_range\n";

fn put(folder: &Path, name: &str, text: &str) {
    let file = std::fs::File::create(folder.join(name)).expect("a file");
    let mut gzip = GzEncoder::new(file, Compression::fast());
    gzip.write_all(text.as_bytes()).expect("written");
    gzip.finish().expect("finished");
}

fn folder(interactions: &str, items: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    put(
        folder.path(),
        "interactions.tsv.gz",
        &format!("{INTERACTIONS}{interactions}"),
    );
    put(
        folder.path(),
        "history.tsv.gz",
        &format!("{HISTORY}7\t0\t2\t1\t0\n"),
    );
    put(folder.path(), "items.tsv.gz", &format!("{ITEMS}{items}"));
    put(
        folder.path(),
        "users.tsv.gz",
        &format!("{USERS}7\tfull\t730+\n8\tfull\t\n"),
    );
    folder
}

const ROW: &str = "100\t7\t2\t1\t9000\t100\t0\t1\t0\t0\t0\t0\t0\t0\n";
const ITEM: &str = "2\t55\tNORMAL\t2022-04-10\tKmovie\t9000\t720\t1280\t31\t9\t12,news\n";

#[test]
fn folders_are_merged() {
    let first = folder(ROW, ITEM);
    let second = folder(
        "100\t6\t3\t\t\t20.7\t\t0\t1\t0\t0\t0\t0\t0\n99\t9\t9\t1\t0\t0\t0\t0\t0\t0\t0\t0\t0\t0\n",
        "1\t\t\t\t\t\t\t\t\t\t\n2\t77\tAD\t2022-04-11\t\t1\t1\t1\t1\t1\t\n",
    );
    let data = Dataset::read(&[first.path().to_owned(), second.path().to_owned()]).expect("read");
    let order: Vec<(i64, u64)> = data
        .interactions
        .iter()
        .map(|row| (row.time_ms, row.user))
        .collect();
    assert_eq!(order, [(99, 9), (100, 6), (100, 7)]);
    assert_eq!(data.interactions[1].play_time_ms, 20);
    assert!(data.interactions[1].outcome.like && !data.interactions[1].outcome.long_view);
    assert_eq!(data.history.len(), 2);
    assert_eq!(data.items.len(), 2);
    let item = data.item(2).expect("in the catalogue");
    assert_eq!(
        (item.author, item.upload_day, item.tags.as_slice()),
        (55, Some(19_092), [12, fold("news")].as_slice())
    );
    assert_eq!(data.item(1).expect("there").upload_day, None);
    assert_eq!(data.item(9), None);
    let (a, b) = (&data.users[&7].traits, &data.users[&8].traits);
    assert_eq!(a[0], b[0]);
    assert_eq!((b[7], b[1]), (0, 0));
    assert_ne!(a[7], 0);
}

#[test]
fn malformed_files_say_where() {
    let check = |interactions: &str, items: &str, expected: &str| {
        let folder = folder(interactions, items);
        let error = Dataset::read(&[folder.path().to_owned()]).expect_err("malformed");
        let text = error
            .to_string()
            .replace(&folder.path().display().to_string(), "D");
        assert!(text.contains(expected), "{text} should say {expected}");
    };
    check("", ITEM, "D/interactions.tsv.gz holds no rows");
    check(
        &ROW.replace("100\t7", "soon\t7"),
        ITEM,
        "D/interactions.tsv.gz, line 2: time_ms cannot be \"soon\"",
    );
    check(
        &ROW.replace("\t1\t0\t0\t0\t0\t0\t0\n", "\t2\t0\t0\t0\t0\t0\t0\n"),
        ITEM,
        "long_view cannot be \"2\"",
    );
    check("1\t2\n", ITEM, "line 2: 2 fields, expected 14");
    check(
        ROW,
        &ITEM.replace("2022-04-10", "2022-14-10"),
        "upload_dt cannot be \"2022-14-10\"",
    );
    check(&ROW.replace("9000", "-1"), ITEM, "duration_ms cannot be \"-1\"");
    check(&"x".repeat(LINE_BYTES_MAX as usize + 1), ITEM, "a longer line");
}

#[test]
fn damaged_archives_and_missing_columns_are_errors() {
    let folder = folder(ROW, ITEM);
    let read = || Dataset::read(&[folder.path().to_owned()]);
    put(folder.path(), "users.tsv.gz", "person\n1\n");
    assert!(matches!(
        read(),
        Err(DatasetError::NoColumn {
            column: "user_id",
            ..
        })
    ));
    std::fs::write(folder.path().join("users.tsv.gz"), b"not an archive").expect("written");
    assert!(matches!(read(), Err(DatasetError::Read { line: 1, .. })));
    std::fs::write(folder.path().join("users.tsv.gz"), b"").expect("written");
    assert!(read().is_err());
    std::fs::remove_file(folder.path().join("users.tsv.gz")).expect("removed");
    assert!(matches!(read(), Err(DatasetError::Open { .. })));
    assert!(matches!(Dataset::read(&[]), Err(DatasetError::NoFolder)));
}

#[test]
fn a_list_of_users_may_have_a_header_and_more_columns() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("users.txt");
    std::fs::write(&path, "user_id\tname\n4\tx\n9\n").expect("written");
    let users = read_user_list(&path).expect("read");
    assert_eq!(users, HashSet::from([4, 9]));
    std::fs::write(&path, "4\nnine\n").expect("written");
    assert!(matches!(
        read_user_list(&path),
        Err(DatasetError::Field { line: 2, .. })
    ));
}

#[test]
fn dates_are_days_since_the_epoch() {
    let check = |text: &str, days: Option<i32>| assert_eq!(days_of(text), days, "{text}");
    check("1970-01-01", Some(0));
    check("2000-03-01", Some(11_017));
    check("2022-05-01", Some(19_113));
    check("1969-12-31", Some(-1));
    check("2022-5-1", None);
    check("yesterday", None);
}
