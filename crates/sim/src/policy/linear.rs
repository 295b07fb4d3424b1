//! The plain learner beside the product's: logistic regression over hashed ids and pairs of ids, learnt one view at a time
//! with Adagrad. It has no features with state, so all it knows is in its weights.

use crate::catalogue::Shown;
use crate::policy::Context;
use crate::policy::lagging::{Learner, Lesson, Prediction};
use crate::policy::promise::Promise;
use crate::random::Key;

/// Weights of each head; a power of two.
const WEIGHTS: usize = 1 << 18;
const STEP: f32 = 0.12;
/// Starts the sum of squared gradients, so that the first step of a weight is not a leap.
const SQUARES_START: f32 = 0.5;

/// What is predicted: the end is seen; skipped early.
const HEADS: usize = 2;
/// Log-odds before anything is learnt.
const BIAS: [f32; HEADS] = [-1.2, -0.2];

/// See the file's header. 4 MiB.
#[derive(Debug)]
pub struct Linear {
    weights: Vec<[f32; HEADS]>,
    squares: Vec<[f32; HEADS]>,
    promise: Promise,
}

impl Default for Linear {
    fn default() -> Self {
        Self {
            weights: vec![[0.0; HEADS]; WEIGHTS],
            squares: vec![[SQUARES_START; HEADS]; WEIGHTS],
            promise: Promise::default(),
        }
    }
}

/// Where a combination of ids has its weights.
fn place(kind: u64, a: u64, b: u64) -> u32 {
    (Key::new(kind).with(a).with(b).draws().bits() % WEIGHTS as u64) as u32
}

impl Linear {
    fn row(context: &Context<'_>, video: &Shown) -> Vec<u32> {
        let viewer = u64::from(context.viewer);
        let length = (video.duration_ms as f64 / 1000.0).log2() as u64;
        let tired = u64::from(context.in_session).next_power_of_two();
        let follows = u64::from(context.follows.binary_search(&video.creator).is_ok());
        let mut row = vec![
            place(0, viewer, 0),
            place(1, u64::from(video.index), 0),
            place(2, u64::from(video.creator), 0),
            place(3, u64::from(video.sound), 0),
            place(4, length, 0),
            place(5, viewer, length),
            place(6, viewer, u64::from(video.creator)),
            place(7, u64::from(context.region), u64::from(video.region)),
            place(8, u64::from(context.language), u64::from(video.language)),
            place(9, tired, 0),
            place(10, follows, 0),
            place(13, u64::from(video.category.number()), 0),
            place(14, viewer, u64::from(video.category.number())),
        ];
        for &tag in &video.hashtags {
            row.push(place(11, u64::from(tag), 0));
            row.push(place(12, viewer, u64::from(tag)));
        }
        row
    }

    fn probabilities(&self, row: &[u32]) -> [f32; HEADS] {
        let sum = |head: usize| {
            BIAS[head]
                + row
                    .iter()
                    .map(|&place| self.weights[place as usize][head])
                    .sum::<f32>()
        };
        std::array::from_fn(|head| 1.0 / (1.0 + (-sum(head)).exp()))
    }
}

impl Learner for Linear {
    type Row = Vec<u32>;

    fn name(&self) -> String {
        "linear".to_owned()
    }

    fn publish(&mut self, _: &Shown) {}

    fn rows(&mut self, context: &Context<'_>, candidates: &[&Shown]) -> Vec<Self::Row> {
        candidates.iter().map(|video| Self::row(context, video)).collect()
    }

    fn predict(&mut self, rows: &[Self::Row], candidates: &[&Shown]) -> Vec<Prediction> {
        let said: Vec<[f64; HEADS]> = rows
            .iter()
            .map(|row| self.probabilities(row).map(f64::from))
            .collect();
        self.promise.of(&said, candidates)
    }

    fn advance(&mut self, _: &Lesson<Self::Row>) {}

    fn learn(&mut self, lessons: &[Lesson<Self::Row>]) {
        for lesson in lessons {
            let labels = [lesson.outcome.completed, lesson.outcome.skipped];
            let probabilities = self.probabilities(&lesson.row);
            for &place in &lesson.row {
                for head in 0..HEADS {
                    let gradient = probabilities[head] - f32::from(u8::from(labels[head]));
                    let squares = &mut self.squares[place as usize][head];
                    *squares += gradient * gradient;
                    self.weights[place as usize][head] -= STEP * gradient / squares.sqrt();
                }
            }
        }
    }
}
