//! A life of the whole world with the whole product. The loop takes what is due in the order of the world's time, moves the clock there,
//! publishes what is born until then, and lets phones tell and ask. What is shown to a person, and what comes of it, is the
//! crowd's to say ([`sim::Crowd`]); what stands next in their feed is the house's.
//!
//! Order: requests that lie within [`Pace::together_ms`] of each other may be under way together; a person's own never are. Before the clock
//! jumps over more than [`Pace::settle_ms`] since the last time, the loop waits until the house has taken in everything, so that
//! no job is further behind, by the world's clock, than that.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, HashSet};

use sim::{After, Crowd, DAY_MS, Run, START_MS, SWIPE_MS, World};
use types::UserId;

use crate::clock::WorldClock;
use crate::error::LoopError;
use crate::house::House;
use crate::phone::{Brought, Errand, Phone, Told};
use crate::stock::Stock;
use crate::wire::{Api, Item, Reason};
use crate::workers::{Back, Sent, WORKERS, Workers};

/// How closely the loop keeps to the order of time.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    pub together_ms: i64,
    pub settle_ms: i64,
    /// The world's seconds in one of the machine's, about.
    pub haste: u32,
}

/// A video in front of a person.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Seen {
    pub at_ms: i64,
    pub viewer: u32,
    pub video: u32,
    pub explored: bool,
    /// False for those that came by a link.
    pub from_feed: bool,
}

/// What the loop wrote down besides views.
#[derive(Debug, Default)]
pub struct Notes {
    pub seen: Vec<Seen>,
    /// When a video first stood in an answer to a person.
    pub offered_ms: HashMap<(u32, u32), i64>,
    /// Pages of ten: the numbers of their videos.
    pub pages: Vec<Vec<u32>>,
    /// Answers without a video while there were some that the person had not seen, and how many were left.
    pub dry: Vec<(u32, usize)>,
}

/// Looks on while the world goes on, and may have things happen.
pub trait Witness {
    /// The clock has come to `now_ms`; at the end of this everything may be otherwise.
    ///
    /// # Errors
    /// What ends the life.
    fn moment(&mut self, life: &mut Life, now_ms: i64) -> Result<(), LoopError>;

    /// When to be called at the latest.
    fn next_ms(&self) -> i64 {
        i64::MAX
    }

    /// When somebody who has put the phone away takes it up again, if not at their own time.
    fn recalled_ms(&mut self, _viewer: u32, _now_ms: i64) -> Option<i64> {
        None
    }
}

/// Nobody looks on.
pub struct Unwatched;

impl Witness for Unwatched {
    fn moment(&mut self, _: &mut Life, _: i64) -> Result<(), LoopError> {
        Ok(())
    }
}

/// See the file's header.
pub struct Life {
    pub world: World,
    pub crowd: Crowd,
    pub house: House,
    pub clock: WorldClock,
    pub notes: Notes,
    pace: Pace,
    stock: Stock,
    workers: Workers,
    /// By viewer; none while it is on an errand.
    phones: Vec<Option<Phone>>,
    /// When each errand under way was sent, by viewer.
    under_way: HashMap<u32, i64>,
    screens: HashMap<u32, Told>,
    /// When the video on screen ends.
    ends: BinaryHeap<Reverse<(i64, u32)>>,
    /// Videos that somebody has a link to, and follows next.
    links: HashMap<u32, u32>,
    settled_ms: i64,
    /// Something was told since.
    is_stirred: bool,
}

impl Life {
    /// Opens the house on an empty folder, some days before the world's start, and lets everybody sign up and follow whom they follow.
    ///
    /// # Errors
    /// When the house does not open, or refuses somebody.
    pub fn begin(world: &World, pace: Pace) -> Result<Self, LoopError> {
        let config = world.config();
        let begin_ms = START_MS - i64::from(config.video_life_days) * DAY_MS;
        let clock = WorldClock::new(begin_ms);
        let house = House::open(&clock, pace.haste, config.seed)?;
        let name = |kind: &str, index: u32| format!("{kind}_{index}");
        let creators = each(config.creators, |index| {
            let session = house.api.register(&name("creator", index))?;
            Ok(session.user_id)
        })?;
        let phones = each(config.viewers, |index| {
            let viewer = world.viewer(index);
            let username = name("viewer", index);
            let session = house.api.register(&username)?;
            let region = sim::region_of(viewer.region).to_string();
            let mut phone = Phone::new(&username, &region, session);
            follow_all(&mut phone, &house.api, &world.follows(&viewer), &creators)?;
            Ok(phone)
        })?;
        Ok(Self {
            crowd: Crowd::new(world),
            world: world.clone(),
            stock: Stock::new(house.rows(), creators),
            workers: Workers::start(&house.api),
            house,
            clock,
            notes: Notes::default(),
            pace,
            phones: phones.into_iter().map(Some).collect(),
            under_way: HashMap::new(),
            screens: HashMap::new(),
            ends: BinaryHeap::new(),
            links: HashMap::new(),
            settled_ms: begin_ms,
            is_stirred: true,
        })
    }

