//! Rows, resets, muted words.

use std::sync::Arc;

use event::{FeedMode, Leaning, Subject};
use types::{Category, SoundId, UserId, VideoId, ViewerId};

use super::row::{decode, encode, kept_for_good, touched_of};
use super::{Deed, Taste, ViewerState, Watched, WordFilter, fold};

fn full() -> ViewerState {
    let mut state = ViewerState::default();
    state.serve(VideoId::from_raw(3), 40);
    state.lean(&[Arc::from("sea")], UserId::from_raw(8), 1.0, 50);
    state.following.insert(UserId::from_raw(8), 51);
    state.hidden.insert(VideoId::from_raw(9));
    state.watched(Watched {
        at_ms: 60,
        video: VideoId::from_raw(3),
        finished: true,
    });
    state.did(Deed {
        at_ms: 61,
        video: VideoId::from_raw(3),
        amount: 1.0,
    });
    state.served_at(62, 17);
    state.wish(|wishes| {
        wishes.mode = FeedMode::Frozen;
        wishes.lean(&Subject::Hashtag("cats".into()), Leaning::Less);
        wishes.lean(&Subject::Creator(UserId::from_raw(5)), Leaning::More);
        wishes.lean(&Subject::Sound(SoundId::from_raw(6)), Leaning::Less);
        wishes.mute(UserId::from_raw(7), true, 70);
        wishes.block(UserId::from_raw(11), true, 71);
        wishes.block_by(UserId::from_raw(12), true, 72);
        wishes.mute_words(&["Spoiler", "the end"]);
        wishes.interests = vec![Arc::from("music")];
        wishes.categories = vec![Category::Dance];
    });
    state
}

fn taste(state: &ViewerState, hashtag: &str) -> Option<f32> {
    state.hashtags.get(hashtag).map(|taste: &Taste| taste.at(100))
}

#[test]
fn a_row_comes_back() {
    let state = full();
    let back = decode(&encode(&state)).expect("it reads");
    assert_eq!(back.wishes, state.wishes);
    assert_eq!(back.recent, state.recent);
    assert_eq!(back.deeds, state.deeds);
    assert_eq!(back.slates().collect::<Vec<_>>(), [17]);
    assert_eq!(back.hidden, state.hidden);
    assert_eq!(touched_of(&encode(&state)), Some(0));
    assert_eq!(taste(&back, "sea"), taste(&state, "sea"));
    assert_eq!(back.served_since(0), state.served_since(0));
    let plain = encode(&ViewerState::default());
    assert!(!kept_for_good(&plain) && kept_for_good(&encode(&state)));
    let cut = &encode(&state)[..encode(&state).len() - 1];
    assert!(decode(cut).is_none(), "a short row does not read");
}

#[test]
fn a_reset_forgets_what_was_before_it_and_nothing_else() {
    let mut state = full();
    state.wish(|wishes| wishes.mode = FeedMode::Personal);
    state.see(VideoId::from_raw(3), 60);
    let (viewer, late) = (
        ViewerId::from_raw(77),
        Deed {
            at_ms: 200,
            video: VideoId::from_raw(4),
            amount: 1.0,
        },
    );
    state.did(late);
    assert_eq!(state.wishes.persona(viewer), viewer);
    assert_eq!(state.reset(100), [late], "what was done after it is done again");
    assert!(state.hashtags.is_empty() && state.creators.is_empty() && state.recent.is_empty());
    assert!(state.wishes.interests.is_empty() && !state.wishes.leans());
    assert_eq!(state.watches, 0);
    assert!(state.has_seen(VideoId::from_raw(3)) && state.hidden.contains(&VideoId::from_raw(9)));
    assert_eq!(state.wishes.refuses(UserId::from_raw(7)), Some("muted_creator"));
    assert_eq!(state.wishes.refuses(UserId::from_raw(11)), Some("blocked"));
    assert_eq!(
        state.wishes.refuses(UserId::from_raw(12)),
        Some("blocked_by_creator")
    );
    let persona = state.wishes.persona(viewer);
    assert_ne!(persona, viewer);
    state.lean(&[Arc::from("old")], UserId::from_raw(8), 1.0, 100);
    assert!(state.hashtags.is_empty(), "what was before is not learned after");
    state.lean(&[Arc::from("new")], UserId::from_raw(8), 1.0, 101);
    assert!(taste(&state, "new").is_some());
    assert!(
        state.reset(100).is_empty() && taste(&state, "new").is_some(),
        "a repeat changes nothing"
    );
    assert_eq!(state.wishes.persona(viewer), persona);
    state.reset(300);
    assert_ne!(state.wishes.persona(viewer), persona);
}

#[test]
fn frozen_and_non_personal_learn_nothing() {
    for mode in [FeedMode::Frozen, FeedMode::NonPersonal] {
        let mut state = ViewerState::default();
        state.wish(|wishes| wishes.mode = mode);
        state.lean(&[Arc::from("sea")], UserId::from_raw(8), 1.0, 50);
        state.watched(Watched {
            at_ms: 60,
            video: VideoId::from_raw(3),
            finished: true,
        });
        assert!(state.hashtags.is_empty() && state.watches == 0, "{mode:?}");
    }
}

#[test]
fn less_wins_over_more() {
    let state = full();
    let (creator, none) = (UserId::from_raw(5), std::iter::empty);
    let tags: [Arc<str>; 1] = [Arc::from("cats")];
    assert_eq!(state.wishes.leaning(creator, None, none()), Leaning::More);
    assert_eq!(state.wishes.leaning(creator, None, tags.iter()), Leaning::Less);
    let sound = Some(SoundId::from_raw(6));
    assert_eq!(state.wishes.leaning(creator, sound, none()), Leaning::Less);
    assert_eq!(
        state.wishes.leaning(UserId::from_raw(1), None, none()),
        Leaning::Neutral
    );
}

#[test]
fn muted_words() {
    let check = |muted: &str, text: &str, expect: bool| {
        let filter = WordFilter::new(&[Arc::from(muted)]);
        assert_eq!(filter.finds(&fold(text)), expect, "{muted:?} in {text:?}");
    };
    check("spoiler", "No SPOILERS here", false);
    check("Spoiler", "a spoiler!", true);
    check("#spoiler", "so #Spoiler", true);
    check("the end", "This is THE\nEnd.", true);
    check("the end", "the endless", false);
    check("straße", "In der STRASSE", true);
    check("όσος", "ΌΣΟΣ", true);
    check("猫", "黒猫の一日", true);
    check("e\u{301}te\u{301}", "E\u{301}TE\u{301}", true);
    check("  ", "anything at all", false);
    check("!", "!", false);
    assert_eq!(fold("Hello,  World! "), " hello world ");
    assert_eq!(fold("?!"), "");
}
