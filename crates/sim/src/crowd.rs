//! The people's side of a closed loop, whoever feeds them: who comes when, what comes of showing them a video, when they leave. The
//! whole catalog can be shown, and the truth about all of it is known, so that a feed that anybody runs anywhere can be measured
//! like one of the policies here.
//!
//! The caller keeps time: it asks who is [`due`](Crowd::due_first), and tells of each video it shows. Nothing here waits or sends.
//!
//! | resource | 200 people, 2 000 videos, 30 days |
//! |---|---|
//! | time | 0.1 to 0.2 µs a candidate and view: 0.3 ms a view |
//! | memory | 130 B a view, a bit for each person and video |

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap, HashSet};

use crate::catalogue::{Shown, Video};
use crate::mind::{CHEMISTRY, Known, Mind};
use crate::outcome::{Drawn, Inputs, Odds};
use crate::policy::{Context, Feedback, Policy, Truth};
use crate::run::{Run, View, context};
use crate::world::World;

/// From one video to the next.
pub const SWIPE_MS: i64 = 400;

const CHOICE: u64 = 6;

/// What a person does after a video.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum After {
    /// Swipes on.
    Stays,
    /// Puts the phone away.
    Leaves,
}

struct Person {
    mind: Mind,
    /// Not seen yet, of what is published.
    unseen: BTreeSet<u32>,
    shown: HashSet<u32>,
    open: Option<View>,
}

/// See the file's header.
pub struct Crowd {
    world: World,
    videos: Vec<Video>,
    /// Every video before this number is.
    published: u32,
    /// Published before their time.
    early: HashSet<u32>,
    people: Vec<Person>,
    due: BinaryHeap<Reverse<(i64, u32)>>,
    views: Vec<View>,
    repeats: u64,
}

impl Crowd {
    /// Everybody of `world`, nobody there yet, nothing published.
    pub fn new(world: &World) -> Self {
        let person = |index| Person {
            mind: Mind::new(world, index),
            unseen: BTreeSet::new(),
            shown: HashSet::new(),
            open: None,
        };
        let people: Vec<Person> = (0..world.config().viewers).map(person).collect();
        let due = people
            .iter()
            .map(|person| Reverse((person.mind.arrives_ms(world), person.mind.viewer.index)));
        Self {
            due: due.collect(),
            world: world.clone(),
            videos: (0..world.videos()).map(|index| world.video(index)).collect(),
            published: 0,
            early: HashSet::new(),
            people,
            views: Vec::new(),
            repeats: 0,
        }
    }

    /// The next video that is born by `now_ms` and was not published yet; it can be shown from now on.
    pub fn publish_next(&mut self, now_ms: i64) -> Option<&Shown> {
        while self.early.contains(&self.published) {
            self.published += 1;
        }
        let video = self.videos.get(self.published as usize)?;
        if video.shown.born_ms > now_ms {
            return None;
        }
        self.people.iter_mut().for_each(|person| {
            person.unseen.insert(self.published);
        });
        self.published += 1;
        Some(&video.shown)
    }

    /// Publishes a video of later now, because something happened that it is about.
    pub fn publish_early(&mut self, video: u32, now_ms: i64) -> Option<&Shown> {
        let known = self.videos.get_mut(video as usize)?;
        if video < self.published || !self.early.insert(video) {
            return None;
        }
        known.shown.born_ms = now_ms;
        self.people.iter_mut().for_each(|person| {
            person.unseen.insert(video);
        });
        Some(&self.videos[video as usize].shown)
    }

    /// Videos of a topic that are not published yet, in order.
    pub fn unborn_of(&self, topic: u16) -> Vec<u32> {
        let rest = self.videos.iter().skip(self.published as usize);
        let of_topic = rest.filter(|video| video.topics[0].0 == topic);
        of_topic.map(|video| video.shown.index).collect()
    }

    /// When the next video is born.
    pub fn born_next_ms(&self) -> Option<i64> {
        let video = self.videos.get(self.published as usize)?;
        Some(video.shown.born_ms)
    }

    /// Who comes next, and when.
    pub fn due_first(&self) -> Option<(i64, u32)> {
        self.due.peek().map(|Reverse(due)| *due)
    }

    /// Takes who comes next.
    pub fn due_take(&mut self) -> Option<(i64, u32)> {
        self.due.pop().map(|Reverse(due)| due)
    }

    /// Has a person come at a moment of the caller's choice instead of their own.
    pub fn due_put(&mut self, at_ms: i64, viewer: u32) {
        self.due.retain(|Reverse((_, known))| *known != viewer);
        self.due.push(Reverse((at_ms, viewer)));
    }

