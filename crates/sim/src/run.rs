//! The closed loop: viewers come, the policy chooses, they watch, the policy learns, they leave and come back. In event
//! time, one thing after another, so that a run is a function of world and policy.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashSet};

use crate::catalogue::{Maker, Shown, Video};
use crate::config::{DAY_MS, HOUR_MS};
use crate::crowd::SWIPE_MS;
use crate::mind::{CHEMISTRY, Known, Mind};
use crate::outcome::{Drawn, Inputs, Odds, Outcome};
use crate::policy::{Context, Feedback, Pick, Policy, Truth};
use crate::random::Draws;
use crate::world::World;

/// Part of the candidates that come from the newest videos, and how new they are.
const FRESH_PART: f64 = 0.25;
const FRESH_MS: i64 = 12 * HOUR_MS;
/// Part of the candidates that come from creators the viewer follows.
const FOLLOWED_PART: f64 = 0.1;
/// Draws for each candidate before the set stays smaller: most are lost to videos already seen.
const TRIES: u32 = 4;

const CANDIDATES: u64 = 5;
const CHOICE: u64 = 6;

/// One video shown to one viewer, with what the truth said about it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct View {
    pub shown_ms: i64,
    pub viewer: u32,
    pub video: u32,
    pub session: u32,
    /// Videos shown before it in this visit.
    pub in_session: u32,
    pub propensity: f64,
    /// Expected satisfied seconds of what was shown …
    pub expected_s: f64,
    /// … of the best candidate …
    pub best_s: f64,
    /// … and of the average candidate.
    pub mean_s: f64,
    pub drawn: Drawn,
    /// How much the viewer liked its main topic at that moment.
    pub liking: f32,
}

/// What happened in one closed loop.
#[derive(Debug, Clone)]
pub struct Run {
    pub policy: String,
    pub world: World,
    /// By time of ending.
    pub views: Vec<View>,
    /// The catalogue, by index.
    pub(crate) videos: Vec<Video>,
}

/// Runs `policy` in `world` until its end.
pub fn run(world: &World, policy: &mut dyn Policy) -> Run {
    let mut state = Loop::new(world);
    while let Some(Reverse((now_ms, viewer, kind))) = state.due.pop() {
        if now_ms >= world.config().end_ms() {
            break;
        }
        state.publish(now_ms, policy);
        match kind {
            Kind::Show => state.show(now_ms, viewer, policy),
            Kind::End => state.end(now_ms, viewer, policy),
        }
    }
    Run {
        policy: policy.name(),
        world: world.clone(),
        views: state.views,
        videos: state.videos,
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Show,
    End,
}

/// One viewer's place in the loop.
struct Person {
    mind: Mind,
    seen: HashSet<u32>,
    is_here: bool,
    /// What was chosen from, without what was shown since; kept while the slate lasts.
    candidates: Vec<u32>,
    /// What of the slate is still to come, last first.
    slate: Vec<(u32, f64)>,
    open: Option<View>,
}

struct Loop<'a> {
    world: &'a World,
    videos: Vec<Video>,
    /// Videos of each creator, oldest first.
    by_creator: Vec<Vec<u32>>,
    /// By creator.
    makers: Vec<Maker>,
    published: usize,
    people: Vec<Person>,
    due: BinaryHeap<Reverse<(i64, u32, Kind)>>,
    views: Vec<View>,
}

impl<'a> Loop<'a> {
    fn new(world: &'a World) -> Self {
        let videos: Vec<Video> = (0..world.videos()).map(|index| world.video(index)).collect();
        let mut by_creator = vec![Vec::new(); world.config().creators as usize];
        for video in &videos {
            by_creator[video.shown.creator as usize].push(video.shown.index);
        }
        let person = |index| Person {
            mind: Mind::new(world, index),
            seen: HashSet::new(),
            is_here: false,
            candidates: Vec::new(),
            slate: Vec::new(),
            open: None,
        };
        let people: Vec<Person> = (0..world.config().viewers).map(person).collect();
        let due = people
            .iter()
            .map(|person| {
                Reverse((
                    person.mind.arrives_ms(world),
                    person.mind.viewer.index,
                    Kind::Show,
                ))
            })
            .collect();
        Self {
            world,
            videos,
            by_creator,
            makers: (0..world.config().creators)
                .map(|index| world.creator(index).hand())
                .collect(),
            published: 0,
            people,
            due,
            views: Vec::new(),
        }
    }

