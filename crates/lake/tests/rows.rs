//! What the rows say: spelled out for one record of each kind, and the same however they were committed.

mod common;

use common::{HOUR, House, Told, events, log_of};
use event::{
    Action, ActionKind, Event, ServedItem, ServedSlate, SessionKey, Signal, SignalKind, Source, VideoChange,
    topic,
};
use lake::Table;
use types::{Category, ImpressionId, Region, SoundId, UserId, VideoId, ViewerId};

fn signal(kind: SignalKind) -> Event {
    Event::Signal(Signal {
        viewer: ViewerId::from_raw(1 << 40),
        session: SessionKey(0xfeed),
        sequence: 3,
        at_ms: HOUR - 86_400_000,
        received_ms: HOUR + 1,
        video: Some(VideoId::from_raw(9)),
        impression: Some(ImpressionId::from_raw(77)),
        region: Region::from_bytes(*b"BR"),
        kind,
    })
}

fn bare_signal(kind: SignalKind) -> Event {
    Event::Signal(Signal {
        viewer: ViewerId::from_raw(1),
        session: SessionKey(u64::MAX),
        sequence: u64::MAX,
        at_ms: i64::MIN,
        received_ms: HOUR + 1,
        video: None,
        impression: None,
        region: None,
        kind,
    })
}

fn action(kind: ActionKind) -> Event {
    Event::Action(Action {
        outbox_id: 41,
        actor: UserId::from_raw(5),
        at_ms: HOUR + 2,
        kind,
        video: None,
        target: Some(UserId::from_raw(6)),
        region: Region::from_bytes(*b"FR"),
    })
}

fn item(video: u64, features: Vec<(u16, f32)>) -> ServedItem {
    ServedItem {
        impression: ImpressionId::from_raw(700 + video),
        video: VideoId::from_raw(video),
        position: 4,
        source: Source::Explore,
        score: 0.25,
        propensity: 0.5,
        duration_ms: 15_000,
        ids: vec![(3, video)],
        features,
    }
}

fn check(table: Table, events: &[Event], expect: &[&str]) {
    let told: Vec<Told> = events.iter().map(|event| Told::of(event, 1, HOUR + 5)).collect();
    let (_disk, log) = log_of(&told, 2);
    let house = House::new();
    house.catch_up(&log, 1, 100);
    assert_eq!(house.dump(table), expect, "{table}");
}

#[test]
fn signals() {
    let watch = SignalKind::Watch {
        watch_ms: 5_000,
        ended: true,
        loops: 2,
    };
    check(
        Table::Views,
        &[
            signal(watch),
            signal(SignalKind::Skip { position_ms: 900 }),
            bare_signal(SignalKind::NotInterested),
        ],
        &[
            "day=2026-01-31/hour=05 received_at=1769835600005000us partition=1 offset=0 viewer_id=0000100000000 \
             session_id=000000000000feed sequence=3 device_at=1769749200000000us kind=watch video_id=0000000000009 \
             impression_id=000000000002d watch_ms=5000 ended=true loops=2 region=BR",
            "day=2026-01-31/hour=05 received_at=1769835600005000us partition=1 offset=1 viewer_id=0000100000000 \
             session_id=000000000000feed sequence=3 device_at=1769749200000000us kind=skip video_id=0000000000009 \
             impression_id=000000000002d position_ms=900 region=BR",
            "day=2026-01-31/hour=05 received_at=1769835600005000us partition=1 offset=2 viewer_id=0000000000001 \
             session_id=ffffffffffffffff sequence=9223372036854775807 device_at=-62135596800000000us kind=not_interested",
        ],
    );
    check(
        Table::Context,
        &[bare_signal(SignalKind::Heartbeat)],
        &[
            "day=2026-01-31/hour=05 received_at=1769835600005000us partition=1 offset=0 viewer_id=0000000000001 \
           session_id=ffffffffffffffff sequence=9223372036854775807 device_at=-62135596800000000us kind=heartbeat",
        ],
    );
}

#[test]
fn actions() {
    check(
        Table::Actions,
        &[action(ActionKind::Follow)],
        &[
            "day=2026-01-31/hour=05 received_at=1769835600005000us partition=1 offset=0 actor_id=0000000000005 outbox_id=41 \
           acted_at=1769835600002000us kind=follow target_id=0000000000006 region=FR",
        ],
    );
}

