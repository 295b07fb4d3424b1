//! From what became of an item to targets, head by head.
//!
//! A head is asked by its name. What a record does not speak about is NaN, which trains nothing. A record may say two kinds of things:
//! outcomes, heard for the first time, and differences to outcomes that were learned before (see [`event::Example`]).

use event::{Example, ExampleKind, Label, WatchOutcome};
use model::{HeadKind, Schema, Watch};

/// A watch of this share of the video is a complete one, whether or not the player said so.
const COMPLETE_SHARE: f32 = 0.95;

/// What a head asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Question {
    /// Whether the watch reached the end.
    Complete,
    /// See [`event::WatchOutcome::is_long_view`].
    LongView,
    Label(Label),
    /// Watch time, or a head that no record speaks of.
    Other,
}

/// How a schema's heads are answered by examples.
#[derive(Debug, Clone)]
pub(crate) struct Labelling(Vec<Question>);

/// What one record says, one value a head; NaN where nothing.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Said {
    pub(crate) outcome: Vec<f32>,
    /// Differences to earlier targets: +1 or −1.
    pub(crate) delta: Vec<f32>,
    pub(crate) watch: Option<Watch>,
}

impl Said {
    pub(crate) fn has_outcome(&self) -> bool {
        self.watch.is_some() || self.outcome.iter().any(|target| !target.is_nan())
    }

    pub(crate) fn has_delta(&self) -> bool {
        self.delta.iter().any(|target| !target.is_nan())
    }
}

impl Labelling {
    pub(crate) fn new(schema: &Schema) -> Self {
        let question = |name: &str| match name {
            "complete" => Question::Complete,
            "long_view" => Question::LongView,
            "early_skip" => Question::Label(Label::Skip),
            "like" => Question::Label(Label::Like),
            "comment" => Question::Label(Label::Comment),
            "share" => Question::Label(Label::Share),
            "save" => Question::Label(Label::Save),
            "follow" => Question::Label(Label::Follow),
            "not_interested" => Question::Label(Label::NotInterested),
            "report" => Question::Label(Label::Report),
            _ => Question::Other,
        };
        let heads = schema.heads.iter().map(|head| match head.kind {
            HeadKind::Binary => question(&head.name),
            HeadKind::Watch { .. } => Question::Other,
        });
        Self(heads.collect())
    }

    /// What `example` says about a video of this length in seconds, 0 when unknown.
    pub(crate) fn read(&self, example: &Example, duration_s: f32, said: &mut Said) {
        said.outcome.clear();
        said.delta.clear();
        said.watch = watch_of(example, duration_s);
        for question in &self.0 {
            let (outcome, delta) = match question {
                Question::Complete => (seen(example, |watch| complete(watch, duration_s)), f32::NAN),
                Question::LongView => (seen(example, |watch| long_view(watch, duration_s)), f32::NAN),
                Question::Label(label) => labelled(example, *label),
                Question::Other => (f32::NAN, f32::NAN),
            };
            said.outcome.push(outcome);
            said.delta.push(delta);
        }
    }
}

/// The watch as a target; none when nothing is known of it, or the length is not.
fn watch_of(example: &Example, duration_s: f32) -> Option<Watch> {
    let watch = example.watch.filter(|_| duration_s > 0.0)?;
    Some(Watch {
        watched_s: seconds(watch.watch_ms),
        duration_s,
        censored: example.kind == ExampleKind::Lost,
    })
}

fn seconds(ms: i64) -> f32 {
    ms.max(0) as f32 / 1_000.0
}

fn complete(watch: &WatchOutcome, duration_s: f32) -> bool {
    watch.ended || duration_s > 0.0 && seconds(watch.watch_ms) >= COMPLETE_SHARE * duration_s
}

fn long_view(watch: &WatchOutcome, duration_s: f32) -> bool {
    watch.is_long_view((duration_s * 1_000.0) as i64)
}

/// A question about the watch. A watch that was cut off can say yes, never no.
fn seen(example: &Example, passed: impl Fn(&WatchOutcome) -> bool) -> f32 {
    let Some(watch) = example.watch else {
        return f32::NAN;
    };
    if passed(&watch) {
        return 1.0;
    }
    match example.kind {
        ExampleKind::Lost => f32::NAN,
        _ => 0.0,
    }
}

