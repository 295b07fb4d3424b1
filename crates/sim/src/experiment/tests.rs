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
        model: ranking::config(),
        only: only.iter().map(|name| (*name).to_owned()).collect(),
        told: |_, _| {},
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

/// A policy that never served a taste counts as never recovered, not as recovered at once.
#[test]
fn the_oracle_recovers_and_chance_never_does() {
    let base = setup(&[3], &["uniform", "oracle"]);
    let config = |seed| WorldConfig {
        viewers: 120,
        days: 3,
        ..WorldConfig::small(seed)
    };
    let findings = Setup { config, ..base }.switch().expect("possible");
    let figure = |name: &str, figure: &str| interval(&findings, 0, name, figure);
    assert!(figure("oracle", "captured_before") > 0.99);
    assert!(figure("oracle", "videos_p50") <= 15.0);
    assert!(figure("uniform", "captured_before") < 0.05);
    assert_eq!(figure("uniform", "videos_of_mean"), crate::RECOVERY_VIEWS as f64);
    assert_eq!(findings.charts[0].1.series.len(), 2);
}

fn interval(findings: &Findings, table: usize, name: &str, figure: &str) -> f64 {
    let row = findings.tables[table].rows.iter().find(|row| row.name == name);
    row.and_then(|row| row.interval(figure)).expect("measured").mean
}

/// The product's learner: better than chance, worse than the oracle, and better at once than a day later.
#[test]
fn learning_at_once_has_less_regret_than_learning_daily() {
    let config = |seed| WorldConfig {
        viewers: 60,
        candidates: 8,
        days: 3,
        ..WorldConfig::small(seed)
    };
    let two = Setup {
        config,
        ..setup(&[7], &["uniform", "product at once", "product all", "oracle"])
    };
    let findings = two.compare().expect("possible");
    let regret = |name: &str| interval(&findings, 1, name, "regret_s");
    let (online, daily) = (regret("product at once"), regret("product all daily"));
    assert_eq!(regret("oracle"), 0.0);
    assert!(0.0 < online && online < 0.95 * daily, "{online} against {daily}");
    assert!(daily < regret("uniform"), "{daily} against {}", regret("uniform"));
    let again = two.compare().expect("possible");
    assert_eq!(
        findings.json().to_string(),
        again.json().to_string(),
        "a function of seed and settings"
    );
    assert!(
        findings.figures()["sim.regret_share.all_daily"]
            .as_f64()
            .is_some_and(|share| share < 0.95)
    );
}
