//! The viewer's say: interests, less and more, words, mutes, the mode of the feed, and why something was shown. The words are written here.

use std::collections::HashMap;

use api::{
    BlockRequest, FeedModeRequest, Interests, InterestsRequest, LearnedInterest, MuteRequest, MutedWords,
    Wish,
};
use api::{PersonRef, PersonRefs, TopicCount, Topics, Why, WhyReason, WhyRule};
use axum::Json;
use axum::extract::State;
use event::{FeedMode, Leaning, PlacedBy, Said, Spoke, Subject, WishKind};
use feed::Evidence;
use types::{Category, ImpressionId, UserId};

use super::{Body, Named};
use crate::error::ApiError;
use crate::identity::{Person, Viewer};
use crate::parts::{self, Rooms};

/// Tastes are within this on either side.
const TASTE_LIMIT: f32 = 8.0;
/// The newest videos that topics are counted in.
const TOPICS_OF_VIDEOS_MAX: usize = 5_000;
/// Hashtags to choose from.
const TOPICS_MAX: usize = 60;

/// What the caller asked for so far, and what was learned of them.
#[utoipa::path(get, path = "/api/v1/me/interests", tag = "control", responses((status = 200, body = Interests)))]
pub(crate) async fn interests(
    State(rooms): parts::State,
    viewer: Viewer,
) -> Result<Json<Interests>, ApiError> {
    told(&rooms, viewer).await
}

/// Choose interests; replaces those chosen before.
#[utoipa::path(put, path = "/api/v1/me/interests", tag = "control", request_body = InterestsRequest,
    responses((status = 200, body = Interests), (status = 400, body = api::ErrorBody)))]
pub(crate) async fn choose(
    State(rooms): parts::State,
    viewer: Viewer,
    Body(body): Body<InterestsRequest>,
) -> Result<Json<Interests>, ApiError> {
    let mut hashtags: Vec<String> = Vec::new();
    for tag in body.hashtags.iter().map(|tag| hashtag(tag)) {
        if !hashtags.contains(&tag) {
            hashtags.push(tag);
        }
    }
    let mut categories: Vec<Category> = Vec::new();
    for name in &body.categories {
        let parsed = name.parse::<Category>();
        let category = parsed.map_err(|error| ApiError::invalid("categories", error.to_string()))?;
        if !categories.contains(&category) {
            categories.push(category);
        }
    }
    say(&rooms, viewer, WishKind::Interests { hashtags, categories }).await?;
    told(&rooms, viewer).await
}

/// Forget what was learned of the caller. What they have seen stays seen; blocks, mutes and words stay.
#[utoipa::path(post, path = "/api/v1/me/interests/reset", tag = "control", responses((status = 200, body = Interests)))]
pub(crate) async fn reset(State(rooms): parts::State, viewer: Viewer) -> Result<Json<Interests>, ApiError> {
    say(&rooms, viewer, WishKind::Reset).await?;
    told(&rooms, viewer).await
}

/// Ask for less or more of a hashtag, a creator or a sound, or take that back.
#[utoipa::path(post, path = "/api/v1/me/interests/wishes", tag = "control", request_body = Wish,
    responses((status = 200, body = Interests), (status = 400, body = api::ErrorBody)))]
pub(crate) async fn wish(
    State(rooms): parts::State,
    viewer: Viewer,
    Body(body): Body<Wish>,
) -> Result<Json<Interests>, ApiError> {
    let of = match (body.hashtag, body.creator_id, body.sound_id) {
        (Some(tag), None, None) => Subject::Hashtag(hashtag(&tag)),
        (None, Some(creator), None) => Subject::Creator(creator),
        (None, None, Some(sound)) => Subject::Sound(sound),
        _ => {
            return Err(ApiError::invalid(
                "hashtag",
                "name exactly one of hashtag, creatorId and soundId",
            ));
        }
    };
    let to = match body.want {
        api::Leaning::Less => Leaning::Less,
        api::Leaning::Neutral => Leaning::Neutral,
        api::Leaning::More => Leaning::More,
    };
    say(&rooms, viewer, WishKind::Lean { of, to }).await?;
    told(&rooms, viewer).await
}

/// How personal the feed may be.
#[utoipa::path(put, path = "/api/v1/me/feed-mode", tag = "control", request_body = FeedModeRequest,
    responses((status = 200, body = Interests), (status = 400, body = api::ErrorBody)))]
pub(crate) async fn mode(
    State(rooms): parts::State,
    viewer: Viewer,
    Body(body): Body<FeedModeRequest>,
) -> Result<Json<Interests>, ApiError> {
    let mode = match body.mode {
        api::FeedMode::Personal => FeedMode::Personal,
        api::FeedMode::Frozen => FeedMode::Frozen,
        api::FeedMode::NonPersonal => FeedMode::NonPersonal,
    };
    say(&rooms, viewer, WishKind::Mode(mode)).await?;
    told(&rooms, viewer).await
}

