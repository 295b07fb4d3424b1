//! Decides what follows from the counts: which videos are owed impressions, which go on to a larger pool, which are explored no more.
//! It reads rows, makes the board that the feed explores from, and appends decisions to the log; it never changes a row itself.
//!
//! Two processes may both decide: the log has one order, and the first decision about a level counts.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use event::{Event, PoolChange, PoolVerdict, partition_of, topic};
use event_log::{Append, EventLog, Topic, TopicPartition};
use feature_store::{
    BOARD_VIDEOS_MAX, Debt, FeatureStore, LENGTH_GROUPS, Median, OWED_IMPRESSIONS, OWED_WITHIN_MS, Owed,
    POOL_SIZES, PoolBoard, PoolRow, PoolState, length_group,
};
use stream::{JobError, StopSignal, Task};
use types::{TimestampMs, VideoId, ViewerId};

use super::posterior;

/// Videos published longer ago are looked at no more.
pub const BEHIND_MS: i64 = 7 * 86_400_000;

/// Promoted above this probability of being better than the peers' median.
const PROMOTED_MIN: f64 = 0.8;
/// Stopped above this probability of being worse.
const STOPPED_MIN: f64 = 0.95;
/// A success rate with fewer trials says little about peers.
const PEER_TRIALS_MIN: i64 = 50;
/// A median of fewer peers says little.
const PEERS_MIN: usize = 5;
/// Assumed of newcomers while there are too few peers.
const RATE_ASSUMED: f32 = 0.35;
/// A median is kept this far from never and always.
const RATE_EDGE: f32 = 0.02;
/// Hashtags under which an owed video is found.
const HASHTAGS_MAX: usize = 8;
/// Decisions of one round.
const DECISIONS_MAX: usize = 2_000;
const ROUND_EVERY: Duration = Duration::from_secs(1);
/// Rounds that a pause is long at least, so that a large catalog takes little of a core; nothing but the pace depends on it.
const PAUSE_ROUNDS: u32 = 20;
const MEDIANS_EVERY_MS: i64 = 30_000;
/// A decision that has not come back for so long is made again.
const DECIDED_AGAIN_MS: i64 = 60_000;

type Medians = [[Median; LENGTH_GROUPS]; POOL_SIZES.len()];

/// See the file's header.
pub struct Ladder {
    store: Arc<FeatureStore>,
    log: Arc<dyn EventLog>,
    clock: Arc<dyn Fn() -> TimestampMs + Send + Sync>,
    medians: Medians,
    medians_ms: TimestampMs,
    round_every: Duration,
    /// Decided and not yet read back: the level, and when.
    decided: HashMap<VideoId, (u8, TimestampMs)>,
}

impl Ladder {
    /// Reads the time from `clock`.
    pub fn new(
        store: Arc<FeatureStore>,
        log: Arc<dyn EventLog>,
        clock: Arc<dyn Fn() -> TimestampMs + Send + Sync>,
    ) -> Self {
        Self {
            store,
            log,
            clock,
            medians: [[assumed(); LENGTH_GROUPS]; POOL_SIZES.len()],
            medians_ms: i64::MIN,
            round_every: ROUND_EVERY,
            decided: HashMap::new(),
        }
    }

    /// Looks more often, for a clock that goes so many times faster than the machine's.
    #[must_use]
    pub fn hastened(self, haste: u32) -> Self {
        Self {
            round_every: ROUND_EVERY / haste.max(1),
            ..self
        }
    }

    /// Looks at everything once: makes the board, and appends what is decided; how many decisions that were.
    pub fn round(&mut self) -> usize {
        let now_ms = (self.clock)();
        if now_ms.saturating_sub(self.medians_ms) >= MEDIANS_EVERY_MS || now_ms < self.medians_ms {
            self.medians = medians(&self.store);
            self.medians_ms = now_ms;
        }
        let again_ms = now_ms.saturating_sub(DECIDED_AGAIN_MS);
        self.decided
            .retain(|_, (_, at_ms)| (again_ms..=now_ms).contains(at_ms));
        let mut view = View::default();
        self.store
            .pools_tried_each(now_ms.saturating_sub(BEHIND_MS), |video, row, before| {
                view.look(now_ms, video, row, before);
                let awaited = self.decided.get(&video).map(|(level, _)| usize::from(*level));
                if view.changes.len() < DECISIONS_MAX && awaited.is_none_or(|level| level != row.steps.len())
                {
                    view.changes.extend(decide(now_ms, video, row, &self.medians));
                }
            });
        view.meter();
        let changes = std::mem::take(&mut view.changes);
        self.store
            .pool_board_put(view.board(now_ms, self.medians, &self.store));
        self.append(&changes);
        changes.len()
    }

