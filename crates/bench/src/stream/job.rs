//! Trending as a keyed job: what a video got in the last hour, in bins of five minutes, on its way to the lists.
//!
//! The lists themselves are made in [`super::lists`].

use event_log::{Record, Topic};
use stream::Poisoned;
use stream::keyed::{Bins, Delta, Fate, Folding, Job, Key, KeyGroup, Lateness, Local, TimePolicy, Value};

use super::input::{Event, FIRST_MS, TOPIC};

/// A window slides by one bin.
pub(crate) const BIN_MS: i64 = 300_000;
/// Bins of a window.
pub(crate) const WINDOW_BINS: i64 = 12;
/// Bins kept: a window's, one that is still open, one of slack.
const BINS_MAX: usize = WINDOW_BINS as usize + 2;
const OLDEST_VIDEO_H: u64 = 72;

/// What people did in a stretch of time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Sums {
    /// Views, likes, comments, shares.
    pub(crate) counts: [u32; 4],
    /// Percent watched, summed over views.
    pub(crate) completion: u64,
}

const SUMS_BYTES: usize = 24;
const BIN_BYTES: usize = 8 + SUMS_BYTES;

impl Sums {
    pub(crate) fn of(event: &Event) -> Option<Self> {
        let mut sums = Self::default();
        *sums.counts.get_mut(usize::from(event.kind))? = 1;
        sums.completion = u64::from(event.completion);
        Some(sums)
    }

    pub(crate) fn add(&mut self, other: &Self) {
        self.counts
            .iter_mut()
            .zip(other.counts)
            .for_each(|(sum, more)| *sum += more);
        self.completion += other.completion;
    }

    pub(crate) fn subtract(&mut self, other: &Self) {
        self.counts
            .iter_mut()
            .zip(other.counts)
            .for_each(|(sum, less)| *sum -= less);
        self.completion -= other.completion;
    }

    pub(crate) fn is_zero(&self) -> bool {
        self.counts == [0; 4]
    }

    /// Engagement times mean completion (1 to 50) times what age leaves: halved after two hours.
    pub(crate) fn score(&self, video: u64, now_ms: i64) -> f64 {
        let [views, likes, comments, shares] = self.counts.map(f64::from);
        let points = views + 5.0 * likes + 10.0 * comments + 20.0 * shares;
        let completion = if views > 0.0 {
            self.completion as f64 / views / 2.0
        } else {
            1.0
        };
        let age_h = (now_ms - published_ms(video)) as f64 / 3_600_000.0;
        points * completion.max(1.0) * (1.0 / (1.0 + age_h / 2.0))
    }
}

/// When a video was published: some hour before the events begin, as its id decides.
fn published_ms(video: u64) -> i64 {
    FIRST_MS - ((video >> 7) % OLDEST_VIDEO_H) as i64 * 3_600_000
}

/// A video by its id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Video(pub(crate) u64);

impl Key for Video {
    fn group(&self) -> KeyGroup {
        KeyGroup((self.0.wrapping_mul(0xd6e8_feb8_6659_fd93) >> 56) as u8)
    }

    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.0.to_be_bytes());
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        Some(Self(u64::from_be_bytes(bytes.try_into().ok()?)))
    }
}

/// What is known of one video.
#[derive(Debug, Default)]
pub(crate) struct Window {
    bins: Bins<Sums>,
    /// Read back and not touched since: whoever asks for its rows wants all of them.
    is_restored: bool,
}

impl Value for Window {
    fn encode(&self, out: &mut Vec<u8>) {
        for (bin, sums) in self.bins.parts() {
            out.extend_from_slice(&bin.to_le_bytes());
            sums.counts
                .iter()
                .for_each(|count| out.extend_from_slice(&count.to_le_bytes()));
            out.extend_from_slice(&sums.completion.to_le_bytes());
        }
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (bins, []) = bytes.as_chunks::<BIN_BYTES>() else {
            return None;
        };
        let bin = |bytes: &[u8; BIN_BYTES]| {
            let (bin, rest) = bytes.split_first_chunk()?;
            let (completion, counts) = (rest.last_chunk()?, rest.as_chunks::<4>().0);
            let count = |at: usize| u32::from_le_bytes(counts[at]);
            let sums = Sums {
                counts: [count(0), count(1), count(2), count(3)],
                completion: u64::from_le_bytes(*completion),
            };
            Some((i64::from_le_bytes(*bin), sums))
        };
        Some(Self {
            bins: Bins::from_parts(bins.iter().map(bin).collect::<Option<_>>()?)?,
            is_restored: true,
        })
    }