    /// Goes on until `until_ms`.
    ///
    /// # Errors
    /// Whatever the house refuses or does not answer: nothing here is expected to fail.
    pub fn run(&mut self, until_ms: i64, witness: &mut dyn Witness) -> Result<(), LoopError> {
        loop {
            let next = self.next().filter(|(at_ms, _)| *at_ms < until_ms);
            let called_ms = witness.next_ms();
            if called_ms < until_ms && next.is_none_or(|(at_ms, _)| called_ms <= at_ms) {
                self.advance(called_ms)?;
                witness.moment(self, called_ms)?;
                continue;
            }
            match next {
                Some((at_ms, viewer)) if self.may_go(at_ms, viewer) => {
                    self.advance(at_ms)?;
                    self.go(at_ms, viewer, witness)?;
                }
                _ if !self.under_way.is_empty() => self.receive()?,
                _ => return self.advance(until_ms),
            }
        }
    }

    /// From now on at another pace.
    pub fn pace_set(&mut self, pace: Pace) {
        self.pace = pace;
    }

    /// Ends the house in order; what was watched, for measuring, and what was noted.
    ///
    /// # Errors
    /// When the house does not end in order.
    pub fn end(mut self) -> Result<(Run, Notes), LoopError> {
        while !self.under_way.is_empty() {
            self.receive()?;
        }
        drop(self.workers);
        self.house.close()?;
        Ok((self.crowd.into_run("feed"), self.notes))
    }

    /// Has a person follow a link to a video: at once when they are here, or else when they come at `at_ms`.
    pub fn link(&mut self, viewer: u32, video: u32, at_ms: i64) {
        self.links.insert(viewer, video);
        if !self.is_here(viewer) {
            self.crowd.due_put(at_ms, viewer);
        }
    }

    /// Whether the person has the app open.
    pub fn is_here(&self, viewer: u32) -> bool {
        self.screens.contains_key(&viewer) || self.under_way.contains_key(&viewer)
    }

    /// Publishes a video of later now.
    ///
    /// # Errors
    /// When the rows refuse it.
    pub fn publish_early(&mut self, video: u32, now_ms: i64, name: &str) -> Result<(), LoopError> {
        let looks = self.crowd.looks(video, Stock::looks_width());
        if let Some(shown) = self.crowd.publish_early(video, now_ms) {
            self.house
                .block_on(self.stock.publish(shown, &looks, Some(name)))?;
        }
        Ok(())
    }

    fn next(&self) -> Option<(i64, u32)> {
        let end = self.ends.peek().map(|Reverse(end)| *end);
        self.crowd.due_first().into_iter().chain(end).min()
    }

    fn may_go(&self, at_ms: i64, viewer: u32) -> bool {
        let oldest_ms = self.under_way.values().min();
        self.under_way.len() < WORKERS
            && !self.under_way.contains_key(&viewer)
            && oldest_ms.is_none_or(|oldest_ms| at_ms - oldest_ms <= self.pace.together_ms)
    }

    /// Moves the clock, and publishes what is born on the way.
    fn advance(&mut self, to_ms: i64) -> Result<(), LoopError> {
        if to_ms - self.settled_ms > self.pace.settle_ms {
            while !self.under_way.is_empty() {
                self.receive()?;
            }
            if std::mem::take(&mut self.is_stirred) {
                self.house.settle()?;
            }
            self.settled_ms = to_ms;
        }
        while let Some(born_ms) = self.crowd.born_next_ms().filter(|born_ms| *born_ms <= to_ms) {
            self.clock.advance_to(born_ms);
            let Some(shown) = self.crowd.publish_next(to_ms).cloned() else {
                break;
            };
            let looks = self.crowd.looks(shown.index, Stock::looks_width());
            self.is_stirred = true;
            self.house.block_on(self.stock.publish(&shown, &looks, None))?;
        }
        self.clock.advance_to(to_ms);
        Ok(())
    }

    fn go(&mut self, at_ms: i64, viewer: u32, witness: &mut dyn Witness) -> Result<(), LoopError> {
        if self.ends.peek() != Some(&Reverse((at_ms, viewer))) {
            self.crowd.due_take();
            if self.is_here(viewer) {
                return Ok(());
            }
            self.crowd.begin(viewer, at_ms);
            return self.send(viewer, at_ms, Errand::Open);
        }
        self.ends.pop();
        let Some(told) = self.screens.remove(&viewer) else {
            return Ok(());
        };
        if self.crowd.end(viewer) == After::Leaves {
            self.crowd.leave(viewer, at_ms);
            if let Some(recalled_ms) = witness.recalled_ms(viewer, at_ms) {
                self.crowd.due_put(recalled_ms, viewer);
            }
            return self.send(viewer, at_ms, Errand::Close(told));
        }
        let on_ms = at_ms + SWIPE_MS;
        if self.follow_link(viewer, on_ms)? {
            return self.send(viewer, at_ms, Errand::Swipe(told));
        }
        match self.phones[viewer as usize].as_mut().and_then(Phone::turn) {
            Some(item) => {
                self.show(viewer, item, on_ms)?;
                self.send(viewer, at_ms, Errand::Swipe(told))
            }
            None => self.send(viewer, at_ms, Errand::More(told)),
        }
    }