    /// A visit begins.
    pub fn begin(&mut self, viewer: u32, now_ms: i64) {
        let mind = &mut self.people[viewer as usize].mind;
        mind.begin_session(&self.world, now_ms);
        mind.settle(&self.world, now_ms);
    }

    /// Shows a video; what comes of it stands in the answer, beside the truth about everything else that could have been shown.
    pub fn show(&mut self, viewer: u32, video: u32, propensity: f64, now_ms: i64) -> View {
        self.people[viewer as usize].mind.settle(&self.world, now_ms);
        let person = &self.people[viewer as usize];
        let (mut best_s, mut sum_s) = (0.0f64, 0.0);
        for other in &person.unseen {
            let odds = person
                .mind
                .odds(&self.world, &self.videos[*other as usize], now_ms);
            let value_s = odds.expected().value_s;
            best_s = best_s.max(value_s);
            sum_s += value_s;
        }
        let truth = &self.videos[video as usize];
        let odds = person.mind.odds(&self.world, truth, now_ms);
        let view = View {
            shown_ms: now_ms,
            viewer,
            video,
            session: person.mind.session,
            in_session: person.mind.in_session,
            propensity,
            expected_s: odds.expected().value_s,
            best_s,
            mean_s: sum_s / person.unseen.len().max(1) as f64,
            drawn: odds.draw(self.world.luck(viewer, video, person.mind.step)),
            liking: person.mind.liking(truth.topics[0].0),
        };
        let person = &mut self.people[viewer as usize];
        self.repeats += u64::from(!person.shown.insert(video));
        person.unseen.remove(&video);
        person.open = Some(view);
        view
    }

    /// The video on screen ends for them: they stay or go.
    pub fn end(&mut self, viewer: u32) -> After {
        let person = &mut self.people[viewer as usize];
        let Some(view) = person.open.take() else {
            return After::Leaves;
        };
        person.mind.saw(&self.videos[view.video as usize], &view.drawn);
        self.views.push(view);
        match person.mind.leaves(&self.world, &view.drawn) {
            true => After::Leaves,
            false => After::Stays,
        }
    }

    /// They put the phone away, and come back when they come back.
    pub fn leave(&mut self, viewer: u32, now_ms: i64) {
        let back_ms = self.people[viewer as usize].mind.returns_ms(&self.world, now_ms);
        self.due.push(Reverse((back_ms, viewer)));
    }

    /// Videos published that the person has not been shown.
    pub fn unseen(&self, viewer: u32) -> usize {
        self.people[viewer as usize].unseen.len()
    }

    /// Times that somebody was shown what they had been shown before.
    pub fn repeats(&self) -> u64 {
        self.repeats
    }

    /// Everything that was watched, by time of ending.
    pub fn views(&self) -> &[View] {
        &self.views
    }

    /// What anybody can see of a video.
    pub fn shown(&self, video: u32) -> &Shown {
        &self.videos[video as usize].shown
    }

    /// What an encoder would make of its pictures; see [`Video::looks`].
    pub fn looks(&self, video: u32, width: usize) -> Vec<f32> {
        self.videos[video as usize].looks(self.world.config(), width)
    }

    /// What the video is mostly about.
    pub fn topic(&self, video: u32) -> u16 {
        self.videos[video as usize].topics[0].0
    }

    /// A run for [`crate::measures()`], under the name of whoever fed them.
    pub fn into_run(self, policy: &str) -> Run {
        Run {
            policy: policy.to_owned(),
            world: self.world,
            views: self.views,
            videos: self.videos,
        }
    }

    /// What `policy` would show now of all that the person has not seen; None when there is nothing.
    fn choose(&self, viewer: u32, now_ms: i64, policy: &mut dyn Policy) -> Option<u32> {
        let person = &self.people[viewer as usize];
        let candidates: Vec<u32> = person.unseen.iter().copied().collect();
        if candidates.is_empty() {
            return None;
        }
        let shown: Vec<&Shown> = candidates.iter().map(|video| self.shown(*video)).collect();
        let inputs = |video: &u32| {
            person
                .mind
                .inputs(&self.world, &self.videos[*video as usize], now_ms)
        };
        let inputs: Vec<Inputs> = candidates.iter().map(inputs).collect();
        let value_s: Vec<f64> = inputs
            .iter()
            .map(|inputs| Odds::of(inputs).expected().value_s)
            .collect();
        let chemistry: Vec<f64> = shown
            .iter()
            .map(|video| CHEMISTRY * person.mind.viewer.chemistry(video.creator))
            .collect();
        let inputs_as = |known: Known| -> Vec<Inputs> {
            let videos = candidates.iter().map(|video| &self.videos[*video as usize]);
            videos
                .map(|video| person.mind.inputs_as(known, &self.world, video, now_ms))
                .collect()
        };
        let truth = Truth {
            value_s: &value_s,
            inputs: &inputs_as,
            chemistry: &chemistry,
            makers: &[],
        };
        let step = u64::from(person.mind.step);
        let mut draws = self.world.luck_of(CHOICE, viewer).with(step).draws();
        let picks = policy.choose(&context(&person.mind, now_ms), &shown, truth, 1, &mut draws);
        picks.first().map(|pick| candidates[pick.candidate])
    }

