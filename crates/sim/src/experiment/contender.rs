//! Who takes part: policies by name, made anew for every run.

use crate::config::DAY_MS;
use crate::experiment::delays;
use crate::outcome::Outcome;
use crate::policy::{
    Delay, Learned, Learner, Linear, Oracle, Policy, Popularity, Prediction, Product, Refresh, Shadow,
    Uniform,
};
use crate::run::run;
use crate::world::World;

/// When shown, what was predicted, what came.
type Predicted = Vec<(i64, Prediction, Outcome)>;

/// A learner that watches a uniform stream; see [`Shadow`].
pub(crate) struct Shadowing(Box<dyn Fn(&World) -> Predicted + Send + Sync>);

impl Shadowing {
    pub(crate) fn predictions(&self, world: &World) -> Predicted {
        (self.0)(world)
    }
}

/// A policy by name.
pub struct Contender {
    pub name: String,
    make: Box<dyn Fn() -> Box<dyn Policy> + Send + Sync>,
    shadow: Option<Shadowing>,
}

impl Contender {
    pub(super) fn plain<P: Policy + Default + 'static>(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            make: Box::new(|| Box::new(P::default())),
            shadow: None,
        }
    }

    /// A learner with a delay.
    fn learner<L: Learner + 'static>(name: &str, new: fn() -> L, delay: Delay) -> Self {
        let watch = move |world: &World| {
            let mut shadow = Shadow::new(new(), delay);
            run(world, &mut shadow);
            shadow.predicted
        };
        Self {
            name: name.to_owned(),
            make: Box::new(move || Box::new(Learned::new(new(), delay, ""))),
            shadow: Some(Shadowing(Box::new(watch))),
        }
    }

    /// A fresh one that knows nothing yet.
    pub fn policy(&self) -> Box<dyn Policy> {
        (self.make)()
    }

    pub(crate) fn shadow(&self) -> Option<&Shadowing> {
        self.shadow.as_ref()
    }
}

const DAILY: Refresh = Refresh::Every(DAY_MS);

/// Everybody, from the least to the most knowing.
pub fn contenders() -> Vec<Contender> {
    vec![
        Contender::plain::<Uniform>("uniform"),
        Contender::plain::<Popularity>("popularity"),
        Contender::learner("linear, daily", Linear::default, Delay::of_weights(DAILY)),
        Contender::learner("linear, at once", Linear::default, Delay::NONE),
        Contender::learner("product, both daily", Product::default, Delay::of_both(DAILY)),
        Contender::learner("product, daily", Product::default, Delay::of_weights(DAILY)),
        Contender::learner("product, at once", Product::default, Delay::NONE),
        Contender::plain::<Oracle>("oracle"),
    ]
}

/// For each line of the delay curve its title and its points, named by delay.
pub fn delayed() -> Vec<(String, Vec<Contender>)> {
    let line = |title: &str, of: &dyn Fn(&str, Refresh) -> Contender| {
        let points = delays()
            .into_iter()
            .map(|(delay, refresh)| of(&format!("{title}, {delay}"), refresh))
            .collect();
        (title.to_owned(), points)
    };
    vec![line("linear", &|name, refresh| {
        Contender::learner(name, Linear::default, Delay::of_weights(refresh))
    })]
}
