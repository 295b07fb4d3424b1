//! A recipe and how it is run: the stages in order, their contracts kept, what happened counted.

use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use futures_util::future::join_all;
use types::Fault;

use crate::breaker::Breaker;
use crate::merge::ByKey;
use crate::meters::Meters;
use crate::removals::Removals;
use crate::report::{Outcome, RecipeLine, Removed, StageEnd, StageKind, StageReport, Trace, Watch};
use crate::stage::{
    Asked, Candidate, Cut, Filter, Found, Hydrator, Merger, QueryHydrator, Scorer, Selector, SideEffect,
    Source, Stage, StageError,
};
use crate::switches::{Positions, SwitchError, Switches};

/// What the stages of a request may take before it goes on without them.
#[derive(Debug, Clone, Copy)]
pub struct Deadlines {
    pub hydrator: Duration,
    /// All sources run at once; each has so long.
    pub source: Duration,
}

/// A step between the filters and the selector.
pub enum Step<Q, C> {
    Hydrate(Box<dyn Hydrator<Q, C>>),
    Score(Box<dyn Scorer<Q, C>>),
    Cut(Box<dyn Cut<Q, C>>),
}

/// The stages, in order.
pub struct Recipe<Q, C> {
    pub name: &'static str,
    pub deadlines: Deadlines,
    pub query_hydrators: Vec<Box<dyn QueryHydrator<Q>>>,
    pub sources: Vec<Box<dyn Source<Q, C>>>,
    /// Without one, candidates are merged by their keys in the order of the sources; so they are when it fails.
    pub merger: Option<Box<dyn Merger<Q, C>>>,
    pub hydrators: Vec<Box<dyn Hydrator<Q, C>>>,
    pub filters: Vec<Box<dyn Filter<Q, C>>>,
    pub steps: Vec<Step<Q, C>>,
    pub selector: Box<dyn Selector<Q, C>>,
    /// Chooses when the selector fails: as plain as can be.
    pub spare_selector: Option<Box<dyn Selector<Q, C>>>,
    pub side_effects: Vec<Box<dyn SideEffect<Q, C>>>,
}

/// A recipe that runs. Built once at start.
pub struct Pipeline<Q, C> {
    recipe: Recipe<Q, C>,
    breakers: Vec<Breaker>,
    switches: Switches,
    meters: Meters,
}

/// A request under way.
struct Run<C> {
    positions: Positions,
    unit: u64,
    stages: Vec<StageReport>,
    trace: Option<Trace<C>>,
    /// The candidates before the stage that runs, to undo what it did.
    before: Vec<C>,
}

impl<Q: Asked, C: Candidate> Pipeline<Q, C> {
    pub fn new(recipe: Recipe<Q, C>) -> Self {
        let breakers = recipe.sources.iter().map(|_| Breaker::default()).collect();
        Self {
            recipe,
            breakers,
            switches: Switches::default(),
            meters: Meters::default(),
        }
    }

    /// Has `stage` run for `share` of the people from the next request on.
    ///
    /// # Errors
    /// See [`SwitchError`].
    pub fn switch(&self, stage: &str, share: f32) -> Result<(), SwitchError> {
        let line = self.line(stage, |line| line.is_switchable)?;
        if !line.is_switchable {
            return Err(SwitchError::Fixed(line.name));
        }
        if !(0.0..=1.0).contains(&share) {
            return Err(SwitchError::Share {
                name: stage.to_owned(),
                share,
            });
        }
        self.switches.set(line.name, share);
        Ok(())
    }

    /// Breaks `stage` on purpose from the next request on; none mends it. It is for tests of what a request is without it: whoever offers
    /// this to anybody says who may.
    ///
    /// # Errors
    /// [`SwitchError::Unknown`]; [`SwitchError::NeverWaits`] for a stage that cannot hang.
    pub fn break_stage(&self, stage: &str, fault: Option<Fault>) -> Result<(), SwitchError> {
        let line = self.line(stage, |_| true)?;
        let waits = matches!(line.kind, StageKind::QueryHydrator | StageKind::Source);
        if fault == Some(Fault::Hang) && !waits {
            return Err(SwitchError::NeverWaits(line.name));
        }
        self.switches.set_fault(line.name, fault);
        Ok(())
    }

