//! Round trips, garbage, and the fixtures of each version that must decode for ever.

mod samples;

use proptest::prelude::*;
use std::sync::Arc;
use types::{Category, ContentVector, ImpressionId, Region, SoundId, UserId, VideoId, ViewerId};

use crate::{
    Action, ActionKind, DecodeError, Event, Example, ExampleKind, FeedMode, Label, Labels, Leaning, PlacedBy,
    PoolChange, PoolVerdict, Receipt, Said, ServedItem, ServedSlate, SessionKey, Signal, SignalKind, Source,
    Spoke, Subject, VideoChange, WatchOutcome, Wish, WishKind, key_group_of, partition_of, stamp_outbox_id,
};
use samples::{
    item, samples, samples_of_version_1, samples_of_version_2, samples_of_version_3, samples_of_version_4,
};

fn watch() -> Event {
    samples().swap_remove(0)
}

fn bytes_of(hex: &str) -> Vec<u8> {
    let byte = |at| u8::from_str_radix(&hex[at..at + 2], 16).expect("fixtures are hex");
    (0..hex.len()).step_by(2).map(byte).collect()
}

#[test]
fn records_survive_the_round_trip() {
    let all = [
        samples(),
        samples_of_version_4(),
        samples_of_version_3(),
        samples_of_version_2(),
        samples_of_version_1(),
    ];
    for event in all.into_iter().flatten() {
        assert_eq!(Event::decode(&event.encode()), Ok(event));
    }
}

#[test]
fn a_batch_shares_one_buffer() {
    let (mut out, mut ends) = (Vec::new(), Vec::new());
    for event in samples() {
        event.encode_into(&mut out);
        ends.push(out.len());
    }
    let mut start = 0;
    for (event, end) in samples().into_iter().zip(ends) {
        assert_eq!(out[start..end], event.encode());
        start = end;
    }
}

/// Bytes written by version 1. Never edit a line; add lines.
const VERSION_1: [&str; 5] = [
    concat!(
        "0101070000000000000049d178b507ffd8080300000000000000e803000000000000f203000000000000",
        "09000000000000000000000000000000028813000000000000",
        "0101000000",
    ),
    "01020000000000000000070000000000000005000000000000000700000000000000000800000000000000",
    concat!(
        "01030700000000000000050000000000000001010000000000000009000000000000000400030000003f",
        "0000803f020001000000803e0700000080bf",
    ),
    concat!(
        "01040200000000000000090000000000000008000000000000004d00000000000000983a000000000000",
        "02056f6365616e05c3a974c3a9",
    ),
    "0105030000000000000009000000000000006300000000000000",
];

/// Bytes written by version 2. Never edit a line; add lines.
const VERSION_2: [&str; 7] = [
    concat!(
        "0201070000000000000049d178b507ffd8080300000000000000e803000000000000f203000000000000",
        "0900000000000000000000000000000042520288130000000000000101000000",
    ),
    "020200000000000000000700000000000000050000000000000007000000000000000008000000000000004252",
    concat!(
        "02030700000000000000050000000000000001010000000000000009000000000000000400030000003f",
        "0000803f020001000000803e0700000080bf",
    ),
    concat!(
        "02040200000000000000090000000000000008000000000000004d00000000000000983a000000000000",
        "02056f6365616e05c3a974c3a90600000000000000034652",
    ),
    "0205030000000000000009000000000000006300000000000000",
    concat!(
        "020607000000000000000500000000000000010000000000000009000000000000000400030000003f00",
        "00803f020001000000803e0700000080bf015a000000000000000188130000000000000101000000ff00",
        "02000000",
    ),
    concat!(
        "020607000000000000000500000000000000010000000000000009000000000000000400030000003f00",
        "00803f020001000000803e0700000080bf0401005a0000000000000000080008000800",
    ),
];