    fn follow_link(&mut self, viewer: u32, at_ms: i64) -> Result<bool, LoopError> {
        let Some(video) = self.links.remove(&viewer) else {
            return Ok(false);
        };
        let item = Item {
            impression_id: String::new(),
            video: self.stock.card(self.crowd.shown(video))?,
            reason: Reason {
                code: "link".to_owned(),
            },
        };
        self.show(viewer, item, at_ms)?;
        Ok(true)
    }

    /// The next video comes on screen.
    fn show(&mut self, viewer: u32, item: Item, at_ms: i64) -> Result<(), LoopError> {
        let video = self.stock.index(item.video.id)?;
        let view = self.crowd.show(viewer, video, 1.0, at_ms);
        self.notes.seen.push(Seen {
            at_ms,
            viewer,
            video,
            explored: item.reason.code == "explore",
            from_feed: !item.impression_id.is_empty(),
        });
        self.ends
            .push(Reverse((at_ms + view.drawn.outcome.watch_ms, viewer)));
        let duration_ms = self.crowd.shown(video).duration_ms;
        self.screens.insert(
            viewer,
            Told {
                item,
                view,
                duration_ms,
            },
        );
        Ok(())
    }

    fn send(&mut self, viewer: u32, at_ms: i64, errand: Errand) -> Result<(), LoopError> {
        let phone = self.phones[viewer as usize].take().ok_or(LoopError::Worker)?;
        self.under_way.insert(viewer, at_ms);
        self.is_stirred = true;
        self.workers.send(Sent {
            viewer,
            at_ms,
            phone,
            errand,
        })
    }

    fn receive(&mut self) -> Result<(), LoopError> {
        let Back { sent, brought } = self.workers.receive()?;
        let Sent {
            viewer,
            at_ms,
            phone,
            errand,
        } = sent;
        self.under_way.remove(&viewer);
        self.phones[viewer as usize] = Some(phone);
        self.note(viewer, at_ms, &brought?)?;
        let waits = match errand {
            Errand::Open => Some(at_ms),
            Errand::More(_) => Some(at_ms + SWIPE_MS),
            Errand::Swipe(_) | Errand::Close(_) => None,
        };
        let Some(show_ms) = waits else { return Ok(()) };
        if self.follow_link(viewer, show_ms)? {
            return Ok(());
        }
        match self.phones[viewer as usize].as_mut().and_then(Phone::turn) {
            Some(item) => self.show(viewer, item, show_ms),
            None => {
                self.notes.dry.push((viewer, self.crowd.unseen(viewer)));
                self.crowd.leave(viewer, at_ms);
                Ok(())
            }
        }
    }

    fn note(&mut self, viewer: u32, at_ms: i64, brought: &Brought) -> Result<(), LoopError> {
        for item in &brought.offered {
            let video = self.stock.index(item.video.id)?;
            self.notes.offered_ms.entry((viewer, video)).or_insert(at_ms);
        }
        if !brought.page.is_empty() {
            let page = brought.page.iter().map(|item| self.stock.index(item.video.id));
            self.notes.pages.push(page.collect::<Result<_, _>>()?);
        }
        Ok(())
    }
}

fn follow_all(phone: &mut Phone, api: &Api, follows: &[u32], creators: &[UserId]) -> Result<(), LoopError> {
    let whom: HashSet<u32> = follows.iter().copied().collect();
    let mut whom: Vec<u32> = whom.into_iter().collect();
    whom.sort_unstable();
    whom.iter()
        .try_for_each(|creator| phone.follow(api, creators[*creator as usize]))
}

/// Does something for each of `count`, some at a time, and keeps their order.
fn each<T: Send>(count: u32, work: impl Fn(u32) -> Result<T, LoopError> + Sync) -> Result<Vec<T>, LoopError> {
    let part = |worker: u32| -> Result<Vec<(u32, T)>, LoopError> {
        let mine = (0..count).filter(|index| index % WORKERS as u32 == worker);
        mine.map(|index| Ok((index, work(index)?))).collect()
    };
    let parts: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..WORKERS as u32)
            .map(|worker| {
                scope.spawn({
                    let part = &part;
                    move || part(worker)
                })
            })
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap_or(Err(LoopError::Worker)))
            .collect()
    });
    let mut all = Vec::with_capacity(count as usize);
    for part in parts {
        all.extend(part?);
    }
    all.sort_by_key(|(index, _)| *index);
    Ok(all.into_iter().map(|(_, one)| one).collect())
}
