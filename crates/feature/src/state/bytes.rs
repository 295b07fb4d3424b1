//! The state as bytes and back, exactly. Little endian; entries by ascending key, so equal states are equal bytes.

use types::TimestampMs;

use super::{Left, State, StateConfig};
use crate::counter::Counter;
use crate::facts::{Outcome, TOPICS_MAX, Told};
use crate::map::Map;
use crate::ring::{RING_MAX, Ring, Seen};

/// First bytes of an encoded state: name and version.
const MAGIC: [u8; 8] = *b"rffstat2";
/// The version before: a ring knew the first topic of a video, and no category.
const MAGIC_1: [u8; 8] = *b"rffstat1";
const UNKNOWN_MS: i64 = i64::MIN;
const NO_SURFACE: u32 = u32::MAX;

/// Why bytes are not a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum StateError {
    #[error("these are not the bytes of a feature state, or of another version")]
    Format,
    #[error("the feature state ends early")]
    Short,
    #[error("there are {0} bytes after the feature state")]
    Trailing(usize),
    #[error("the feature state holds what cannot be: {0}")]
    Range(&'static str),
}

impl State {
    /// All of it.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(64 + self.entities.len() * 152 + self.crosses.len() * 40);
        out.extend_from_slice(&MAGIC);
        let StateConfig {
            entities_max,
            crosses_max,
            rings_max,
        } = self.config;
        for number in [
            entities_max as u64,
            crosses_max as u64,
            rings_max as u64,
            self.observed,
        ] {
            put(&mut out, number);
        }
        put(&mut out, self.left.evicted);
        put(&mut out, self.left.expired);
        put_counter(&mut out, &self.overall);
        put_map(&mut out, &self.entities, put_counter);
        put_map(&mut out, &self.crosses, put_counter);
        put_map(&mut out, &self.rings, put_ring);
        out
    }

    /// What [`State::encode`] wrote.
    pub fn decode(bytes: &[u8]) -> Result<Self, StateError> {
        let mut input = Input(bytes);
        let read_ring = match input.take::<8>()? {
            MAGIC => read_ring,
            MAGIC_1 => read_ring_1,
            _ => return Err(StateError::Format),
        };
        let size =
            |input: &mut Input<'_>| usize::try_from(input.u64()?).map_err(|_| StateError::Range("size"));
        let config = StateConfig {
            entities_max: size(&mut input)?,
            crosses_max: size(&mut input)?,
            rings_max: size(&mut input)?,
        };
        let state = Self {
            config,
            observed: input.u64()?,
            left: Left {
                evicted: input.u64()?,
                expired: input.u64()?,
            },
            overall: read_counter(&mut input)?,
            entities: read_map(&mut input, read_counter)?,
            crosses: read_map(&mut input, read_counter)?,
            rings: read_map(&mut input, read_ring)?,
        };
        match input.0.len() {
            0 => Ok(state),
            more => Err(StateError::Trailing(more)),
        }
    }
}

fn put(out: &mut Vec<u8>, number: u64) {
    out.extend_from_slice(&number.to_le_bytes());
}

fn put_f32(out: &mut Vec<u8>, value: f32) {
    out.extend_from_slice(&value.to_bits().to_le_bytes());
}

fn put_map<V>(out: &mut Vec<u8>, map: &Map<V>, put_one: impl Fn(&mut Vec<u8>, &V)) {
    let mut entries: Vec<(u64, &V)> = map.iter().collect();
    entries.sort_unstable_by_key(|(key, _)| *key);
    put(out, entries.len() as u64);
    for (key, value) in entries {
        put(out, key);
        put_one(out, value);
    }
}

fn put_counter<const W: usize, const M: usize>(out: &mut Vec<u8>, counter: &Counter<W, M>) {
    put(out, counter.at_ms as u64);
    counter
        .sums
        .as_flattened()
        .iter()
        .for_each(|sum| put_f32(out, *sum));
}

