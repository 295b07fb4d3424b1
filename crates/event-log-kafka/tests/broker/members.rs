//! Membership of a group: partitions change hands one owner at a time, and epochs only grow.

use std::time::{Duration, Instant};

use event_log::membership::{Change, Membership, Owned};
use event_log_kafka::{KafkaMembership, MemberConfig};

use crate::broker::{Broker, PARTITIONS, TOPICS};

const PATIENCE: Duration = Duration::from_secs(60);
const TURN: Duration = Duration::from_millis(50);

fn join(prefix: &str, member: &MemberConfig) -> KafkaMembership {
    KafkaMembership::join(&Broker::shared().config(prefix), &TOPICS, member).expect("a member joins")
}

/// Its heartbeats, which tell a member of a change, come once a second.
fn group() -> MemberConfig {
    MemberConfig {
        session_ms_max: 4_000,
        ..MemberConfig::new("jobs")
    }
}

/// Polls all of `members` in turn until `done`; what each of them heard, in order.
fn run(
    members: &mut [&mut KafkaMembership],
    done: impl Fn(&[Vec<Change>], &[&mut KafkaMembership]) -> bool,
) -> Vec<Vec<Change>> {
    let deadline = Instant::now() + PATIENCE;
    let mut heard = vec![Vec::new(); members.len()];
    while !done(&heard, members) {
        assert!(Instant::now() < deadline, "nothing more happened: {heard:?}");
        for (member, heard) in members.iter_mut().zip(&mut heard) {
            heard.extend(member.poll(TURN).expect("the coordinator answers"));
        }
    }
    heard
}

fn partitions(owned: &[Owned]) -> Vec<u16> {
    owned.iter().map(|owned| owned.partition).collect()
}

fn all() -> Vec<u16> {
    (0..PARTITIONS).collect()
}

#[test]
fn a_partition_changes_hands_when_its_owner_lets_go() {
    let mut a = join("hands", &group());
    let heard = run(&mut [&mut a], |_, members| {
        members[0].owned().len() == all().len()
    });
    assert_eq!(heard[0], [Change::Assigned(a.owned().to_vec())]);
    assert_eq!(partitions(a.owned()), all());
    let first = a.generation();
    assert!(first > 0);

    let mut b = join("hands", &group());
    let heard = run(&mut [&mut a, &mut b], |heard, _| !heard[0].is_empty());
    let [Change::Revoked(wanted)] = &heard[0][..] else {
        panic!("not only a revocation: {heard:?}");
    };
    assert_eq!(wanted.len(), all().len() / 2);
    let held = run(&mut [&mut a, &mut b], {
        let turns = std::cell::Cell::new(0);
        move |_, _| turns.replace(turns.get() + 1) == 30
    });
    assert_eq!(held, [vec![], vec![]], "nobody gets what is not released");
    assert_eq!(partitions(a.owned()), all());
    a.release().expect("released");

    run(&mut [&mut a, &mut b], |_, members| !members[1].owned().is_empty());
    assert_eq!(partitions(b.owned()), *wanted);
    assert!(
        a.owned()
            .iter()
            .all(|owned| owned.epoch == first && !wanted.contains(&owned.partition))
    );
    assert!(b.owned().iter().all(|owned| owned.epoch > first));
    let second = b.generation();

    drop(a);
    run(&mut [&mut b], |_, members| {
        partitions(members[0].owned()) == all()
    });
    assert!(b.generation() > second);
    let kept = b.owned().iter().filter(|owned| owned.epoch == second);
    assert_eq!(kept.count(), wanted.len(), "what stayed was not interrupted");
}

#[test]
fn a_silent_member_loses_what_it_owned_and_hears_of_it() {
    let impatient = MemberConfig {
        session_ms_max: 1_000,
        release_ms_max: 1_000,
        ..group()
    };
    let mut silent = join("silent", &impatient);
    run(&mut [&mut silent], |_, members| {
        partitions(members[0].owned()) == all()
    });
    let lost_epoch = silent.generation();
    let mut other = join("silent", &impatient);
    run(&mut [&mut other], |_, members| {
        partitions(members[0].owned()) == all()
    });
    assert!(other.owned().iter().all(|owned| owned.epoch > lost_epoch));
    let heard = run(&mut [&mut silent, &mut other], |heard, _| !heard[0].is_empty());
    assert_eq!(heard[0][0], Change::Lost(all()));
    assert!(silent.owned().is_empty());
}

#[test]
fn a_named_member_comes_back_to_what_it_had() {
    let named = MemberConfig {
        instance: Some("node-1".to_owned()),
        ..group()
    };
    let mut first = join("named", &named);
    run(&mut [&mut first], |_, members| {
        partitions(members[0].owned()) == all()
    });
    let epoch = first.generation();
    drop(first);
    let mut again = join("named", &named);
    run(&mut [&mut again], |_, members| {
        partitions(members[0].owned()) == all()
    });
    assert!(again.owned().iter().all(|owned| owned.epoch > epoch));
}