/// Bytes written by version 3. Never edit a line; add lines.
const VERSION_3: [&str; 7] = [
    concat!(
        "0301070000000000000049d178b507ffd8080300000000000000e803000000000000f203000000000000",
        "0900000000000000000000000000000042520288130000000000000101000000",
    ),
    concat!(
        "030200000000000000000700000000000000050000000000000007000000000000000008000000000000",
        "004252",
    ),
    concat!(
        "03030700000000000000050000000000000001010000000000000009000000000000000400030000003f",
        "0000803f987502000300098403ffffffffffffffffff010200010100340600bc",
    ),
    concat!(
        "03040200000000000000090000000000000008000000000000004d00000000000000983a000000000000",
        "02056f6365616e05c3a974c3a90600000000000000034652",
    ),
    "0305030000000000000009000000000000006300000000000000",
    concat!(
        "030607000000000000000500000000000000010000000000000009000000000000000400030000003f00",
        "00803f0001000200ac020200000700cdcccc3d0100000080bf015a000000000000000188130000000000",
        "000101000000ff0002000000",
    ),
    concat!(
        "030607000000000000000500000000000000010000000000000009000000000000000400030000003f00",
        "00803f0001000200ac020200000700cdcccc3d0100000080bf0401005a00000000000000000800080008",
        "00",
    ),
];

/// Bytes written by version 4. Never edit a line; add lines.
const VERSION_4: [&str; 9] = [
    concat!(
        "0401070000000000000049d178b507ffd8080300000000000000e803000000000000f203000000000000090000",
        "0000000000000000000000000042520288130000000000000101000000",
    ),
    "040200000000000000000700000000000000050000000000000007000000000000000008000000000000004252",
    concat!(
        "04030700000000000000050000000000000001010000000000000009000000000000000400030000003f000080",
        "3f987502000300098403ffffffffffffffffff010200010100340600bc",
    ),
    concat!(
        "04040200000000000000090000000000000008000000000000004d00000000000000983a00000000000002056f",
        "6365616e05c3a974c3a906000000000000000346520101aeafb1b2b4b6b7b9bbbcbec0c1c3c5c6c8cacbcdcfd0",
        "d2d3d5d7d8dadcdddfe1e2e4e6e7e9ebeceef0f1f3f4f6f8f9fbfdfe0002030507080a0c0d0f1012141517191a",
        "1c1e1f2123242628292b2d2e3031333536383a3b3d3f4042444547494a4c4e4f5152545657595b5c5e60616365",
        "66686a6b6d6f7072737577787a7c7d7f0500000000000000",
    ),
    "0405030000000000000009000000000000006300000000000000",
    concat!(
        "040607000000000000000500000000000000010000000000000009000000000000000400030000003f0000803f",
        "0001000200ac020200000700cdcccc3d0100000080bf015a000000000000000188130000000000000101000000",
        "ff0002000000",
    ),
    concat!(
        "040607000000000000000500000000000000010000000000000009000000000000000400030000003f0000803f",
        "0001000200ac020200000700cdcccc3d0100000080bf0401005a0000000000000000080008000800",
    ),
    concat!(
        "04070400000000000000090000000000000050000000000000000101aeafb1b2b4b6b7b9bbbcbec0c1c3c5c6c8",
        "cacbcdcfd0d2d3d5d7d8dadcdddfe1e2e4e6e7e9ebeceef0f1f3f4f6f8f9fbfdfe0002030507080a0c0d0f1012",
        "141517191a1c1e1f2123242628292b2d2e3031333536383a3b3d3f4042444547494a4c4e4f5152545657595b5c",
        "5e6061636566686a6b6d6f7072737577787a7c7d7f0500000000000000",
    ),
    "0407040000000000000009000000000000005000000000000000000000000000000000",
];