    /// The stage of that name; an error names those of `offered`.
    fn line(&self, stage: &str, offered: impl Fn(&RecipeLine) -> bool) -> Result<RecipeLine, SwitchError> {
        let mut lines = self.recipe();
        if let Some(at) = lines.iter().position(|line| line.name == stage) {
            return Ok(lines.swap_remove(at));
        }
        let known = lines.iter().filter(|line| offered(line)).map(|line| line.name);
        Err(SwitchError::Unknown {
            name: stage.to_owned(),
            known: known.collect::<Vec<_>>().join(", "),
        })
    }

    /// The stages in the order in which they run, and what each does.
    pub fn recipe(&self) -> Vec<RecipeLine> {
        let mut lines = Vec::new();
        self.each_stage(|kind, stage| {
            lines.push(RecipeLine {
                kind,
                name: stage.name(),
                about: stage.about(),
                is_switchable: stage.is_switchable(),
                share: self.switches.share(stage.name()),
                fault: self.switches.fault(stage.name()),
            });
        });
        lines
    }

    fn each_stage(&self, mut visit: impl FnMut(StageKind, &dyn Stage)) {
        let recipe = &self.recipe;
        for stage in &recipe.query_hydrators {
            visit(StageKind::QueryHydrator, &**stage);
        }
        for stage in &recipe.sources {
            visit(StageKind::Source, &**stage);
        }
        match &recipe.merger {
            Some(stage) => visit(StageKind::Merger, &**stage),
            None => visit(StageKind::Merger, &ByKey),
        }
        for stage in &recipe.hydrators {
            visit(StageKind::Hydrator, &**stage);
        }
        for stage in &recipe.filters {
            visit(StageKind::Filter, &**stage);
        }
        for step in &recipe.steps {
            match step {
                Step::Hydrate(stage) => visit(StageKind::Hydrator, &**stage),
                Step::Score(stage) => visit(StageKind::Scorer, &**stage),
                Step::Cut(stage) => visit(StageKind::Cut, &**stage),
            }
        }
        visit(StageKind::Selector, &*recipe.selector);
        if let Some(stage) = &recipe.spare_selector {
            visit(StageKind::Selector, &**stage);
        }
        for stage in &recipe.side_effects {
            visit(StageKind::SideEffect, &**stage);
        }
    }

    /// Answers one query. Never fails: a broken stage costs its own work only, and is counted.
    pub async fn run(&self, query: &mut Q, watch: Watch) -> Outcome<C> {
        let mut run = Run {
            positions: self.switches.positions(),
            unit: query.unit(),
            stages: Vec::with_capacity(32),
            trace: (watch == Watch::Traced).then(|| Trace {
                removed: Vec::new(),
                after: Vec::new(),
            }),
            before: Vec::new(),
        };
        for hydrator in &self.recipe.query_hydrators {
            if self.is_off(&mut run, StageKind::QueryHydrator, &**hydrator, 0) {
                continue;
            }
            let began = Instant::now();
            let work = async {
                run.positions.strike_waiting(hydrator.name()).await?;
                hydrator.hydrate(query).await
            };
            let done = guarded(work, self.recipe.deadlines.hydrator).await;
            let mut report = report(StageKind::QueryHydrator, hydrator.name(), began, 0);
            report.end = ended(done.err());
            self.note(&mut run, report);
        }
        let query = &*query;
        let found = self.retrieve(query, &mut run).await;
        let mut candidates = self.merge(query, &found, &mut run);
        drop(found);
        for hydrator in &self.recipe.hydrators {
            let work = |candidates: &mut [C]| hydrator.hydrate(query, candidates);
            self.change(&mut run, StageKind::Hydrator, &**hydrator, &mut candidates, work);
        }
        self.filter(query, &mut candidates, &mut run);
        for step in &self.recipe.steps {
            match step {
                Step::Hydrate(hydrator) => {
                    let work = |candidates: &mut [C]| hydrator.hydrate(query, candidates);
                    self.change(&mut run, StageKind::Hydrator, &**hydrator, &mut candidates, work);
                }
                Step::Score(scorer) => {
                    let work = |candidates: &mut [C]| scorer.score(query, candidates);
                    self.change(&mut run, StageKind::Scorer, &**scorer, &mut candidates, work);
                }
                Step::Cut(cut) => self.cut(query, &**cut, &mut candidates, &mut run),
            }
        }
        let selected = self.select(query, candidates, &mut run);
        for effect in &self.recipe.side_effects {
            if self.is_off(&mut run, StageKind::SideEffect, &**effect, selected.len()) {
                continue;
            }
            let began = Instant::now();
            let done = caught(|| {
                run.positions.strike(effect.name())?;
                effect.run(query, &selected)
            });
            let mut report = report(StageKind::SideEffect, effect.name(), began, selected.len());
            report.end = ended(done.err());
            self.note(&mut run, report);
        }
        Outcome {
            selected,
            stages: run.stages,
            trace: run.trace,
        }
    }

