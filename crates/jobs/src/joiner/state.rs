//! What is remembered of a viewer and a video until nothing more is to be learned of it, and its bytes.

use event::{ActionKind, Event, Label, Labels, ServedItem, ServedSlate, Signal, WatchOutcome};
use feature_store::bytes::{Row, put_i64, put_signed, put_varint};
use stream::keyed::Value;
use types::{ImpressionId, ViewerId};

use super::key::Pair;

/// State beside a partition; its kind follows from its key.
#[derive(Debug, Default, PartialEq)]
pub enum LocalState {
    /// Of a key nobody touched, or that was forgotten.
    #[default]
    Nothing,
    Pair(Box<PairState>),
    /// The newest outbox row that was read.
    Outbox(u64),
    /// Pairs; the same one may stand there twice.
    Due(Vec<Pair>),
}

/// A viewer and a video.
#[derive(Debug, Default, PartialEq)]
pub struct PairState {
    /// By impression, ascending.
    pub(crate) shown: Vec<Shown>,
    /// In the order of the log.
    pub(crate) deeds: Vec<Deed>,
    /// Deeds so far, those forgotten included.
    pub(crate) deeds_seen: u64,
}

/// One impression: what was served, and what the device told of it, whichever came first.
#[derive(Debug, PartialEq)]
pub(crate) struct Shown {
    pub(crate) impression: ImpressionId,
    pub(crate) served: Option<Served>,
    /// When the device first told of it; none before.
    pub(crate) told_ms: Option<i64>,
    /// Until when what the device tells belongs to a beginning that was over before this one was served.
    pub(crate) stale_ms: Option<i64>,
    /// The first time the viewer left it, and when we heard.
    pub(crate) watch: Option<(WatchOutcome, i64)>,
    /// Labels that the device's signals made true.
    pub(crate) signals: Labels,
    /// How the label window ended, once it has.
    pub(crate) end: Option<End>,
    /// What has been written.
    pub(crate) wrote: Wrote,
    /// Facts that wait until it is known what they belong to, in the order of their topic.
    pub(crate) later: Vec<Fact>,
}

/// Something about an impression.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Fact {
    Served(Served),
    Told { signal: Signal, heard_ms: i64 },
}

impl Fact {
    pub(crate) fn heard_ms(&self) -> i64 {
        match self {
            Self::Served(served) => served.heard_ms,
            Self::Told { heard_ms, .. } => *heard_ms,
        }
    }
}

/// The end of a label window, as the signals alone tell it: nothing in it depends on when other topics were read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct End {
    pub(crate) lost: bool,
    pub(crate) at_ms: i64,
    /// As of then.
    pub(crate) signals: Labels,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Served {
    /// When we read of it; see [`super::heard_ms`].
    pub(crate) heard_ms: i64,
    pub(crate) at_ms: i64,
    pub(crate) item: ServedItem,
}

/// What has been said about an impression.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Wrote {
    pub(crate) first: First,
    pub(crate) recovered: bool,
    pub(crate) known: Labels,
    pub(crate) yes: Labels,
    /// Deeds that have had their effect.
    pub(crate) deeds: u64,
    /// Changes of each label so far.
    pub(crate) changes: [u16; 8],
}

/// The record an impression began with.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum First {
    #[default]
    None = 0,
    Watched = 1,
    Lost = 2,
}

/// An action on the video.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Deed {
    pub(crate) heard_ms: i64,
    pub(crate) at_ms: i64,
    pub(crate) label: Label,
    pub(crate) to: bool,
}

/// The label an action sets, and to what.
pub(crate) fn label_of(kind: ActionKind) -> Option<(Label, bool)> {
    Some(match kind {
        ActionKind::Like => (Label::Like, true),
        ActionKind::Unlike => (Label::Like, false),
        ActionKind::Comment => (Label::Comment, true),
        ActionKind::Share => (Label::Share, true),
        ActionKind::Save => (Label::Save, true),
        ActionKind::Unsave => (Label::Save, false),
        ActionKind::Follow => (Label::Follow, true),
        ActionKind::Unfollow => (Label::Follow, false),
        ActionKind::NotInterested => (Label::NotInterested, true),
        ActionKind::NotInterestedUndo => (Label::NotInterested, false),
        ActionKind::Report => (Label::Report, true),
        ActionKind::Block | ActionKind::Unblock | ActionKind::BlockedBy | ActionKind::UnblockedBy => {
            return None;
        }
    })
}

impl Shown {
    pub(crate) fn new(impression: ImpressionId) -> Self {
        Self {
            impression,
            served: None,
            told_ms: None,
            stale_ms: None,
            watch: None,
            signals: Labels::default(),
            end: None,
            wrote: Wrote::default(),
            later: Vec::new(),
        }
    }

