//! Job `joiner`, one thing at a time. That it comes to the same however it is run is told in `tests/golden`.

use std::sync::Arc;

use event::{ActionKind, Event, Example, ExampleKind, Label, Labels, SignalKind, WatchOutcome, topic};
use event_log::{EventLog, Topic, TopicPartition};

use super::bench::{Bench, DAY_MS, MINUTE_MS, NOON_MS, action, served, signal, watch};
use crate::joiner::{ExamplesSink, JoinerJob};

fn bench() -> Bench<JoinerJob> {
    Bench::new(JoinerJob, |log| Arc::new(ExamplesSink::new(log.clone())))
}

fn examples(bench: &Bench<JoinerJob>) -> Vec<Example> {
    let of = TopicPartition {
        topic: Topic(topic::EXAMPLES),
        partition: 0,
    };
    // What is queued is in the log once a barrier is.
    event_log::block_on(bench.log.append(vec![]).expect("a barrier")).expect("lasts");
    let records = bench.log.read(of, 0, 1 << 20).unwrap_or_default();
    let example = |record: event_log::Record| match Event::decode(&record.payload) {
        Ok(Event::Example(example)) => example,
        other => panic!("only examples belong here, not {other:?}"),
    };
    records.into_iter().map(example).collect()
}

/// (kind, labels said to be true, labels said to be false, labels corrected) of a record.
type Told = (ExampleKind, Vec<Label>, Vec<Label>, Vec<Label>);

fn told(bench: &Bench<JoinerJob>) -> Vec<Told> {
    let of = |labels: Labels| {
        Label::ALL
            .into_iter()
            .filter(|label| labels.has(*label))
            .collect()
    };
    let told = |example: Example| {
        let no = Label::ALL
            .into_iter()
            .filter(|label| example.label(*label) == Some(false));
        (example.kind, of(example.yes), no.collect(), of(example.corrects))
    };
    examples(bench).into_iter().map(told).collect()
}

#[test]
fn what_was_served_meets_what_became_of_it_in_any_order() {
    let story = [
        served(1, NOON_MS),
        signal(1, 1, SignalKind::Impression, NOON_MS + 100),
        watch(2, 1, 4_000, NOON_MS + 4_000),
        action(ActionKind::Like, Some(1), NOON_MS + 3_000),
    ];
    // Topics are read in any order; each of them in its own.
    for order in [
        [0, 1, 2, 3],
        [1, 2, 0, 3],
        [3, 1, 2, 0],
        [3, 0, 1, 2],
        [1, 3, 2, 0],
    ] {
        let mut bench = bench();
        order
            .iter()
            .for_each(|&at: &usize| bench.feed(&story[at], NOON_MS + 5_000));
        let all: Vec<Label> = Label::ALL.to_vec();
        let expect = [
            (ExampleKind::Watched, vec![], all, vec![]),
            (
                ExampleKind::Changed(1),
                vec![Label::Like],
                vec![],
                vec![Label::Like],
            ),
        ];
        assert_eq!(told(&bench), expect, "{order:?}");
        let Event::Served(slate) = &story[0] else {
            unreachable!("the first is what was served")
        };
        for example in examples(&bench) {
            assert_eq!(
                (&example.item, example.served_ms),
                (&slate.items[0], NOON_MS),
                "exactly as served"
            );
        }
        let watch = WatchOutcome {
            watch_ms: 4_000,
            ended: false,
            loops: 0,
        };
        assert_eq!(examples(&bench)[0].watch, Some(watch));
    }
}

#[test]
fn a_lost_watch_is_unknown_and_never_a_skip() {
    let mut bench = bench();
    bench.feed(&served(1, NOON_MS), NOON_MS);
    bench.feed(&signal(1, 1, SignalKind::Impression, NOON_MS), NOON_MS);
    bench.feed(&action(ActionKind::Like, Some(1), NOON_MS + 1), NOON_MS + 1);
    bench.pass(NOON_MS + 9 * MINUTE_MS);
    assert_eq!(told(&bench), []);
    bench.pass(NOON_MS + 12 * MINUTE_MS);
    let lost = (ExampleKind::Lost, vec![], vec![], vec![]);
    let liked = (ExampleKind::Changed(1), vec![Label::Like], vec![], vec![]);
    assert_eq!(told(&bench), [lost.clone(), liked.clone()]);
    assert_eq!(examples(&bench)[0].watch, None);
    // The phone found a network again.
    bench.feed(
        &watch(2, 1, 700, NOON_MS + 20 * MINUTE_MS),
        NOON_MS + 20 * MINUTE_MS,
    );
    let recovered = (ExampleKind::Recovered, vec![], vec![], vec![]);
    assert_eq!(told(&bench), [lost, liked, recovered]);
    assert_eq!(examples(&bench)[2].watch.map(|watch| watch.watch_ms), Some(700));
}

