//! Off-policy estimators: what a policy would have been worth, judged from what another one showed. Pure functions over
//! logged choices with known propensities; where those come from, and whether they are honest, is not their business.
//!
//! | estimator | needs | bias | variance |
//! |---|---|---|---|
//! | [`direct`] | a reward model | that of the model | least |
//! | [`ips`] | propensities | none | grows with the largest weight |
//! | [`snips`] | propensities | vanishes with the number of choices | less, and the estimate stays within the rewards |
//! | [`doubly_robust`] | both | none if either is right | that of what the model leaves unexplained |
//!
//! Sources: Horvitz and Thompson 1952 (IPS); Swaminathan and Joachims 2015 (SNIPS); Dudík, Langford and Li 2011 (DR).

/// One logged choice, as seen by the policy that is judged.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Logged {
    /// What came of the choice.
    pub reward: f64,
    /// The probability with which the logging policy made it; above 0.
    pub propensity: f64,
    /// The probability with which the judged policy would make it.
    pub target: f64,
    /// What a reward model expects of it. Any number if only [`ips`] or [`snips`] is asked for.
    pub model: f64,
    /// What the reward model expects of the judged policy here: its mean over the policy's choices.
    pub model_target: f64,
}

/// An estimate of the mean reward of a choice.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    pub value: f64,
    /// Standard error, choices taken as independent.
    pub error: f64,
    /// Effective number of choices, `(Σw)² / Σw²`: far below the logged number means that few choices carry the estimate.
    pub effective: f64,
}

/// Why nothing can be estimated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OffPolicyError {
    #[error("nothing was logged")]
    Empty,
    #[error("choice {0} has a propensity or a target probability that is none")]
    Propensity(usize),
    #[error("the judged policy would have made none of the logged choices")]
    NoOverlap,
}

/// The reward model's own opinion: its mean expectation of the judged policy.
pub fn direct(logged: &[Logged]) -> Result<Estimate, OffPolicyError> {
    check(logged)?;
    Ok(mean_of(logged, |choice, _| choice.model_target, f64::INFINITY))
}

/// Inverse propensity scoring: rewards weighted by how much more often the judged policy makes the choice. Weights above
/// `weight_max` are cut, which trades variance for bias; infinity leaves them.
pub fn ips(logged: &[Logged], weight_max: f64) -> Result<Estimate, OffPolicyError> {
    check(logged)?;
    Ok(mean_of(
        logged,
        |choice, weight| weight * choice.reward,
        weight_max,
    ))
}

/// Self-normalised IPS: the weighted mean, divided by the sum of weights instead of their number. The error is that of a
/// ratio to first order.
pub fn snips(logged: &[Logged], weight_max: f64) -> Result<Estimate, OffPolicyError> {
    check(logged)?;
    let (mut weights, mut weighted, mut squares) = (0.0, 0.0, 0.0);
    for choice in logged {
        let weight = weight_of(choice, weight_max);
        weights += weight;
        weighted += weight * choice.reward;
        squares += weight * weight;
    }
    if weights <= 0.0 {
        return Err(OffPolicyError::NoOverlap);
    }
    let value = weighted / weights;
    let residual = |choice: &Logged| (weight_of(choice, weight_max) * (choice.reward - value)).powi(2);
    let error = logged.iter().map(residual).sum::<f64>().sqrt() / weights;
    Ok(Estimate {
        value,
        error,
        effective: weights * weights / squares,
    })
}

/// Doubly robust: the model's opinion, corrected by the weighted surprise of what was logged.
pub fn doubly_robust(logged: &[Logged], weight_max: f64) -> Result<Estimate, OffPolicyError> {
    check(logged)?;
    let term = |choice: &Logged, weight: f64| choice.model_target + weight * (choice.reward - choice.model);
    Ok(mean_of(logged, term, weight_max))
}

/// Imagined choices behind the mean of a cell, at the mean of all.
const CELL_STRENGTH: f64 = 4.0;

/// A reward model for [`doubly_robust`]: mean rewards by cell, where a cell is whatever the log can tell choices apart by (a viewer's interest and a video's topic, say).
/// Cross-fitted (Chernozhukov et al. 2018): what is said of a choice was learned from choices of the other folds, so that a choice does not explain itself.
#[derive(Debug, Clone, PartialEq)]
pub struct CellModel {
    /// Means by fold and cell.
    means: Vec<Vec<f64>>,
}

impl CellModel {
    /// From the cell and the reward of each logged choice, in the log's order, with cells below `cells`. `folds` is at least 2.
    pub fn fit(choices: &[(usize, f64)], cells: usize, folds: usize) -> Self {
        let folds = folds.max(2);
        let means = |fold: usize| {
            let mut sums = vec![(0.0, 0.0); cells];
            let (mut all, mut count) = (0.0, 0.0);
            let others = choices.iter().enumerate().filter(|(at, _)| at % folds != fold);
            for (_, &(cell, reward)) in others {
                if let Some((sum, of)) = sums.get_mut(cell) {
                    *sum += reward;
                    *of += 1.0;
                }
                all += reward;
                count += 1.0;
            }
            let mean = if count > 0.0 { all / count } else { 0.0 };
            let smoothed = |(sum, of): (f64, f64)| (sum + CELL_STRENGTH * mean) / (of + CELL_STRENGTH);
            sums.into_iter().map(smoothed).collect()
        };
        Self {
            means: (0..folds).map(means).collect(),
        }
    }

