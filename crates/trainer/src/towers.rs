//! The two towers at school: collects what went well, and makes a step of a batch of it.
//!
//! They learn from the same examples in the same order as the model, and their state is a part of the learner's: it stands in checkpoints and in the state's
//! digest, and a replay of the journal makes the same bits. A batch may be filled by several takes, so what waits for it is state too. What
//! went badly is not shown to them: the other videos of a batch are their negatives.
//!
//! | what | figure, at the default batch of 128 |
//! |---|---|
//! | what waits | 128 × (about 60 ids of 10 B + 410 values of 4 B) ≈ 290 kB, copied into each checkpoint |
//! | a step | see [`model::towers`]; what it costs with the product's schema is measured by `./dev bench retrieval --only towers` |

use event::{Example, Label};
use model::snapshot::{Decoder, Encoder};
use model::towers::{Pair, Towers, TowersConfig, TowersVersion};
use model::{ChunkId, RestoreError, RowRef, Schema, SchemaError, StateHash, towers};
use serde::{Deserialize, Serialize};

/// Videos whose vectors moved that are remembered until somebody asks.
const MOVED_MAX: usize = 8_192;
/// Share of the newest batch in the running figures.
const FIGURE_SHARE: f32 = 0.02;

/// Whether and how the towers learn.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct TowersSettings {
    pub config: TowersConfig,
    /// Positives of a step, at most [`towers::BATCH_MAX`].
    pub batch: usize,
    /// Watching this share of a video is a positive …
    pub watched_min: f32,
    /// … and saying so counts for so many of these.
    pub said_weight: f32,
}

impl Default for TowersSettings {
    fn default() -> Self {
        Self {
            config: TowersConfig::default(),
            batch: 128,
            watched_min: 0.8,
            said_weight: 2.0,
        }
    }
}

/// How well the towers tell a viewer's own video from the others of a batch: running means over batches.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct TowersFigures {
    /// Positives learned.
    pub pairs: u64,
    /// Cross-entropy in nats; that of guessing is the logarithm of the batch.
    pub loss: f32,
    /// Share of viewers whose own video came first.
    pub hits: f32,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct TowersSchool {
    settings: TowersSettings,
    towers: Towers,
    waiting: Vec<Waiting>,
    figures: TowersFigures,
    /// Videos of the steps since somebody asked; no part of the state.
    moved: Vec<u64>,
}

/// A positive that waits for its batch.
#[derive(Debug, Clone, PartialEq)]
struct Waiting {
    video: u64,
    ids: Vec<(u16, u64)>,
    dense: Vec<f32>,
    weight: f32,
    at_s: u32,
}

impl TowersSchool {
    pub fn new(settings: TowersSettings, schema: &Schema, seed: u64) -> Result<Self, SchemaError> {
        if !(2..=towers::BATCH_MAX).contains(&settings.batch) {
            return Err(SchemaError::Config("towers' batch"));
        }
        Ok(Self::with(
            settings,
            Towers::new(schema.clone(), settings.config, seed)?,
        ))
    }

    fn with(settings: TowersSettings, towers: Towers) -> Self {
        Self {
            settings,
            towers,
            waiting: Vec::new(),
            figures: TowersFigures::default(),
            moved: Vec::new(),
        }
    }

    /// Takes note of an example that was learned from the row of `ids` and `dense`; makes a step when a batch is full.
    pub fn note(&mut self, example: &Example, dense: &[f32], (weight, at_s): (f32, u32)) {
        let liking = self.liking(example) * weight;
        if liking <= 0.0 {
            return;
        }
        self.waiting.push(Waiting {
            video: example.item.video.raw(),
            ids: example.item.ids.clone(),
            dense: dense.to_vec(),
            weight: liking,
            at_s,
        });
        if self.waiting.len() >= self.settings.batch {
            self.step();
        }
    }

    /// How much an example is a positive; 0 when it is none.
    fn liking(&self, example: &Example) -> f32 {
        let yes = |label: &Label| example.label(*label) == Some(true);
        if [Label::NotInterested, Label::Report].iter().any(yes) {
            return 0.0;
        }
        let said = [
            Label::Like,
            Label::Comment,
            Label::Share,
            Label::Save,
            Label::Follow,
        ];
        if said.iter().any(yes) {
            return self.settings.said_weight;
        }
        let needed = self.settings.watched_min * example.item.duration_ms as f32;
        let watched = example
            .watch
            .is_some_and(|watch| watch.ended || needed > 0.0 && watch.watch_ms as f32 >= needed);
        if watched { 1.0 } else { 0.0 }
    }