    /// When we first heard of it.
    pub(crate) fn since_ms(&self) -> i64 {
        let served = self.served.as_ref().map(|served| served.heard_ms);
        served.into_iter().chain(self.told_ms).min().unwrap_or(i64::MIN)
    }
}

impl PairState {
    pub(crate) fn is_empty(&self) -> bool {
        self.shown.is_empty() && self.deeds.is_empty()
    }

    fn heap_bytes(&self) -> usize {
        let of_shown = |shown: &Shown| {
            let features = shown.served.as_ref().map_or(0, |served| {
                8 * served.item.features.capacity() + 16 * served.item.ids.capacity()
            });
            features + shown.later.capacity() * size_of::<Fact>()
        };
        size_of::<Self>()
            + self.shown.capacity() * size_of::<Shown>()
            + self.shown.iter().map(of_shown).sum::<usize>()
            + self.deeds.capacity() * size_of::<Deed>()
    }
}

const NOTHING: u8 = 0;
const PAIR: u8 = 1;
const OUTBOX: u8 = 2;
const DUE: u8 = 3;

impl LocalState {
    pub(crate) fn pair(&mut self) -> &mut PairState {
        if !matches!(self, Self::Pair(_)) {
            *self = Self::Pair(Box::default());
        }
        match self {
            Self::Pair(pair) => pair,
            _ => unreachable!("set above"),
        }
    }

    pub(crate) fn outbox(&mut self) -> &mut u64 {
        if !matches!(self, Self::Outbox(_)) {
            *self = Self::Outbox(0);
        }
        match self {
            Self::Outbox(mark) => mark,
            _ => unreachable!("set above"),
        }
    }

    pub(crate) fn due(&mut self) -> &mut Vec<Pair> {
        if !matches!(self, Self::Due(_)) {
            *self = Self::Due(Vec::new());
        }
        match self {
            Self::Due(pairs) => pairs,
            _ => unreachable!("set above"),
        }
    }
}

impl Value for LocalState {
    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Nothing => out.push(NOTHING),
            Self::Pair(pair) => {
                out.push(PAIR);
                put_pair(out, pair);
            }
            Self::Outbox(mark) => {
                out.push(OUTBOX);
                put_varint(out, *mark);
            }
            Self::Due(pairs) => {
                out.push(DUE);
                let mut sorted = pairs.clone();
                sorted.sort_unstable();
                sorted.dedup();
                sorted.iter().for_each(|pair| pair.encode(out));
            }
        }
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let mut row = Row(bytes);
        Some(match row.u8()? {
            NOTHING => Self::Nothing,
            PAIR => Self::Pair(Box::new(take_pair(&mut row)?)),
            OUTBOX => Self::Outbox(row.varint()?),
            DUE => {
                let pairs = row.0.chunks(16).map(Pair::decode);
                Self::Due(pairs.collect::<Option<_>>()?)
            }
            _ => return None,
        })
    }

    fn heap_bytes(&self) -> usize {
        match self {
            Self::Nothing | Self::Outbox(_) => 0,
            Self::Due(pairs) => pairs.capacity() * size_of::<Pair>(),
            Self::Pair(pair) => pair.heap_bytes(),
        }
    }

    fn is_empty(&self) -> bool {
        matches!(self, Self::Nothing)
    }
}

fn put_pair(out: &mut Vec<u8>, pair: &PairState) {
    put_varint(out, pair.deeds_seen);
    put_varint(out, pair.deeds.len() as u64);
    for deed in &pair.deeds {
        put_i64(out, deed.heard_ms);
        put_i64(out, deed.at_ms);
        out.push(deed.label as u8);
        out.push(u8::from(deed.to));
    }
    put_varint(out, pair.shown.len() as u64);
    pair.shown.iter().for_each(|shown| put_shown(out, shown));
}

fn take_pair(row: &mut Row<'_>) -> Option<PairState> {
    let deeds_seen = row.varint()?;
    let count = row.varint()?;
    let deeds = (0..count).map(|_| {
        Some(Deed {
            heard_ms: row.i64()?,
            at_ms: row.i64()?,
            label: take_label(row)?,
            to: row.u8()? != 0,
        })
    });
    let deeds = deeds.collect::<Option<_>>()?;
    let count = row.varint()?;
    let shown = (0..count).map(|_| take_shown(row)).collect::<Option<_>>()?;
    Some(PairState {
        shown,
        deeds,
        deeds_seen,
    })
}