    /// What is expected of a cell, for the choice at this place of the log; 0 of a cell that does not exist.
    pub fn of(&self, place: usize, cell: usize) -> f64 {
        let means = &self.means[place % self.means.len()];
        means.get(cell).copied().unwrap_or(0.0)
    }
}

fn check(logged: &[Logged]) -> Result<(), OffPolicyError> {
    let is_share = |probability: f64| (0.0..=1.0 + 1e-6).contains(&probability);
    let wrong = logged.iter().position(|choice| {
        !is_share(choice.propensity) || choice.propensity <= 0.0 || !is_share(choice.target)
    });
    match wrong {
        Some(place) => Err(OffPolicyError::Propensity(place)),
        None if logged.is_empty() => Err(OffPolicyError::Empty),
        None => Ok(()),
    }
}

fn weight_of(choice: &Logged, weight_max: f64) -> f64 {
    (choice.target / choice.propensity).min(weight_max)
}

/// Mean and standard error of a term for each choice.
fn mean_of(logged: &[Logged], term: impl Fn(&Logged, f64) -> f64, weight_max: f64) -> Estimate {
    let count = logged.len() as f64;
    let (mut sum, mut weights, mut squares) = (0.0, 0.0, 0.0);
    for choice in logged {
        let weight = weight_of(choice, weight_max);
        sum += term(choice, weight);
        weights += weight;
        squares += weight * weight;
    }
    let value = sum / count;
    let spread = |choice: &Logged| (term(choice, weight_of(choice, weight_max)) - value).powi(2);
    let variance = logged.iter().map(spread).sum::<f64>() / (count - 1.0).max(1.0);
    let effective = if squares > 0.0 {
        weights * weights / squares
    } else {
        0.0
    };
    Estimate {
        value,
        error: (variance / count).sqrt(),
        effective,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ARMS: usize = 4;

    /// A bandit with two kinds of context: rewards of the arms, logging and judged probabilities.
    const REWARD: [[f64; ARMS]; 2] = [[0.1, 0.5, 0.9, 0.2], [0.8, 0.1, 0.3, 0.4]];
    const LOGGING: [[f64; ARMS]; 2] = [[0.4, 0.3, 0.2, 0.1], [0.1, 0.2, 0.3, 0.4]];
    const JUDGED: [[f64; ARMS]; 2] = [[0.05, 0.15, 0.7, 0.1], [0.7, 0.1, 0.1, 0.1]];

    fn truth() -> f64 {
        let of = |context: usize| {
            (0..ARMS)
                .map(|arm| JUDGED[context][arm] * REWARD[context][arm])
                .sum::<f64>()
        };
        (of(0) + of(1)) / 2.0
    }

    /// SplitMix64, uniform in [0, 1).
    fn unit(state: &mut u64) -> f64 {
        *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = *state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }

    /// `model` says what the reward model expects of an arm; `propensity` how the log misstates propensities.
    fn log(
        count: usize,
        seed: u64,
        model: impl Fn(usize, usize) -> f64,
        propensity: impl Fn(f64) -> f64,
    ) -> Vec<Logged> {
        let mut state = seed;
        let choice = |index: usize| {
            let context = index % 2;
            let mut left = unit(&mut state);
            let arm = LOGGING[context].iter().position(|probability| {
                left -= probability;
                left < 0.0
            });
            let arm = arm.unwrap_or(ARMS - 1);
            Logged {
                reward: f64::from(u8::from(unit(&mut state) < REWARD[context][arm])),
                propensity: propensity(LOGGING[context][arm]),
                target: JUDGED[context][arm],
                model: model(context, arm),
                model_target: (0..ARMS)
                    .map(|arm| JUDGED[context][arm] * model(context, arm))
                    .sum(),
            }
        };
        (0..count).map(choice).collect()
    }

    fn assert_near(estimate: Result<Estimate, OffPolicyError>, what: &str) {
        let estimate = estimate.expect("there is a log");
        let off = (estimate.value - truth()).abs();
        assert!(
            off < 4.0 * estimate.error + 1e-9,
            "{what}: {estimate:?} against {}",
            truth()
        );
        assert!(estimate.error < 0.02, "{what}: {estimate:?}");
    }

    #[test]
    fn all_find_the_truth_with_honest_propensities() {
        let logged = log(20_000, 1, |_, _| 0.3, |propensity| propensity);
        assert_near(ips(&logged, f64::INFINITY), "ips");
        assert_near(snips(&logged, f64::INFINITY), "snips");
        assert_near(doubly_robust(&logged, f64::INFINITY), "doubly robust");
        let wrong = direct(&logged).expect("there is a log");
        assert!(
            (wrong.value - truth()).abs() > 0.1,
            "the model knows nothing: {wrong:?}"
        );
    }

    #[test]
    fn a_right_model_saves_wrong_propensities_and_shrinks_the_error() {
        let right = |context: usize, arm: usize| REWARD[context][arm];
        let misstated = log(20_000, 2, right, |propensity| 0.5 * propensity + 0.1);
        assert_near(doubly_robust(&misstated, f64::INFINITY), "doubly robust");
        assert_near(direct(&misstated), "direct");
        let off = ips(&misstated, f64::INFINITY).expect("there is a log").value - truth();
        assert!(off.abs() > 0.03, "ips is misled: {off}");
        let honest = log(20_000, 3, right, |propensity| propensity);
        let [plain, robust] = [ips(&honest, f64::INFINITY), doubly_robust(&honest, f64::INFINITY)]
            .map(|e| e.expect("there is a log"));
        assert!(robust.error < 0.75 * plain.error, "{robust:?} against {plain:?}");
    }

    #[test]
    fn a_choice_does_not_explain_itself() {
        let choices = [(0, 1.0), (0, 0.0), (1, 1.0), (1, 1.0)];
        let model = CellModel::fit(&choices, 3, 2);
        // The first choice is told what the second and the fourth say: 0 of its cell, ½ of all.
        assert_eq!(
            model.of(0, 0),
            (0.0 + CELL_STRENGTH * 0.5) / (1.0 + CELL_STRENGTH)
        );
        assert_eq!(model.of(1, 0), 1.0);
        assert_eq!([model.of(0, 2), model.of(0, 9)], [0.5, 0.0]);
        assert_eq!(CellModel::fit(&[], 1, 0).of(7, 0), 0.0);
    }

    #[test]
    fn errors_are_those_of_repetition() {
        let estimates: Vec<Estimate> = (0..200)
            .map(|seed| {
                snips(&log(500, 1000 + seed, |_, _| 0.0, |p| p), f64::INFINITY).expect("there is a log")
            })
            .collect();
        let mean = estimates.iter().map(|e| e.value).sum::<f64>() / 200.0;
        let spread = (estimates.iter().map(|e| (e.value - mean).powi(2)).sum::<f64>() / 199.0).sqrt();
        let said = estimates.iter().map(|e| e.error).sum::<f64>() / 200.0;
        assert!(
            (0.8..1.25).contains(&(said / spread)),
            "said {said}, spread {spread}"
        );
    }

    #[test]
    fn nonsense_is_refused() {
        let sound = Logged {
            reward: 1.0,
            propensity: 0.5,
            target: 0.5,
            model: 0.0,
            model_target: 0.0,
        };
        let choice = |propensity, target| Logged {
            propensity,
            target,
            ..sound
        };
        assert_eq!(ips(&[], 1.0), Err(OffPolicyError::Empty));
        for wrong in [
            choice(0.0, 0.5),
            choice(f64::NAN, 0.5),
            choice(1.5, 0.5),
            choice(0.5, -0.1),
            choice(0.5, f64::NAN),
        ] {
            assert_eq!(
                doubly_robust(&[sound, wrong], 1.0),
                Err(OffPolicyError::Propensity(1))
            );
        }
        assert_eq!(snips(&[choice(0.5, 0.0)], 1.0), Err(OffPolicyError::NoOverlap));
    }

    proptest! {
        /// The policy that made the log is worth what the log says, whatever the estimator.
        #[test]
        fn the_logging_policy_is_worth_its_rewards(rewards in proptest::collection::vec((-5.0f64..5.0, 0.01f64..1.0), 1..50)) {
            let choice = |&(reward, propensity): &(f64, f64)| Logged { reward, propensity, target: propensity, model: 1.0, model_target: 1.0 };
            let logged: Vec<Logged> = rewards.iter().map(choice).collect();
            let mean = rewards.iter().map(|(reward, _)| reward).sum::<f64>() / rewards.len() as f64;
            for estimate in [ips(&logged, 1e9), snips(&logged, 1e9), doubly_robust(&logged, 1e9)] {
                let estimate = estimate.expect("there is a log");
                prop_assert!((estimate.value - mean).abs() < 1e-9);
                prop_assert!((estimate.effective - rewards.len() as f64).abs() < 1e-6);
            }
        }

        /// A self-normalised estimate never leaves the range of the rewards.
        #[test]
        fn snips_stays_within_rewards(choices in proptest::collection::vec((-5.0f64..5.0, 0.001f64..1.0, 0.001f64..1.0), 1..50)) {
            let choice = |&(reward, propensity, target): &(f64, f64, f64)| Logged { reward, propensity, target, model: 0.0, model_target: 0.0 };
            let logged: Vec<Logged> = choices.iter().map(choice).collect();
            let estimate = snips(&logged, f64::INFINITY).expect("there is a log");
            let (least, most) = choices.iter().fold((f64::MAX, f64::MIN), |(a, b), c| (a.min(c.0), b.max(c.0)));
            prop_assert!(estimate.value >= least - 1e-9 && estimate.value <= most + 1e-9);
        }
    }
}