    fn step(&mut self) {
        let waiting = std::mem::take(&mut self.waiting);
        let pairs: Vec<Pair<'_>> = waiting.iter().map(Waiting::pair).collect();
        let learned = self.towers.learn(&pairs, &[], 1);
        self.figures.pairs += pairs.len() as u64;
        let share = match self.figures.pairs == pairs.len() as u64 {
            true => 1.0,
            false => FIGURE_SHARE,
        };
        self.figures.loss += share * (learned.loss - self.figures.loss);
        self.figures.hits += share * (learned.hits - self.figures.hits);
        let room = MOVED_MAX.saturating_sub(self.moved.len());
        self.moved.extend(waiting.iter().map(|one| one.video).take(room));
    }

    pub fn figures(&self) -> TowersFigures {
        self.figures
    }

    /// The weights as they are, to embed with.
    pub fn version(&self) -> TowersVersion {
        self.towers.version()
    }

    /// Steps so far.
    pub fn steps(&self) -> u64 {
        self.towers.steps()
    }

    pub fn reader(&self) -> &model::table::Reader {
        self.towers.table().reader()
    }

    /// The videos of the steps since the last call, as far as they fit.
    pub fn moved_take(&mut self) -> Vec<u64> {
        std::mem::take(&mut self.moved)
    }

    pub fn state_hash(&mut self) -> StateHash {
        let mut bytes = self.own_bytes();
        bytes.extend_from_slice(&self.towers.state_hash().0);
        StateHash::of(&bytes)
    }

    fn own_bytes(&self) -> Vec<u8> {
        let mut out = Encoder::default();
        out.u64(self.figures.pairs)
            .f32(self.figures.loss)
            .f32(self.figures.hits);
        out.u32(self.waiting.len() as u32);
        for one in &self.waiting {
            out.u64(one.video).f32(one.weight).u32(one.at_s);
            out.u32(one.ids.len() as u32);
            for (slot, id) in &one.ids {
                out.u32(u32::from(*slot)).u64(*id);
            }
            out.f32s(&one.dense);
        }
        out.end()
    }

    /// Hands every chunk to `put`; answers what [`Self::restore`] needs beside them.
    pub fn snapshot(
        &mut self,
        put: impl FnMut(&ChunkId, &[u8]) -> std::io::Result<()>,
    ) -> std::io::Result<Vec<u8>> {
        let chunks = self.towers.snapshot(put)?;
        let mut out = Encoder::default();
        out.u32(chunks.len() as u32);
        for chunk in &chunks {
            out.raw(&chunk.0);
        }
        out.bytes(&self.own_bytes());
        Ok(out.end())
    }

    pub fn restore(
        settings: TowersSettings,
        (schema, seed): (&Schema, u64),
        bytes: &[u8],
        get: impl FnMut(&ChunkId) -> std::io::Result<Vec<u8>>,
    ) -> Result<Self, RestoreError> {
        let mut from = Decoder::new(bytes);
        let mut chunks = Vec::new();
        for _ in 0..from.u32()? {
            chunks.push(from.hash()?);
        }
        let towers = Towers::restore((schema.clone(), settings.config, seed), &chunks, get)?;
        let mut school = Self::with(settings, towers);
        let mut from = Decoder::new(from.bytes()?);
        school.figures = TowersFigures {
            pairs: from.u64()?,
            loss: from.f32()?,
            hits: from.f32()?,
        };
        for _ in 0..from.u32()? {
            school.waiting.push(Waiting::read(&mut from)?);
        }
        match school.waiting.len() < settings.batch {
            true => Ok(school),
            false => Err(RestoreError::Format("a batch that should have been learned")),
        }
    }
}