    fn append(&mut self, changes: &[PoolChange]) {
        let appends = changes.iter().map(|change| Append {
            to: TopicPartition {
                topic: Topic(topic::POOLS),
                partition: partition_of(ViewerId::from_raw(change.video.raw()), self.log.partitions()),
            },
            at_ms: change.at_ms,
            payload: Event::Pool(*change).encode().into(),
        });
        let appends: Vec<Append> = appends.collect();
        if appends.is_empty() {
            return;
        }
        match self.log.append(appends) {
            // Nobody waits for it: a decision that is lost is made again.
            Ok(durable) => drop(durable),
            Err(error) => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "decisions on videos wait for the log"
                );
                return;
            }
        }
        for change in changes {
            self.decided.insert(change.video, (change.level, change.at_ms));
            let verdict = match change.verdict {
                PoolVerdict::Promoted => "promoted",
                PoolVerdict::Stopped => "stopped",
            };
            metrics::counter!("riffle_pools_decisions_total", "verdict" => verdict).increment(1);
        }
    }
}

impl Task for Ladder {
    fn name(&self) -> &'static str {
        "ladder"
    }

    fn run(&mut self, stop: &StopSignal) -> Result<(), JobError> {
        let mut pause = self.round_every;
        while !stop.sleep(pause) {
            let began = Instant::now();
            self.round();
            pause = self.round_every.max(began.elapsed() * PAUSE_ROUNDS);
        }
        Ok(())
    }
}

/// What follows from a video's evidence, if anything does yet.
fn decide(now_ms: TimestampMs, video: VideoId, row: &PoolRow, medians: &Medians) -> Option<PoolChange> {
    let PoolState::In(level) = row.state() else {
        return None;
    };
    let size = POOL_SIZES[level] as i64;
    let evidence = row.evidence();
    // What a new video is owed it gets, however it does.
    let seen_min = if level == 0 { size } else { size / 2 };
    if evidence.impressions < seen_min {
        return None;
    }
    let median = medians[level][length_group(row.published?.duration_ms)].rate;
    let trials = evidence.trials.max(0);
    let Some(worse) = posterior::worse(trials, evidence.successes.clamp(0, trials), f64::from(median)) else {
        metrics::counter!("riffle_pools_undecided_total", "reason" => "posterior").increment(1);
        return None;
    };
    let verdict = match worse {
        worse if worse > STOPPED_MIN => PoolVerdict::Stopped,
        worse if 1.0 - worse > PROMOTED_MIN && evidence.impressions >= size => PoolVerdict::Promoted,
        _ => return None,
    };
    Some(PoolChange {
        video,
        at_ms: now_ms,
        level: level as u8,
        verdict,
        impressions: row.counts.impressions.max(0).unsigned_abs(),
        trials: row.counts.trials.max(0).unsigned_abs(),
        successes: row.counts.successes.max(0).unsigned_abs(),
        median,
        better: (1.0 - worse) as f32,
    })
}

fn assumed() -> Median {
    Median {
        rate: RATE_ASSUMED,
        videos: 0,
    }
}

/// The medians of all pools, each over the videos that are or were in it. A pool with few peers takes that of the pool before.
fn medians(store: &FeatureStore) -> Medians {
    let mut rates: [[Vec<f32>; LENGTH_GROUPS]; POOL_SIZES.len()] = Default::default();
    store.pools_each(|_, row| {
        let Some(published) = row.published else { return };
        let group = length_group(published.duration_ms);
        for (level, cells) in rates.iter_mut().enumerate() {
            let here = || (row.state() == PoolState::In(level)).then(|| row.evidence());
            let evidence = row.evidence_of(level).or_else(here);
            let evidence = evidence.filter(|evidence| evidence.trials >= PEER_TRIALS_MIN);
            cells[group].extend(
                evidence
                    .and_then(|evidence| evidence.rate())
                    .map(|rate| rate as f32),
            );
        }
    });
    let mut before = [assumed(); LENGTH_GROUPS];
    rates.map(|cells| {
        let mut level = before;
        for (median, mut rates) in level.iter_mut().zip(cells) {
            median.videos = 0;
            if rates.len() >= PEERS_MIN {
                let middle = rates.len() / 2;
                let (_, &mut rate, _) = rates.select_nth_unstable_by(middle, f32::total_cmp);
                *median = Median {
                    rate: rate.clamp(RATE_EDGE, 1.0 - RATE_EDGE),
                    videos: u32::try_from(rates.len()).unwrap_or(u32::MAX),
                };
            }
        }
        before = level;
        level
    })
}

