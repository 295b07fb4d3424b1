//! From a joined example back to what extraction was told when the item was served, and on to the outcome.

use event::{Example, ExampleKind, Label};
use feature::{Context, Outcome, TOPICS_MAX, TRAITS, Told, VideoFacts, ViewerFacts, slot};
use types::{Category, Region, SoundId, UserId};

/// Who stayed longer than this has turned to the video.
const OPEN_MS: i64 = 3_000;

/// What extraction was told, as far as counters ask.
#[derive(Debug, PartialEq)]
pub(super) struct Facts {
    pub(super) viewer: ViewerFacts,
    pub(super) video: VideoFacts,
    pub(super) context: Context,
}

impl Facts {
    /// None when the item was logged without the ids of an extraction.
    pub(super) fn of(example: &Example) -> Option<Self> {
        let item = &example.item;
        let first = |number: u16| {
            let mut ids = item.ids.iter();
            ids.find(|(slot, _)| *slot == number).map(|(_, id)| *id)
        };
        let creator = UserId::from_raw(first(slot::CREATOR)?);
        let mut viewer = ViewerFacts::new(example.viewer);
        for (at, bucket) in viewer.traits.iter_mut().enumerate().take(TRAITS) {
            *bucket = first(slot::TRAITS + at as u16).unwrap_or(0);
        }
        viewer.region = first(slot::VIEWER_REGION).and_then(region);
        let mut video = VideoFacts::new(item.video, creator);
        video.sound = first(slot::SOUND).map(SoundId::from_raw);
        let topics = item.ids.iter().filter(|(slot, _)| *slot == slot::TOPIC);
        for (place, (_, topic)) in video.topics.iter_mut().zip(topics).take(TOPICS_MAX) {
            *place = *topic;
        }
        video.category = first(slot::CATEGORY)
            .and_then(|number| u8::try_from(number).ok())
            .and_then(Category::from_number);
        video.region = first(slot::VIDEO_REGION).and_then(region);
        video.format = first(slot::FORMAT).unwrap_or(0);
        video.duration_ms = item.duration_ms;
        let context = Context {
            surface: first(slot::SURFACE).and_then(|surface| u16::try_from(surface).ok()),
            hour: first(slot::HOUR).and_then(|hour| u8::try_from(hour).ok()),
            ..Context::at(example.ended_ms)
        };
        Some(Self {
            viewer,
            video,
            context,
        })
    }
}

/// A region by its number in a row; none for what is no region's.
fn region(number: u64) -> Option<Region> {
    Region::from_bytes(u16::try_from(number).ok()?.to_be_bytes())
}

/// What is counted of an impression whose watch is known; None when it is not.
pub(super) fn outcome_of(example: &Example) -> Option<Outcome> {
    let watch = example.watch?;
    let yes = |label| example.yes.has(label);
    let told = Told {
        open: watch.ended || watch.watch_ms > OPEN_MS,
        skip: yes(Label::Skip),
        engage: [Label::Comment, Label::Share, Label::Save, Label::Follow]
            .into_iter()
            .any(yes),
        reject: yes(Label::NotInterested) || yes(Label::Report),
        ratio: Told::ratio_of(watch.watch_ms, example.item.duration_ms),
    };
    Some(Outcome {
        long_view: watch.is_long_view(example.item.duration_ms),
        like: yes(Label::Like),
        // A watch that was heard of late comes without its labels.
        told: (example.kind == ExampleKind::Watched).then_some(told),
    })
}