/// Words that must not stand in a caption or a hashtag; replaces the list.
#[utoipa::path(put, path = "/api/v1/me/muted-words", tag = "control", request_body = MutedWords,
    responses((status = 200, body = MutedWords), (status = 400, body = api::ErrorBody)))]
pub(crate) async fn muted_words(
    State(rooms): parts::State,
    viewer: Viewer,
    Body(body): Body<MutedWords>,
) -> Result<Json<MutedWords>, ApiError> {
    let mut words: Vec<String> = Vec::new();
    for word in body.words.iter().map(|word| word.trim()) {
        if !words.iter().any(|known| known == word) {
            words.push(word.to_owned());
        }
    }
    say(&rooms, viewer, WishKind::MutedWords(words.clone())).await?;
    Ok(Json(MutedWords { words }))
}

/// Do not show a creator's videos, or show them again. Nobody is told.
#[utoipa::path(post, path = "/api/v1/users/{id}/mute", tag = "control", params(("id" = UserId, Path)),
    request_body = MuteRequest, responses((status = 200, body = PersonRefs), (status = 404, body = api::ErrorBody)))]
pub(crate) async fn mute(
    State(rooms): parts::State,
    viewer: Viewer,
    Named(creator): Named<UserId>,
    Body(body): Body<MuteRequest>,
) -> Result<Json<PersonRefs>, ApiError> {
    // Whoever is gone can still be taken off the list.
    if body.muted {
        rooms.parts.product.profile(creator, viewer.user).await?;
    }
    let muted = body.muted;
    say(&rooms, viewer, WishKind::Mute { creator, muted }).await?;
    mutes_of(&rooms, viewer).await
}

/// Whom the caller muted.
#[utoipa::path(get, path = "/api/v1/me/mutes", tag = "control", responses((status = 200, body = PersonRefs)))]
pub(crate) async fn mutes(State(rooms): parts::State, viewer: Viewer) -> Result<Json<PersonRefs>, ApiError> {
    mutes_of(&rooms, viewer).await
}

/// Block a person, or take it back: neither sees the other's videos, follows or comments.
#[utoipa::path(post, path = "/api/v1/users/{id}/block", tag = "control", params(("id" = UserId, Path)),
    request_body = BlockRequest,
    responses((status = 200, body = PersonRefs), (status = 401, body = api::ErrorBody), (status = 404, body = api::ErrorBody)))]
pub(crate) async fn block(
    State(rooms): parts::State,
    Person(user): Person,
    Named(target): Named<UserId>,
    Body(body): Body<BlockRequest>,
) -> Result<Json<PersonRefs>, ApiError> {
    rooms.parts.product.block_set(user, target, body.blocked).await?;
    rooms.settle().await;
    rooms.parts.for_you.invalidate(user.into());
    rooms.parts.for_you.invalidate(target.into());
    blocks_of(&rooms, user).await
}

/// Whom the caller blocked.
#[utoipa::path(get, path = "/api/v1/me/blocks", tag = "control",
    responses((status = 200, body = PersonRefs), (status = 401, body = api::ErrorBody)))]
pub(crate) async fn blocks(
    State(rooms): parts::State,
    Person(user): Person,
) -> Result<Json<PersonRefs>, ApiError> {
    blocks_of(&rooms, user).await
}

/// What the catalogue has to choose interests from: hashtags and categories of the newest videos, most videos first.
#[utoipa::path(get, path = "/api/v1/feed/topics", tag = "control", responses((status = 200, body = Topics)))]
pub(crate) async fn topics(State(rooms): parts::State) -> Json<Topics> {
    let (mut hashtags, mut categories) = (HashMap::new(), HashMap::new());
    {
        let catalog = rooms.parts.store.catalog();
        for profile in catalog.newest().take(TOPICS_OF_VIDEOS_MAX) {
            for hashtag in &profile.hashtags {
                *hashtags.entry(hashtag.to_string()).or_insert(0) += 1;
            }
            if let Some(category) = profile.category {
                *categories.entry(category.to_string()).or_insert(0) += 1;
            }
        }
    }
    Json(Topics {
        hashtags: most(hashtags),
        categories: most(categories),
    })
}

/// Why an impression was shown: the receipt written when its page was made. For what the caller was served in the last hundred pages.
#[utoipa::path(get, path = "/api/v1/feed/why/{impressionId}", tag = "control",
    params(("impressionId" = ImpressionId, Path)),
    responses((status = 200, body = Why), (status = 404, body = api::ErrorBody)))]
