//! Rows for the codecs: what is written is read, and nothing else passes.

use super::*;
use crate::port::{Topic, TopicPartition};
use crate::slots::Slots;

const SLOTS: Slots = Slots {
    topics: 2,
    partitions: 3,
};

fn frame(payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let of = TopicPartition {
        topic: Topic(1),
        partition: 2,
    };
    push_frame(&mut out, of, 77, -5, payload, payload_crc(payload));
    out
}

#[test]
fn frames_round_trip_and_every_flipped_bit_is_seen() {
    for payload in [&b""[..], b"a", &[0; 300]] {
        let bytes = frame(payload);
        let header = FrameHeader::read(&bytes);
        assert_eq!(
            (header.offset, header.at_ms, header.bytes()),
            (77, -5, bytes.len())
        );
        assert!(header.is_intact(&bytes));
        for bit in 0..bytes.len() * 8 {
            let mut bad = bytes.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            let header = FrameHeader::read(&bad);
            assert!(
                header.bytes() != bad.len() || !header.is_intact(&bad),
                "bit {bit}"
            );
        }
    }
}

#[test]
fn a_gap_stands_for_records_and_takes_a_header() {
    let mut bytes = Vec::new();
    let of = TopicPartition {
        topic: Topic(0),
        partition: 1,
    };
    push_gap(&mut bytes, of, 40, u32::MAX);
    let header = FrameHeader::read(&bytes);
    assert!(header.is_gap() && header.is_intact(&bytes));
    assert_eq!(
        (header.bytes(), header.records(), header.offset),
        (bytes.len(), u64::from(u32::MAX), 40)
    );
    let record = frame(b"payload");
    let header = FrameHeader::read(&record);
    assert_eq!((header.is_gap(), header.records()), (false, 1));
    for kind in 1..=255 {
        let mut bad = record.clone();
        bad[9] = kind;
        let header = FrameHeader::read(&bad);
        assert!(!header.is_intact(&bad[..header.bytes()]), "kind {kind}");
    }
}

#[test]
fn zeros_are_neither_a_frame_nor_a_group() {
    let zeros = [0; 512];
    assert!(!FrameHeader::read(&zeros).is_intact(&zeros[..FRAME_HEADER_BYTES]));
    assert_eq!(GroupHeader::decode(&zeros, 0, 0), None);
}

#[test]
fn a_group_is_valid_only_where_it_was_written() {
    let header = GroupHeader {
        first_record: 9,
        records: 3,
        bytes: 489,
    };
    let bytes = header.encode(5, 1024);
    let check = |segment, position, expect| {
        assert_eq!(
            GroupHeader::decode(&bytes, segment, position),
            expect,
            "{segment} {position}"
        );
    };
    check(5, 1024, Some(header));
    check(5, 1536, None);
    check(6, 1024, None);
    assert_eq!(header.bytes_on_disk(), 1024);
    assert_eq!(GroupHeader { bytes: 488, ..header }.bytes_on_disk(), 512);
}

#[test]
fn a_segment_header_survives_more_partitions_and_refuses_fewer() {
    let header = SegmentHeader::new(40, vec![1, 2, 3, 4, 5, 6]);
    let bytes = header.encode(SLOTS);
    assert_eq!(SegmentHeader::decode(&bytes, SLOTS), Ok(header.clone()));
    let grown = SegmentHeader::decode(
        &bytes,
        Slots {
            topics: 2,
            partitions: 4,
        },
    )
    .expect("more partitions are fine");
    assert_eq!(grown.bases, [1, 2, 3, 0, 4, 5, 6, 0]);
    let gone = TopicPartition {
        topic: Topic(1),
        partition: 0,
    };
    let fewer = SegmentHeader::decode(
        &bytes,
        Slots {
            topics: 1,
            partitions: 3,
        },
    );
    assert_eq!(fewer, Err(HeaderError::UnknownPartition(gone)));
    for at in 0..20 + 6 * 11 {
        let mut bad = bytes.clone();
        bad[at] ^= 1;
        assert!(
            matches!(SegmentHeader::decode(&bad, SLOTS), Err(HeaderError::Damaged(_))),
            "byte {at}"
        );
    }
}

#[test]
fn an_index_round_trips_for_its_own_segment_and_shape() {
    let mut index = SparseIndex::new(7, 512, SLOTS);
    for (offset, frame) in [(0, 536), (5, 1000), (9, 70_000)] {
        index.note(
            4,
            Mark {
                offset,
                group: 512,
                frame,
            },
        );
    }
    let bytes = index.encode();
    assert_eq!(SparseIndex::decode(&bytes, 7, SLOTS), Some(index.clone()));
    assert_eq!(SparseIndex::decode(&bytes, 8, SLOTS), None);
    assert_eq!(
        SparseIndex::decode(
            &bytes,
            7,
            Slots {
                topics: 3,
                partitions: 2
            }
        ),
        None
    );
    assert_eq!(SparseIndex::decode(&bytes[..bytes.len() - 1], 7, SLOTS), None);
    // The mark at 5 is too near the first to be kept.
    let check = |offset, expect| assert_eq!(index.mark_before(4, offset).map(|mark| mark.offset), expect);
    check(0, Some(0));
    check(8, Some(0));
    check(9, Some(9));
    assert_eq!(index.mark_before(0, 3), None);
}
