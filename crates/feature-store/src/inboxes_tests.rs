//! Inboxes answer what asking every followed creator answers, whatever happened in between, and are bounded.

use super::*;
use crate::store::StoreConfig;

const CREATORS: u64 = 12;
const VIEWERS: u64 = 8;

struct House {
    store: FeatureStore,
    _folder: tempfile::TempDir,
}

fn house(inbox_fan_out_max: usize) -> House {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let config = StoreConfig {
        inbox_fan_out_max,
        ..StoreConfig::default()
    };
    House {
        store: FeatureStore::open_with(&folder.path().join("state.redb"), &config).expect("opens"),
        _folder: folder,
    }
}

fn profile(video: u64, creator: u64, published_ms: i64) -> VideoProfile {
    VideoProfile {
        video: VideoId::from_raw(video),
        creator: UserId::from_raw(creator),
        published_ms,
        duration_ms: 1_000,
        hashtags: vec![],
        sound: None,
        category: None,
        region: None,
        content: None,
        original: None,
        caption: Arc::from(""),
    }
}

impl House {
    fn follow(&self, viewer: u64, creator: u64, follows: bool) {
        let change = |state: &mut crate::ViewerState| {
            let creator = UserId::from_raw(creator);
            match follows {
                true => state.follow(creator, 1),
                false => state.unfollow(creator),
            }
        };
        self.store
            .viewer_update(ViewerId::from_raw(viewer), 1, change)
            .expect("the state is read");
    }

    fn newest(&self, viewer: u64, before: Option<Place>, count: usize) -> Vec<Place> {
        let found = self
            .store
            .followed_newest(ViewerId::from_raw(viewer), before, count);
        found
            .expect("reads")
            .iter()
            .map(|profile| place_of(profile))
            .collect()
    }

    /// By asking everybody.
    fn plain(&self, viewer: u64, before: Option<Place>, count: usize) -> Vec<Place> {
        let viewer = ViewerId::from_raw(viewer);
        let following = |state: &crate::ViewerState| state.following.keys().copied().collect::<Vec<_>>();
        let creators = self.store.viewer_read(viewer, following).expect("reads");
        let catalog = self.store.catalog();
        let all = creators
            .iter()
            .flat_map(|creator| newest_of(&catalog, *creator, before, count));
        newest_first(all.collect(), count)
            .iter()
            .map(|profile| place_of(profile))
            .collect()
    }
}

struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (self.0 >> 33) % end
    }
}

#[test]
fn an_inbox_answers_what_asking_everybody_answers() {
    for (seed, fan_out_max) in [(1, 0), (2, 2), (3, 100), (4, 3), (5, 1)] {
        let (house, mut random) = (house(fan_out_max), Random(seed));
        let mut made: Vec<u64> = Vec::new();
        for step in 0..4_000 {
            let (viewer, creator) = (1 + random.below(VIEWERS), 1 + random.below(CREATORS));
            match random.below(10) {
                0 | 1 => house.follow(viewer, creator, random.below(3) > 0),
                2..=4 => {
                    let at_ms = step + random.below(50) as i64;
                    house.store.catalog_put(profile(step as u64, creator, at_ms));
                    made.push(step as u64);
                }
                5 if !made.is_empty() => {
                    let gone = made.swap_remove(random.below(made.len() as u64) as usize);
                    house.store.catalog_remove(VideoId::from_raw(gone));
                }
                6 if !made.is_empty() => {
                    let again = made[random.below(made.len() as u64) as usize];
                    house.store.catalog_put(profile(again, creator, step));
                }
                _ => {
                    let (mut before, count) = (None, 1 + random.below(9) as usize);
                    for page in 0..=random.below(4) {
                        let found = house.newest(viewer, before, count);
                        assert_eq!(
                            found,
                            house.plain(viewer, before, count),
                            "seed {seed}, step {step}, page {page}"
                        );
                        before = found.last().copied().or(before);
                    }
                }
            }
        }
    }
}

#[test]
fn pages_beyond_an_inbox_ask_the_creators() {
    let house = house(100);
    house.follow(1, 1, true);
    let many = INBOX_MAX as u64 + 40;
    for video in 0..many {
        house.store.catalog_put(profile(video, 1, video as i64));
    }
    let (mut before, mut all) = (None, Vec::new());
    loop {
        let page = house.newest(1, before, 37);
        let Some(last) = page.last() else { break };
        before = Some(*last);
        all.extend(page.iter().map(|(_, video)| video.raw()));
    }
    assert!(all.into_iter().eq((0..many).rev()));
    // One more pushes out the oldest of the inbox and is the first of all.
    house.store.catalog_put(profile(many, 1, many as i64));
    assert_eq!(house.newest(1, None, 1), [(many as i64, VideoId::from_raw(many))]);
}

#[test]
fn a_creator_with_too_many_readers_is_asked() {
    let house = house(2);
    for viewer in 1..=4 {
        house.follow(viewer, 1, true);
        assert_eq!(house.newest(viewer, None, 5), []);
    }
    {
        let held = house.store.inboxes.held.lock();
        assert!(held.readers.is_empty());
        assert_eq!(held.asked.get(&UserId::from_raw(1)), Some(&4));
    }
    house.store.catalog_put(profile(9, 1, 9));
    for viewer in 1..=4 {
        assert_eq!(house.newest(viewer, None, 5), [(9, VideoId::from_raw(9))]);
        house.follow(viewer, 1, false);
        assert_eq!(house.newest(viewer, None, 5), []);
    }
    assert!(
        house.store.inboxes.held.lock().asked.is_empty(),
        "nobody follows any more"
    );
}