pub(crate) async fn why(
    State(rooms): parts::State,
    viewer: Viewer,
    Named(impression): Named<ImpressionId>,
) -> Result<Json<Why>, ApiError> {
    let why = rooms.parts.controls.why(viewer.viewer, impression).await?;
    let why = why.ok_or_else(|| ApiError::not_found("a receipt for this impression"))?;
    let cards = rooms.parts.product.video_cards(&[why.video()], viewer).await?;
    let creator = cards.first().map_or("its creator".to_owned(), |card| {
        format!("@{}", card.face.creator_username)
    });
    Ok(Json(receipt(&why, &creator)))
}

fn most(counts: HashMap<String, u64>) -> Vec<TopicCount> {
    let mut all: Vec<TopicCount> = counts
        .into_iter()
        .map(|(name, videos)| TopicCount { name, videos })
        .collect();
    all.sort_unstable_by(|a, b| b.videos.cmp(&a.videos).then_with(|| a.name.cmp(&b.name)));
    all.truncate(TOPICS_MAX);
    all
}

async fn say(rooms: &Rooms, viewer: Viewer, kind: WishKind) -> Result<(), ApiError> {
    let said = rooms.parts.controls.say(viewer.viewer, kind, rooms.now_ms());
    said.await?;
    rooms.parts.for_you.invalidate(viewer.viewer);
    Ok(())
}

/// As hashtags are kept: lower case, without `#`.
fn hashtag(text: &str) -> String {
    text.trim().trim_start_matches('#').to_lowercase()
}

async fn told(rooms: &Rooms, viewer: Viewer) -> Result<Json<Interests>, ApiError> {
    let found = rooms
        .parts
        .controls
        .interests(viewer.viewer, rooms.now_ms())
        .await?;
    let wishes = &found.wishes;
    let texts = |all: &[std::sync::Arc<str>]| all.iter().map(ToString::to_string).collect();
    let learned = found.learned.iter().map(|(hashtag, taste)| LearnedInterest {
        hashtag: hashtag.to_string(),
        strength: taste / TASTE_LIMIT,
    });
    Ok(Json(Interests {
        mode: match wishes.mode {
            FeedMode::Personal => api::FeedMode::Personal,
            FeedMode::Frozen => api::FeedMode::Frozen,
            FeedMode::NonPersonal => api::FeedMode::NonPersonal,
        },
        hashtags: texts(&wishes.interests),
        categories: wishes.categories.iter().map(ToString::to_string).collect(),
        learned: learned.collect(),
        watches: found.watches,
        wishes: wishes_of(rooms, viewer, wishes).await?,
        muted_words: texts(&wishes.muted_words),
        reset_at_ms: Some(wishes.reset_ms).filter(|&at_ms| at_ms > 0),
    }))
}

async fn wishes_of(
    rooms: &Rooms,
    viewer: Viewer,
    wishes: &feature_store::Wishes,
) -> Result<Vec<Wish>, ApiError> {
    let bare = |more: bool| Wish {
        want: if more {
            api::Leaning::More
        } else {
            api::Leaning::Less
        },
        hashtag: None,
        creator_id: None,
        sound_id: None,
        username: None,
    };
    let mut all: Vec<Wish> = Vec::new();
    for (hashtag, more) in &wishes.hashtags {
        all.push(Wish {
            hashtag: Some(hashtag.to_string()),
            ..bare(*more)
        });
    }
    for (creator, more) in &wishes.creators {
        let named = person(rooms, viewer, *creator).await?;
        all.push(Wish {
            creator_id: Some(*creator),
            username: named.map(|named| named.username),
            ..bare(*more)
        });
    }
    for (sound, more) in &wishes.sounds {
        all.push(Wish {
            sound_id: Some(*sound),
            ..bare(*more)
        });
    }
    Ok(all)
}

async fn mutes_of(rooms: &Rooms, viewer: Viewer) -> Result<Json<PersonRefs>, ApiError> {
    let found = rooms
        .parts
        .controls
        .interests(viewer.viewer, rooms.now_ms())
        .await?;
    let mut items = Vec::new();
    for creator in found.muted() {
        items.extend(person(rooms, viewer, creator).await?);
    }
    Ok(Json(PersonRefs { items }))
}

async fn blocks_of(rooms: &Rooms, user: UserId) -> Result<Json<PersonRefs>, ApiError> {
    let blocked = rooms.parts.product.blocked(user).await?;
    let items = blocked.into_iter().map(|profile| PersonRef {
        id: profile.id,
        username: profile.username,
        display_name: profile.display_name,
    });
    Ok(Json(PersonRefs {
        items: items.collect(),
    }))
}

