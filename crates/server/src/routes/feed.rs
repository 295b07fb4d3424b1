//! For You and Following. The words of the reasons are written here.

use std::collections::HashMap;

use api::{FeedItem, FeedPage, NextRequest, NextResponse, Video};
use axum::Json;
use axum::extract::State;
use feed::{Caller, FeedEntry, NextAsk, Reason};
use types::{ImpressionId, VideoId};

use super::{Asked, Body, PageQuery};
use crate::cards;
use crate::error::ApiError;
use crate::identity::{Person, Viewer};
use crate::parts::{self, Rooms};
use crate::region::Place;

/// The next videos for this viewer. Never one that was seen; asking again with the same cursor gives the same page.
#[utoipa::path(get, path = "/api/v1/feed/for-you", tag = "feed", params(PageQuery),
    responses((status = 200, body = FeedPage), (status = 400, body = api::ErrorBody)))]
pub(crate) async fn for_you(
    State(rooms): parts::State,
    viewer: Viewer,
    Place(region): Place,
    Asked(asked): Asked<PageQuery>,
) -> Result<Json<FeedPage>, ApiError> {
    let count = asked.count.map(|count| count as usize);
    let page = rooms
        .parts
        .for_you
        .page(
            Caller {
                viewer: viewer.viewer,
                region,
                is_adult: viewer.is_adult,
            },
            asked.cursor.as_deref(),
            count,
            rooms.now_ms(),
        )
        .await?;
    let videos: Vec<VideoId> = page.entries.iter().map(|entry| entry.video).collect();
    let mut shown = cards_of(&rooms, &videos, viewer).await?;
    let items = page.entries.into_iter().filter_map(|entry| {
        let video = shown.remove(&entry.video)?;
        Some(item(entry.impression, video, &entry.reason))
    });
    Ok(Json(FeedPage {
        items: items.collect(),
        cursor: page.cursor,
    }))
}

/// The order of what the client holds unseen, settled anew, and what to append: called after a swipe. What is on screen is not asked about
/// and never changes.
#[utoipa::path(post, path = "/api/v1/feed/for-you/next", tag = "feed", request_body = NextRequest,
    responses((status = 200, body = NextResponse), (status = 400, body = api::ErrorBody)))]
pub(crate) async fn next(
    State(rooms): parts::State,
    viewer: Viewer,
    Place(region): Place,
    Body(body): Body<NextRequest>,
) -> Result<Json<NextResponse>, ApiError> {
    let ask = NextAsk {
        cursor: body.cursor,
        unseen: body.unseen,
        count: body.count.map_or(feed::APPEND_DEFAULT, |count| count as usize),
    };
    let caller = Caller {
        viewer: viewer.viewer,
        region,
        is_adult: viewer.is_adult,
    };
    let next = rooms.parts.for_you.next(caller, &ask, rooms.now_ms()).await?;
    let entries = || next.unseen.iter().chain(&next.append);
    let videos: Vec<VideoId> = entries().map(|entry| entry.video).collect();
    let mut shown = cards_of(&rooms, &videos, viewer).await?;
    let mut items = |entries: &[FeedEntry]| -> Vec<FeedItem> {
        let items = entries.iter().filter_map(|entry| {
            let video = shown.remove(&entry.video)?;
            Some(item(entry.impression, video, &entry.reason))
        });
        items.collect()
    };
    Ok(Json(NextResponse {
        unseen: items(&next.unseen),
        append: items(&next.append),
        dropped: next.dropped,
        cursor: next.cursor,
    }))
}

/// What followed creators published, newest first.
#[utoipa::path(get, path = "/api/v1/feed/following", tag = "feed", params(PageQuery),
    responses((status = 200, body = FeedPage), (status = 401, body = api::ErrorBody)))]
pub(crate) async fn following(
    State(rooms): parts::State,
    Person(user): Person,
    viewer: Viewer,
    Asked(asked): Asked<PageQuery>,
) -> Result<Json<FeedPage>, ApiError> {
    let count = asked.count.map(|count| count as usize);
    let page = rooms
        .parts
        .following
        .page(user, asked.cursor.as_deref(), count)
        .await?;
    let mut shown = cards_of(&rooms, &page.videos, viewer).await?;
    let items = page.videos.iter().filter_map(|video| {
        let impression = ImpressionId::from_raw(rooms.parts.ids.next(rooms.now_ms()));
        Some(item(impression, shown.remove(video)?, &Reason::Following))
    });
    Ok(Json(FeedPage {
        items: items.collect(),
        cursor: page.cursor,
    }))
}

async fn cards_of(
    rooms: &Rooms,
    videos: &[VideoId],
    viewer: Viewer,
) -> Result<HashMap<VideoId, Video>, ApiError> {
    let cards = rooms.parts.product.video_cards(videos, viewer).await?;
    Ok(cards
        .iter()
        .map(|card| (card.face.video.id, cards::video(rooms, card)))
        .collect())
}

fn item(impression_id: ImpressionId, video: Video, reason: &Reason) -> FeedItem {
    let text = words(reason, &video);
    FeedItem {
        impression_id,
        video,
        reason: api::Reason {
            code: reason.code().to_owned(),
            text,
        },
        sponsored: false,
    }
}

fn words(reason: &Reason, video: &Video) -> String {
    match reason {
        Reason::Following => format!("You follow @{}", video.creator.username),
        Reason::Hashtag(hashtag) => format!("You have been watching #{hashtag}"),
        Reason::Chosen(topic) => format!("You chose {topic}"),
        Reason::Creator => format!("You have been watching @{}", video.creator.username),
        Reason::Popular => "Many people watched this lately".to_owned(),
        Reason::Explore => "Something new, to learn what you like".to_owned(),
        Reason::Fresh => "New here".to_owned(),
        Reason::Rising => "Many people turn to this just now".to_owned(),
        Reason::Pinned(reason) => format!("Pinned here: {reason}"),
    }
}
