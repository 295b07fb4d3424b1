//! Who takes part: policies by name, made anew for every run.

use model::Config;

use crate::config::DAY_MS;
use crate::experiment::delays;
use crate::mind::Known;
use crate::outcome::Outcome;
use crate::policy::{
    Delay, Knowing, Learned, Learner, Linear, Oracle, Policy, Popularity, Prediction, Product, Refresh,
    Shadows, Uniform,
};
use crate::run::run;
use crate::world::World;

/// Names that findings are read by.
pub(super) const ORACLE: &str = "oracle";
pub(super) const ONLINE: &str = "product at once";
/// Learns like [`ONLINE`] until a moment, and then no more.
pub(super) const FROZEN: &str = "product frozen at the switch";
pub(super) const DAILY_WEIGHTS: &str = "product weights daily";
pub(super) const DAILY_ALL: &str = "product all daily";

/// A policy by name.
pub struct Contender {
    pub name: String,
    make: Box<dyn Fn() -> Box<dyn Policy> + Send + Sync>,
}

impl Contender {
    pub(super) fn plain<P: Policy + Default + 'static>(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            make: Box::new(|| Box::new(P::default())),
        }
    }

    /// A learner with a delay.
    fn learner<L: Learner + 'static>(
        name: &str,
        new: impl Fn() -> L + Send + Sync + 'static,
        delay: Delay,
    ) -> Self {
        Self {
            name: name.to_owned(),
            make: Box::new(move || Box::new(Learned::new(new(), delay, ""))),
        }
    }

    /// A fresh one that knows nothing yet.
    pub fn policy(&self) -> Box<dyn Policy> {
        (self.make)()
    }
}

/// The bound for learners who know so much.
fn knowing(name: &str, known: Known) -> Contender {
    Contender {
        name: name.to_owned(),
        make: Box::new(move || Box::new(Knowing::with(known))),
    }
}

/// The product's learner with settings that were checked.
fn product(model: &Config, name: &str, delay: Delay) -> Contender {
    let model = model.clone();
    let new = move || Product::new(model.clone()).expect("settings are checked when they are read");
    Contender::learner(name, new, delay)
}

/// The twin that learns nothing after a moment, neither weights nor features.
pub(super) fn frozen(model: &Config, at_ms: i64) -> Contender {
    product(model, FROZEN, Delay::of_both(Refresh::Frozen(at_ms)))
}

/// Everybody, from the least to the most knowing; `model` has the settings of the product's learner.
///
/// # Panics
/// A contender's first use panics when the model refuses the settings.
pub fn contenders(model: &Config) -> Vec<Contender> {
    let product = |name, delay| product(model, name, delay);
    const DAILY: Refresh = Refresh::Every(DAY_MS);
    vec![
        Contender::plain::<Uniform>("uniform"),
        Contender::plain::<Popularity>("popularity"),
        Contender::learner("linear weights daily", Linear::default, Delay::of_weights(DAILY)),
        Contender::learner("linear at once", Linear::default, Delay::NONE),
        product(DAILY_ALL, Delay::of_both(DAILY)),
        product(DAILY_WEIGHTS, Delay::of_weights(DAILY)),
        product(ONLINE, Delay::NONE),
        knowing("knowing tastes alone", Known::TastesAlone),
        knowing("knowing people, videos as seen", Known::VideosAsSeen),
        knowing("knowing people", Known::Everything),
        Contender::plain::<Oracle>(ORACLE),
    ]
}

/// When shown, what was predicted with each delay, what came.
type Predicted = Vec<(i64, Vec<Prediction>, Outcome)>;

/// Lets one learner a delay watch a world.
type Watch = fn(&World, fn(Refresh) -> Delay) -> Predicted;

/// A line of the delay curve: one learner with all delays on one stream.
pub struct Line {
    pub name: &'static str,
    watch: Watch,
    delay: fn(Refresh) -> Delay,
}

impl Line {
    fn of<L: Learner + Default + 'static>(name: &'static str, delay: fn(Refresh) -> Delay) -> Self {
        Self {
            name,
            watch: |world, delay| {
                let mut shadows = Shadows::new(L::default, delays().map(|(_, refresh)| delay(refresh)));
                run(world, &mut shadows);
                shadows.predicted
            },
            delay,
        }
    }

    pub(super) fn predictions(&self, world: &World) -> Predicted {
        (self.watch)(world, self.delay)
    }
}

/// The lines of the delay curve.
pub fn lines() -> Vec<Line> {
    vec![
        Line::of::<Product>("product weights lag", Delay::of_weights),
        Line::of::<Product>("product all lags", Delay::of_both),
        Line::of::<Linear>("linear weights lag", Delay::of_weights),
    ]
}