/// None for somebody who is gone.
async fn person(rooms: &Rooms, viewer: Viewer, user: UserId) -> Result<Option<PersonRef>, ApiError> {
    match rooms.parts.product.profile(user, viewer.user).await {
        Ok(profile) => Ok(Some(PersonRef {
            id: profile.id,
            username: profile.username,
            display_name: profile.display_name,
        })),
        Err(product::ProductError::NotFound(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn receipt(why: &feed::Why, creator: &str) -> Why {
    let (item, plain) = (&why.item, event::Receipt::default());
    let receipt = why.receipt.as_ref().unwrap_or(&plain);
    let explored = matches!(receipt.placed_by, Some(PlacedBy::Exploring { .. }))
        || matches!(item.source, event::Source::Explore | event::Source::Uniform);
    let reason = |spoke: &Spoke| reason(spoke, &why.evidence, creator);
    Why {
        impression_id: item.impression,
        video_id: item.video,
        served_at_ms: why.served_ms,
        reasons: receipt.spoke.iter().map(reason).collect(),
        sources: match receipt.found_by.is_empty() {
            true => vec![item.source.name().to_owned()],
            false => receipt
                .found_by
                .iter()
                .map(|source| source.name().to_owned())
                .collect(),
        },
        explored,
        probability: item.propensity,
        fresh_boost: receipt.fresh_boost,
        followed_boost: receipt.followed_boost,
        model_share: receipt.learned_share,
        score: item.score,
        rule: receipt.placed_by.map(|rule| match rule {
            PlacedBy::Exploring { price } => WhyRule {
                name: "exploring".to_owned(),
                price,
            },
            PlacedBy::Regional { price } => WhyRule {
                name: "regional".to_owned(),
                price,
            },
        }),
    }
}

fn reason(spoke: &Spoke, evidence: &[Evidence], creator: &str) -> WhyReason {
    let topic = match &spoke.said {
        Said::Hashtag(topic) | Said::Chosen(topic) => Some(topic.clone()),
        _ => None,
    };
    let seen = evidence.iter().find(|one| Some(&one.hashtag) == topic.as_ref());
    let (code, text) = match (&spoke.said, spoke.weight > 0.0) {
        (Said::Hashtag(tag), true) => ("hashtag", liked(tag, seen)),
        (Said::Hashtag(tag), false) => (
            "hashtag",
            format!("You tend to skip #{tag}: this spoke against it"),
        ),
        (Said::Creator, true) => ("creator", format!("You often finish videos by {creator}")),
        (Said::Creator, false) => (
            "creator",
            format!("You tend to skip {creator}: this spoke against it"),
        ),
        (Said::Following, _) => ("following", format!("You follow {creator}")),
        (Said::Popular, _) => ("popular", "Many people watched this lately".to_owned()),
        (Said::Fresh, _) => ("fresh", "It is new".to_owned()),
        (Said::Region, _) => ("region", "It comes from your region".to_owned()),
        (Said::Chosen(topic), _) => ("chosen", format!("You chose {topic} as an interest")),
        (Said::More, _) => ("more", "You asked for more like this".to_owned()),
        (Said::Less, _) => (
            "less",
            "You asked for less like this: it was lowered, and nothing better was left".to_owned(),
        ),
    };
    WhyReason {
        code: code.to_owned(),
        weight: spoke.weight,
        text,
        topic,
        finished_today: seen.map(|seen| seen.finished_today),
    }
}

/// Because you finished 3 #cooking videos today.
fn liked(hashtag: &str, seen: Option<&Evidence>) -> String {
    match seen {
        Some(seen) if seen.finished_today == 1 => format!("Because you finished a #{hashtag} video today"),
        Some(seen) if seen.finished_today > 1 => {
            format!(
                "Because you finished {} #{hashtag} videos today",
                seen.finished_today
            )
        }
        Some(seen) if seen.finished > 0 => {
            format!(
                "Because you finished {} of the last {} #{hashtag} videos",
                seen.finished, seen.watched
            )
        }
        _ => format!("You have been watching #{hashtag}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_in_words() {
        let seen = |finished_today, finished, watched| Evidence {
            hashtag: "cooking".to_owned(),
            finished_today,
            watched,
            finished,
        };
        let spoke = |weight| Spoke {
            said: Said::Hashtag("cooking".to_owned()),
            weight,
        };
        let check = |weight, evidence: &[Evidence], expect: &str| {
            assert_eq!(reason(&spoke(weight), evidence, "@ann").text, expect);
        };
        check(
            1.0,
            &[seen(3, 3, 3)],
            "Because you finished 3 #cooking videos today",
        );
        check(
            1.0,
            &[seen(1, 3, 3)],
            "Because you finished a #cooking video today",
        );
        check(
            1.0,
            &[seen(0, 2, 5)],
            "Because you finished 2 of the last 5 #cooking videos",
        );
        check(1.0, &[], "You have been watching #cooking");
        check(-1.0, &[], "You tend to skip #cooking: this spoke against it");
        assert_eq!(hashtag(" #Été "), "été");
    }
}
