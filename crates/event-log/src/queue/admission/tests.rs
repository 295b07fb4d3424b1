//! Admission against a disk that is only arithmetic: closed loops of callers that wait, open loops that do not.

use std::time::Duration;

use super::*;

/// What a group costs: a sync, and its bytes.
#[derive(Debug, Clone, Copy)]
struct Disk {
    sync_us: u64,
    bytes_per_s: u64,
}

const HEALTHY: Disk = Disk {
    sync_us: 140,
    bytes_per_s: 1_000_000_000,
};
/// The same machine under load: four and more times slower in everything.
const LOADED: Disk = Disk {
    sync_us: 4_000,
    bytes_per_s: 300_000_000,
};
const SLOW: Disk = Disk {
    sync_us: 2_000,
    bytes_per_s: 20_000_000,
};

impl Disk {
    fn group_us(self, bytes: usize) -> u64 {
        self.sync_us + bytes as u64 * 1_000_000 / self.bytes_per_s
    }
}

fn admission() -> Admission {
    Admission::new(&SegmentLogConfig::default())
}

fn at(us: u64) -> Duration {
    Duration::from_micros(us)
}

/// Callers that each send `bytes` and, once these are durable, send again at once; how many were refused in
/// 1 000 groups, and the bytes a second that got through.
fn closed_loop(callers: usize, bytes: usize, disk: Disk) -> (u64, u64) {
    let (mut admission, mut now_us, mut refused, mut written) = (admission(), 0, 0, 0);
    let (mut ready, mut waiting) = (callers, 0);
    for _ in 0..1000 {
        // The first to arrive finds the disk idle, all others find it at work on what came before.
        if waiting == 0 {
            assert_eq!(
                admission.admit(bytes, || at(now_us)),
                Ok(()),
                "an idle disk takes one"
            );
            (ready, waiting) = (ready - 1, 1);
        }
        let group = waiting * bytes;
        admission.taken(group, at(now_us));
        let riders = std::mem::take(&mut waiting);
        while waiting < ready && admission.admit(bytes, || at(now_us)).is_ok() {
            waiting += 1;
        }
        refused += (ready - waiting) as u64;
        now_us += disk.group_us(group);
        admission.done(at(now_us));
        written += group as u64;
        ready = ready - waiting + riders;
    }
    (refused, written * 1_000_000 / now_us)
}

#[test]
fn callers_that_wait_for_their_answers_are_not_refused() {
    let check = |callers, bytes, disk| {
        let (refused, _) = closed_loop(callers, bytes, disk);
        assert_eq!(refused, 0, "{callers} x {bytes} on {disk:?}");
    };
    for disk in [HEALTHY, LOADED] {
        check(1, 228, disk);
        check(64, 228, disk);
        check(256, 228, disk);
        check(64, 2_280, disk);
        check(64, 22_800, disk);
    }
    check(256, 228, SLOW);
}

#[test]
fn refusing_what_would_wait_too_long_leaves_the_disk_as_busy_as_before() {
    let (refused, bytes_per_s) = closed_loop(256, 22_800, SLOW);
    assert!(refused > 0, "5.8 MB need 290 ms here");
    assert!(
        bytes_per_s > SLOW.bytes_per_s * 7 / 10,
        "{bytes_per_s} bytes/s with all of 5 ms in a group"
    );
}

/// Ten seconds of records that come whatever happens; the share that was taken in, in percent, and the longest
/// wait for the disk of any that was, in milliseconds, once the first second had passed.
fn open_loop(offered_bytes_per_s: u64, disk: Disk) -> (u64, u64) {
    const TICK_US: u64 = 100;
    const RECORD_BYTES: usize = 2_000;
    let mut admission = admission();
    let (mut offered, mut taken, mut worst_us) = (0_u64, 0_u64, 0);
    let (mut queue, mut writing_until) = (Vec::new(), None);
    for now_us in (0..10_000_000).step_by(TICK_US as usize) {
        if writing_until.is_some_and(|until| until <= now_us) {
            admission.done(at(now_us));
            writing_until = None;
        }
        while offered < (now_us + TICK_US) * offered_bytes_per_s / 1_000_000 / RECORD_BYTES as u64 {
            offered += 1;
            if admission.admit(RECORD_BYTES, || at(now_us)).is_ok() {
                taken += 1;
                queue.push(now_us);
            }
        }
        if writing_until.is_none() && !queue.is_empty() {
            let bytes = queue.len() * RECORD_BYTES;
            admission.taken(bytes, at(now_us));
            let until = now_us + disk.group_us(bytes);
            writing_until = Some(until);
            if now_us > 1_000_000 {
                worst_us = worst_us.max(until - queue[0]);
            }
            queue.clear();
        }
    }
    (taken * 100 / offered, worst_us / 1000)
}