    fn publish(&mut self, now_ms: i64, policy: &mut dyn Policy) {
        while let Some(video) = self
            .videos
            .get(self.published)
            .filter(|video| video.shown.born_ms <= now_ms)
        {
            policy.publish(&video.shown);
            self.published += 1;
        }
    }

    fn show(&mut self, now_ms: i64, viewer: u32, policy: &mut dyn Policy) {
        let person = &mut self.people[viewer as usize];
        if !person.is_here {
            person.is_here = true;
            person.slate.clear();
            person.mind.begin_session(self.world, now_ms);
        }
        person.mind.settle(self.world, now_ms);
        if person.slate.is_empty() {
            self.draw_candidates(now_ms, viewer);
            self.fill_slate(now_ms, viewer, policy);
        }
        let person = &mut self.people[viewer as usize];
        let Some((video, propensity)) = person.slate.pop() else {
            // Nothing left that the viewer has not seen: they put the phone away.
            return self.leave(now_ms, viewer);
        };
        let view = self.look(now_ms, viewer, video, propensity);
        let person = &mut self.people[viewer as usize];
        person.open = Some(view);
        person.seen.insert(video);
        person.candidates.retain(|&candidate| candidate != video);
        self.due
            .push(Reverse((now_ms + view.drawn.outcome.watch_ms, viewer, Kind::End)));
    }

    fn fill_slate(&mut self, now_ms: i64, viewer: u32, policy: &mut dyn Policy) {
        let person = &self.people[viewer as usize];
        if person.candidates.is_empty() {
            return;
        }
        let shown: Vec<&Shown> = person
            .candidates
            .iter()
            .map(|&video| &self.videos[video as usize].shown)
            .collect();
        let inputs: Vec<Inputs> = person
            .candidates
            .iter()
            .map(|&video| {
                person
                    .mind
                    .inputs(self.world, &self.videos[video as usize], now_ms)
            })
            .collect();
        let value_s: Vec<f64> = inputs
            .iter()
            .map(|inputs| Odds::of(inputs).expected().value_s)
            .collect();
        let chemistry: Vec<f64> = shown
            .iter()
            .map(|video| CHEMISTRY * person.mind.viewer.chemistry(video.creator))
            .collect();
        let makers: Vec<Maker> = shown
            .iter()
            .map(|video| self.makers[video.creator as usize])
            .collect();
        let mut draws = self.luck(CHOICE, viewer);
        let places = self.world.config().slate as usize;
        let inputs_as = |known: Known| -> Vec<Inputs> {
            let videos = person
                .candidates
                .iter()
                .map(|&video| &self.videos[video as usize]);
            videos
                .map(|video| person.mind.inputs_as(known, self.world, video, now_ms))
                .collect()
        };
        let truth = Truth {
            value_s: &value_s,
            inputs: &inputs_as,
            chemistry: &chemistry,
            makers: &makers,
        };
        let picks = policy.choose(&context(&person.mind, now_ms), &shown, truth, places, &mut draws);
        check(&picks, shown.len());
        let named = picks
            .iter()
            .rev()
            .map(|pick| (person.candidates[pick.candidate], pick.propensity));
        let slate = named.collect();
        self.people[viewer as usize].slate = slate;
    }

    /// Expected satisfied seconds of a person's candidates now.
    fn values(&self, now_ms: i64, person: &Person) -> Vec<f64> {
        let value = |&video: &u32| {
            let odds = person.mind.odds(self.world, &self.videos[video as usize], now_ms);
            odds.expected().value_s
        };
        person.candidates.iter().map(value).collect()
    }

    /// Shows the video: the truth about it and its neighbours, and what came of it.
    fn look(&self, now_ms: i64, viewer: u32, video: u32, propensity: f64) -> View {
        let person = &self.people[viewer as usize];
        let values = self.values(now_ms, person);
        let truth = &self.videos[video as usize];
        let odds = person.mind.odds(self.world, truth, now_ms);
        View {
            shown_ms: now_ms,
            viewer,
            video,
            session: person.mind.session,
            in_session: person.mind.in_session,
            propensity,
            expected_s: odds.expected().value_s,
            best_s: values.iter().copied().fold(0.0, f64::max),
            mean_s: values.iter().sum::<f64>() / values.len().max(1) as f64,
            drawn: odds.draw(self.world.luck(viewer, video, person.mind.step)),
            liking: person.mind.liking(truth.topics[0].0),
        }
    }

