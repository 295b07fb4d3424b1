//! What is trending: lists that a job makes, with the cards of the feed.

use std::collections::HashMap;
use std::sync::Arc;

use api::{
    HourlyUse, RisingTopic, RisingTopics, TrendingHashtag, TrendingHashtags, TrendingSound, TrendingSounds,
    TrendingVideo, TrendingVideos,
};
use axum::Json;
use axum::extract::State;
use feature_store::{Entity, Rising, Scope, TRENDING_MAX, Usage};
use serde::Deserialize;
use types::VideoId;

use super::Asked;
use crate::cards;
use crate::error::ApiError;
use crate::identity::Viewer;
use crate::parts;

const COUNT_DEFAULT: usize = 20;
/// As long as a hashtag can be.
const HASHTAG_CHARS_MAX: usize = 100;
const SCOPES: &str = "scope must be global, region:XX, category:name, hashtag:tag or sound:id";

#[derive(Debug, Deserialize, utoipa::IntoParams)]
pub(crate) struct TrendingQuery {
    /// `global` (when absent), `region:BR`, `category:music`, `hashtag:sea` or `sound:` and an id.
    pub scope: Option<String>,
    /// Items at most, 1 to 100.
    pub count: Option<usize>,
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
pub(crate) struct UsedQuery {
    /// Items at most, 1 to 100.
    pub count: Option<usize>,
}

/// The videos that do best within the last hour, everywhere or within a region, a category, a hashtag or a sound.
#[utoipa::path(get, path = "/api/v1/trending", tag = "trending", params(TrendingQuery),
    responses((status = 200, body = TrendingVideos), (status = 400, body = api::ErrorBody)))]
pub(crate) async fn videos(
    State(rooms): parts::State,
    viewer: Viewer,
    Asked(asked): Asked<TrendingQuery>,
) -> Result<Json<TrendingVideos>, ApiError> {
    let (scope, count) = (scope(asked.scope.as_deref())?, count(asked.count)?);
    let trending = rooms.parts.store.trending();
    let top = trending.top(&scope);
    let videos: Vec<VideoId> = top.iter().map(|ranked| ranked.video).collect();
    let cards = rooms.parts.product.video_cards(&videos, viewer).await?;
    let mut shown: HashMap<VideoId, api::Video> = cards
        .into_iter()
        .map(|card| (card.face.video.id, cards::video(&rooms, &card)))
        .collect();
    // A video may have gone since the list was made: ranks are those of what is shown.
    let there = top
        .iter()
        .filter_map(|ranked| Some((ranked, shown.remove(&ranked.video)?)));
    let items = (1..)
        .zip(there.take(count))
        .map(|(rank, (ranked, video))| TrendingVideo {
            rank,
            score: ranked.score,
            views_last_hour: ranked.views,
            video,
        });
    Ok(Json(TrendingVideos {
        as_of_ms: trending.as_of_ms,
        items: items.collect(),
    }))
}

/// The hashtags used most this hour and the hour before.
#[utoipa::path(get, path = "/api/v1/trending/hashtags", tag = "trending", params(UsedQuery),
    responses((status = 200, body = TrendingHashtags), (status = 400, body = api::ErrorBody)))]
pub(crate) async fn hashtags(
    State(rooms): parts::State,
    Asked(asked): Asked<UsedQuery>,
) -> Result<Json<TrendingHashtags>, ApiError> {
    let trending = rooms.parts.store.trending();
    let used = trending.hashtags.iter().take(count(asked.count)?);
    let items = used.map(|used| TrendingHashtag {
        hashtag: used.what.to_string(),
        this_hour: hourly(used.this_hour),
        hour_before: hourly(used.hour_before),
    });
    Ok(Json(TrendingHashtags {
        as_of_ms: trending.as_of_ms,
        items: items.collect(),
    }))
}

/// The sounds used most this hour and the hour before.
#[utoipa::path(get, path = "/api/v1/trending/sounds", tag = "trending", params(UsedQuery),
    responses((status = 200, body = TrendingSounds), (status = 400, body = api::ErrorBody)))]
pub(crate) async fn sounds(
    State(rooms): parts::State,
    Asked(asked): Asked<UsedQuery>,
) -> Result<Json<TrendingSounds>, ApiError> {
    let trending = rooms.parts.store.trending();
    let used = trending.sounds.iter().take(count(asked.count)?);
    let items = used.map(|used| TrendingSound {
        sound_id: used.what,
        this_hour: hourly(used.this_hour),
        hour_before: hourly(used.hour_before),
    });
    Ok(Json(TrendingSounds {
        as_of_ms: trending.as_of_ms,
        items: items.collect(),
    }))
}