#[test]
fn an_open_loop_is_refused_once_it_outruns_the_disk() {
    let check = |mb_per_s: u64, disk, taken: std::ops::RangeInclusive<u64>, worst_ms| {
        let (share, worst) = open_loop(mb_per_s * 1_000_000, disk);
        assert!(
            taken.contains(&share) && worst <= worst_ms,
            "{mb_per_s} MB/s on {disk:?}: {share} % taken, {worst} ms"
        );
    };
    check(100, HEALTHY, 100..=100, 5);
    check(800, HEALTHY, 100..=100, 5);
    check(2_000, HEALTHY, 45..=55, 15);
    check(5, SLOW, 100..=100, 15);
    check(12, SLOW, 95..=100, 15);
    check(40, SLOW, 30..=50, 20);
    check(200, SLOW, 5..=10, 20);
}

#[test]
fn a_burst_after_quiet_hours_is_taken() {
    let (mut admission, mut now_us) = (admission(), 0);
    for _ in 0..10_000 {
        admission.admit(228, || at(now_us)).expect("nobody else is there");
        admission.taken(228, at(now_us));
        now_us += HEALTHY.group_us(228);
        admission.done(at(now_us));
    }
    admission.admit(228, || at(now_us)).expect("the disk is idle");
    admission.taken(228, at(now_us));
    for _ in 0..100 {
        admission
            .admit(22_800, || at(now_us))
            .expect("2 MB are nothing to this disk");
    }
}

#[test]
fn a_single_slow_commit_changes_little() {
    let mut admission = admission();
    let mut group = |bytes, us| {
        admission.admit(bytes, || at(0)).expect("it is idle");
        admission.taken(bytes, at(0));
        admission.done(at(us));
        admission.rate_bytes_per_s()
    };
    for _ in 0..20 {
        group(500, 140);
        group(2_000_000, 2_140);
    }
    let before = group(2_000_000, 2_140);
    assert!((990_000_000..1_010_000_000).contains(&before), "{before}");
    assert!(group(2_000_000, 40_000) >= before / 2);
    group(2_000_000, 2_140);
    assert!(group(2_000_000, 2_140) > before * 3 / 4);
    let rate = group(500, 40_000);
    assert_eq!(
        group(500, 9_000_000),
        rate,
        "a small group says nothing of the rate"
    );
}

#[test]
fn bounds_hold_and_say_when_to_come_back() {
    let config = SegmentLogConfig {
        queue_bytes_max: 10_000_000,
        ..SegmentLogConfig::default()
    };
    let mut admission = Admission::new(&config);
    admission.admit(4_000_000, || at(0)).expect("it is idle");
    admission.taken(4_000_000, at(0));
    let refused = |admission: &mut Admission, bytes, ms: u64| {
        let refusal = admission.admit(bytes, || at(ms * 1000));
        refusal.map_err(|refusal| (refusal.reason, refusal.retry_after_ms))
    };
    assert_eq!(refused(&mut admission, 6_000_001, 0), Err(("bytes", 1)));
    assert_eq!(refused(&mut admission, 5_900_000, 0), Ok(()));
    assert_eq!(refused(&mut admission, 1, 0), Err(("wait", 1)));
    assert_eq!(
        refused(&mut admission, 0, 0),
        Ok(()),
        "a barrier waits with the others"
    );
    assert_eq!(refused(&mut admission, 1, 700), Err(("stall", 700)));
    assert_eq!(refused(&mut admission, 0, 700), Err(("stall", 700)));
    assert_eq!(
        refused(&mut admission, 1, 60_000),
        Err(("stall", RETRY_AFTER_MS_MAX))
    );
    admission.done(at(8_000_000));
    assert_eq!(
        admission.rate_bytes_per_s(),
        RATE_FIRST_BYTES_PER_S.midpoint(571_428)
    );
    assert_eq!(refused(&mut admission, 1, 0), Err(("wait", 6)));
}