/// What one round sees.
#[derive(Default)]
struct View {
    owed: Vec<(Owed, TimestampMs)>,
    tried: Vec<VideoId>,
    owed_impressions: u64,
    overdue: u64,
    over_budget: u64,
    written_off: u64,
    in_pool: [u64; POOL_SIZES.len()],
    changes: Vec<PoolChange>,
}

impl View {
    fn look(&mut self, now_ms: TimestampMs, video: VideoId, row: &PoolRow, before: usize) {
        let (PoolState::In(level), Some(published)) = (row.state(), row.published) else {
            return;
        };
        self.in_pool[level] += 1;
        let Some(debt) = Debt::of(now_ms, row, before) else {
            return;
        };
        match debt {
            Debt::Owed { given, .. } => {
                let age_ms = now_ms.saturating_sub(published.published_ms);
                self.overdue += u64::from(age_ms > OWED_WITHIN_MS);
                self.owed_impressions += OWED_IMPRESSIONS.saturating_sub(given);
                let urgency = debt.urgency();
                self.owed.push((Owed { video, urgency }, published.published_ms));
                return;
            }
            Debt::OverBudget => self.over_budget += 1,
            Debt::WrittenOff => self.written_off += 1,
            Debt::Paid => {}
        }
        self.try_on(video);
    }

    fn try_on(&mut self, video: VideoId) {
        if self.tried.len() < BOARD_VIDEOS_MAX {
            self.tried.push(video);
        }
    }

    fn meter(&self) {
        for (level, videos) in self.in_pool.iter().enumerate() {
            let size = POOL_SIZES[level].to_string();
            metrics::gauge!("riffle_pools_videos", "size" => size).set(*videos as f64);
        }
        metrics::gauge!("riffle_pools_owed_videos").set(self.owed.len() as f64);
        metrics::gauge!("riffle_pools_owed_impressions").set(self.owed_impressions as f64);
        metrics::gauge!("riffle_pools_overdue_videos").set(self.overdue as f64);
        metrics::gauge!("riffle_pools_over_budget_videos").set(self.over_budget as f64);
        metrics::gauge!("riffle_pools_written_off_videos").set(self.written_off as f64);
    }

    /// The board: most behind first, then in the order of publication.
    fn board(mut self, now_ms: TimestampMs, medians: Medians, store: &FeatureStore) -> PoolBoard {
        let order = |(a, a_ms): &(Owed, TimestampMs), (b, b_ms): &(Owed, TimestampMs)| {
            let by_urgency = b.urgency.total_cmp(&a.urgency);
            by_urgency.then_with(|| (a_ms, a.video).cmp(&(b_ms, b.video)))
        };
        if self.owed.len() > BOARD_VIDEOS_MAX {
            self.owed.select_nth_unstable_by(BOARD_VIDEOS_MAX, order);
            self.owed.truncate(BOARD_VIDEOS_MAX);
        }
        self.owed.sort_unstable_by(order);
        let mut board = PoolBoard {
            at_ms: now_ms,
            owed: self.owed.iter().map(|(owed, _)| *owed).collect(),
            tried: self.tried,
            owed_impressions: self.owed_impressions,
            medians,
            ..PoolBoard::default()
        };
        let catalog = store.catalog();
        for (place, owed) in (0u32..).zip(&board.owed) {
            let Some(profile) = catalog.get(owed.video) else {
                continue;
            };
            for hashtag in profile.hashtags.iter().take(HASHTAGS_MAX) {
                board
                    .owed_by_hashtag
                    .entry(hashtag.clone())
                    .or_default()
                    .push(place);
            }
            if let Some(category) = profile.category {
                board.owed_by_category.entry(category).or_default().push(place);
            }
        }
        board
    }
}