    fn end(&mut self, now_ms: i64, viewer: u32, policy: &mut dyn Policy) {
        let person = &mut self.people[viewer as usize];
        let Some(view) = person.open.take() else {
            return;
        };
        let video = &self.videos[view.video as usize];
        policy.observe(&Feedback {
            context: context(&person.mind, view.shown_ms),
            shown_ms: view.shown_ms,
            ended_ms: now_ms,
            video: &video.shown,
            outcome: &view.drawn.outcome,
        });
        person.mind.saw(video, &view.drawn);
        self.views.push(view);
        match person.mind.leaves(self.world, &view.drawn) {
            true => self.leave(now_ms, viewer),
            false => self.due.push(Reverse((now_ms + SWIPE_MS, viewer, Kind::Show))),
        }
    }

    fn leave(&mut self, now_ms: i64, viewer: u32) {
        let person = &mut self.people[viewer as usize];
        person.is_here = false;
        person.candidates.clear();
        let back_ms = person.mind.returns_ms(self.world, now_ms);
        self.due.push(Reverse((back_ms, viewer, Kind::Show)));
    }

    /// A sample of what can be shown now: new videos, those of followed creators, and any. Depends on world, viewer and
    /// step, and on the policy only through what the viewer has seen and whom they follow.
    fn draw_candidates(&mut self, now_ms: i64, viewer: u32) {
        let config = self.world.config();
        let mut draws = self.luck(CANDIDATES, viewer);
        let born = |ms: i64| self.videos.partition_point(|video| video.shown.born_ms <= ms) as u64;
        let (oldest, fresh, newest) = (
            born(now_ms - i64::from(config.video_life_days) * DAY_MS),
            born(now_ms - FRESH_MS),
            born(now_ms),
        );
        let person = &self.people[viewer as usize];
        let mut drawn: Vec<u32> = Vec::with_capacity(config.candidates as usize);
        for _ in 0..config.candidates * TRIES {
            if drawn.len() >= config.candidates as usize || newest == oldest {
                break;
            }
            let part = draws.unit();
            let followed = &person.mind.follows;
            let video = if part < FOLLOWED_PART && !followed.is_empty() {
                let creator = followed[draws.below(followed.len() as u64) as usize];
                let theirs = &self.by_creator[creator as usize];
                let until = theirs.partition_point(|&video| u64::from(video) < newest);
                let back = draws.below(6) as usize;
                until
                    .checked_sub(1 + back)
                    .map(|place| theirs[place])
                    .filter(|&video| u64::from(video) >= oldest)
            } else if part < FOLLOWED_PART + FRESH_PART && newest > fresh {
                Some((fresh + draws.below(newest - fresh)) as u32)
            } else {
                Some((oldest + draws.below(newest - oldest)) as u32)
            };
            drawn.extend(video.filter(|video| !person.seen.contains(video) && !drawn.contains(video)));
        }
        self.people[viewer as usize].candidates = drawn;
    }

    fn luck(&self, purpose: u64, viewer: u32) -> Draws {
        let step = self.people[viewer as usize].mind.step;
        self.world.luck_of(purpose, viewer).with(u64::from(step)).draws()
    }
}

/// What a policy may know of a viewer.
pub(crate) fn context(mind: &Mind, now_ms: i64) -> Context<'_> {
    Context {
        now_ms,
        viewer: mind.viewer.index,
        region: mind.viewer.region,
        language: mind.viewer.language,
        follows: &mind.follows,
        session: mind.session,
        in_session: mind.in_session,
    }
}

/// A policy that breaks its contract would make every figure below worthless.
fn check(picks: &[Pick], candidates: usize) {
    let mut taken = HashSet::new();
    for pick in picks {
        assert!(
            pick.candidate < candidates,
            "the policy chose candidate {} of {candidates}",
            pick.candidate
        );
        assert!(
            taken.insert(pick.candidate),
            "the policy chose candidate {} twice",
            pick.candidate
        );
        assert!(
            pick.propensity > 0.0 && pick.propensity < 1.0 + 1e-9,
            "propensity {}",
            pick.propensity
        );
    }
}

impl Run {
    /// Length of a view's video.
    pub(crate) fn video(&self, view: &View) -> &Video {
        &self.videos[view.video as usize]
    }

    /// Observed outcomes, in order of ending.
    pub fn outcomes(&self) -> impl Iterator<Item = &Outcome> {
        self.views.iter().map(|view| &view.drawn.outcome)
    }
}

#[cfg(test)]
mod tests;