/// Bytes written by version 5. Never edit a line; add lines.
const VERSION_5: [&str; 21] = [
    concat!(
        "0501070000000000000049d178b507ffd8080300000000000000e803000000000000f203000000000000090000",
        "0000000000000000000000000042520288130000000000000101000000",
    ),
    "050200000000000000000700000000000000050000000000000007000000000000000008000000000000004252",
    concat!(
        "05030700000000000000050000000000000001010000000000000009000000000000000400030000003f000080",
        "3f987502000300098403ffffffffffffffffff010200010100340600bc030203050301056f6365616e003e0705",
        "6d75736963003c0900c000380034003c003e020030000602003c03003c04003c05003c06003c08003c00000000",
        "000000000100000000000000000000000000",
    ),
    concat!(
        "05040200000000000000090000000000000008000000000000004d00000000000000983a00000000000002056f",
        "6365616e05c3a974c3a906000000000000000346520101aeafb1b2b4b6b7b9bbbcbec0c1c3c5c6c8cacbcdcfd0",
        "d2d3d5d7d8dadcdddfe1e2e4e6e7e9ebeceef0f1f3f4f6f8f9fbfdfe0002030507080a0c0d0f1012141517191a",
        "1c1e1f2123242628292b2d2e3031333536383a3b3d3f4042444547494a4c4e4f5152545657595b5c5e60616365",
        "66686a6b6d6f7072737577787a7c7d7f050000000000000010546865207365612c206c27c3a974c3a9",
    ),
    "0505030000000000000009000000000000006300000000000000",
    concat!(
        "050607000000000000000500000000000000010000000000000009000000000000000400030000003f0000803f",
        "0001000200ac020200000700cdcccc3d0100000080bf015a000000000000000188130000000000000101000000",
        "ff0002000000",
    ),
    concat!(
        "050607000000000000000500000000000000010000000000000009000000000000000400030000003f0000803f",
        "0001000200ac020200000700cdcccc3d0100000080bf0401005a0000000000000000080008000800",
    ),
    concat!(
        "05070400000000000000090000000000000050000000000000000101aeafb1b2b4b6b7b9bbbcbec0c1c3c5c6c8",
        "cacbcdcfd0d2d3d5d7d8dadcdddfe1e2e4e6e7e9ebeceef0f1f3f4f6f8f9fbfdfe0002030507080a0c0d0f1012",
        "141517191a1c1e1f2123242628292b2d2e3031333536383a3b3d3f4042444547494a4c4e4f5152545657595b5c",
        "5e6061636566686a6b6d6f7072737577787a7c7d7f0500000000000000",
    ),
    "0507040000000000000009000000000000005000000000000000000000000000000000",
    "05020000000000000000070000000000000005000000000000000f000000000000000008000000000000000000",
    "050807000000000000000500000000000000010105c3a974c3a901",
    "0508070000000000000005000000000000000102080000000000000002",
    "0508070000000000000005000000000000000103060000000000000003",
    "05080700000000000000050000000000000002080000000000000001",
    "05080700000000000000050000000000000003020773706f696c65720774686520656e64",
    "0508070000000000000005000000000000000401056f6365616e0103",
    "0508070000000000000005000000000000000503",
    "05080700000000000000050000000000000006",
    "050906000000000000000900000000000000510000000000000001",
    "050906000000000000000900000000000000510000000000000002",
    "050906000000000000000900000000000000510000000000000000",
];

#[test]
fn old_fixtures_decode_for_ever() {
    let versions = [
        (&VERSION_1[..], samples_of_version_1()),
        (&VERSION_2[..], samples_of_version_2()),
        (&VERSION_3[..], samples_of_version_3()),
        (&VERSION_4[..], samples_of_version_4()),
        (&VERSION_5[..], samples()),
    ];
    for (fixtures, expect) in versions {
        assert_eq!(fixtures.len(), expect.len());
        for (hex, event) in fixtures.iter().zip(expect) {
            assert_eq!(Event::decode(&bytes_of(hex)), Ok(event), "{hex}");
        }
    }
    for (hex, event) in VERSION_5.into_iter().zip(samples()) {
        assert_eq!(
            event.encode(),
            bytes_of(hex),
            "this is the version that is written"
        );
    }
}

/// A step of the traffic ladder, and an item of the even draw: newer than the fixtures above. Never edit a line; add lines.
#[test]
fn steps_of_the_ladder_and_even_draws_stay_readable() {
    let step = PoolChange {
        video: VideoId::from_raw(9),
        at_ms: 99,
        level: 1,
        verdict: PoolVerdict::Stopped,
        impressions: 1_234,
        trials: 300,
        successes: 7,
        median: 0.25,
        better: 0.5,
    };
    let hex = "030a0900000000000000630000000000000001 02d209ac02070000803e0000003f".replace(' ', "");
    assert_eq!(Event::decode(&bytes_of(&hex)), Ok(Event::Pool(step)), "{hex}");
    let Ok(Event::Pool(back)) = Event::decode(&Event::Pool(step).encode()) else {
        panic!("it decodes")
    };
    assert_eq!(back, step);
    let slate = Event::Served(ServedSlate {
        viewer: ViewerId::from_raw(7),
        at_ms: 5,
        items: vec![ServedItem {
            source: Source::Uniform,
            ..item()
        }],
        receipts: vec![],
    });
    let bytes = slate.encode();
    assert_eq!(
        bytes[2 + 8 + 8 + 1 + 8 + 8 + 2],
        6,
        "the stored code of the even draw"
    );
    assert_eq!(Event::decode(&bytes), Ok(slate));
}