    async fn retrieve(&self, query: &Q, run: &mut Run<C>) -> Vec<Found<C>> {
        let mut asked = Vec::with_capacity(self.recipe.sources.len());
        for (source, breaker) in self.recipe.sources.iter().zip(&self.breakers) {
            if self.is_off(run, StageKind::Source, &**source, 0) {
                continue;
            }
            if !breaker.lets_pass() {
                let mut report = report(StageKind::Source, source.name(), Instant::now(), 0);
                report.end = StageEnd::Rested;
                self.note(run, report);
                continue;
            }
            asked.push((source, breaker));
        }
        let deadline = self.recipe.deadlines.source;
        let positions = &run.positions.clone();
        let running = asked.iter().map(|(source, _)| async move {
            let began = Instant::now();
            let work = async {
                positions.strike_waiting(source.name()).await?;
                source.retrieve(query).await
            };
            let found = guarded(work, deadline).await;
            (report(StageKind::Source, source.name(), began, 0), found)
        });
        let mut found = Vec::with_capacity(asked.len());
        for ((source, breaker), (mut report, result)) in asked.iter().zip(join_all(running).await) {
            breaker.note(result.is_err());
            let (candidates, failure) = match result {
                Ok(candidates) => (candidates, None),
                Err(error) => (Vec::new(), Some(error)),
            };
            report.after = candidates.len();
            report.end = ended(failure);
            self.note(run, report);
            found.push(Found {
                source: source.name(),
                candidates,
            });
        }
        found
    }

    fn merge(&self, query: &Q, found: &[Found<C>], run: &mut Run<C>) -> Vec<C> {
        let before = found.iter().map(|found| found.candidates.len()).sum();
        let mut merged = None;
        if let Some(merger) = &self.recipe.merger
            && !self.is_off(run, StageKind::Merger, &**merger, before)
        {
            let began = Instant::now();
            let done = caught(|| {
                run.positions.strike(merger.name())?;
                merger.merge(query, found)
            });
            let mut report = report(StageKind::Merger, merger.name(), began, before);
            report.after = done.as_ref().map_or(0, Vec::len);
            match done {
                Ok(candidates) => merged = Some(candidates),
                Err(error) => report.end = ended(Some(error)),
            }
            self.note(run, report);
        }
        let merged = merged.unwrap_or_else(|| {
            let began = Instant::now();
            let merged = crate::merge::by_key(found);
            let mut report = report(StageKind::Merger, ByKey.name(), began, before);
            report.after = merged.len();
            self.note(run, report);
            merged
        });
        if let Some(trace) = &mut run.trace {
            trace.after.push(("merged", merged.clone()));
        }
        merged
    }

