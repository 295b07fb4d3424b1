//! What a candidate generator learns from: one video on one screen. It does not say how the viewer felt beyond "engaged".

use types::TimestampMs;

/// One video that was shown to one viewer, once its outcome is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exposure {
    pub viewer: u64,
    pub video: u64,
    /// Event time; generators know no other clock.
    pub at_ms: TimestampMs,
    /// The viewer stayed: a long view, or any explicit sign of liking it.
    pub engaged: bool,
}

/// A video and how much a generator speaks for it. Scores of one generator compare with each other only.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scored {
    pub video: u64,
    pub score: f32,
}

impl Scored {
    /// Best first; equals by video, ascending, so that a list never depends on the order in which it was put together.
    pub fn best_first(a: &Self, b: &Self) -> std::cmp::Ordering {
        b.score.total_cmp(&a.score).then(a.video.cmp(&b.video))
    }
}

/// Keeps the best `count`, best first.
pub fn keep_best(scored: &mut Vec<Scored>, count: usize) {
    if scored.len() > count && count > 0 {
        scored.select_nth_unstable_by(count - 1, Scored::best_first);
    }
    scored.truncate(count);
    scored.sort_unstable_by(Scored::best_first);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        /// Against the plain way: sort all, take the first.
        #[test]
        fn the_best_are_the_head_of_the_sorted_list(
            scores in prop::collection::vec(-3i8..3, 0..40),
            count in 0usize..45,
        ) {
            let mut all: Vec<Scored> = (0..)
                .zip(&scores)
                .map(|(video, &score)| Scored { video, score: f32::from(score) })
                .collect();
            let mut kept = all.clone();
            keep_best(&mut kept, count);
            all.sort_by(Scored::best_first);
            all.truncate(count);
            prop_assert_eq!(kept, all);
        }
    }

    #[test]
    fn equals_stand_by_video_and_what_is_no_number_is_in_one_place() {
        let mut all: Vec<Scored> = [(3, 1.0), (1, f32::NAN), (2, 1.0), (4, 2.0)]
            .map(|(video, score)| Scored { video, score })
            .to_vec();
        keep_best(&mut all, 4);
        let order: Vec<u64> = all.iter().map(|scored| scored.video).collect();
        assert_eq!(order, [1, 4, 2, 3]);
    }
}