#[test]
fn a_short_or_foreign_record_is_refused() {
    let whole = watch().encode();
    for end in 0..whole.len() {
        assert_eq!(
            Event::decode(&whole[..end]),
            Err(DecodeError::Short),
            "cut at {end}"
        );
    }
    let check = |bytes: &[u8], expect: DecodeError| assert_eq!(Event::decode(bytes), Err(expect));
    check(&[0, 1], DecodeError::Version(0));
    check(&[6, 1], DecodeError::Version(6));
    check(&[1, 200], DecodeError::Kind(200));
    check(&[whole.as_slice(), &[0]].concat(), DecodeError::Trailing(1));
    let mut lower_case = whole.clone();
    lower_case[58..60].copy_from_slice(b"br");
    check(&lower_case, DecodeError::Range("region"));
}

#[test]
fn the_relay_stamps_only_what_left_through_the_outbox() {
    for event in samples() {
        let mut bytes = event.encode();
        stamp_outbox_id(&mut bytes, 41);
        match Event::decode(&bytes).expect("a stamped record decodes") {
            Event::Action(action) => assert_eq!(action.outbox_id, 41),
            Event::Video(change) => assert_eq!(change.outbox_id(), 41),
            untouched => assert_eq!(untouched, event),
        }
    }
}

#[test]
fn viewers_spread_over_partitions() {
    let mut counts = [0u32; 8];
    (0..8_000u64).for_each(|raw| counts[usize::from(partition_of(ViewerId::from_raw(raw << 12), 8))] += 1);
    assert!(
        counts.iter().all(|&count| (850..1_150).contains(&count)),
        "{counts:?}"
    );
}

/// Records lie where the first rule put them: a log that exists keeps its placement.
#[test]
fn partitions_hold_whole_key_groups_where_they_always_were() {
    let first_rule = |viewer: ViewerId, partitions: u64| {
        let mut x = viewer.raw().wrapping_add(0x9e37_79b9_7f4a_7c15);
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (x ^ (x >> 31)) % partitions
    };
    let viewers = (0..2_000u64).map(|n| ViewerId::from_raw((n << 22) | (n % 7)));
    for viewer in viewers {
        for partitions in (0..=8).map(|power| 1 << power) {
            let place = partition_of(viewer, partitions);
            assert_eq!(
                u64::from(place),
                first_rule(viewer, u64::from(partitions)),
                "{viewer} of {partitions}"
            );
            assert_eq!(place, u16::from(key_group_of(viewer)) % partitions);
        }
    }
    assert_eq!(partition_of(ViewerId::from_raw(5), 0), 0);
}

proptest! {
    #[test]
    fn features_come_back_to_the_bit(
        ids in proptest::collection::vec((any::<u16>(), any::<u64>()), 0..40),
        features in proptest::collection::vec((0..2_000u16, any::<f32>(), any::<bool>()), 0..60),
        by_slot in any::<bool>(),
    ) {
        let mut features: Vec<(u16, f32)> = features
            .into_iter()
            .map(|(slot, value, round)| (slot, if round { half::f16::from_f32(value).to_f32() } else { value }))
            .collect();
        if by_slot {
            features.sort_by_key(|&(slot, _)| slot);
            features.dedup_by_key(|&mut (slot, _)| slot);
        }
        let slate = |features| Event::Served(ServedSlate {
            viewer: ViewerId::from_raw(7),
            at_ms: 5,
            items: vec![ServedItem { ids: ids.clone(), features, ..item() }],
            receipts: vec![],
        });
        let bytes = slate(features.clone()).encode();
        let Ok(Event::Served(back)) = Event::decode(&bytes) else { panic!("it decodes") };
        let bits = |features: &[(u16, f32)]| features.iter().map(|&(slot, value)| (slot, value.to_bits())).collect::<Vec<_>>();
        prop_assert_eq!(bits(&back.items[0].features), bits(&features));
        prop_assert_eq!(&back.items[0].ids, &ids);
    }

    #[test]
    fn garbage_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        if let Ok(event) = Event::decode(&bytes) {
            prop_assert_eq!(Event::decode(&event.encode()).is_ok(), true);
        }
    }
}
