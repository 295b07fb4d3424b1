//! One pair, its facts read in every order that topics and timers allow: the same records come of it.

use std::collections::BTreeSet;

use event::{Event, Example, ServedItem, SessionKey, Signal, SignalKind, Source};
use proptest::prelude::*;
use types::{ImpressionId, VideoId, ViewerId};

use super::join::MINUTE_MS;
use super::key::Pair;
use super::state::{Deed, Fact, PairState, Served};
use event::Label;

const PAIR: Pair = Pair {
    viewer: ViewerId::from_raw(7),
    video: VideoId::from_raw(9),
};

/// Something of one topic.
#[derive(Debug, Clone)]
enum Read {
    Fact(ImpressionId, Fact),
    Deed(Deed),
}

impl Read {
    fn heard_ms(&self) -> i64 {
        match self {
            Self::Fact(_, fact) => fact.heard_ms(),
            Self::Deed(deed) => deed.heard_ms,
        }
    }
}

fn served(impression: u64, heard_ms: i64) -> Read {
    let impression = ImpressionId::from_raw(impression);
    let item = ServedItem {
        impression,
        video: PAIR.video,
        position: 0,
        source: Source::Fresh,
        score: 0.0,
        propensity: 1.0,
        duration_ms: 15_000,
        ids: vec![],
        features: vec![(0, heard_ms as f32)],
    };
    let served = Served {
        heard_ms,
        at_ms: heard_ms,
        item,
    };
    Read::Fact(impression, Fact::Served(served))
}

fn told(impression: u64, kind: SignalKind, heard_ms: i64) -> Read {
    let impression = ImpressionId::from_raw(impression);
    let signal = Signal {
        viewer: PAIR.viewer,
        session: SessionKey(1),
        sequence: 1,
        at_ms: heard_ms,
        received_ms: heard_ms,
        video: Some(PAIR.video),
        impression: Some(impression),
        region: None,
        kind,
    };
    Read::Fact(impression, Fact::Told { signal, heard_ms })
}

fn deed(label: Label, to: bool, heard_ms: i64) -> Read {
    Read::Deed(Deed {
        heard_ms,
        at_ms: heard_ms,
        label,
        to,
    })
}

/// Reads the topics in an order that `choices` picks, with timers as early or as late as they may come.
fn read(topics: &[Vec<Read>], mut choices: impl FnMut() -> usize) -> Vec<Vec<u8>> {
    let (mut state, mut due, mut examples) = (PairState::default(), BTreeSet::new(), Vec::new());
    let mut next = vec![0; topics.len()];
    loop {
        // Everything heard of before then has been read: the timer may come.
        let unread = topics.iter().zip(&next).filter_map(|(topic, &at)| topic.get(at));
        let reached_ms = unread.map(Read::heard_ms).min().unwrap_or(i64::MAX);
        let first = due.first().copied().filter(|&at_ms| at_ms <= reached_ms);
        let open: Vec<usize> = (0..topics.len())
            .filter(|&topic| next[topic] < topics[topic].len())
            .collect();
        let pick = choices();
        if let Some(at_ms) = first.filter(|_| open.is_empty() || pick.is_multiple_of(2)) {
            due.remove(&at_ms);
            let mut later = state.look(PAIR, at_ms, &mut examples);
            due.extend(later.drain(..));
            continue;
        }
        let Some(&topic) = open.get(pick / 2 % open.len().max(1)) else {
            break;
        };
        let mut later = Vec::new();
        match topics[topic][next[topic]].clone() {
            Read::Fact(impression, fact) => state.learn(impression, fact, &mut later),
            Read::Deed(deed) => state.did(deed, &mut later),
        }
        state.settle(PAIR, &mut examples);
        due.extend(later);
        next[topic] += 1;
    }
    assert!(state.is_empty(), "nothing is kept for ever: {state:?}");
    let mut bytes: Vec<Vec<u8>> = examples.into_iter().map(bytes_of).collect();
    bytes.sort_unstable();
    bytes
}

fn bytes_of(example: Example) -> Vec<u8> {
    Event::Example(example).encode()
}

/// Minutes around every border there is: ten minutes, a day.
fn minutes() -> impl Strategy<Value = i64> {
    prop_oneof![0..40i64, Just(1_430), 1_436..1_456i64, Just(2_900)]
}

fn time() -> impl Strategy<Value = i64> {
    (minutes(), prop_oneof![Just(0), Just(1), Just(59_999)]).prop_map(|(minute, ms)| minute * MINUTE_MS + ms)
}

fn in_order(mut reads: Vec<Read>) -> Vec<Read> {
    reads.sort_by_key(Read::heard_ms);
    reads
}

prop_compose! {
    fn signals()(reads in proptest::collection::vec((1..3u64, 0..5u8, time()), 0..7)) -> Vec<Read> {
        let kind = |number| match number {
            0 => SignalKind::Impression,
            1 => SignalKind::Skip { position_ms: 5 },
            2 => SignalKind::NotInterested,
            _ => SignalKind::Watch { watch_ms: 5, ended: false, loops: 0 },
        };
        in_order(reads.into_iter().map(|(impression, number, at_ms)| told(impression, kind(number), at_ms)).collect())
    }
}

prop_compose! {
    fn slates()(reads in proptest::collection::vec((1..3u64, time()), 0..4)) -> Vec<Read> {
        in_order(reads.into_iter().map(|(impression, at_ms)| served(impression, at_ms)).collect())
    }
}

prop_compose! {
    fn deeds()(reads in proptest::collection::vec((0..3u8, any::<bool>(), time()), 0..5)) -> Vec<Read> {
        let label = |number| match number {
            0 => (Label::Like, true),
            1 => (Label::NotInterested, false),
            _ => (Label::Share, false),
        };
        let deed = |(number, to, at_ms): (u8, bool, i64)| {
            let (label, may_be_undone) = label(number);
            deed(label, to || !may_be_undone, at_ms)
        };
        in_order(reads.into_iter().map(deed).collect())
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn every_order_says_the_same(
        topics in (slates(), signals(), deeds()),
        orders in proptest::collection::vec(any::<u64>(), 6),
    ) {
        let topics = [topics.0, topics.1, topics.2];
        let straight = read(&topics, || 0);
        for seed in orders {
            let mut random = crate::golden::input::Random(seed);
            prop_assert_eq!(&read(&topics, || random.draw() as usize), &straight);
        }
    }
}
