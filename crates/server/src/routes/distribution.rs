//! How a video spreads: for its creator, and for admins.

use api::{
    Distribution, DistributionNext, DistributionPool, DistributionPoolState, DistributionPromise,
    DistributionPromiseState,
};
use axum::Json;
use axum::extract::State;
use feature_store::{
    Debt, Median, OWED_IMPRESSIONS, OWED_WITHIN_MS, POOL_SIZES, PoolBoard, PoolCounts, PoolRow, PoolState,
    length_group,
};
use product::ProductError;
use types::{TimestampMs, VideoId};

use super::Named;
use crate::error::ApiError;
use crate::identity::Person;
use crate::parts;

/// How far one's own video has come on its way to viewers, and what happens next.
#[utoipa::path(get, path = "/api/v1/videos/{id}/distribution", tag = "videos", params(("id" = VideoId, Path)),
    responses((status = 200, body = Distribution), (status = 401, body = api::ErrorBody),
        (status = 403, body = api::ErrorBody), (status = 404, body = api::ErrorBody)))]
pub(crate) async fn distribution(
    State(rooms): parts::State,
    Person(user): Person,
    Named(id): Named<VideoId>,
) -> Result<Json<Distribution>, ApiError> {
    let product = &rooms.parts.product;
    let card = product.video_card(id, Some(user)).await?;
    if card.face.video.creator != user && product.admins().roles(user).await?.is_empty() {
        return Err(ProductError::Forbidden("only its creator sees how a video spreads").into());
    }
    let (row, before) = rooms.parts.store.pool_row_numbered(id).unwrap_or_default();
    let board = rooms.parts.store.pool_board();
    Ok(Json(told(id, rooms.now_ms(), &row, before, &board)))
}

fn told(id: VideoId, now_ms: TimestampMs, row: &PoolRow, before: usize, board: &PoolBoard) -> Distribution {
    Distribution {
        video_id: id,
        as_of_ms: now_ms,
        published_ms: row.published.map(|published| published.published_ms),
        impressions: shown(row.counts.impressions),
        next: next(row),
        promise: promise(now_ms, row, before),
        pools: (0..POOL_SIZES.len())
            .map(|level| pool(level, row, board))
            .collect(),
    }
}

fn next(row: &PoolRow) -> DistributionNext {
    match row.state() {
        _ if row.published.is_none() => DistributionNext::Publish,
        PoolState::Open => DistributionNext::Open,
        PoolState::Stopped => DistributionNext::Stopped,
        PoolState::In(level) if shown(row.evidence().impressions) >= POOL_SIZES[level] => {
            DistributionNext::Proving
        }
        PoolState::In(0) => DistributionNext::FirstViewers,
        PoolState::In(_) => DistributionNext::Trying,
    }
}

fn promise(now_ms: TimestampMs, row: &PoolRow, before: usize) -> DistributionPromise {
    let state = match Debt::of(now_ms, row, before) {
        None => DistributionPromiseState::Waiting,
        Some(Debt::Owed { given, due }) if given < due => DistributionPromiseState::Behind,
        Some(Debt::Owed { .. }) => DistributionPromiseState::OnTime,
        Some(Debt::Paid) => DistributionPromiseState::Kept,
        Some(Debt::OverBudget) => DistributionPromiseState::OverDailyLimit,
        Some(Debt::WrittenOff) => DistributionPromiseState::GivenUp,
    };
    DistributionPromise {
        impressions: OWED_IMPRESSIONS,
        due_ms: row
            .published
            .map(|published| published.published_ms.saturating_add(OWED_WITHIN_MS)),
        given: shown(row.counts.impressions).min(OWED_IMPRESSIONS),
        state,
    }
}

fn pool(level: usize, row: &PoolRow, board: &PoolBoard) -> DistributionPool {
    let size = POOL_SIZES[level];
    let is_here = row.published.is_some() && row.state() == PoolState::In(level);
    let (state, counts) = match (row.steps.get(level), row.evidence_of(level)) {
        (Some(step), counts) => (
            match step.verdict {
                event::PoolVerdict::Promoted => DistributionPoolState::Passed,
                event::PoolVerdict::Stopped => DistributionPoolState::Stopped,
            },
            counts,
        ),
        _ if is_here => (DistributionPoolState::Here, Some(row.evidence())),
        _ => (DistributionPoolState::Ahead, None),
    };
    let step = row.steps.get(level);
    let group = row.published.map(|published| length_group(published.duration_ms));
    let peers: Median = group.map_or_else(Median::default, |group| board.medians[level][group]);
    // A decision stays explained by what it was made from.
    let median = step.map_or(peers.rate, |step| step.median);
    DistributionPool {
        size,
        state,
        impressions: counts.map_or(0, |counts| shown(counts.impressions)),
        went_well_percent: counts.as_ref().and_then(PoolCounts::rate).map(percent),
        peers_percent: counts.is_some().then(|| percent(f64::from(median))),
        peers: if counts.is_some() {
            u64::from(peers.videos)
        } else {
            0
        },
        better_percent: step.map(|step| percent(f64::from(step.better))),
        left_ms: step.map(|step| step.at_ms),
    }
}

