//! One record of each kind, as each version of the codec could say it.

use super::*;

pub(super) fn region(code: &[u8; 2]) -> Option<Region> {
    Region::from_bytes(*code)
}

pub(super) fn item() -> ServedItem {
    ServedItem {
        impression: ImpressionId::from_raw(1),
        video: VideoId::from_raw(9),
        duration_ms: 0,
        position: 4,
        source: Source::Interest,
        score: 0.5,
        propensity: 1.0,
        ids: vec![],
        features: vec![(1, 0.25), (7, -1.0)],
    }
}

/// One record of each kind, as version 1 could say it.
pub(super) fn samples_of_version_1() -> Vec<Event> {
    vec![
        Event::Signal(Signal {
            viewer: ViewerId::from_raw(7),
            session: SessionKey::of("s1"),
            sequence: 3,
            at_ms: 1_000,
            received_ms: 1_010,
            video: Some(VideoId::from_raw(9)),
            impression: None,
            region: None,
            kind: SignalKind::Watch {
                watch_ms: 5_000,
                ended: true,
                loops: 1,
            },
        }),
        Event::Action(Action {
            outbox_id: 0,
            actor: UserId::from_raw(7),
            at_ms: 5,
            kind: ActionKind::Follow,
            video: None,
            target: Some(UserId::from_raw(8)),
            region: None,
        }),
        Event::Served(ServedSlate {
            viewer: ViewerId::from_raw(7),
            at_ms: 5,
            items: vec![item()],
            receipts: vec![],
        }),
        Event::Video(VideoChange::Published {
            outbox_id: 2,
            video: VideoId::from_raw(9),
            creator: UserId::from_raw(8),
            published_ms: 77,
            duration_ms: 15_000,
            hashtags: vec!["ocean".into(), "été".into()],
            sound: None,
            category: None,
            region: None,
            content: None,
            original: None,
            caption: String::new(),
        }),
        Event::Video(VideoChange::Removed {
            outbox_id: 3,
            video: VideoId::from_raw(9),
            at_ms: 99,
        }),
    ]
}

/// The same with what version 2 added.
pub(super) fn samples_of_version_2() -> Vec<Event> {
    let mut samples = samples_of_version_1();
    for sample in &mut samples {
        match sample {
            Event::Signal(signal) => signal.region = region(b"BR"),
            Event::Action(action) => action.region = region(b"BR"),
            Event::Video(VideoChange::Published {
                sound,
                category,
                region: from,
                ..
            }) => {
                *sound = Some(SoundId::from_raw(6));
                *category = Some(Category::Music);
                *from = region(b"FR");
            }
            Event::Served(_) | Event::Video(_) | Event::Example(_) | Event::Pool(_) | Event::Wish(_) => {}
        }
    }
    let watched = Example {
        viewer: ViewerId::from_raw(7),
        served_ms: 5,
        item: item(),
        kind: ExampleKind::Watched,
        ended_ms: 90,
        watch: Some(WatchOutcome {
            watch_ms: 5_000,
            ended: true,
            loops: 1,
        }),
        known: Labels::ALL,
        yes: Labels::of(Label::Like),
        corrects: Labels::default(),
    };
    let changed = Example {
        kind: ExampleKind::Changed(1),
        watch: None,
        known: Labels::of(Label::Share),
        yes: Labels::of(Label::Share),
        corrects: Labels::of(Label::Share),
        ..watched.clone()
    };
    samples.extend([watched, changed].map(Event::Example));
    samples
}

/// The same with what version 3 added, and features that are no halves.
pub(super) fn samples_of_version_3() -> Vec<Event> {
    let mut samples = samples_of_version_2();
    for sample in &mut samples {
        match sample {
            Event::Served(slate) => {
                slate.items[0].duration_ms = 15_000;
                slate.items[0].ids = vec![(3, 9), (900, u64::MAX)];
            }
            Event::Example(example) => {
                example.item.ids = vec![(2, 300)];
                example.item.features = vec![(7, 0.1), (1, -1.0)];
            }
            _ => {}
        }
    }
    samples
}

