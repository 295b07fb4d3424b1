//! How likely a success rate is below a mark, given trials and successes: the Beta-Binomial posterior, to machine precision.
//! Pure functions; what is decided by them is not said here.
//!
//! Source: the regularised incomplete beta function by its continued fraction, DLMF 8.17.22, evaluated after Lentz.

/// Steps of the continued fraction; it takes about √max(a, b) of them.
const STEPS_MAX: usize = 20_000;
/// Where a step changes nothing any more.
const CHANGE_MIN: f64 = 1e-15;
/// Stands for zero in a denominator.
const TINY: f64 = 1e-300;

/// Trials that a newcomer is thought to bring along, with the success rate of its peers.
pub(crate) const PRIOR_TRIALS: f64 = 4.0;

/// The posterior probability that the success rate is below `mark`, after `successes` of `trials`, where the prior is
/// [`PRIOR_TRIALS`] trials at the mark itself. None for a mark outside (0, 1) or counts that are none.
pub(crate) fn worse(trials: i64, successes: i64, mark: f64) -> Option<f64> {
    if !((0..=trials).contains(&successes) && mark > 0.0 && mark < 1.0) {
        return None;
    }
    let failures = (trials - successes) as f64;
    let (a, b) = (
        PRIOR_TRIALS * mark + successes as f64,
        PRIOR_TRIALS * (1.0 - mark) + failures,
    );
    incomplete_beta(a, b, mark)
}

/// The regularised incomplete beta function: the probability that a Beta(a, b) variable is below `x`. None when the fraction does not
/// settle, which no count of ours brings about.
fn incomplete_beta(a: f64, b: f64, x: f64) -> Option<f64> {
    let front = (a * x.ln() + b * (-x).ln_1p() + ln_gamma(a + b) - ln_gamma(a) - ln_gamma(b)).exp();
    // The fraction settles quickly on this side of the mean; on the other the symmetry is used.
    match x < (a + 1.0) / (a + b + 2.0) {
        true => Some((front / a * fraction(a, b, x)?).clamp(0.0, 1.0)),
        false => Some((1.0 - front / b * fraction(b, a, 1.0 - x)?).clamp(0.0, 1.0)),
    }
}

fn fraction(a: f64, b: f64, x: f64) -> Option<f64> {
    let away = |value: f64| if value.abs() < TINY { TINY } else { value };
    let mut c = 1.0;
    let mut d = 1.0 / away(1.0 - (a + b) * x / (a + 1.0));
    let mut value = d;
    for step in 1..=STEPS_MAX {
        let m = step as f64;
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        d = 1.0 / away(1.0 + even * d);
        c = away(1.0 + even / c);
        value *= d * c;
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        d = 1.0 / away(1.0 + odd * d);
        c = away(1.0 + odd / c);
        let change = d * c;
        value *= change;
        if (change - 1.0).abs() < CHANGE_MIN {
            return Some(value);
        }
    }
    None
}