#[test]
fn a_slate_is_a_row_an_item() {
    let slate = ServedSlate {
        viewer: ViewerId::from_raw(1),
        at_ms: HOUR,
        items: vec![item(9, vec![(1, 0.5), (7, -1.0), (1, 2.0)]), item(10, vec![])],
        receipts: vec![],
    };
    check(
        Table::Served,
        &[Event::Served(slate)],
        &[
            "day=2026-01-31/hour=05 received_at=1769835600005000us partition=1 offset=0 item=0 viewer_id=0000000000001 \
             served_at=1769835600000000us impression_id=00000000000p5 video_id=0000000000009 position=4 source=explore \
             score=0.25 propensity=0.5 features=[1:0.5,7:-1,1:2]",
            "day=2026-01-31/hour=05 received_at=1769835600005000us partition=1 offset=0 item=1 viewer_id=0000000000001 \
             served_at=1769835600000000us impression_id=00000000000p6 video_id=000000000000a position=4 source=explore \
             score=0.25 propensity=0.5 features=[]",
        ],
    );
}

#[test]
fn changes_of_videos() {
    check(
        Table::Videos,
        &[
            Event::Video(VideoChange::Published {
                outbox_id: 2,
                video: VideoId::from_raw(9),
                creator: UserId::from_raw(8),
                published_ms: HOUR,
                duration_ms: 15_000,
                hashtags: vec!["ocean".into(), "été".into()],
                sound: Some(SoundId::from_raw(3)),
                category: Some(Category::Dance),
                region: Region::from_bytes(*b"BR"),
                content: None,
                original: None,
                caption: String::new(),
            }),
            Event::Video(VideoChange::Removed {
                outbox_id: 3,
                video: VideoId::from_raw(9),
                at_ms: HOUR + 1,
            }),
        ],
        &[
            "day=2026-01-31/hour=05 received_at=1769835600005000us partition=1 offset=0 kind=published outbox_id=2 \
             changed_at=1769835600000000us video_id=0000000000009 creator_id=0000000000008 duration_ms=15000 \
             hashtags=[ocean,été] sound_id=0000000000003 category=dance region=BR",
            "day=2026-01-31/hour=05 received_at=1769835600005000us partition=1 offset=1 kind=removed outbox_id=3 \
             changed_at=1769835600001000us video_id=0000000000009",
        ],
    );
}

#[test]
fn what_cannot_be_read_is_kept_as_it_is() {
    let told = |topic: u8, payload: &[u8]| Told {
        topic,
        partition: 0,
        at_ms: HOUR,
        payload: payload.to_vec(),
    };
    let follow = action(ActionKind::Follow).encode();
    let (_disk, log) = log_of(&[told(topic::VIEWS, &[250, 1]), told(topic::VIEWS, &follow)], 1);
    let house = House::new();
    house.catch_up(&log, 1, 100);
    let rows = house.dump(Table::Poisoned);
    let head = "day=2026-01-31/hour=05 received_at=1769835600000000us partition=0";
    assert_eq!(
        rows[0],
        format!("{head} offset=0 topic=0 reason=version payload=[fa, 01]")
    );
    assert_eq!(
        rows[1],
        format!("{head} offset=1 topic=0 reason=foreign payload={follow:02x?}")
    );
    assert_eq!(rows.len(), 2);
}

/// Commits of any size, restarts, and packing leave the same rows, to the last cell.
#[test]
fn rows_do_not_depend_on_how_they_were_committed() {
    let told = events::mixed(21, 300, 3);
    let (_disk, log) = log_of(&told, 3);
    let dump = |house: &House| Table::ALL.map(|table| house.dump(table));
    let straight = House::new();
    straight.catch_up(&log, 1, u64::MAX);
    let expected = dump(&straight);
    for records in [1, 13] {
        let house = House::new();
        let (_begun_disk, begun) = log_of(&told[..170], 3);
        house.catch_up(&begun, 1, records);
        house.catch_up(&log, 2, records);
        assert_eq!(dump(&house), expected, "a commit every {records} records");
        let kept = house.keep(house.objects.clone(), 3);
        assert!(kept.failures.is_empty() && kept.packed_files > 20, "{kept:?}");
        assert_eq!(dump(&house), expected, "a commit every {records} records, packed");
    }
}