    /// A stage that writes into candidates: what it did is undone when it fails or when it moved any.
    fn change(
        &self,
        run: &mut Run<C>,
        kind: StageKind,
        stage: &dyn Stage,
        candidates: &mut Vec<C>,
        work: impl FnOnce(&mut [C]) -> Result<(), StageError>,
    ) {
        if self.is_off(run, kind, stage, candidates.len()) {
            return;
        }
        run.before.clone_from(candidates);
        let began = Instant::now();
        let struck = || run.positions.strike(stage.name());
        let done = caught(|| struck().and_then(|()| work(candidates))).and_then(|()| {
            let same = |(one, was): (&C, &C)| one.key() == was.key();
            match candidates.iter().zip(&run.before).all(same) {
                true => Ok(()),
                false => Err(StageError("put a candidate where another stood".into())),
            }
        });
        let mut report = report(kind, stage.name(), began, candidates.len());
        if let Err(error) = done {
            candidates.clone_from(&run.before);
            report.end = ended(Some(error));
        }
        self.note(run, report);
        if let Some(trace) = run.trace.as_mut().filter(|_| kind == StageKind::Scorer) {
            trace.after.push((stage.name(), candidates.clone()));
        }
    }

    fn filter(&self, query: &Q, candidates: &mut Vec<C>, run: &mut Run<C>) {
        let mut removals = Removals::default();
        for filter in &self.recipe.filters {
            if self.is_off(run, StageKind::Filter, &**filter, candidates.len()) {
                continue;
            }
            let began = Instant::now();
            let mut report = report(StageKind::Filter, filter.name(), began, candidates.len());
            removals.begin(candidates.len());
            let whole = || {
                run.positions.strike(filter.name())?;
                filter.filter(query, candidates, &mut removals);
                Ok(())
            };
            if let Err(error) = caught(whole) {
                one_by_one(&**filter, query, candidates, &mut removals);
                report.end = ended(Some(StageError(format!("{error}; asked about each alone"))));
            }
            leave(run, filter.name(), candidates, &removals, &mut report);
            report.took = began.elapsed();
            self.note(run, report);
        }
    }

    fn cut(&self, query: &Q, cut: &dyn Cut<Q, C>, candidates: &mut Vec<C>, run: &mut Run<C>) {
        if self.is_off(run, StageKind::Cut, cut, candidates.len()) {
            return;
        }
        let began = Instant::now();
        let keep_max = cut.keep_max(query);
        let kept = caught(|| {
            run.positions.strike(cut.name())?;
            checked(cut.keep(query, candidates)?, candidates.len())
        });
        let mut report = report(StageKind::Cut, cut.name(), began, candidates.len());
        let kept = kept.unwrap_or_else(|error| {
            report.end = ended(Some(error));
            (0..keep_max.min(candidates.len())).collect()
        });
        let mut stays = vec![false; candidates.len()];
        kept.iter().for_each(|&place| stays[place] = true);
        let mut removals = Removals::default();
        removals.begin(candidates.len());
        for (place, _) in stays.iter().enumerate().filter(|(_, stays)| !**stays) {
            removals.remove(place, "beyond_the_best");
        }
        leave(run, cut.name(), candidates, &removals, &mut report);
        report.took = began.elapsed();
        self.note(run, report);
    }

    fn select(&self, query: &Q, mut candidates: Vec<C>, run: &mut Run<C>) -> Vec<C> {
        let spare = self.recipe.spare_selector.as_ref();
        // Only where somebody else selects can it be left out.
        let is_left_out = spare.is_some()
            && self.is_off(run, StageKind::Selector, &*self.recipe.selector, candidates.len());
        let first = Some(&self.recipe.selector).filter(|_| !is_left_out);
        for selector in first.into_iter().chain(spare) {
            run.before.clone_from(&candidates);
            let began = Instant::now();
            let select = || {
                run.positions.strike(selector.name())?;
                selector.select(query, &mut candidates)
            };
            let places = caught(select)
                .and_then(|places| checked(places, candidates.len()))
                .and_then(|places| {
                    let same = |&place: &usize| candidates[place].key() == run.before[place].key();
                    match places.iter().all(same) {
                        true => Ok(places),
                        false => Err(StageError("put a candidate where another stood".into())),
                    }
                });
            let mut report = report(StageKind::Selector, selector.name(), began, candidates.len());
            match places {
                Ok(places) => {
                    report.after = places.len();
                    self.note(run, report);
                    if let Some(trace) = &mut run.trace {
                        trace.after.push((selector.name(), candidates.clone()));
                    }
                    return places
                        .into_iter()
                        .map(|place| candidates[place].clone())
                        .collect();
                }
                Err(error) => {
                    candidates.clone_from(&run.before);
                    report.after = 0;
                    report.end = ended(Some(error));
                    self.note(run, report);
                }
            }
        }
        Vec::new()
    }