impl Waiting {
    fn pair(&self) -> Pair<'_> {
        let row = RowRef {
            ids: &self.ids,
            dense: &self.dense,
            duration_s: 0.0,
        };
        Pair {
            viewer: row,
            video: row,
            weight: self.weight,
            at_s: self.at_s,
        }
    }

    fn read(from: &mut Decoder<'_>) -> Result<Self, RestoreError> {
        let (video, weight, at_s) = (from.u64()?, from.f32()?, from.u32()?);
        let mut ids = Vec::new();
        for _ in 0..from.u32()? {
            let slot = u16::try_from(from.u32()?).map_err(|_| RestoreError::Format("slot"))?;
            ids.push((slot, from.u64()?));
        }
        Ok(Self {
            video,
            ids,
            dense: from.f32s()?,
            weight,
            at_s,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use crate::fixture;
    use crate::learner::tests::placed;
    use crate::{Learner, Placed};

    fn learner(range: std::ops::Range<u64>) -> Learner {
        let mut learner = Learner::new(&fixture::parts()).expect("the parts fit");
        learner.learn(&range.map(placed).collect::<Vec<Placed>>());
        learner
    }

    /// Viewers like videos of their own third: their vectors lie nearer to those.
    #[test]
    fn a_viewer_comes_to_lie_near_what_they_like() {
        let learner = learner(0..30_000);
        let figures = learner.towers_figures().expect("there are towers");
        assert!(figures.pairs > 5_000, "{figures:?}");
        assert!(
            figures.hits > 1.5 / 24.0,
            "twice as good as guessing: {figures:?}"
        );
        let school = learner.towers.as_ref().expect("there are towers");
        let (version, table) = (school.version(), school.reader());
        let dense = [0.5, 0.5];
        let vectors = |slot: u16, ids: std::ops::Range<u64>| -> Vec<Vec<f32>> {
            let (mut scratch, mut out) = (Default::default(), Vec::new());
            let rows: Vec<[(u16, u64); 2]> = ids.map(|id| [(slot, id), (3, id % 7)]).collect();
            let rows = rows.iter().map(|ids| RowRef {
                ids,
                dense: &dense,
                duration_s: 0.0,
            });
            let rows: Vec<RowRef<'_>> = rows.collect();
            match slot {
                1 => version.viewers(table, &rows, &mut scratch, &mut out),
                _ => version.videos(table, &rows, &mut scratch, &mut out),
            }
            out.chunks(towers::WIDTH).map(<[f32]>::to_vec).collect()
        };
        let (viewers, videos) = (vectors(1, 1..51), vectors(2, 1..81));
        let (mut own, mut other) = (0.0, 0.0);
        for (viewer, v) in viewers.iter().enumerate() {
            for (video, w) in videos.iter().enumerate() {
                let cosine: f32 = v.iter().zip(w).map(|(x, y)| x * y).sum();
                match (viewer + 1) % 3 == (video + 1) % 3 {
                    true => own += cosine / (50.0 * 80.0 / 3.0),
                    false => other += cosine / (50.0 * 80.0 / 1.5),
                }
            }
        }
        assert!(own > other + 0.03, "{own} {other}");
    }

    /// A snapshot in the middle of a batch goes on to the same bits.
    #[test]
    fn a_snapshot_keeps_what_waits_for_its_batch() {
        let mut learner = learner(0..1_001);
        let waits = learner
            .towers
            .as_ref()
            .is_some_and(|towers| !towers.waiting.is_empty());
        assert!(waits, "the batch is not full");
        let mut chunks = HashMap::new();
        let (manifest, own) = learner
            .snapshot(|id, bytes| {
                chunks.insert(*id, bytes.to_vec());
                Ok(())
            })
            .expect("snapshots");
        let get = |id: &ChunkId| chunks.get(id).cloned().ok_or(std::io::ErrorKind::NotFound.into());
        let restored = Learner::restore(&fixture::parts(), &manifest, &own, get);
        let mut restored = restored.expect("restores");
        assert_eq!(restored.state_hash(), learner.state_hash());
        let more: Vec<Placed> = (1_001..1_300).map(placed).collect();
        learner.learn(&more);
        restored.learn(&more);
        assert_eq!(restored.state_hash(), learner.state_hash());
    }

    #[test]
    fn what_went_badly_is_no_positive() {
        let parts = fixture::parts();
        let settings = TowersSettings::default();
        let school = TowersSchool::new(settings, &parts.schema, 1).expect("the schema fits");
        let example = |ended, watch_ms, yes| Example {
            watch: Some(event::WatchOutcome {
                watch_ms,
                ended,
                loops: 0,
            }),
            known: event::Labels::ALL,
            yes,
            ..fixture::example(0)
        };
        let none = event::Labels::default();
        for (example, expected) in [
            (example(false, 7_000, none), 0.0),
            (example(false, 8_000, none), 1.0),
            (example(true, 100, none), 1.0),
            (example(false, 100, event::Labels::of(Label::Share)), 2.0),
            (example(true, 10_000, event::Labels::of(Label::Report)), 0.0),
        ] {
            assert_eq!(school.liking(&example), expected, "{example:?}");
        }
    }
}
