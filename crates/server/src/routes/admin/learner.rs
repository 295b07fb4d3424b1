//! From the learner's own status, and what the feed counted, to the figures of the admin page. It measures nothing.

use api::{FlowHead, FlowLearner};
use trainer::{HeadFigures, Learning, TrainerStatus};
use types::TimestampMs;

use super::exposition::Exposition;

pub(super) fn of(
    (status, learning): &(TrainerStatus, Learning),
    figures: &Exposition,
    at_ms: TimestampMs,
) -> FlowLearner {
    // Nothing was ever published, or learned, before the first moment after 1970.
    let age_ms = |then_ms: TimestampMs| (then_ms > 0).then(|| at_ms.saturating_sub(then_ms).max(0) as u64);
    let heads = status.heads.iter().map(|(name, figures)| head(name, figures));
    FlowLearner {
        state: learning.as_str().to_owned(),
        ended: figures.total("riffle_trainer_ended_total", &[]),
        learned: status.tally.read,
        outcomes: status.tally.outcomes,
        corrections: status.tally.deltas,
        capped: status.tally.capped,
        lag_records: status.lag_records,
        versions: status.versions,
        version_age_ms: age_ms(status.published_at_ms),
        heard_ago_ms: age_ms(status.at_ms),
        checkpoint_version: status.checkpoint_version,
        guard_holds: status.guard_holds,
        guard_pulls: status.guard_pulls,
        pages_learned: figures.total("riffle_feed_learned_pages_total", &[]),
        pages_light: figures.total("riffle_feed_light_pages_total", &[]),
        say: figures.gauge("riffle_feed_learned_share", &[]),
        heads: heads.collect(),
    }
}

fn head(name: &str, figures: &HeadFigures) -> FlowHead {
    let known = |figure: f64| figure.is_finite().then_some(figure);
    FlowHead {
        head: name.to_owned(),
        labels: figures.labels,
        auc: known(figures.auc),
        logloss: known(figures.logloss),
        calibration: known(figures.calibration),
        base_rate: known(figures.base_rate),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_is_null() {
        let status = TrainerStatus {
            at_ms: 900,
            published_at_ms: i64::MIN,
            heads: vec![(
                "like".to_owned(),
                HeadFigures {
                    labels: 3,
                    window: 3,
                    logloss: 0.25,
                    calibration: f64::INFINITY,
                    auc: f64::NAN,
                    base_rate: 0.0,
                },
            )],
            ..TrainerStatus::default()
        };
        let text = "# TYPE riffle_feed_light_pages_total counter\nriffle_feed_light_pages_total{reason=\"missing\"} 2\nriffle_feed_light_pages_total{reason=\"stale\"} 3\n";
        let learner = of(&(status, Learning::Up), &Exposition::parse(text), 1_000);
        assert_eq!((learner.state.as_str(), learner.ended), ("up", 0));
        assert_eq!((learner.version_age_ms, learner.heard_ago_ms), (None, Some(100)));
        assert_eq!((learner.pages_light, learner.say), (5, None));
        let [like] = &learner.heads[..] else {
            panic!("one head")
        };
        assert_eq!(
            (like.auc, like.logloss, like.calibration),
            (None, Some(0.25), None)
        );
    }
}
