//! The protocol against input that is empty, foreign or wrong: each gets a typed answer, never a figure that looks like one.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::super::*;
use crate::dataset::DatasetError;

const INTERACTIONS: &str = "time_ms\tuser_id\tvideo_id\ttab\tduration_ms\tplay_time_ms\tis_click\tlong_view\tis_like\tis_follow\tis_comment\tis_forward\tis_hate\tis_profile_enter\n";
const HISTORY: &str = "user_id\tpos\tvideo_id\tlong_view\tis_like\n";
const ITEMS: &str = "video_id\tauthor_id\tvideo_type\tupload_dt\tupload_type\tduration_ms\twidth\theight\tmusic_id\tmusic_type\ttags\n";
const USERS: &str = "user_id\tuser_active_degree\n";

fn put(folder: &Path, name: &str, text: &str) {
    let file = std::fs::File::create(folder.join(name)).expect("a file");
    let mut gzip = GzEncoder::new(file, Compression::fast());
    gzip.write_all(text.as_bytes()).expect("written");
    gzip.finish().expect("finished");
}

/// A folder with these exposures: `(time, user, video, long view)`. The catalogue is 0 to 29.
fn folder(exposures: &[(i64, u64, u64, bool)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let mut interactions = INTERACTIONS.to_owned();
    for (time, user, video, long_view) in exposures {
        let long_view = u8::from(*long_view);
        writeln!(
            interactions,
            "{time}\t{user}\t{video}\t1\t9000\t100\t0\t{long_view}\t0\t0\t0\t0\t0\t0"
        )
        .expect("written");
    }
    put(folder.path(), "interactions.tsv.gz", &interactions);
    put(folder.path(), "history.tsv.gz", HISTORY);
    let mut items = ITEMS.to_owned();
    (0..30).for_each(|video| writeln!(items, "{video}\t1\tNORMAL\t\t\t9000\t1\t1\t\t\t").expect("written"));
    put(folder.path(), "items.tsv.gz", &items);
    put(folder.path(), "users.tsv.gz", USERS);
    folder
}

/// Ten rows; the split times are 8 and 9, and user 1 stays for video 9 at 9.
fn ten_rows() -> tempfile::TempDir {
    let rows: Vec<(i64, u64, u64, bool)> = (0..10).map(|at| (at, at as u64 % 2, at as u64, true)).collect();
    folder(&rows)
}

fn args(folders: &[&tempfile::TempDir], users: Option<&Path>) -> Args {
    Args {
        data: folders.iter().map(|folder| folder.path().to_owned()).collect(),
        eval_users: users.map(Path::to_owned),
        split: Split::Test,
        baselines: false,
    }
}

#[test]
fn the_first_folder_alone_sets_the_split() {
    let (first, second) = (
        ten_rows(),
        folder(&[(2, 70, 3, true), (9, 70, 4, true), (9_000, 70, 5, true)]),
    );
    let alone = run(&args(&[&first], None)).expect("evaluated");
    let both = run(&args(&[&first, &second], None)).expect("evaluated");
    assert_eq!((alone.split_time_ms, both.split_time_ms), (9, 9));
    assert_eq!((alone.users, both.users, both.targets), (1, 2, 3));
    assert_eq!((alone.exposures, both.exposures), (9, 10));
    let swapped = run(&args(&[&second, &first], None)).expect("evaluated");
    assert_eq!(swapped.split_time_ms, 9_000);
}

#[test]
fn unknown_people_on_the_list_are_counted() {
    let data = ten_rows();
    let list = data.path().join("some.tsv");
    std::fs::write(&list, "user_id\n1\n99\n18446744073709551615\n").expect("written");
    let report = run(&args(&[&data], Some(&list))).expect("evaluated");
    assert_eq!((report.users, report.users_unknown), (1, Some(2)));
}

#[test]
fn a_list_that_fits_nobody_is_an_error() {
    let data = ten_rows();
    let list = data.path().join("list.tsv");
    let answer = |text: &str| {
        std::fs::write(&list, text).expect("written");
        run(&args(&[&data], Some(&list))).expect_err("nobody to evaluate")
    };
    assert!(matches!(answer(""), RankingError::NobodyListed { .. }));
    assert!(matches!(answer("user_id\n"), RankingError::NobodyListed { .. }));
    assert!(matches!(
        answer("user_id\n98\n99\n"),
        RankingError::AllUnknown { listed: 2, .. }
    ));
    // User 0 is known and has nothing in the test period.
    assert!(matches!(
        answer("0\n"),
        RankingError::NoTarget {
            split: Split::Test,
            split_time_ms: 9
        }
    ));
    assert!(matches!(
        answer("1\nnobody\n"),
        RankingError::Data(DatasetError::Field { line: 2, .. })
    ));
    std::fs::remove_file(&list).expect("removed");
    assert!(matches!(
        run(&args(&[&data], Some(&list))),
        Err(RankingError::Data(DatasetError::Open { .. }))
    ));
}

#[test]
fn no_data_is_an_error() {
    assert!(matches!(
        run(&args(&[], None)),
        Err(RankingError::Data(DatasetError::NoFolder))
    ));
    assert!(matches!(
        run(&args(&[&folder(&[])], None)),
        Err(RankingError::Data(DatasetError::NoRows { .. }))
    ));
    let empty = ten_rows();
    std::fs::write(empty.path().join("history.tsv.gz"), "").expect("written");
    assert!(matches!(run(&args(&[&empty], None)), Err(RankingError::Data(_))));
}

#[test]
fn nobody_who_stayed_is_an_error() {
    let rows: Vec<(i64, u64, u64, bool)> = (0..10).map(|at| (at, 1, at as u64, at < 9)).collect();
    assert!(matches!(
        run(&args(&[&folder(&rows)], None)),
        Err(RankingError::NoTarget { .. })
    ));
    // Only what was seen before: a repeat is no target either.
    let rows: Vec<(i64, u64, u64, bool)> = (0..10).map(|at| (at, 1, 7, true)).collect();
    assert!(matches!(
        run(&args(&[&folder(&rows)], None)),
        Err(RankingError::NoTarget { .. })
    ));
}

#[test]
fn times_at_the_ends_of_their_range_do_no_harm() {
    let mut rows: Vec<(i64, u64, u64, bool)> = (0..10).map(|at| (i64::MIN, at % 3, at, true)).collect();
    rows.extend((0..9).map(|at| (i64::MAX - 1, at % 3, 10 + at, true)));
    let report = run(&args(&[&folder(&rows)], None)).expect("evaluated");
    assert_eq!((report.split_time_ms, report.users), (i64::MAX - 1, 3));
    assert!(report.measures.recall_at_20.is_finite());
}

#[test]
fn the_plain_methods_are_measured_on_request() {
    let data = ten_rows();
    let mut wanted = args(&[&data], None);
    assert!(run(&wanted).expect("evaluated").baselines.is_empty());
    wanted.baselines = true;
    let report = run(&wanted).expect("evaluated");
    let methods: Vec<&str> = report.baselines.iter().map(|baseline| baseline.method).collect();
    assert_eq!(
        methods,
        [
            "popularity",
            "recent_popularity",
            "item_knn",
            "item_knn_recent",
            "ease",
            "ease_recent"
        ]
    );
    assert!(
        report
            .baselines
            .iter()
            .all(|baseline| baseline.measures.recall_at_20 <= 1.0)
    );
}
