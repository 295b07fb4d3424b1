//! What a video is worth to a viewer: the model's answers, weighed. The one place where the weights stand; it learns nothing.
//!
//! A sum of probabilities that are calibrated can be read: with these weights a certain like is worth two and a half complete watches,
//! and an even chance of "not interested" outweighs everything that a watch can say. Watch time counts by its quantile among
//! videos of like length, so that length alone is worth nothing.

use model::{HeadKind, Predictions, Schema};

/// Head and weight.
pub const WEIGHTS: [(&str, f32); 9] = [
    ("complete", 0.20),
    ("long_view", 0.25),
    // The expected quantile of watch time, 0 to 1, in place of a probability.
    ("watch", 0.25),
    ("like", 0.50),
    ("share", 0.80),
    ("comment", 0.50),
    ("follow", 0.80),
    ("early_skip", -0.35),
    ("not_interested", -1.50),
];

/// The weights, by the places of a schema's heads.
#[derive(Debug, Clone)]
pub struct Value(Vec<(usize, Answer, f32)>);

#[derive(Debug, Clone, Copy, PartialEq)]
enum Answer {
    Probability,
    WatchQuantile,
}

impl Value {
    /// With the built-in weights. Heads that the schema does not have count nothing.
    pub fn new(schema: &Schema) -> Self {
        Self::with(schema, &[])
    }

    /// With weights of one's own for some heads.
    pub fn with(schema: &Schema, own: &[(&str, f32)]) -> Self {
        let parts = WEIGHTS.iter().filter_map(|&(name, built_in)| {
            let own = own.iter().find(|(head, _)| *head == name);
            let weight = own.map_or(built_in, |(_, weight)| *weight);
            let place = schema.heads.iter().position(|head| head.name == name)?;
            let answer = match schema.heads[place].kind {
                HeadKind::Binary => Answer::Probability,
                HeadKind::Watch { .. } => Answer::WatchQuantile,
            };
            Some((place, answer, weight))
        });
        Self(parts.collect())
    }

    /// What the video of a row is worth: about 0 to 1 for nearly all, at worst −1.85 and at best 3.3.
    ///
    /// # Panics
    /// When `row` is out of range, or the answers are of a model with fewer heads.
    pub fn of(&self, answers: &Predictions, row: usize) -> f32 {
        let part = |&(head, answer, weight): &(usize, Answer, f32)| match answer {
            Answer::Probability => weight * answers.p(row, head),
            Answer::WatchQuantile => weight * answers.watch_quantile(row),
        };
        self.0.iter().map(part).sum()
    }
}

#[cfg(test)]
mod tests {
    use feature::Registry;
    use model::{DenseVersion, Embeddings, PlainRows, RowRef};

    use super::*;

    #[test]
    fn every_weight_finds_its_head_and_the_value_is_their_sum() {
        let (schema, config) = (crate::schema(&Registry::new()), crate::config());
        let value = Value::new(&schema);
        assert_eq!(value.0.len(), WEIGHTS.len());
        let version = DenseVersion::untrained(&schema, &config, 1).expect("a version");
        let dense = Registry::new().defaults();
        let row = RowRef {
            ids: &[],
            dense: &dense,
            duration_s: 10.0,
        };
        let mut answers = Predictions::default();
        let rows = PlainRows::create(&schema.slots, &config.embedding, 1).expect("a table");
        version.predict(&rows, &[row], &mut answers);
        let by_hand: f32 = WEIGHTS
            .iter()
            .map(|(name, weight)| match *name {
                "watch" => weight * answers.watch_quantile(0),
                name => weight * answers.p(0, schema.head(name).expect("there")),
            })
            .sum();
        assert!((value.of(&answers, 0) - by_hand).abs() < 1e-6);
    }
}
