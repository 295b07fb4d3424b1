//! The questions that are put to the world, each over several seeds: how good is a policy, how much does delay cost, how
//! soon is a changed taste served, does an event reach its audience, and do off-policy estimators tell the truth.

mod audit;
mod contender;
mod delay;
mod regret;
mod switch;

use std::sync::Mutex;

use serde_json::{Map, Value, json};

use crate::config::{DAY_MS, GlobalEvent, HOUR_MS, START_MS, WorldConfig};
use crate::measures::{Figures, event_reach};
use crate::plot::Chart;
use crate::policy::Refresh;
use crate::report::{Row, Table};
use crate::run::run;
use crate::world::{World, WorldError};

pub use contender::{Contender, Line, contenders, lines};

/// What an experiment found.
#[derive(Debug, Clone, Default)]
pub struct Findings {
    pub tables: Vec<Table>,
    /// File name without folder, and chart.
    pub charts: Vec<(&'static str, Chart)>,
    /// The few figures that are compared from one version to the next: name and value.
    pub headline: Vec<(String, f64)>,
}

/// How an experiment is run.
#[derive(Debug, Clone)]
pub struct Setup {
    pub seeds: Vec<u64>,
    pub config: fn(u64) -> WorldConfig,
    /// Worlds that run at the same time.
    pub threads: usize,
    /// Settings of the product's learner.
    pub model: model::Config,
    /// Contenders whose names start with one of these; empty means all.
    pub only: Vec<String>,
    /// Told of each run that ended: who and in which world.
    pub told: fn(&str, u64),
}

/// Delays of the curve, with their names; the last never learns after the second day.
pub fn delays() -> [(&'static str, Refresh); 8] {
    [
        ("0 s", Refresh::AtOnce),
        ("1 s", Refresh::Every(1_000)),
        ("10 s", Refresh::Every(10_000)),
        ("60 s", Refresh::Every(60_000)),
        ("30 min", Refresh::Every(30 * 60_000)),
        ("5 h", Refresh::Every(5 * 3_600_000)),
        ("1 day", Refresh::Every(DAY_MS)),
        ("frozen", Refresh::Frozen(START_MS + 2 * DAY_MS)),
    ]
}

impl Findings {
    /// Tables as text.
    pub fn markdown(&self) -> String {
        self.tables.iter().map(|table| table.markdown() + "\n").collect()
    }

    pub fn json(&self) -> Value {
        json!({ "tables": self.tables.iter().map(Table::json).collect::<Vec<_>>(), "figures": self.figures() })
    }

    /// The headline as an object.
    pub fn figures(&self) -> Value {
        let rounded = |value: f64| (value * 1e5).round() / 1e5;
        let figures = self
            .headline
            .iter()
            .map(|(name, value)| (name.clone(), json!(rounded(*value))));
        Value::Object(figures.collect::<Map<_, _>>())
    }

    /// Both together.
    fn and(mut self, other: Self) -> Self {
        self.tables.extend(other.tables);
        self.charts.extend(other.charts);
        self.headline.extend(other.headline);
        self
    }
}

impl Setup {
    /// Runs `work` for every contender in the world of every seed, several at a time; by contender, then by seed.
    fn each<C: Named + Sync, T: Send>(
        &self,
        contenders: &[C],
        shape: impl Fn(WorldConfig) -> WorldConfig + Sync,
        work: impl Fn(&World, &C) -> T + Sync,
    ) -> Result<Vec<Vec<T>>, WorldError> {
        let worlds: Result<Vec<World>, WorldError> = self
            .seeds
            .iter()
            .map(|&seed| World::new(shape((self.config)(seed))))
            .collect();
        let worlds = worlds?;
        let count = contenders.len() * worlds.len();
        let next = Mutex::new(0..count);
        let done: Mutex<Vec<Option<T>>> = Mutex::new((0..count).map(|_| None).collect());
        std::thread::scope(|scope| {
            for _ in 0..self.threads.clamp(1, count.max(1)) {
                scope.spawn(|| {
                    // A poisoned lock means that another thread panicked; the scope hands that on.
                    while let Some(place) = next.lock().ok().and_then(|mut next| next.next()) {
                        let (world, who) = (&worlds[place % worlds.len()], &contenders[place / worlds.len()]);
                        let found = work(world, who);
                        (self.told)(who.name(), world.config().seed);
                        if let Ok(mut done) = done.lock() {
                            done[place] = Some(found);
                        }
                    }
                });
            }
        });
        let mut done = done
            .into_inner()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
            .into_iter()
            .flatten();
        Ok(contenders
            .iter()
            .map(|_| done.by_ref().take(worlds.len()).collect())
            .collect())
    }

    fn table(&self, title: &str, contenders: &[Contender], found: &[Vec<Figures>]) -> Table {
        let row = |(contender, by_seed): (&Contender, &Vec<Figures>)| {
            Row::of(&contender.name, by_seed.iter().map(Vec::as_slice))
        };
        Table {
            title: title.to_owned(),
            seeds: self.seeds.clone(),
            rows: contenders.iter().zip(found).map(row).collect(),
        }
    }

    fn chosen(&self, all: Vec<Contender>) -> Vec<Contender> {
        let is_chosen = |contender: &Contender| {
            self.only
                .iter()
                .any(|name| contender.name.starts_with(name.as_str()))
        };
        all.into_iter()
            .filter(|contender| self.only.is_empty() || is_chosen(contender))
            .collect()
    }

    /// Every contender in the closed loop.
    pub fn compare(&self) -> Result<Findings, WorldError> {
        regret::compare(self)
    }

    /// What each delay costs in accuracy, on one stream for all.
    pub fn delay(&self) -> Result<Findings, WorldError> {
        delay::delay(self)
    }

    /// Half of the viewers change their taste in the middle of the run.
    pub fn switch(&self) -> Result<Findings, WorldError> {
        switch::switch(self)
    }

    /// The standard report: all of the above that a version is judged by.
    pub fn report(&self) -> Result<Findings, WorldError> {
        Ok(self
            .compare()?
            .and(self.switch()?)
            .and(self.delay()?)
            .and(self.off_policy()?))
    }

    /// Something happens that a third of the viewers care about.
    pub fn event(&self) -> Result<Findings, WorldError> {
        let contenders = self.chosen(contenders(&self.model));
        let shape = |config: WorldConfig| {
            let at_days = f64::from(config.days) * 0.6;
            let topic = config.topics / 2;
            let event = GlobalEvent {
                at_days,
                hours: 12.0,
                rise_ms: HOUR_MS / 2,
                topic,
                audience: 0.33,
                videos: 0.25,
            };
            WorldConfig {
                global_event: Some(event),
                ..config
            }
        };
        let found = self.each(&contenders, shape, |world, contender| {
            event_reach(&run(world, contender.policy().as_mut())).unwrap_or_default()
        })?;
        Ok(Findings {
            tables: vec![self.table("global event", &contenders, &found)],
            ..Findings::default()
        })
    }

    /// Off-policy estimates beside the truth.
    pub fn off_policy(&self) -> Result<Findings, WorldError> {
        audit::off_policy(self)
    }
}

/// Who takes part in something.
trait Named {
    fn name(&self) -> &str;
}

impl Named for Contender {
    fn name(&self) -> &str {
        &self.name
    }
}

impl Named for Line {
    fn name(&self) -> &str {
        self.name
    }
}

#[cfg(test)]
mod tests;