/// Sums may be below nothing for a moment, while records of one topic are ahead of another's.
fn shown(count: i64) -> u64 {
    count.max(0).unsigned_abs()
}

/// With one place behind the point.
fn percent(share: f64) -> f64 {
    (share * 1_000.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use event::{PoolChange, PoolVerdict};
    use feature_store::PoolProfile;
    use types::UserId;

    use super::*;

    const HOUR_MS: i64 = 3_600_000;

    #[test]
    fn each_stage_is_told_as_it_is() {
        let id = VideoId::from_raw(9);
        let mut board = PoolBoard::default();
        board.medians[0][1] = Median {
            rate: 0.4,
            videos: 12,
        };
        let at = |row: &PoolRow, before| told(id, 3 * HOUR_MS, row, before, &board);
        let mut row = PoolRow::default();
        let waiting = at(&row, 0);
        assert_eq!(
            (waiting.next, waiting.promise.state),
            (DistributionNext::Publish, DistributionPromiseState::Waiting)
        );
        assert!(
            waiting
                .pools
                .iter()
                .all(|pool| pool.state == DistributionPoolState::Ahead)
        );
        row.published = Some(PoolProfile {
            creator: UserId::from_raw(1),
            published_ms: 0,
            duration_ms: 10_000,
        });
        row.counts = PoolCounts {
            impressions: 120,
            trials: 100,
            successes: 25,
        };
        let first = at(&row, 0);
        assert_eq!(
            (first.next, first.promise.state),
            (DistributionNext::FirstViewers, DistributionPromiseState::OnTime)
        );
        assert_eq!(
            (first.promise.given, first.promise.due_ms),
            (120, Some(6 * HOUR_MS))
        );
        assert_eq!(
            (first.pools[0].went_well_percent, first.pools[0].peers_percent),
            (Some(25.0), Some(40.0))
        );
        assert_eq!(
            at(&row, 20).promise.state,
            DistributionPromiseState::OverDailyLimit
        );
        row.counts.impressions = 200;
        assert_eq!(at(&row, 0).next, DistributionNext::Proving);
    }

    #[test]
    fn a_verdict_is_told_with_its_reason() {
        let id = VideoId::from_raw(9);
        let board = PoolBoard::default();
        let at = |row: &PoolRow, before| told(id, 3 * HOUR_MS, row, before, &board);
        let mut row = PoolRow {
            published: Some(PoolProfile {
                creator: UserId::from_raw(1),
                published_ms: 0,
                duration_ms: 10_000,
            }),
            counts: PoolCounts {
                impressions: 200,
                trials: 100,
                successes: 25,
            },
            ..PoolRow::default()
        };
        let stopped = PoolChange {
            video: id,
            at_ms: 7,
            level: 0,
            verdict: PoolVerdict::Stopped,
            impressions: 200,
            trials: 100,
            successes: 25,
            median: 0.41,
            better: 0.02,
        };
        let promoted = PoolChange {
            verdict: PoolVerdict::Promoted,
            better: 0.93,
            ..stopped
        };
        let mut better = row.clone();
        assert!(better.step(&promoted) && row.step(&stopped));
        let told = at(&row, 0);
        assert_eq!(
            (told.next, told.promise.state),
            (DistributionNext::Stopped, DistributionPromiseState::Kept)
        );
        assert_eq!(
            (told.pools[0].peers_percent, told.pools[0].better_percent),
            (Some(41.0), Some(2.0))
        );
        let told = at(&better, 0);
        assert_eq!(
            (told.next, told.pools[1].state),
            (DistributionNext::Trying, DistributionPoolState::Here)
        );
        assert_eq!((told.pools[0].left_ms, told.pools[1].impressions), (Some(7), 0));
    }
}