pub(super) fn vector() -> Arc<ContentVector> {
    let values: Vec<f32> = (0..128).map(|at| at as f32 - 50.0).collect();
    Arc::new(ContentVector::of(1, &values).expect("a direction"))
}

/// The same with what version 4 added.
pub(super) fn samples_of_version_4() -> Vec<Event> {
    let mut samples = samples_of_version_3();
    for sample in &mut samples {
        if let Event::Video(VideoChange::Published {
            content, original, ..
        }) = sample
        {
            *content = Some(vector());
            *original = Some(VideoId::from_raw(5));
        }
    }
    let described = |content, original| VideoChange::Described {
        outbox_id: 4,
        video: VideoId::from_raw(9),
        at_ms: 80,
        content,
        original,
    };
    samples.extend([
        Event::Video(described(Some(vector()), Some(VideoId::from_raw(5)))),
        Event::Video(described(None, None)),
    ]);
    samples
}

/// The same with what version 5 added, and what is said in no other way.
pub(super) fn samples() -> Vec<Event> {
    let mut samples = samples_of_version_4();
    for sample in &mut samples {
        match sample {
            Event::Served(slate) => slate.receipts = receipts(),
            Event::Video(VideoChange::Published { caption, .. }) => *caption = "The sea, l'été".into(),
            _ => {}
        }
    }
    let blocked = Action {
        outbox_id: 0,
        actor: UserId::from_raw(7),
        at_ms: 5,
        kind: ActionKind::UnblockedBy,
        video: None,
        target: Some(UserId::from_raw(8)),
        region: None,
    };
    samples.push(Event::Action(blocked));
    samples.extend(wishes());
    samples.extend(flagged());
    samples
}

/// Each flag alone, and none.
pub(super) fn flagged() -> [Event; 3] {
    [(true, false), (false, true), (false, false)].map(|(hidden, adults_only)| {
        Event::Video(VideoChange::Flagged {
            outbox_id: 6,
            video: VideoId::from_raw(9),
            at_ms: 81,
            hidden,
            adults_only,
        })
    })
}

pub(super) fn receipts() -> Vec<Receipt> {
    let spoke = |said, weight| Spoke { said, weight };
    let full = Receipt {
        found_by: vec![Source::Interest, Source::Explore],
        spoke: vec![
            spoke(Said::Hashtag("ocean".into()), 1.5),
            spoke(Said::Chosen("music".into()), 1.0),
            spoke(Said::Less, -2.0),
        ],
        light: 0.5,
        learned_share: 0.25,
        fresh_boost: 1.0,
        followed_boost: 1.5,
        placed_by: Some(PlacedBy::Regional { price: 0.125 }),
    };
    let others = [
        Said::Creator,
        Said::Following,
        Said::Popular,
        Said::Fresh,
        Said::Region,
        Said::More,
    ];
    let bare = Receipt {
        spoke: others.into_iter().map(|said| spoke(said, 1.0)).collect(),
        placed_by: Some(PlacedBy::Exploring { price: 0.0 }),
        ..Receipt::default()
    };
    vec![full, bare, Receipt::default()]
}

pub(super) fn wishes() -> impl Iterator<Item = Event> {
    let lean = |of, to| WishKind::Lean { of, to };
    let kinds = [
        lean(Subject::Hashtag("été".into()), Leaning::Less),
        lean(Subject::Creator(UserId::from_raw(8)), Leaning::Neutral),
        lean(Subject::Sound(SoundId::from_raw(6)), Leaning::More),
        WishKind::Mute {
            creator: UserId::from_raw(8),
            muted: true,
        },
        WishKind::MutedWords(vec!["spoiler".into(), "the end".into()]),
        WishKind::Interests {
            hashtags: vec!["ocean".into()],
            categories: vec![Category::Music],
        },
        WishKind::Mode(FeedMode::NonPersonal),
        WishKind::Reset,
    ];
    kinds.into_iter().map(|kind| {
        Event::Wish(Wish {
            viewer: ViewerId::from_raw(7),
            at_ms: 5,
            kind,
        })
    })
}
