//! Late binding over a real log and store: order follows the last swipe, impressions keep their videos, nothing repeats.

use std::collections::HashSet;

use super::*;
use crate::NextAsk;

fn impressions(page: &[crate::FeedEntry]) -> Vec<ImpressionId> {
    page.iter().map(|entry| entry.impression).collect()
}

impl House {
    async fn next(&self, cursor: &str, unseen: Vec<ImpressionId>, count: usize) -> crate::NextPage {
        let ask = NextAsk {
            cursor: cursor.to_owned(),
            unseen,
            count,
        };
        let next = self.for_you.next(caller(VIEWER), &ask, NOW_MS + 1).await;
        next.expect("an answer")
    }
}

#[tokio::test]
async fn the_pool_is_settled_anew_after_a_swipe_and_nothing_repeats() {
    let house = house(&many(200, 40));
    let first = house.page(None, 8).await;
    let cursor = first.cursor.as_deref().expect("there is more");
    let pool = impressions(&first.entries[2..]);
    house.lean("cats", 500, 4.0);
    house.lean("neon", 501, -4.0);
    let next = house.next(cursor, pool.clone(), 2).await;
    assert_eq!((next.unseen.len(), next.append.len()), (6, 2));
    let all: Vec<_> = next.unseen.iter().chain(&next.append).collect();
    let cats = all.iter().filter(|entry| entry.video.raw() % 4 == 2).count();
    assert!(cats >= 4, "{all:?}");
    assert!(all.iter().filter(|entry| entry.video.raw() % 4 == 1).count() <= 1);
    for entry in &all {
        let before = first.entries.iter().find(|one| one.video == entry.video);
        match before {
            Some(before) => assert_eq!(
                before.impression, entry.impression,
                "the same video, the same impression"
            ),
            None => assert!(!impressions(&first.entries).contains(&entry.impression)),
        }
    }
    let kept: HashSet<_> = all.iter().map(|entry| entry.impression).collect();
    let gone: Vec<_> = pool.iter().filter(|one| !kept.contains(one)).copied().collect();
    assert_eq!(next.dropped, gone);
    // What was shown and what the client holds is known: the page after repeats none of it.
    let given: HashSet<u64> = first.entries[..2]
        .iter()
        .chain(all)
        .map(|entry| entry.video.raw())
        .collect();
    let after = house.page(next.cursor.as_deref(), 20).await;
    assert!(raws(&after).iter().all(|video| !given.contains(video)));
}

/// A small house: six videos of each of four topics.
#[tokio::test]
async fn turning_to_a_topic_does_not_use_it_up() {
    let house = house(&many(24, 6));
    let first = house.page(None, 12).await;
    let cats_first = raws(&first).iter().filter(|video| *video % 4 == 2).count();
    let cursor = first.cursor.expect("there is more");
    let pool = impressions(&first.entries[..8]);
    // Turns away, then back: what was dropped meanwhile comes again, with a new impression.
    house.lean("cats", 500, -4.0);
    let away = house.next(&cursor, pool, 0).await;
    assert!(away.unseen.iter().all(|entry| entry.video.raw() % 4 != 2));
    assert!(!away.dropped.is_empty());
    house.lean("cats", 501, 9.0);
    let back = house.next(&cursor, impressions(&away.unseen), 4).await;
    let cats = |page: &[crate::FeedEntry]| page.iter().filter(|entry| entry.video.raw() % 4 == 2).count();
    assert!(
        cats(&back.unseen) + cats(&back.append) >= 4,
        "{cats_first} of the first page: {back:?}"
    );
    let again = back.unseen.iter().chain(&back.append);
    assert!(
        again
            .clone()
            .any(|entry| first.entries.iter().any(|one| one.video == entry.video))
    );
    assert!(
        again
            .clone()
            .all(|entry| !away.dropped.contains(&entry.impression))
    );
}

#[tokio::test]
async fn what_explores_keeps_its_place_and_what_was_hidden_is_dropped() {
    let house = house(&many(200, 40));
    let first = house.page(None, 8).await;
    let cursor = first.cursor.as_deref().expect("there is more");
    let explores = first.entries[4].clone();
    assert_eq!(explores.reason, Reason::Explore, "the fifth of ten explores");
    let hidden = first.entries[3].clone();
    house
        .store
        .viewer_update(VIEWER, NOW_MS, |state| {
            state.hidden.insert(hidden.video);
        })
        .expect("updates");
    house.lean("cats", 500, 4.0);
    let next = house.next(cursor, impressions(&first.entries[2..]), 0).await;
    assert_eq!(next.unseen[2].impression, explores.impression);
    assert_eq!(next.unseen.len(), 6);
    assert!(next.append.is_empty());
    assert!(next.dropped.contains(&hidden.impression));
}

#[tokio::test]
async fn what_was_never_given_is_dropped_and_too_much_is_refused() {
    let house = house(&many(60, 9));
    let first = house.page(None, 4).await;
    let cursor = first.cursor.clone().expect("there is more");
    let stranger = ImpressionId::from_raw(77);
    let next = house.next(&cursor, vec![stranger], 1).await;
    assert_eq!((next.unseen.len(), next.append.len()), (0, 1));
    assert_eq!(next.dropped, [stranger]);
    let ask = |cursor: &str, unseen: usize, count: usize| NextAsk {
        cursor: cursor.to_owned(),
        unseen: vec![stranger; unseen],
        count,
    };
    let refused = async |ask: NextAsk| house.for_you.next(caller(VIEWER), &ask, NOW_MS).await;
    assert!(matches!(
        refused(ask(&cursor, 13, 1)).await,
        Err(FeedError::Unseen)
    ));
    assert!(matches!(
        refused(ask(&cursor, 1, 11)).await,
        Err(FeedError::Append)
    ));
    assert!(matches!(
        refused(ask("x", 1, 1)).await,
        Err(FeedError::Cursor(CursorError::Malformed))
    ));
}

#[tokio::test]
async fn a_request_laid_open_tells_its_stages_and_notes_nothing() {
    let house = house(&many(120, 9));
    house.lean("cats", 500, 3.0);
    house.page(None, 10).await;
    let before = house
        .store
        .viewer_read(VIEWER, |state| state.served_since(0).len());
    let told = house.for_you.explain(caller(VIEWER), 10, NOW_MS + 5).await;
    let after = house
        .store
        .viewer_read(VIEWER, |state| state.served_since(0).len());
    assert_eq!(before.expect("reads"), after.expect("reads"));
    let stage = |name: &str| told.stages.iter().find(|stage| stage.name == name);
    assert_eq!(stage("slate").map(|stage| stage.after), Some(10));
    assert!(stage("blend").is_some_and(|stage| stage.after == 120));
    let positions: Vec<_> = told.top.iter().filter_map(|one| one.position).collect();
    assert_eq!(positions, (0..10).collect::<Vec<_>>());
    assert!(told.laid.as_ref().is_some_and(|laid| laid.bound >= laid.value));
    assert!(told.top.iter().all(|one| !one.sources.is_empty()));
}

#[tokio::test]
async fn what_a_viewer_says_makes_their_kept_pages_worthless() {
    let house = house(&many(60, 9));
    let first = house.page(None, 5).await;
    let cursor = first.cursor.as_deref();
    let once = house.page(cursor, 5).await;
    house.for_you.invalidate(ViewerId::from_raw(2));
    assert_eq!(house.page(cursor, 5).await, once, "somebody else's action");
    house.for_you.invalidate(VIEWER);
    let anew = house.page(cursor, 5).await;
    assert!(raws(&anew).iter().all(|video| !raws(&once).contains(video)));
}