/// The logarithm of the gamma function of a positive number: Stirling's series (DLMF 5.11.1) above 16, the recurrence below.
fn ln_gamma(x: f64) -> f64 {
    /// Bernoulli numbers over 2k (2k − 1).
    const SERIES: [f64; 7] = [
        1.0 / 12.0,
        -1.0 / 360.0,
        1.0 / 1_260.0,
        -1.0 / 1_680.0,
        1.0 / 1_188.0,
        -691.0 / 360_360.0,
        1.0 / 156.0,
    ];
    let (mut x, mut product) = (x, 1.0f64);
    while x < 16.0 {
        product *= x;
        x += 1.0;
    }
    let inverse = 1.0 / (x * x);
    let series = SERIES.iter().rev().fold(0.0, |sum, term| sum * inverse + term) / x;
    (x - 0.5) * x.ln() - x + 0.5 * std::f64::consts::TAU.ln() + series - product.ln()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// For whole a and b the integral is a binomial tail: added up term by term.
    fn by_counting(a: u64, b: u64, x: f64) -> f64 {
        let n = a + b - 1;
        let ln_factorial = |n: u64| (2..=n).map(|k| (k as f64).ln()).sum::<f64>();
        (a..=n)
            .map(|k| {
                let ways = ln_factorial(n) - ln_factorial(k) - ln_factorial(n - k);
                (ways + k as f64 * x.ln() + (n - k) as f64 * (1.0 - x).ln()).exp()
            })
            .sum()
    }

    /// The density added up in small steps (Simpson).
    fn by_steps(a: f64, b: f64, x: f64) -> f64 {
        let area = |from: f64, to: f64| {
            const STEPS: usize = 200_000;
            let h = (to - from) / STEPS as f64;
            let density = |t: f64| ((a - 1.0) * t.ln() + (b - 1.0) * (1.0 - t).ln()).exp();
            (0..=STEPS).fold(0.0, |sum, step| {
                let weight = match step {
                    0 | STEPS => 1.0,
                    step if step % 2 == 1 => 4.0,
                    _ => 2.0,
                };
                sum + weight * density(from + h * step as f64)
            }) * h
                / 3.0
        };
        let (from, to) = (1e-12, 1.0 - 1e-12);
        area(from, x) / (area(from, x) + area(x, to))
    }

    #[test]
    fn the_gamma_function_is_the_factorial_between_its_numbers() {
        let mut ln_factorial = 0.0f64;
        for n in 1..400u64 {
            assert!((ln_gamma(n as f64) - ln_factorial).abs() < 1e-11, "{n}");
            ln_factorial += (n as f64).ln();
        }
        let half = std::f64::consts::PI.sqrt().ln();
        assert!((ln_gamma(0.5) - half).abs() < 1e-13);
    }

    #[test]
    fn tails_are_those_of_counting() {
        for (a, b) in [(1, 1), (1, 30), (3, 2), (40, 160), (150, 50), (700, 1_300)] {
            for x in [0.01, 0.2, 0.37, 0.5, 0.8, 0.99] {
                let (quick, slow) = (incomplete_beta(a as f64, b as f64, x), by_counting(a, b, x));
                let quick = quick.expect("it settles");
                assert!(
                    (quick - slow).abs() < 1e-10,
                    "{a} {b} {x}: {quick} against {slow}"
                );
            }
        }
    }

    #[test]
    fn posteriors_are_those_of_adding_up_small_steps() {
        for (trials, successes, mark) in [(0, 0, 0.4), (20, 9, 0.35), (180, 90, 0.42), (950, 300, 0.35)] {
            let prior = (PRIOR_TRIALS * mark, PRIOR_TRIALS * (1.0 - mark));
            let slow = by_steps(
                prior.0 + f64::from(successes),
                prior.1 + f64::from(trials - successes),
                mark,
            );
            let quick = worse(i64::from(trials), i64::from(successes), mark).expect("it settles");
            assert!(
                (quick - slow).abs() < 1e-8,
                "{trials} {successes}: {quick} against {slow}"
            );
        }
    }

    #[test]
    fn large_counts_settle_and_nonsense_has_no_answer() {
        let near = worse(10_000_000, 4_000_000, 0.4).expect("it settles");
        assert!((near - 0.5).abs() < 1e-3, "{near}");
        assert!(worse(25_000, 9_000, 0.4).expect("it settles") > 0.999_999);
        for (trials, successes, mark) in [
            (1, 2, 0.4),
            (3, -1, 0.4),
            (3, 1, 0.0),
            (3, 1, 1.0),
            (3, 1, f64::NAN),
        ] {
            assert_eq!(worse(trials, successes, mark), None);
        }
    }

    proptest! {
        #[test]
        fn more_successes_are_never_worse(trials in 1i64..5_000, share in 0.0f64..1.0, mark in 0.01f64..0.99) {
            let successes = ((trials - 1) as f64 * share) as i64;
            let before = worse(trials, successes, mark).expect("it settles");
            let after = worse(trials, successes + 1, mark).expect("it settles");
            prop_assert!(after <= before + 1e-12);
            prop_assert!((0.0..=1.0).contains(&before));
        }

        #[test]
        fn both_tails_are_the_whole(a in 0.5f64..3_000.0, b in 0.5f64..3_000.0, x in 0.001f64..0.999) {
            let one = incomplete_beta(a, b, x).expect("it settles");
            let other = incomplete_beta(b, a, 1.0 - x).expect("it settles");
            prop_assert!((one + other - 1.0).abs() < 1e-9);
        }
    }
}