/// Outcome or difference, whichever the record says about a label.
fn labelled(example: &Example, label: Label) -> (f32, f32) {
    match (example.label(label), example.corrects.has(label)) {
        (None, _) => (f32::NAN, f32::NAN),
        (Some(yes), false) => (f32::from(u8::from(yes)), f32::NAN),
        (Some(yes), true) => (f32::NAN, if yes { 1.0 } else { -1.0 }),
    }
}

#[cfg(test)]
mod tests {
    use event::Labels;
    use model::HeadSpec;

    use super::*;
    use crate::fixture;

    fn read(example: &Example, duration_s: f32) -> Said {
        let schema = Schema {
            slots: Vec::new(),
            dense: Vec::new(),
            heads: HeadSpec::standard(),
        };
        let mut said = Said::default();
        Labelling::new(&schema).read(example, duration_s, &mut said);
        said
    }

    /// Targets as text: complete, long view, skip, like, share, comment, follow, not interested, watch.
    fn text(targets: &[f32]) -> String {
        let sign = |target: &f32| match target {
            t if t.is_nan() => '.',
            t if *t > 0.0 => '1',
            t if *t < 0.0 => '-',
            _ => '0',
        };
        targets.iter().map(sign).collect()
    }

    fn check(example: &Example, duration_s: f32, outcome: &str, delta: &str) {
        let said = read(example, duration_s);
        assert_eq!(
            (text(&said.outcome).as_str(), text(&said.delta).as_str()),
            (outcome, delta)
        );
    }

    fn watched(watch_ms: i64, ended: bool, yes: Labels) -> Example {
        Example {
            kind: ExampleKind::Watched,
            watch: Some(WatchOutcome {
                watch_ms,
                ended,
                loops: 0,
            }),
            known: Labels::ALL,
            yes,
            ..fixture::example(1)
        }
    }

    fn changed(label: Label, yes: bool, corrects: bool) -> Example {
        let (this, none) = (Labels::of(label), Labels::default());
        Example {
            kind: ExampleKind::Changed(1),
            watch: None,
            known: this,
            yes: if yes { this } else { none },
            corrects: if corrects { this } else { none },
            ..fixture::example(1)
        }
    }

    #[test]
    fn a_watch_says_everything() {
        let none = Labels::default();
        check(&watched(9_600, false, none), 10.0, "10000000.", ".........");
        check(&watched(10_000, false, none), 10.0, "11000000.", ".........");
        check(&watched(18_000, false, none), 60.0, "01000000.", ".........");
        check(
            &watched(1_000, false, Labels::of(Label::Skip)),
            60.0,
            "00100000.",
            ".........",
        );
        check(
            &watched(3_000, true, Labels::of(Label::Like)),
            0.0,
            "11010000.",
            ".........",
        );
        check(&watched(3_000, false, none), 0.0, "00000000.", ".........");
    }

    #[test]
    fn what_comes_later_says_one_thing() {
        check(&changed(Label::Like, true, true), 10.0, ".........", "...1.....");
        check(&changed(Label::Like, false, true), 10.0, ".........", "...-.....");
        check(
            &changed(Label::Share, true, false),
            10.0,
            "....1....",
            ".........",
        );
        check(&changed(Label::Save, true, true), 10.0, ".........", ".........");
    }

    #[test]
    fn a_lost_one_has_no_negatives() {
        let lost = Example {
            kind: ExampleKind::Lost,
            watch: None,
            known: Labels::of(Label::NotInterested),
            yes: Labels::of(Label::NotInterested),
            ..fixture::example(1)
        };
        check(&lost, 10.0, ".......1.", ".........");
        assert!(read(&lost, 10.0).watch.is_none());
        let cut = Example {
            watch: Some(WatchOutcome {
                watch_ms: 4_000,
                ended: false,
                loops: 0,
            }),
            ..lost
        };
        check(&cut, 10.0, ".......1.", ".........");
        assert!(read(&cut, 10.0).watch.is_some_and(|watch| watch.censored));
    }

    #[test]
    fn a_recovered_watch_says_nothing_about_labels() {
        let recovered = Example {
            kind: ExampleKind::Recovered,
            known: Labels::default(),
            yes: Labels::default(),
            ..watched(10_000, true, Labels::default())
        };
        check(&recovered, 10.0, "11.......", ".........");
    }
}
