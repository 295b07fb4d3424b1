//! Rows for the comparison of the map with the house: a good house, and each way to break it.

use super::*;

const MAP: &str = "\
| floor | crate | imports on its own floor | what it is |
|---|---|---|---|
| 0 | `types` | | ids |
| 1 | `log` | | a log |
| 1 | `stream` | `log` | jobs |
| 2 | `feed` | | the recipe |
| workshop | `kit` | | tests |
";

/// A crate and its edges, `dev:` marking what only its tests use.
fn package(name: &str, edges: &[&str]) -> Package {
    let dependency = |edge: &&str| {
        let (kind, name) = edge
            .split_once(':')
            .map_or((None, *edge), |(kind, name)| (Some(kind.to_owned()), name));
        Dependency {
            name: name.to_owned(),
            kind,
            path: Some(String::new()),
        }
    };
    Package {
        name: name.to_owned(),
        manifest_path: format!("somewhere/crates/{name}/Cargo.toml"),
        license: Some(LICENCE.to_owned()),
        dependencies: edges.iter().map(dependency).collect(),
    }
}

/// A house that matches `MAP`, with the edges of one crate replaced.
fn house(changed: &str, edges: &[&str]) -> Vec<Package> {
    let good: [(&str, &[&str]); 5] = [
        ("types", &[]),
        ("log", &[]),
        ("stream", &["log", "types"]),
        ("feed", &["stream", "types", "dev:kit"]),
        ("kit", &["feed"]),
    ];
    good.iter()
        .map(|(name, usual)| package(name, if *name == changed { edges } else { usual }))
        .collect()
}

fn messages(map: &str, packages: &[Package]) -> Vec<String> {
    let (table, mut findings) = parse(map);
    findings.extend(compare(&table, packages));
    findings.into_iter().map(|finding| finding.message).collect()
}

#[test]
fn edges_must_go_down_or_be_listed() {
    let rows: &[(&str, &[&str], &[&str])] = &[
        ("", &[], &[]),
        ("log", &["types"], &[]),
        ("types", &["log"], &["types may not import log"]),
        ("log", &["stream"], &["log may not import stream"]),
        ("stream", &["types"], &["stream does not import log"]),
        ("stream", &["dev:log"], &["stream does not import log"]),
        ("stream", &["log", "dev:feed"], &["stream may not import feed"]),
        ("feed", &["kit"], &["feed may not import kit"]),
    ];
    for (changed, edges, expect) in rows {
        assert_eq!(
            &messages(MAP, &house(changed, edges)),
            expect,
            "{changed} → {edges:?}"
        );
    }
}

#[test]
fn rows_and_crates_must_match() {
    let mut house_with_more = house("", &[]);
    house_with_more.push(package("attic", &[]));
    assert_eq!(
        messages(MAP, &house_with_more),
        ["crate attic has no row in the table of floors"]
    );

    let twice = format!("{MAP}| 2 | `feed` | | again |\n");
    assert_eq!(messages(&twice, &house("", &[])), ["crate feed has two rows"]);

    let ghost = format!("{MAP}| 2 | `ghost` | | nobody |\n");
    assert_eq!(messages(&ghost, &house("", &[])), ["there is no crate ghost"]);

    let mut elsewhere = house("", &[]);
    elsewhere[0].manifest_path = "somewhere/lib/types/Cargo.toml".to_owned();
    elsewhere[1].license = None;
    assert_eq!(messages(MAP, &elsewhere).len(), 2);
}

#[test]
fn the_stair_is_bounded() {
    let names: Vec<String> = (0..=CHAIN_MAX).map(|floor| format!("c{floor}")).collect();
    let map: String = names
        .iter()
        .enumerate()
        .map(|(floor, name)| format!("| {floor} | `{name}` | | x |\n"))
        .collect();
    let stairs = |top: usize| -> Vec<Package> {
        let below = |floor: usize| {
            if floor == 0 {
                vec![]
            } else {
                vec![names[floor - 1].as_str()]
            }
        };
        let edges = |floor: usize| if floor > top { vec![] } else { below(floor) };
        (0..=CHAIN_MAX)
            .map(|floor| package(&names[floor], &edges(floor)))
            .collect()
    };
    assert_eq!(messages(&map, &stairs(CHAIN_MAX - 1)), Vec::<String>::new());
    assert_eq!(messages(&map, &stairs(CHAIN_MAX)).len(), 1);
}
