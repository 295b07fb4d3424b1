//! Learning on one core: predict, then train, on a generated stream with the product's features, schema and settings.
//!
//! The same examples in the same order go through a model in micro-batches of [`BATCH`] and through one that gets them one by one, in rounds that
//! alternate, after both learned [`WARM_UP`] examples. `learn` answers every example before it learns from it, so the order of these answers is
//! measured too: both ways must learn equally well. Beside them stands the same tower in PyTorch (`deploy/train-bench`), on one thread.

mod export;
pub(crate) mod input;

use std::path::Path;
use std::process::{Command, Stdio};

use feature::Registry;
use model::{ExampleRef, Model, Predictions};
use serde_json::Value;

use crate::figures::Figures;
use crate::peers::figures_of;
use crate::stopwatch::Stopwatch;
use crate::{BenchError, Setup};
use input::Recorded;

/// Examples of a micro-batch.
const BATCH: usize = 256;
/// Examples that only fill the counters of the features.
const COUNTED: u64 = 100_000;
/// Examples learned before the clock starts.
const WARM_UP: usize = 40_000;
const ROUNDS: usize = 4;
/// Examples of a round.
const ROUND: usize = 40_000;
/// Examples that the twin gets.
const TWIN: usize = 24_576;
const WHO: &str = "PyTorch";
const SEED: u64 = 1;

/// One way to hand over examples, and what came of it.
struct Contender {
    batch: usize,
    model: Model,
    out: Predictions,
    /// Impressions a second, by processor time and by the clock, of each round.
    rates: Vec<(f64, f64)>,
    /// Answers and outcomes of all rounds, for a long view.
    answers: Vec<(f32, bool)>,
}

/// Measures both ways and the twin.
pub(crate) fn run(setup: &Setup, figures: &mut Figures) -> Result<(), BenchError> {
    let registry = Registry::new();
    let recorded = Recorded::new(COUNTED, (WARM_UP + ROUNDS * ROUND) as u64);
    figures.add("train.dense_values", registry.dense.len() as f64);
    figures.add("train.id_slots", registry.ids.len() as f64);
    let mut contenders = Vec::with_capacity(2);
    for batch in [BATCH, 1] {
        let mut contender = Contender::new(&registry, batch)?;
        contender.learn(&recorded, 0..WARM_UP);
        contenders.push(contender);
    }
    for round in 0..ROUNDS {
        let from = WARM_UP + round * ROUND;
        for contender in &mut contenders {
            contender.round(&recorded, from..from + ROUND);
        }
    }
    for (contender, name) in contenders.iter().zip(["", "one_by_one."]) {
        let (core, wall) = contender.median();
        figures.add(&format!("train.{name}impressions_per_s_core"), core);
        figures.add(&format!("train.{name}impressions_per_s"), wall);
        figures.add(&format!("train.{name}auc"), contender.auc());
    }
    let ours = contenders[0].median().0;
    twin(setup, &registry, &recorded, ours, figures)
}

impl Contender {
    fn new(registry: &Registry, batch: usize) -> Result<Self, BenchError> {
        let model = Model::new(ranking::schema(registry), ranking::config(), SEED)
            .map_err(|source| BenchError::Peer("the model", source.to_string()))?;
        Ok(Self {
            batch,
            model,
            out: Predictions::default(),
            rates: Vec::new(),
            answers: Vec::new(),
        })
    }

    fn learn(&mut self, recorded: &Recorded, range: std::ops::Range<usize>) {
        let head = self.model.schema().head("long_view").unwrap_or(0);
        let mut examples: Vec<ExampleRef<'_>> = Vec::with_capacity(self.batch);
        for from in range.clone().step_by(self.batch) {
            let to = (from + self.batch).min(range.end);
            examples.clear();
            examples.extend((from..to).map(|i| recorded.example(i)));
            self.model.learn(&examples, &mut self.out);
            let answers = (from..to).map(|i| (self.out.p(i - from, head), recorded.is_long_view(i)));
            self.answers.extend(answers);
        }
    }

    fn round(&mut self, recorded: &Recorded, range: std::ops::Range<usize>) {
        if self.rates.is_empty() {
            self.answers.clear();
        }
        let stopwatch = Stopwatch::start();
        let count = range.len() as f64;
        self.learn(recorded, range);
        let used = stopwatch.used();
        self.rates.push((count / used.cpu_s, count / used.wall_s));
    }

    /// Of the rounds, by processor time and by the clock.
    fn median(&self) -> (f64, f64) {
        let middle = |rate: fn(&(f64, f64)) -> f64| {
            let mut rates: Vec<f64> = self.rates.iter().map(rate).collect();
            rates.sort_by(f64::total_cmp);
            rates[rates.len() / 2]
        };
        (middle(|rate| rate.0), middle(|rate| rate.1))
    }

    /// Chance that a long view was given a higher answer than another watch.
    fn auc(&self) -> f64 {
        let mut answers = self.answers.clone();
        answers.sort_by(|a, b| a.0.total_cmp(&b.0));
        let (mut ranks, mut long) = (0.0, 0.0);
        for (place, _) in answers.iter().enumerate().filter(|(_, answer)| answer.1) {
            ranks += (place + 1) as f64;
            long += 1.0;
        }
        (ranks - long * (long + 1.0) / 2.0) / (long * (answers.len() as f64 - long))
    }
}

fn twin(
    setup: &Setup,
    registry: &Registry,
    recorded: &Recorded,
    ours: f64,
    figures: &mut Figures,
) -> Result<(), BenchError> {
    let script = setup.root.join("deploy/train-bench/run");
    let fetched = Command::new(&script).arg("fetch").stdin(Stdio::null()).status();
    let fetched = fetched.map_err(BenchError::io("running deploy/train-bench"))?;
    if !fetched.success() {
        println!("PyTorch is not measured; what it lacks is said above");
        return Ok(());
    }
    let folder = tempfile::tempdir().map_err(BenchError::io("making a folder for the twin's examples"))?;
    let schema = ranking::schema(registry);
    export::write(folder.path(), &schema, &ranking::config(), BATCH, recorded, TWIN)
        .map_err(BenchError::io("writing the twin's examples"))?;
    let told = job(&script, folder.path())?;
    let figure = |key: &str| told[key].as_f64().unwrap_or(0.0);
    let theirs = figure("impressions_per_s_core");
    figures.add("train.pytorch.impressions_per_s_core", theirs);
    figures.add("train.pytorch.auc", figure("auc"));
    if theirs > 0.0 {
        figures.add("train.of_pytorch", ours / theirs);
    }
    Ok(())
}

/// Runs the script; the last line that it prints is its figures.
fn job(script: &Path, input: &Path) -> Result<Value, BenchError> {
    let mut command = Command::new(script);
    command
        .arg("job")
        .arg(input)
        .env("OMP_NUM_THREADS", "1")
        .env("MKL_NUM_THREADS", "1");
    figures_of(&mut command, WHO)
}
