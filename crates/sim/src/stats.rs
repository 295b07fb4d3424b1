//! The few statistics that figures need. Sorting and adding; no randomness.

/// A mean over seeds, with half the width of its 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    pub mean: f64,
    /// Student's t; 0 for a single value, of which nothing is known.
    pub half: f64,
}

/// Two-sided 95 % quantiles of Student's t for 1, 2, … degrees of freedom; more count as the normal distribution.
const T95: [f64; 15] = [
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131,
];
const NORMAL95: f64 = 1.96;

impl Interval {
    /// Of independent values; NaN when there is none.
    pub fn of(values: &[f64]) -> Self {
        let mean = mean(values);
        let Some(freedom) = values.len().checked_sub(1).filter(|freedom| *freedom > 0) else {
            return Self { mean, half: 0.0 };
        };
        let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / freedom as f64;
        let t = T95.get(freedom - 1).copied().unwrap_or(NORMAL95);
        Self {
            mean,
            half: t * (variance / values.len() as f64).sqrt(),
        }
    }
}

/// NaN when there is none.
pub fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// The value below which this share lies; NaN when there is none.
pub fn quantile(values: &mut [f64], share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let place = (share * values.len() as f64) as usize;
    values
        .get(place.min(values.len().saturating_sub(1)))
        .copied()
        .unwrap_or(f64::NAN)
}

/// Inequality of shares: 0 when all are equal, towards 1 when one has everything (Gini 1912). NaN without any.
pub fn gini(counts: &[u32]) -> f64 {
    let mut sorted = counts.to_vec();
    sorted.sort_unstable();
    let (mut weighted, mut sum) = (0.0, 0.0);
    for (place, &count) in sorted.iter().enumerate() {
        weighted += (place + 1) as f64 * f64::from(count);
        sum += f64::from(count);
    }
    let n = sorted.len() as f64;
    2.0 * weighted / (n * sum) - (n + 1.0) / n
}

/// How many equally frequent kinds are as mixed as these counts: the exponential of their entropy. 0 without any.
pub fn diversity(counts: &[f64]) -> f64 {
    let sum: f64 = counts.iter().sum();
    if sum <= 0.0 {
        return 0.0;
    }
    let shares = counts
        .iter()
        .map(|count| count / sum)
        .filter(|share| *share > 0.0);
    shares.map(|share| -share * share.ln()).sum::<f64>().exp()
}

/// Area under the ROC curve, ties counted half; NaN without both classes.
pub fn auc(scored: &mut [(f64, bool)]) -> f64 {
    scored.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (mut below, mut wins, mut positives) = (0.0, 0.0, 0.0);
    let mut rest = &*scored;
    while let Some(&(score, _)) = rest.first() {
        let ties = rest.partition_point(|&(other, _)| other <= score).max(1);
        let yes = rest[..ties].iter().filter(|(_, yes)| *yes).count() as f64;
        let no = ties as f64 - yes;
        wins += yes * (below + 0.5 * no);
        below += no;
        positives += yes;
        rest = &rest[ties..];
    }
    wins / (positives * below)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_values() {
        assert_eq!(gini(&[3, 3, 3]), 0.0);
        assert!((gini(&[0, 0, 0, 8]) - 0.75).abs() < 1e-12);
        assert!((diversity(&[2.0, 2.0, 0.0, 2.0]) - 3.0).abs() < 1e-12);
        assert_eq!(quantile(&mut [5.0, 1.0, 3.0], 0.5), 3.0);
        assert_eq!(
            auc(&mut [(0.1, false), (0.4, true), (0.4, false), (0.9, true)]),
            0.875
        );
        let interval = Interval::of(&[1.0, 2.0, 3.0]);
        assert_eq!(interval.mean, 2.0);
        assert!((interval.half - 4.303 / 3f64.sqrt()).abs() < 1e-12);
    }

    /// Nineteen intervals of twenty hold the truth.
    #[test]
    fn intervals_cover() {
        let mut held = 0;
        for seed in 0..2000 {
            let mut draws = crate::random::Key::new(seed).draws();
            let values: Vec<f64> = (0..5).map(|_| 3.0 + draws.normal()).collect();
            let Interval { mean, half } = Interval::of(&values);
            held += u32::from((mean - 3.0).abs() <= half);
        }
        assert!((1860..1940).contains(&held), "{held} of 2000");
    }
}
