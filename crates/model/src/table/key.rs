//! The key of a row, and where its hash sends it. Full keys are stored, so a hash decides on places only, never on identity.

use super::random::fold;

const ID_BITS: u32 = 54;
const ID_MASK: u64 = (1 << ID_BITS) - 1;
/// Slots that a key can name.
pub const SLOTS_MAX: usize = 1 << (64 - ID_BITS);

const PLACE: [u64; 4] = [
    0x9e6c_63d0_876a_3f6b,
    0xd1b5_4a32_d192_ed03,
    0x8bb8_4b93_962e_acc9,
    0xa24b_aed4_963e_e407,
];

/// Ten bits of feature slot, 54 bits of id. Ids that fit are kept as they are; others must come hashed to 54 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key(u64);

impl Key {
    /// The id of each slot's default row, which stands in for all ids without a row of their own.
    pub const DEFAULT_ID: u64 = ID_MASK;

    /// Takes the low 10 bits of `slot` and the low 54 bits of `id`.
    pub const fn new(slot: u16, id: u64) -> Self {
        Self((slot as u64) << ID_BITS | id & ID_MASK)
    }

    /// The key with these bits, as [`Key::bits`] gave them.
    pub const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// Slot in the upper 10 bits, id in the lower 54.
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// Below [`SLOTS_MAX`].
    pub const fn slot(self) -> usize {
        (self.0 >> ID_BITS) as usize
    }

    /// Below 2⁵⁴.
    pub const fn id(self) -> u64 {
        self.0 & ID_MASK
    }

    pub(super) const fn default_of(slot: usize) -> Self {
        Self::new(slot as u16, Self::DEFAULT_ID)
    }

    pub(super) const fn is_default(self) -> bool {
        self.id() == Self::DEFAULT_ID
    }

    pub(super) fn places(self) -> Places {
        let first = fold(self.0 ^ PLACE[0], PLACE[1]);
        Places {
            first,
            second: fold(first ^ PLACE[2], PLACE[3]),
        }
    }
}

/// Two independent hashes of a key.
#[derive(Debug, Clone, Copy)]
pub(super) struct Places {
    first: u64,
    second: u64,
}

impl Places {
    /// Below `shards`, which is at most 64.
    pub(super) fn shard(self, shards: usize) -> usize {
        scaled((self.second as u32) as u64, shards)
    }

    /// The two buckets, each below `buckets`. They grow in proportion to `buckets`, so that an index that grows is
    /// copied from front to back.
    pub(super) fn buckets(self, buckets: usize) -> [usize; 2] {
        [
            scaled(self.first >> 32, buckets),
            scaled(self.second >> 32, buckets),
        ]
    }

    /// The line of the admission sketch, below `lines`.
    pub(super) fn line(self, lines: usize) -> usize {
        scaled((self.first as u32) as u64, lines)
    }

    /// Bits for the places inside a sketch line.
    pub(super) fn in_line(self) -> u64 {
        fold(self.second ^ PLACE[1], PLACE[2])
    }

    /// Stands in a row's header, a second guard beside the versions.
    pub(super) fn tag(self) -> u16 {
        (self.first >> 16) as u16
    }
}

/// Maps 32 random bits to below `range`, keeping their order.
fn scaled(bits: u64, range: usize) -> usize {
    ((bits * range as u64) >> 32) as usize
}
