//! Cuts the members of one cluster in two, by two means.

use super::centres::square_of;
use super::postings::Postings;
use super::row::WIDTH;

/// Rounds of two means.
const ROUNDS: usize = 4;
/// The smaller part has at least this share of the members; otherwise the cut goes through the middle.
const PART_MIN: f32 = 0.25;

/// One part: where its centre is, how long its members are, the highest bias, how many.
#[derive(Debug, Clone)]
pub(super) struct Half {
    pub mean: [f32; WIDTH],
    /// Mean squared length of the members.
    pub square: f32,
    pub lift: f32,
    pub len: usize,
}

impl Half {
    /// Around one vector.
    pub fn around(vector: &[f32; WIDTH], bias: f32) -> Self {
        Self {
            mean: *vector,
            square: square_of(vector),
            lift: bias,
            len: 1,
        }
    }

    fn of(vectors: &[[f32; WIDTH]], postings: &Postings, has: impl Fn(usize) -> bool) -> Self {
        let (mut mean, mut square, mut len, mut lift) = ([0.0; WIDTH], 0.0, 0, f32::MIN);
        for at in (0..vectors.len()).filter(|at| has(*at)) {
            mean.iter_mut().zip(&vectors[at]).for_each(|(sum, x)| *sum += x);
            square += square_of(&vectors[at]);
            lift = lift.max(postings.factors()[at][1]);
            len += 1;
        }
        let share = 1.0 / len.max(1) as f32;
        mean.iter_mut().for_each(|sum| *sum *= share);
        Self {
            mean,
            square: square * share,
            lift,
            len,
        }
    }
}

/// Which members go into the second part, and both parts.
pub(super) fn halves(postings: &Postings) -> (Vec<bool>, [Half; 2]) {
    let vectors = vectors(postings);
    let whole = Half::of(&vectors, postings, |_| true);
    let first = farthest(&vectors, &whole.mean);
    let second = farthest(&vectors, &first);
    let mut means = [first, second];
    let mut margins = vec![0.0; vectors.len()];
    let mut is_second = vec![false; vectors.len()];
    for _ in 0..ROUNDS {
        measure(&vectors, &means, &mut margins);
        is_second = cut(&margins);
        means = [false, true].map(|part| Half::of(&vectors, postings, |at| is_second[at] == part).mean);
    }
    let parts = [false, true].map(|part| Half::of(&vectors, postings, |at| is_second[at] == part));
    (is_second, parts)
}

fn vectors(postings: &Postings) -> Vec<[f32; WIDTH]> {
    let rows = postings.rows().iter().zip(postings.factors());
    rows.map(|(row, [scale, _])| row.values(*scale)).collect()
}

fn farthest(vectors: &[[f32; WIDTH]], from: &[f32; WIDTH]) -> [f32; WIDTH] {
    let distance = |vector: &[f32; WIDTH]| -> f32 {
        let differences = vector.iter().zip(from).map(|(x, y)| x - y);
        differences.map(|difference| difference * difference).sum()
    };
    let distances = vectors.iter().map(|vector| (distance(vector), vector));
    let far = distances.max_by(|a, b| a.0.total_cmp(&b.0));
    far.map_or(*from, |(_, vector)| *vector)
}

/// How much nearer each vector is to the second mean than to the first.
fn measure(vectors: &[[f32; WIDTH]], means: &[[f32; WIDTH]; 2], margins: &mut [f32]) {
    let way: [f32; WIDTH] = std::array::from_fn(|at| means[1][at] - means[0][at]);
    let squares = means.map(|mean| mean.iter().map(|x| x * x).sum::<f32>());
    let middle = (squares[1] - squares[0]) / 2.0;
    for (margin, vector) in margins.iter_mut().zip(vectors) {
        let along: f32 = vector.iter().zip(&way).map(|(x, way)| x * way).sum();
        *margin = along - middle;
    }
}

fn cut(margins: &[f32]) -> Vec<bool> {
    let is_second: Vec<bool> = margins.iter().map(|margin| *margin > 0.0).collect();
    let second = is_second.iter().filter(|second| **second).count();
    let smaller = second.min(margins.len() - second);
    if smaller as f32 >= PART_MIN * margins.len() as f32 {
        return is_second;
    }
    let mut order: Vec<usize> = (0..margins.len()).collect();
    order.sort_unstable_by(|a, b| margins[*a].total_cmp(&margins[*b]).then(a.cmp(b)));
    let mut is_second = vec![false; margins.len()];
    order[margins.len() / 2..]
        .iter()
        .for_each(|at| is_second[*at] = true);
    is_second
}