fn put_ring(out: &mut Vec<u8>, ring: &Ring) {
    put(out, ring.len() as u64);
    for seen in ring.oldest() {
        put(out, seen.at_ms.unwrap_or(UNKNOWN_MS) as u64);
        put(out, seen.video);
        put(out, seen.creator);
        seen.topics.iter().for_each(|topic| put(out, *topic));
        out.push(seen.category);
        out.extend_from_slice(&seen.duration_ms.to_le_bytes());
        out.extend_from_slice(&seen.surface.map_or(NO_SURFACE, u32::from).to_le_bytes());
        let told = seen.outcome.told;
        let flags = [
            seen.outcome.long_view,
            seen.outcome.like,
            told.is_some(),
            told.is_some_and(|told| told.open),
            told.is_some_and(|told| told.skip),
            told.is_some_and(|told| told.engage),
            told.is_some_and(|told| told.reject),
        ];
        out.push(
            flags
                .iter()
                .enumerate()
                .fold(0, |bits, (at, flag)| bits | u8::from(*flag) << at),
        );
        put_f32(out, told.map_or(0.0, |told| told.ratio));
    }
}

struct Input<'a>(&'a [u8]);

impl Input<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], StateError> {
        let (first, rest) = self.0.split_first_chunk::<N>().ok_or(StateError::Short)?;
        self.0 = rest;
        Ok(*first)
    }

    fn u64(&mut self) -> Result<u64, StateError> {
        Ok(u64::from_le_bytes(self.take()?))
    }

    fn u32(&mut self) -> Result<u32, StateError> {
        Ok(u32::from_le_bytes(self.take()?))
    }

    fn f32(&mut self) -> Result<f32, StateError> {
        let value = f32::from_bits(self.u32()?);
        value
            .is_finite()
            .then_some(value)
            .ok_or(StateError::Range("number"))
    }
}

fn read_map<V: Default>(
    input: &mut Input<'_>,
    read_one: impl Fn(&mut Input<'_>) -> Result<V, StateError>,
) -> Result<Map<V>, StateError> {
    let count = input.u64()?;
    let mut map = Map::default();
    let mut last = None;
    for _ in 0..count {
        let key = input.u64()?;
        if last.is_some_and(|last| key <= last) {
            return Err(StateError::Range("order of keys"));
        }
        last = Some(key);
        map.insert(key, read_one(input)?);
    }
    Ok(map)
}

fn read_counter<const W: usize, const M: usize>(input: &mut Input<'_>) -> Result<Counter<W, M>, StateError> {
    let mut counter = Counter {
        at_ms: input.u64()? as TimestampMs,
        ..Counter::default()
    };
    for sum in counter.sums.as_flattened_mut() {
        *sum = input.f32()?;
    }
    Ok(counter)
}

fn read_ring(input: &mut Input<'_>) -> Result<Ring, StateError> {
    read_ring_of(input, |input| {
        let topics = [input.u64()?, input.u64()?, input.u64()?];
        let [category] = input.take::<1>()?;
        Ok((topics, category))
    })
}

fn read_ring_1(input: &mut Input<'_>) -> Result<Ring, StateError> {
    read_ring_of(input, |input| Ok(([input.u64()?, 0, 0], 0)))
}

/// What a video is about: topics and category.
type About = ([u64; TOPICS_MAX], u8);

fn read_ring_of(
    input: &mut Input<'_>,
    read_about: impl Fn(&mut Input<'_>) -> Result<About, StateError>,
) -> Result<Ring, StateError> {
    let count = input.u64()?;
    if count > RING_MAX as u64 {
        return Err(StateError::Range("length of a ring"));
    }
    let mut ring = Ring::default();
    for _ in 0..count {
        let at_ms = Some(input.u64()? as i64).filter(|at_ms| *at_ms != UNKNOWN_MS);
        let [video, creator] = [input.u64()?, input.u64()?];
        let (topics, category) = read_about(input)?;
        let duration_ms = input.u32()?;
        let surface = match input.u32()? {
            NO_SURFACE => None,
            number => Some(u16::try_from(number).map_err(|_| StateError::Range("surface"))?),
        };
        ring.push(Seen {
            at_ms,
            video,
            creator,
            topics,
            category,
            duration_ms,
            surface,
            outcome: read_outcome(input)?,
        });
    }
    Ok(ring)
}

fn read_outcome(input: &mut Input<'_>) -> Result<Outcome, StateError> {
    let [flags] = input.take::<1>()?;
    let ratio = input.f32()?;
    let flag = |at: u32| flags >> at & 1 == 1;
    let told = Told {
        open: flag(3),
        skip: flag(4),
        engage: flag(5),
        reject: flag(6),
        ratio,
    };
    Ok(Outcome {
        long_view: flag(0),
        like: flag(1),
        told: flag(2).then_some(told),
    })
}