fn put_shown(out: &mut Vec<u8>, shown: &Shown) {
    put_varint(out, shown.impression.raw());
    put_served(out, shown.served.as_ref());
    put_optional_ms(out, shown.told_ms);
    put_optional_ms(out, shown.stale_ms);
    put_optional_ms(out, shown.watch.map(|(_, heard_ms)| heard_ms));
    if let Some((watch, _)) = shown.watch {
        put_signed(out, watch.watch_ms);
        out.push(u8::from(watch.ended));
        put_varint(out, u64::from(watch.loops));
    }
    put_varint(out, u64::from(shown.signals.bits()));
    put_optional_ms(out, shown.end.map(|end| end.at_ms));
    if let Some(end) = shown.end {
        out.push(u8::from(end.lost));
        put_varint(out, u64::from(end.signals.bits()));
    }
    let wrote = &shown.wrote;
    out.push(wrote.first as u8);
    out.push(u8::from(wrote.recovered));
    put_varint(out, u64::from(wrote.known.bits()));
    put_varint(out, u64::from(wrote.yes.bits()));
    put_varint(out, wrote.deeds);
    wrote
        .changes
        .iter()
        .for_each(|&count| put_varint(out, u64::from(count)));
    put_varint(out, shown.later.len() as u64);
    shown.later.iter().for_each(|fact| put_fact(out, fact));
}

/// Facts in the bytes that the log has for them: one codec, wherever they lie.
fn put_fact(out: &mut Vec<u8>, fact: &Fact) {
    let event = match fact {
        Fact::Served(served) => Event::Served(ServedSlate {
            viewer: ViewerId::from_raw(0),
            at_ms: served.at_ms,
            items: vec![served.item.clone()],
            receipts: vec![],
        }),
        Fact::Told { signal, .. } => Event::Signal(*signal),
    };
    let bytes = event.encode();
    put_i64(out, fact.heard_ms());
    put_varint(out, bytes.len() as u64);
    out.extend_from_slice(&bytes);
}

fn take_fact(row: &mut Row<'_>) -> Option<Fact> {
    let (heard_ms, length) = (row.i64()?, row.varint()? as usize);
    match Event::decode(row.bytes(length)?).ok()? {
        Event::Signal(signal) => Some(Fact::Told { signal, heard_ms }),
        Event::Served(mut slate) => Some(Fact::Served(Served {
            heard_ms,
            at_ms: slate.at_ms,
            item: slate.items.pop()?,
        })),
        _ => None,
    }
}

fn take_shown(row: &mut Row<'_>) -> Option<Shown> {
    Some(Shown {
        impression: ImpressionId::from_raw(row.varint()?),
        served: take_served(row)?,
        told_ms: take_optional_ms(row)?,
        stale_ms: take_optional_ms(row)?,
        watch: match take_optional_ms(row)? {
            None => None,
            Some(heard_ms) => {
                let watch = WatchOutcome {
                    watch_ms: row.signed()?,
                    ended: row.u8()? != 0,
                    loops: row.varint()?.try_into().ok()?,
                };
                Some((watch, heard_ms))
            }
        },
        signals: take_labels(row)?,
        end: match take_optional_ms(row)? {
            None => None,
            Some(at_ms) => Some(End {
                at_ms,
                lost: row.u8()? != 0,
                signals: take_labels(row)?,
            }),
        },
        wrote: Wrote {
            first: match row.u8()? {
                0 => First::None,
                1 => First::Watched,
                2 => First::Lost,
                _ => return None,
            },
            recovered: row.u8()? != 0,
            known: take_labels(row)?,
            yes: take_labels(row)?,
            deeds: row.varint()?,
            changes: {
                let mut changes = [0; 8];
                for count in &mut changes {
                    *count = row.varint()?.try_into().ok()?;
                }
                changes
            },
        },
        later: {
            let count = row.varint()?;
            (0..count).map(|_| take_fact(row)).collect::<Option<_>>()?
        },
    })
}

fn put_served(out: &mut Vec<u8>, served: Option<&Served>) {
    out.push(u8::from(served.is_some()));
    served
        .into_iter()
        .for_each(|served| put_fact(out, &Fact::Served(served.clone())));
}

/// The outer none is for bytes that do not read.
fn take_served(row: &mut Row<'_>) -> Option<Option<Served>> {
    match row.u8()? {
        0 => Some(None),
        1 => match take_fact(row)? {
            Fact::Served(served) => Some(Some(served)),
            Fact::Told { .. } => None,
        },
        _ => None,
    }
}

fn put_optional_ms(out: &mut Vec<u8>, ms: Option<i64>) {
    out.push(u8::from(ms.is_some()));
    ms.into_iter().for_each(|ms| put_i64(out, ms));
}

/// The outer none is for bytes that do not read.
fn take_optional_ms(row: &mut Row<'_>) -> Option<Option<i64>> {
    match row.u8()? {
        0 => Some(None),
        1 => Some(Some(row.i64()?)),
        _ => None,
    }
}

fn take_labels(row: &mut Row<'_>) -> Option<Labels> {
    Labels::from_bits(row.varint()?.try_into().ok()?)
}

fn take_label(row: &mut Row<'_>) -> Option<Label> {
    Label::ALL.get(usize::from(row.u8()?)).copied()
}