#[test]
fn what_was_never_on_screen_teaches_nothing() {
    let mut bench = bench();
    bench.feed(&served(1, NOON_MS), NOON_MS);
    bench.feed(&watch(1, 2, 5_000, NOON_MS), NOON_MS);
    bench.pass(NOON_MS + 2 * DAY_MS);
    assert_eq!(told(&bench), [], "preloaded and not seen; watched and not served");
    assert!(bench.keys() <= 1, "and nothing of it is kept");
}

#[test]
fn labels_change_for_a_day() {
    let mut bench = bench();
    bench.feed(&served(1, NOON_MS), NOON_MS);
    bench.feed(&watch(1, 1, 5_000, NOON_MS), NOON_MS);
    for (kind, after_ms) in [
        (ActionKind::Like, 1),
        (ActionKind::Like, 2),
        (ActionKind::Unlike, 3),
        (ActionKind::Like, DAY_MS - 1),
        (ActionKind::Share, DAY_MS + 2 * MINUTE_MS),
    ] {
        bench.feed(&action(kind, Some(1), NOON_MS + after_ms), NOON_MS + after_ms);
    }
    let liked = |number| {
        (
            ExampleKind::Changed(number),
            vec![Label::Like],
            vec![],
            vec![Label::Like],
        )
    };
    let expect = [
        (ExampleKind::Watched, vec![], Label::ALL.to_vec(), vec![]),
        liked(1),
        (
            ExampleKind::Changed(2),
            vec![],
            vec![Label::Like],
            vec![Label::Like],
        ),
        liked(3),
    ];
    assert_eq!(told(&bench), expect);
}

#[test]
fn what_the_player_said_before_leaving_is_in_the_first_record() {
    let mut bench = bench();
    bench.feed(&served(1, NOON_MS), NOON_MS);
    let skip = SignalKind::Skip { position_ms: 900 };
    for event in [
        signal(1, 1, SignalKind::NotInterested, NOON_MS + 1),
        watch(2, 1, 900, NOON_MS + 2),
        signal(3, 1, skip, NOON_MS + 3),
    ] {
        bench.feed(&event, NOON_MS + 3);
    }
    let no = [
        Label::Skip,
        Label::Like,
        Label::Comment,
        Label::Share,
        Label::Save,
        Label::Follow,
        Label::Report,
    ];
    let expect = [
        (
            ExampleKind::Watched,
            vec![Label::NotInterested],
            no.to_vec(),
            vec![],
        ),
        (
            ExampleKind::Changed(1),
            vec![Label::Skip],
            vec![],
            vec![Label::Skip],
        ),
    ];
    assert_eq!(told(&bench), expect);
    // The same from the menu and as an action: it is known already.
    bench.feed(
        &action(ActionKind::NotInterested, Some(1), NOON_MS + 4),
        NOON_MS + 4,
    );
    assert_eq!(told(&bench), expect);
}

#[test]
fn actions_before_an_item_was_served_are_not_about_it() {
    let mut bench = bench();
    bench.feed(&action(ActionKind::Like, Some(1), NOON_MS - 1), NOON_MS);
    bench.feed(&served(1, NOON_MS), NOON_MS);
    bench.feed(&watch(1, 1, 5_000, NOON_MS), NOON_MS);
    assert_eq!(told(&bench).len(), 1);
    assert_eq!(bench.fates(), (3, 0, 0, 0));
}

#[test]
fn a_repeated_action_is_a_duplicate() {
    let mut bench = bench();
    let mut like = action(ActionKind::Like, Some(1), NOON_MS).encode();
    event::stamp_outbox_id(&mut like, 9);
    let to = TopicPartition {
        topic: Topic(topic::ACTIONS),
        partition: 0,
    };
    for _ in 0..2 {
        let append = event_log::Append {
            to,
            at_ms: NOON_MS,
            payload: like.clone().into(),
        };
        event_log::block_on(bench.log.append(vec![append]).expect("appends")).expect("lasts");
    }
    bench.pass(NOON_MS);
    assert_eq!(bench.fates(), (1, 1, 0, 0));
}
