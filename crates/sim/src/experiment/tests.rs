//! Experiments find what is put into the world, and the same on any number of threads.

use super::*;

fn setup(seeds: &[u64], only: &[&str]) -> Setup {
    Setup {
        seeds: seeds.to_vec(),
        config: |seed| WorldConfig {
            viewers: 60,
            ..WorldConfig::small(seed)
        },
        threads: 2,
        only: only.iter().map(|name| (*name).to_owned()).collect(),
    }
}

#[test]
fn findings_do_not_depend_on_threads() {
    let two = setup(&[1, 2], &["uniform", "popularity"]);
    let one = Setup {
        threads: 1,
        ..two.clone()
    };
    let found = [two, one].map(|setup| setup.compare().expect("possible").json().to_string());
    assert_eq!(found[0], found[1]);
    assert!(found[0].contains("oracle_share"));
}

/// A policy that never follows the switch counts as never recovered, not as recovered at once.
#[test]
fn the_oracle_recovers_and_chance_never_does() {
    let base = setup(&[3], &["uniform", "oracle"]);
    let config = |seed| WorldConfig {
        viewers: 120,
        days: 3,
        ..WorldConfig::small(seed)
    };
    let findings = Setup { config, ..base }.switch().expect("possible");
    let figure = |name: &str, figure: &str| {
        let row = findings.tables[0]
            .rows
            .iter()
            .find(|row| row.name == name)
            .expect("took part");
        row.interval(figure).expect("measured").mean
    };
    assert!(figure("oracle", "share_steady") > figure("uniform", "share_steady") + 0.3);
    assert!(figure("oracle", "videos_to_80") <= 15.0);
    assert_eq!(figure("uniform", "videos_to_80"), crate::RECOVERY_VIEWS as f64);
    assert_eq!(findings.charts[0].1.series.len(), 2);
}