    fn feedback(&self, view: &View, policy: &mut dyn Policy) {
        let person = &self.people[view.viewer as usize];
        let Drawn { outcome, .. } = &view.drawn;
        policy.observe(&Feedback {
            context: Context {
                now_ms: view.shown_ms,
                ..context(&person.mind, view.shown_ms)
            },
            shown_ms: view.shown_ms,
            ended_ms: view.shown_ms + outcome.watch_ms,
            video: self.shown(view.video),
            outcome,
        });
    }
}

/// Feeds everybody by `policy`, which may choose from the whole catalog at every swipe, until the world ends. For policies that do not ask
/// who made a video: makers stay hidden.
pub fn feed_all(world: &World, policy: &mut dyn Policy) -> Run {
    let mut crowd = Crowd::new(world);
    // Who has a video on screen, by when it ends.
    let mut ends: BinaryHeap<Reverse<(i64, u32)>> = BinaryHeap::new();
    loop {
        let (due, end) = (crowd.due_first(), ends.peek().map(|Reverse(end)| *end));
        let next = due.into_iter().chain(end).min();
        let Some((now_ms, viewer)) = next.filter(|(at_ms, _)| *at_ms < world.config().end_ms()) else {
            break;
        };
        while let Some(video) = crowd.publish_next(now_ms) {
            policy.publish(video);
        }
        let mut show_ms = now_ms;
        if end == next {
            ends.pop();
            let open = crowd.people[viewer as usize].open;
            if let Some(view) = open {
                crowd.feedback(&view, policy);
            }
            if crowd.end(viewer) == After::Leaves {
                crowd.leave(viewer, now_ms);
                continue;
            }
            show_ms += SWIPE_MS;
        } else {
            crowd.due_take();
            crowd.begin(viewer, now_ms);
        }
        match crowd.choose(viewer, show_ms, policy) {
            Some(video) => {
                let view = crowd.show(viewer, video, 1.0, show_ms);
                ends.push(Reverse((show_ms + view.drawn.outcome.watch_ms, viewer)));
            }
            None => crowd.leave(viewer, show_ms),
        }
    }
    crowd.into_run(&policy.name())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::WorldConfig;
    use crate::measures::measures;
    use crate::policy::{Oracle, Popularity, Uniform};

    fn world() -> World {
        let config = WorldConfig {
            viewers: 20,
            videos_at_start: 200,
            videos_per_day: 40,
            warm_up_days: 0,
            ..WorldConfig::small(8)
        };
        World::new(config).expect("possible")
    }

    #[test]
    fn the_whole_catalog_can_be_shown_and_nothing_twice() {
        let ran = feed_all(&world(), &mut Uniform);
        let mut seen = HashSet::new();
        assert!(ran.views.len() > 500, "{}", ran.views.len());
        for view in &ran.views {
            assert!(seen.insert((view.viewer, view.video)));
            assert!(ran.video(view).shown.born_ms <= view.shown_ms);
            assert!(view.expected_s <= view.best_s + 1e-12 && view.mean_s <= view.best_s);
        }
    }

    #[test]
    fn policies_stand_in_their_order() {
        let value = |policy: &mut dyn Policy| {
            let figures = measures(&feed_all(&world(), policy));
            let found = figures.iter().find(|(name, _)| *name == "expected_per_view_s");
            found.expect("measured").1
        };
        let [even, popular, best] = [
            &mut Uniform as &mut dyn Policy,
            &mut Popularity::default(),
            &mut Oracle,
        ]
        .map(value);
        assert!(even < popular && 1.3 * popular < best, "{even} {popular} {best}");
    }

    #[test]
    fn a_repeat_is_counted_and_somebody_may_be_called() {
        let mut crowd = Crowd::new(&world());
        while crowd.publish_next(crate::START_MS).is_some() {}
        crowd.due_put(crate::START_MS, 3);
        assert_eq!(crowd.due_take(), Some((crate::START_MS, 3)));
        crowd.begin(3, crate::START_MS);
        for expect in [0, 1] {
            crowd.show(3, 7, 1.0, crate::START_MS);
            crowd.end(3);
            assert_eq!(crowd.repeats(), expect);
        }
        assert_eq!(crowd.unseen(3), 199);
    }
}