    fn heap_bytes(&self) -> usize {
        self.bins.heap_bytes()
    }

    fn is_empty(&self) -> bool {
        self.bins.is_empty()
    }
}

/// What one epoch adds to a video: one bin nearly always, so only the others need the heap.
pub(crate) struct Added {
    bin: i64,
    sums: Sums,
    others: Vec<(i64, Sums)>,
}

impl Added {
    fn add(&mut self, bin: i64, more: &Sums) {
        if bin == self.bin {
            return self.sums.add(more);
        }
        match self.others.iter_mut().find(|(held, _)| *held == bin) {
            Some((_, sums)) => sums.add(more),
            None => self.others.push((bin, *more)),
        }
    }
}

impl Delta for Added {
    fn merge(&mut self, other: Self) {
        self.add(other.bin, &other.sums);
        other.others.iter().for_each(|(bin, sums)| self.add(*bin, sums));
    }
}

/// What a video got in one bin, as of now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) video: u64,
    pub(crate) bin: i64,
    pub(crate) sums: Sums,
}

/// See the module.
pub(crate) struct Trending;

impl Job for Trending {
    type LocalKey = Video;
    type Local = ();
    type Key = Video;
    type State = Window;
    type Delta = Added;
    type Row = Row;

    fn name(&self) -> &'static str {
        "trending"
    }

    fn topics(&self) -> &'static [Topic] {
        &[TOPIC]
    }

    fn time_policy(&self) -> TimePolicy {
        TimePolicy::default()
    }

    fn prepare(&self, record: &Record, local: &mut Local<'_, Self>) -> Result<(), Poisoned> {
        let event = Event::read(&record.payload).ok_or(Poisoned { reason: "length" })?;
        let sums = Sums::of(&event).ok_or(Poisoned { reason: "kind" })?;
        let time = local.event_time(event.at_ms, record.at_ms);
        if time.lateness == Lateness::TooLate {
            local.fate(Fate::Late);
            return Ok(());
        }
        let added = Added {
            bin: Bins::<Sums>::number(time.at_ms, BIN_MS),
            sums,
            others: Vec::new(),
        };
        local.send(Video(event.video), added);
        Ok(())
    }

    fn fold(&self, key: &Video, state: &mut Window, delta: Added, folding: &mut Folding<'_, Self>) {
        state.is_restored = false;
        if state.bins.is_empty() {
            folding.timer(gone_ms(delta.bin));
        }
        let first = std::iter::once((delta.bin, delta.sums));
        for (bin, sums) in first.chain(delta.others) {
            if let Some(sum) = state.bins.entry(bin, BINS_MAX) {
                sum.add(&sums);
                folding.row(Row {
                    video: key.0,
                    bin,
                    sums: *sum,
                });
            }
        }
    }

    /// Forgets a video once its newest bin is in no window any more.
    fn timer(&self, _: &Video, state: &mut Window, at_ms: i64, folding: &mut Folding<'_, Self>) {
        state.is_restored = false;
        match state.bins.parts().last() {
            Some(&(newest, _)) if gone_ms(newest) > at_ms => folding.timer(gone_ms(newest)),
            _ => *state = Window::default(),
        }
    }

    /// What changed was told while it was folded; here only a sink that lost its rows is answered.
    fn rows(&self, key: &Video, state: &Window, rows: &mut Vec<Row>) {
        if state.is_restored {
            let row = |&(bin, sums): &(i64, Sums)| Row {
                video: key.0,
                bin,
                sums,
            };
            rows.extend(state.bins.parts().iter().map(row));
        }
    }
}

/// When the last window with `bin` in it has been told, with one bin to spare.
fn gone_ms(bin: i64) -> i64 {
    (bin + WINDOW_BINS + 1) * BIN_MS
}
