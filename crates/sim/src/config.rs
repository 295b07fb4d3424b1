//! How large the world is, how long it lives, and what happens in it. Plain numbers; nothing is drawn here.

/// One minute, in milliseconds.
pub const MINUTE_MS: i64 = 60_000;
/// One hour, in milliseconds.
pub const HOUR_MS: i64 = 60 * MINUTE_MS;
/// One day, in milliseconds.
pub const DAY_MS: i64 = 24 * HOUR_MS;
/// When the simulated clock starts: 2025-01-06T00:00:00Z, a Monday.
pub const START_MS: i64 = 1_736_121_600_000;
/// Most topics a world can have: tastes are kept as dense vectors.
pub const TOPICS_MAX: u16 = 64;

/// What to build. Every field has a use of its own; [`WorldConfig::small`] and [`WorldConfig::standard`] give good values.
#[derive(Debug, Clone, PartialEq)]
pub struct WorldConfig {
    /// Decides everything.
    pub seed: u64,
    pub viewers: u32,
    pub creators: u32,
    pub sounds: u32,
    /// At most [`TOPICS_MAX`].
    pub topics: u16,
    pub regions: u8,
    /// Videos born in the days before the start.
    pub videos_at_start: u32,
    pub videos_per_day: u32,
    /// How long the world is watched.
    pub days: u32,
    /// Days whose views only teach: figures are of the days after.
    pub warm_up_days: u32,
    /// A video can be chosen until it is this old.
    pub video_life_days: u32,
    /// Mean life of an interest before another takes its place.
    pub interest_days: f64,
    /// Visits of everybody, by what their habits say.
    pub visits: f64,
    /// How many videos a policy may choose from.
    pub candidates: u32,
    /// How many it chooses at a time; 1 is a feed that decides at every swipe.
    pub slate: u32,
    /// A new video has been given its chance after this many views.
    pub views_goal: u32,
    pub taste_switch: Option<TasteSwitch>,
    pub global_event: Option<GlobalEvent>,
}

/// From one moment on some viewers like other things than before, none of them old.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TasteSwitch {
    /// Days after the start.
    pub at_days: f64,
    /// Share of the viewers whom it meets.
    pub share: f64,
}

/// Something happens in the world: for a while one topic is what its audience wants to see.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GlobalEvent {
    /// Days after the start.
    pub at_days: f64,
    pub hours: f64,
    /// How long the interest takes to rise.
    pub rise_ms: i64,
    pub topic: u16,
    /// Share of the viewers who care; to the others it is a topic like any other.
    pub audience: f64,
    /// Share of the videos made during it that are about it.
    pub videos: f64,
}

impl WorldConfig {
    /// Few people for two days: for tests.
    pub fn small(seed: u64) -> Self {
        Self {
            seed,
            viewers: 80,
            creators: 120,
            sounds: 150,
            topics: 40,
            regions: 4,
            videos_at_start: 600,
            videos_per_day: 200,
            days: 2,
            warm_up_days: 1,
            video_life_days: 5,
            interest_days: 10.0,
            visits: 1.0,
            candidates: 40,
            slate: 1,
            views_goal: 20,
            taste_switch: None,
            global_event: None,
        }
    }

    /// The world that figures are published for: 300 people, five days, about 90 000 views. A choice is among twenty, as many as
    /// a feed's last stage may look at closely.
    pub fn standard(seed: u64) -> Self {
        Self {
            viewers: 300,
            creators: 300,
            sounds: 400,
            videos_at_start: 1500,
            videos_per_day: 400,
            days: 5,
            warm_up_days: 2,
            candidates: 20,
            ..Self::small(seed)
        }
    }

    /// When the watching ends.
    pub fn end_ms(&self) -> i64 {
        START_MS + i64::from(self.days) * DAY_MS
    }
}

impl TasteSwitch {
    /// The moment, on the simulated clock.
    pub fn at_ms(&self) -> i64 {
        START_MS + (self.at_days * DAY_MS as f64) as i64
    }
}

impl GlobalEvent {
    /// The first moment, on the simulated clock.
    pub fn from_ms(&self) -> i64 {
        START_MS + (self.at_days * DAY_MS as f64) as i64
    }

    /// The first moment after it.
    pub fn until_ms(&self) -> i64 {
        self.from_ms() + (self.hours * HOUR_MS as f64) as i64
    }
}
