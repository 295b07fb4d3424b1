//! The questions that are put to the world, each over several seeds: how good is a policy, how much does delay cost, how
//! soon is a changed taste served, does an event reach its audience, and do off-policy estimators tell the truth.

mod audit;
mod contender;

use std::sync::Mutex;

use serde_json::{Value, json};

use crate::config::{DAY_MS, GlobalEvent, START_MS, TasteSwitch, WorldConfig};
use crate::measures::{Figures, Recovery, event_reach, measures, recovery};
use crate::plot::{Chart, Series};
use crate::policy::Refresh;
use crate::report::{Row, Table};
use crate::run::run;
use crate::stats::{Interval, auc, mean};
use crate::world::{World, WorldError};

pub use contender::{Contender, contenders, delayed};

/// Days whose views only teach: figures are of the days after.
const WARM_UP_DAYS: u32 = 1;

/// What an experiment found.
#[derive(Debug, Clone)]
pub struct Findings {
    pub tables: Vec<Table>,
    /// File name without folder, and chart.
    pub charts: Vec<(&'static str, Chart)>,
}

/// How an experiment is run.
#[derive(Debug, Clone)]
pub struct Setup {
    pub seeds: Vec<u64>,
    pub config: fn(u64) -> WorldConfig,
    /// Worlds that run at the same time.
    pub threads: usize,
    /// Contenders whose names start with one of these; empty means all.
    pub only: Vec<String>,
}

/// Delays of the curve, with their names; the last never learns after the warm-up.
pub fn delays() -> [(&'static str, Refresh); 8] {
    [
        ("0 s", Refresh::AtOnce),
        ("1 s", Refresh::Every(1_000)),
        ("10 s", Refresh::Every(10_000)),
        ("60 s", Refresh::Every(60_000)),
        ("30 min", Refresh::Every(30 * 60_000)),
        ("5 h", Refresh::Every(5 * 3_600_000)),
        ("1 day", Refresh::Every(DAY_MS)),
        ("frozen", Refresh::Frozen(START_MS + DAY_MS)),
    ]
}

impl Findings {
    /// Tables as text.
    pub fn markdown(&self) -> String {
        self.tables.iter().map(|table| table.markdown() + "\n").collect()
    }

    pub fn json(&self) -> Value {
        json!({ "tables": self.tables.iter().map(Table::json).collect::<Vec<_>>() })
    }
}

impl Setup {
    /// Runs `work` for every contender in the world of every seed, several at a time; by contender, then by seed.
    fn each<T: Send>(
        &self,
        contenders: &[Contender],
        shape: impl Fn(WorldConfig) -> WorldConfig + Sync,
        work: impl Fn(&World, &Contender) -> T + Sync,
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
                        let found = work(&worlds[place % worlds.len()], &contenders[place / worlds.len()]);
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
        let contenders = self.chosen(contenders());
        let found = self.each(
            &contenders,
            |config| config,
            |world, contender| measures(&run(world, contender.policy().as_mut()), WARM_UP_DAYS),
        )?;
        Ok(Findings {
            tables: vec![self.table("closed loop", &contenders, &found)],
            charts: Vec::new(),
        })
    }

    /// What each delay of the weights costs, on one stream for all (area under the ROC curve of completion) and in the
    /// closed loop (regret); and what it costs when features lag too.
    pub fn delay(&self) -> Result<Findings, WorldError> {
        let mut findings = Findings {
            tables: Vec::new(),
            charts: Vec::new(),
        };
        let (mut auc_lines, mut regret_lines) = (Vec::new(), Vec::new());
        for (title, contenders) in delayed() {
            let contenders = self.chosen(contenders);
            if contenders.is_empty() {
                continue;
            }
            let found = self.each(
                &contenders,
                |config| config,
                |world, contender| {
                    let ran = run(world, contender.policy().as_mut());
                    let mut figures: Figures = vec![("completion_auc", shadow_auc(world, contender))];
                    figures.extend(measures(&ran, WARM_UP_DAYS));
                    figures
                },
            )?;
            let table = self.table(&title, &contenders, &found);
            auc_lines.push(over_delay(&title, &table, "completion_auc"));
            regret_lines.push(over_delay(&title, &table, "regret_s"));
            findings.tables.push(table);
        }
        let chart = |title: &str, y_label: &str, series| Chart {
            title: title.to_owned(),
            x_label: "delay until what was seen takes effect".to_owned(),
            y_label: y_label.to_owned(),
            x_marks: delays()
                .iter()
                .enumerate()
                .map(|(place, (name, _))| (place as f64, (*name).to_owned()))
                .collect(),
            series,
        };
        findings.charts.push((
            "delay-auc",
            chart("Prediction of completion by delay", "AUC", auc_lines),
        ));
        findings.charts.push((
            "delay-regret",
            chart("Regret in the closed loop by delay", "s a view", regret_lines),
        ));
        Ok(findings)
    }

    /// Half of the viewers change their taste in the middle of the run.
    pub fn switch(&self) -> Result<Findings, WorldError> {
        let contenders = self.chosen(contenders());
        let shape = |config: WorldConfig| {
            let at_days = f64::from(config.days) * 0.55;
            WorldConfig {
                taste_switch: Some(TasteSwitch { at_days, share: 0.5 }),
                ..config
            }
        };
        let found = self.each(&contenders, shape, |world, contender| {
            recovery(&run(world, contender.policy().as_mut()))
        })?;
        let by_seed: Vec<Vec<Figures>> = found
            .iter()
            .map(|seeds| {
                seeds
                    .iter()
                    .map(|found| recovery_figures(found.as_ref()))
                    .collect()
            })
            .collect();
        let line = |(contender, seeds): (&Contender, &Vec<Option<Recovery>>)| {
            let known: Vec<&Recovery> = seeds.iter().flatten().collect();
            let point = |n: usize| {
                let shares: Vec<f64> = known.iter().map(|recovery| recovery.smooth(n)).collect();
                ((n + 1) as f64, mean(&shares), 0.0)
            };
            Series {
                name: contender.name.clone(),
                points: (0..crate::RECOVERY_VIEWS).map(point).collect(),
            }
        };
        let chart = Chart {
            title: "After a taste switch: share of the new taste in what is shown".to_owned(),
            x_label: "videos since the switch".to_owned(),
            y_label: "share".to_owned(),
            x_marks: Vec::new(),
            series: contenders.iter().zip(&found).map(line).collect(),
        };
        let table = self.table("taste switch", &contenders, &by_seed);
        Ok(Findings {
            tables: vec![table],
            charts: vec![("taste-switch", chart)],
        })
    }

    /// Something happens that a third of the viewers care about.
    pub fn event(&self) -> Result<Findings, WorldError> {
        let contenders = self.chosen(contenders());
        let shape = |config: WorldConfig| {
            let at_days = f64::from(config.days) * 0.6;
            let topic = config.topics / 2;
            let event = GlobalEvent {
                at_days,
                hours: 12.0,
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
            charts: Vec::new(),
        })
    }

    /// Off-policy estimates beside the truth.
    pub fn off_policy(&self) -> Result<Findings, WorldError> {
        audit::off_policy(self)
    }
}

/// How well a learner that only watches a uniform stream tells who will see the end.
fn shadow_auc(world: &World, contender: &Contender) -> f64 {
    let from_ms = START_MS + i64::from(WARM_UP_DAYS) * DAY_MS;
    let Some(shadow) = contender.shadow() else {
        return f64::NAN;
    };
    let predicted = shadow.predictions(world);
    let measured = predicted
        .into_iter()
        .filter(|(shown_ms, ..)| *shown_ms >= from_ms);
    let mut scored: Vec<(f64, bool)> = measured
        .map(|(_, at, came)| (at.complete, came.completed))
        .collect();
    auc(&mut scored)
}

fn over_delay(title: &str, table: &Table, figure: &str) -> Series {
    let point = |(place, row): (usize, &Row)| {
        let Interval { mean, half } = row.interval(figure).unwrap_or(Interval {
            mean: f64::NAN,
            half: 0.0,
        });
        (place as f64, mean, half)
    };
    Series {
        name: title.to_owned(),
        points: table.rows.iter().enumerate().map(point).collect(),
    }
}

/// Videos to parts of the way; one that never gets there, or never follows, counts as the length of the curve.
fn recovery_figures(found: Option<&Recovery>) -> Figures {
    let Some(recovery) = found else {
        return [
            "viewers",
            "share_before",
            "share_steady",
            "videos_to_50",
            "videos_to_80",
            "videos_to_90",
        ]
        .map(|name| (name, f64::NAN))
        .to_vec();
    };
    let videos = |part| recovery.videos_to(part).unwrap_or(crate::RECOVERY_VIEWS) as f64;
    vec![
        ("viewers", recovery.viewers as f64),
        ("share_before", recovery.before),
        ("share_steady", recovery.steady),
        ("videos_to_50", videos(0.5)),
        ("videos_to_80", videos(0.8)),
        ("videos_to_90", videos(0.9)),
    ]
}

#[cfg(test)]
mod tests;
