//! What others see of the learner: the model in service, figures, and a hand to ask for things.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arc_swap::ArcSwapOption;
use model::table::Reader;
use model::towers::TowersVersion;
use model::{DenseVersion, Published};
use parking_lot::{Mutex, RwLock};
use types::Fault;

use crate::learner::Tally;
use crate::quality::HeadFigures;

/// Changes of trust that wait for the next round.
const TRUST_WAITING_MAX: usize = 4_096;

/// The model that answers: dense weights by version, embedding rows in the memory that the learner writes to.
#[derive(Debug, Clone)]
pub struct Serving {
    pub published: Published,
    pub rows: Reader,
}

impl Serving {
    /// The newest version and the rows to go with it, for as long as one request takes.
    pub fn pin(&self) -> (Arc<DenseVersion>, &Reader) {
        (self.published.pin(), &self.rows)
    }
}

/// The towers that embed: dense weights of one moment, embedding rows in the memory that the learner writes to.
#[derive(Debug)]
pub struct ServingTowers {
    pub version: TowersVersion,
    pub rows: Reader,
    /// Videos whose vectors moved since the version before, as far as they were kept.
    pub moved: Vec<types::VideoId>,
}

/// Where readers find the model in service. Clones share it. Empty until a learner has been opened or a follower has all it needs; another model
/// may come into its place when a learner is opened again.
#[derive(Debug, Clone, Default)]
pub struct Live(Arc<InService>);

#[derive(Debug, Default)]
struct InService {
    model: ArcSwapOption<Serving>,
    towers: ArcSwapOption<ServingTowers>,
}

impl Live {
    /// Nothing is in service yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// What is in service; one pointer load.
    pub fn get(&self) -> Option<Arc<Serving>> {
        self.0.model.load_full()
    }

    /// The towers in service; none where they are not learned, and in a process that follows another's learner.
    pub fn towers(&self) -> Option<Arc<ServingTowers>> {
        self.0.towers.load_full()
    }

    pub(crate) fn set(&self, serving: Serving) {
        self.0.model.store(Some(Arc::new(serving)));
    }

    pub(crate) fn set_towers(&self, serving: ServingTowers) {
        self.0.towers.store(Some(Arc::new(serving)));
    }

    /// Takes everything out of service: who wrote it died, perhaps in the middle of a row.
    pub(crate) fn clear(&self) {
        self.0.model.store(None);
        self.0.towers.store(None);
    }
}

/// Whether the learner learns.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Learning {
    /// It is being opened, or has not caught up with the log for the first time.
    #[default]
    Starting,
    /// It learns what comes, as it comes.
    Up,
    /// It died, and is opened again or has not caught up since. Nobody should rely on what it left.
    Down,
}

impl Learning {
    /// Stable, for programs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Up => "up",
            Self::Down => "down",
        }
    }
}

/// How the learner stands, as of its last round.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TrainerStatus {
    /// When this was written, by the learner's clock; an old one is of a learner that stands still.
    pub at_ms: i64,
    /// Processes that have owned the learner, this one included.
    pub epoch: u64,
    /// Rounds since learning began anew.
    pub round: u64,
    pub tally: Tally,
    /// Examples durable and not taken yet.
    pub lag_records: u64,
    /// When the newest example that was learned was written, milliseconds since the Unix epoch.
    pub learned_at_ms: i64,
    /// The same of the version that readers get.
    pub published_at_ms: i64,
    /// Versions published.
    pub versions: u64,
    /// Whether the brake holds versions back, and how often it was pulled.
    pub guard_holds: bool,
    pub guard_pulls: u64,
    /// The last checkpoint: its version, how long learning stood still for it, how long it took in all, and bytes that were new in it.
    pub checkpoint_version: u64,
    pub checkpoint_pause_ms: f64,
    pub checkpoint_ms: f64,
    pub checkpoint_bytes: u64,
    /// By the name of the head.
    pub heads: Vec<(String, HeadFigures)>,
}

/// A hand on a running learner, for pages, tools and moderation. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct TrainerControl {
    pub(crate) status: Arc<RwLock<TrainerStatus>>,
    wanted: Arc<AtomicBool>,
    trust: Arc<Mutex<Vec<(u64, f32)>>>,
    learning: Arc<RwLock<Learning>>,
    fault: Arc<Mutex<Option<Fault>>>,
}

impl TrainerControl {
    /// A control that no learner has yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// How the learner stands.
    pub fn status(&self) -> TrainerStatus {
        self.status.read().clone()
    }

    /// When the learner was last heard of, milliseconds since the Unix epoch; 0 when never.
    pub fn heard_ms(&self) -> i64 {
        self.status.read().at_ms
    }

    /// Whether the learner learns.
    pub fn learning(&self) -> Learning {
        *self.learning.read()
    }

    pub(crate) fn learning_set(&self, learning: Learning) {
        *self.learning.write() = learning;
        metrics::gauge!("riffle_trainer_up").set(f64::from(u8::from(learning == Learning::Up)));
    }

    /// Breaks the learner on purpose, in every round until it is mended by none. It is for tests of what the house is without it: whoever
    /// offers this to anybody says who may.
    pub fn break_learner(&self, fault: Option<Fault>) {
        *self.fault.lock() = fault;
    }

    /// How it is broken on purpose.
    pub fn fault(&self) -> Option<Fault> {
        *self.fault.lock()
    }

    /// Asks for a checkpoint after the next round.
    pub fn checkpoint_request(&self) {
        self.wanted.store(true, Ordering::Release);
    }

    /// Sets how much a viewer's examples count from the next round on: 1 ordinarily, 0 for probes and robots. It is written into the journal, so
    /// that a replay sees it at the same place. False when too many such changes wait already.
    pub fn trust_set(&self, viewer: types::ViewerId, weight: f32) -> bool {
        let mut waiting = self.trust.lock();
        if waiting.len() >= TRUST_WAITING_MAX || weight.is_nan() {
            return false;
        }
        waiting.push((viewer.raw(), weight));
        true
    }

    pub(crate) fn trust_waits(&self) -> bool {
        !self.trust.lock().is_empty()
    }

    pub(crate) fn trust_take(&self) -> Vec<(u64, f32)> {
        std::mem::take(&mut *self.trust.lock())
    }

    /// What was taken and did not come into force waits again, before what came since.
    pub(crate) fn trust_return(&self, changes: Vec<(u64, f32)>) {
        let mut waiting = self.trust.lock();
        waiting.splice(0..0, changes);
        waiting.truncate(TRUST_WAITING_MAX);
    }

    pub(crate) fn is_checkpoint_wanted(&self) -> bool {
        self.wanted.load(Ordering::Acquire)
    }

    pub(crate) fn checkpoint_begun(&self) {
        self.wanted.store(false, Ordering::Release);
    }
}