    fn is_off(&self, run: &mut Run<C>, kind: StageKind, stage: &(impl Stage + ?Sized), count: usize) -> bool {
        if run.positions.is_on(stage.name(), run.unit) {
            return false;
        }
        let mut report = report(kind, stage.name(), Instant::now(), count);
        report.end = StageEnd::Off;
        self.note(run, report);
        true
    }

    fn note(&self, run: &mut Run<C>, report: StageReport) {
        let stages = || {
            let mut names = vec![ByKey.name()];
            self.each_stage(|_, stage| names.push(stage.name()));
            names
        };
        self.meters.note(self.recipe.name, stages, &report);
        run.stages.push(report);
    }
}

fn report(kind: StageKind, name: &'static str, began: Instant, count: usize) -> StageReport {
    StageReport {
        kind,
        name,
        before: count,
        after: count,
        took: began.elapsed(),
        end: StageEnd::Done,
        removed: Vec::new(),
    }
}

fn ended(failure: Option<StageError>) -> StageEnd {
    failure.map_or(StageEnd::Done, |error| StageEnd::Failed(error.to_string()))
}

/// Asks a filter that panicked about each candidate alone.
fn one_by_one<Q, C: Candidate>(
    filter: &dyn Filter<Q, C>,
    query: &Q,
    candidates: &[C],
    removals: &mut Removals,
) {
    removals.begin(candidates.len());
    let mut alone = Removals::default();
    for place in 0..candidates.len() {
        alone.begin(1);
        let one = &candidates[place..=place];
        match std::panic::catch_unwind(AssertUnwindSafe(|| filter.filter(query, one, &mut alone))) {
            Ok(()) => {
                if let Some(reason) = alone.reason_at(0) {
                    removals.remove(place, reason);
                }
            }
            Err(_) => removals.remove(place, "filter_panicked"),
        }
    }
}

/// Takes out what `removals` says; what goes is kept beside only when somebody watches.
fn leave<C: Candidate>(
    run: &mut Run<C>,
    stage: &'static str,
    candidates: &mut Vec<C>,
    removals: &Removals,
    report: &mut StageReport,
) {
    report.removed = removals.reasons().to_vec();
    if removals.count() > 0 {
        if let Some(trace) = &mut run.trace {
            let gone = candidates
                .iter()
                .enumerate()
                .filter_map(|(place, one)| Some((one, removals.reason_at(place)?)));
            trace.removed.extend(gone.map(|(one, reason)| Removed {
                candidate: one.clone(),
                stage,
                reason,
            }));
        }
        let mut place = 0;
        candidates.retain(|_| {
            place += 1;
            removals.is_kept(place - 1)
        });
    }
    report.after = candidates.len();
}

/// Places that exist, each once.
fn checked(places: Vec<usize>, len: usize) -> Result<Vec<usize>, StageError> {
    let mut met = vec![false; len];
    for &place in &places {
        match met.get_mut(place) {
            None => return Err(StageError("named a place that does not exist".into())),
            Some(met) if *met => return Err(StageError("named a place twice".into())),
            Some(met) => *met = true,
        }
    }
    Ok(places)
}

async fn guarded<T>(
    work: impl Future<Output = Result<T, StageError>>,
    deadline: Duration,
) -> Result<T, StageError> {
    match tokio::time::timeout(deadline, AssertUnwindSafe(work).catch_unwind()).await {
        Ok(Ok(done)) => done,
        Ok(Err(_)) => Err(StageError("panicked".into())),
        Err(_) => Err(StageError(format!(
            "took longer than {} ms",
            deadline.as_millis()
        ))),
    }
}

fn caught<T>(work: impl FnOnce() -> Result<T, StageError>) -> Result<T, StageError> {
    std::panic::catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| Err(StageError("panicked".into())))
}