/// The hashtags, sounds and categories that rise at this moment.
#[utoipa::path(get, path = "/api/v1/trending/rising", tag = "trending", params(UsedQuery),
    responses((status = 200, body = RisingTopics), (status = 400, body = api::ErrorBody)))]
pub(crate) async fn rising(
    State(rooms): parts::State,
    Asked(asked): Asked<UsedQuery>,
) -> Result<Json<RisingTopics>, ApiError> {
    let trending = rooms.parts.store.trending();
    let items = trending.rising.iter().filter_map(rising_topic);
    Ok(Json(RisingTopics {
        as_of_ms: trending.as_of_ms,
        items: items.take(count(asked.count)?).collect(),
    }))
}

fn rising_topic(rising: &Rising) -> Option<RisingTopic> {
    let scope = match &rising.what {
        Entity::Hashtag(tag) => format!("hashtag:{tag}"),
        Entity::Sound(sound) => format!("sound:{sound}"),
        Entity::Category(category) => format!("category:{category}"),
        Entity::Video(_) | Entity::Creator(_) | Entity::Region(_) | Entity::Viewer(_) => return None,
    };
    Some(RisingTopic {
        scope,
        since_ms: rising.since_ms,
        lift: rising.lift,
        interest_per_minute: rising.per_minute,
        viewers: rising.viewers,
    })
}

fn hourly(usage: Usage) -> HourlyUse {
    HourlyUse {
        videos: usage.videos.max(0).unsigned_abs(),
        views: usage.views.max(0).unsigned_abs(),
    }
}

fn count(asked: Option<usize>) -> Result<usize, ApiError> {
    let count = asked.unwrap_or(COUNT_DEFAULT);
    match count {
        1..=TRENDING_MAX => Ok(count),
        _ => Err(ApiError::invalid(
            "count",
            format!("count must be 1 to {TRENDING_MAX}"),
        )),
    }
}

fn scope(text: Option<&str>) -> Result<Scope, ApiError> {
    let invalid = || ApiError::invalid("scope", SCOPES);
    let text = text.unwrap_or("global");
    let Some((kind, name)) = text.split_once(':') else {
        return if text == "global" {
            Ok(Scope::Global)
        } else {
            Err(invalid())
        };
    };
    match kind {
        "region" => name.parse().map(Scope::Region).map_err(|_| invalid()),
        "category" => name
            .parse()
            .map(Scope::Category)
            .map_err(|error: types::CategoryError| ApiError::invalid("scope", error.to_string())),
        "sound" => name.parse().map(Scope::Sound).map_err(|_| invalid()),
        "hashtag" => {
            let tag = name.trim_start_matches('#').to_lowercase();
            let fits = (1..=HASHTAG_CHARS_MAX).contains(&tag.chars().count());
            fits.then(|| Scope::Hashtag(Arc::from(tag))).ok_or_else(invalid)
        }
        _ => Err(invalid()),
    }
}

#[cfg(test)]
mod tests {
    use types::{Category, Region, SoundId};

    use super::*;

    #[test]
    fn scopes() {
        let check =
            |text: Option<&str>, expect: Option<Scope>| assert_eq!(scope(text).ok(), expect, "{text:?}");
        check(None, Some(Scope::Global));
        check(Some("global"), Some(Scope::Global));
        check(Some("region:br"), Region::from_bytes(*b"BR").map(Scope::Region));
        check(Some("category:music"), Some(Scope::Category(Category::Music)));
        check(Some("hashtag:#Été"), Some(Scope::Hashtag(Arc::from("été"))));
        let sound = SoundId::from_raw(9);
        check(Some(&format!("sound:{sound}")), Some(Scope::Sound(sound)));
        for no in [
            "",
            "world",
            "region:",
            "region:BRA",
            "category:cats",
            "hashtag:",
            "hashtag:#",
            "sound:9",
            "video:1",
        ] {
            check(Some(no), None);
        }
        check(Some(&format!("hashtag:{}", "x".repeat(101))), None);
        assert!(count(Some(0)).is_err() && count(Some(101)).is_err());
        assert_eq!(count(None).ok(), Some(20));
    }
}
