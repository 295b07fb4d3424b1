//! One person's phone: the account it is signed in to, the pool of videos it has loaded ahead, and the numbers of its events. It does
//! what the web client does: a page of ten when it opens, after each swipe what happened and then the order of what it still holds,
//! filled up to six. A worker carries out one [`Errand`] at a time, so a phone is never asked two things at once.

use std::collections::VecDeque;

use serde_json::{Value, json};
use sim::{EARLY_SKIP_MS, View};
use types::VideoId;

use crate::error::LoopError;
use crate::wire::{Api, From, Item, Next, Page, Session};

/// Videos of a page, as the web client asks for them.
const PAGE_COUNT: usize = 10;
/// Videos held unseen behind the one on screen.
const POOL: usize = 6;
/// Most videos whose order a request may ask for.
const UNSEEN_MAX: usize = 12;
/// Left before this part of a video, it counts as skipped.
const SKIP_SHARE: f64 = 0.15;

/// See the file's header.
#[derive(Debug, Clone)]
pub struct Phone {
    pub username: String,
    region: String,
    token: String,
    refresh_token: Option<String>,
    session: u64,
    seq: u64,
    cursor: Option<String>,
    pool: VecDeque<Item>,
}

/// What became of a video, to be told.
#[derive(Debug, Clone)]
pub struct Told {
    pub item: Item,
    pub view: View,
    pub duration_ms: i64,
}

/// What to do next.
#[derive(Debug, Clone)]
pub enum Errand {
    /// Opens the app.
    Open,
    /// Tells of a video, then has the pool put in order and filled up.
    Swipe(Told),
    /// Tells of a video, then asks for the next page, for the pool is empty.
    More(Told),
    /// Tells of a video and goes.
    Close(Told),
}

/// What an errand brought.
#[derive(Debug, Default)]
pub struct Brought {
    /// Videos that stood in an answer for the first time.
    pub offered: Vec<Item>,
    /// A page of ten, as it came.
    pub page: Vec<Item>,
}

impl Phone {
    /// Signed in.
    pub fn new(username: &str, region: &str, session: Session) -> Self {
        Self {
            username: username.to_owned(),
            region: region.to_owned(),
            token: session.access_token,
            refresh_token: session.refresh_token,
            session: 0,
            seq: 0,
            cursor: None,
            pool: VecDeque::new(),
        }
    }

    /// The next video of the pool comes on screen.
    pub fn turn(&mut self) -> Option<Item> {
        self.pool.pop_front()
    }

    /// Videos loaded ahead.
    pub fn held(&self) -> usize {
        self.pool.len()
    }

    /// Carries out an errand at `now_ms`.
    ///
    /// # Errors
    /// See [`Api::ask`].
    pub fn run(&mut self, api: &Api, errand: &Errand, now_ms: i64) -> Result<Brought, LoopError> {
        match errand {
            Errand::Open => {
                let session = api.renew(&self.username, self.refresh_token.as_deref())?;
                (self.token, self.refresh_token) = (session.access_token, session.refresh_token);
                self.session += 1;
                (self.seq, self.cursor) = (0, None);
                self.pool.clear();
                self.page(api)
            }
            Errand::Swipe(told) => {
                self.tell(api, told, now_ms)?;
                self.next(api)
            }
            Errand::More(told) => {
                self.tell(api, told, now_ms)?;
                self.page(api)
            }
            Errand::Close(told) => {
                self.tell(api, told, now_ms)?;
                Ok(Brought::default())
            }
        }
    }

    fn page(&mut self, api: &Api) -> Result<Brought, LoopError> {
        let cursor = self.cursor.as_deref().map(|cursor| format!("&cursor={cursor}"));
        let path = format!("/feed/for-you?count={PAGE_COUNT}{}", cursor.unwrap_or_default());
        let page: Page = self.ask(api, ("GET", &path), None)?;
        self.cursor = page.cursor;
        self.pool.extend(page.items.iter().cloned());
        Ok(Brought {
            offered: page.items.clone(),
            page: page.items,
        })
    }

    fn next(&mut self, api: &Api) -> Result<Brought, LoopError> {
        let Some(cursor) = self.cursor.clone().filter(|_| self.pool.len() <= UNSEEN_MAX) else {
            return Ok(Brought::default());
        };
        let unseen: Vec<String> = self.pool.iter().map(|item| item.impression_id.clone()).collect();
        let count = POOL.saturating_sub(unseen.len());
        let body = json!({"cursor": cursor, "unseen": unseen, "count": count});
        let next: Next = self.ask(api, ("POST", "/feed/for-you/next"), Some(&body))?;
        let known = |item: &&Item| !unseen.contains(&item.impression_id);
        let answered = next.unseen.iter().chain(&next.append);
        let offered: Vec<Item> = answered.clone().filter(known).cloned().collect();
        let pool = answered.cloned().collect();
        (self.pool, self.cursor) = (pool, next.cursor.or(Some(cursor)));
        Ok(Brought {
            offered,
            page: Vec::new(),
        })
    }

    /// Sends what happened, and what the viewer did with it.
    fn tell(&mut self, api: &Api, told: &Told, now_ms: i64) -> Result<(), LoopError> {
        let outcome = &told.view.drawn.outcome;
        let (from_ms, video) = (told.view.shown_ms, told.item.video.id);
        let mut events = vec![json!({"type": "impression", "atMs": from_ms})];
        events.push(
            json!({"type": "watch", "atMs": now_ms, "watchMs": outcome.watch_ms, "ended": outcome.completed,
            "loops": outcome.loops}),
        );
        let share = outcome.watch_ms as f64 / told.duration_ms.max(1) as f64;
        if !outcome.completed && (outcome.watch_ms < EARLY_SKIP_MS || share < SKIP_SHARE) {
            events.push(json!({"type": "skip", "atMs": now_ms, "positionMs": outcome.watch_ms}));
        }
        for event in &mut events {
            self.seq += 1;
            event["seq"] = self.seq.into();
            event["videoId"] = video.to_string().into();
            // Who comes by a link was served nothing.
            if !told.item.impression_id.is_empty() {
                event["impressionId"] = told.item.impression_id.clone().into();
            }
        }
        let session = format!("{}-{}", self.username, self.session);
        let body = json!({"sessionId": session, "events": events});
        self.ask::<Value>(api, ("POST", "/events"), Some(&body))?;
        self.deeds(api, told, video)
    }

    fn deeds(&mut self, api: &Api, told: &Told, video: VideoId) -> Result<(), LoopError> {
        let outcome = &told.view.drawn.outcome;
        let deeds = [
            (outcome.liked, json!({"action": "like"})),
            (
                outcome.commented,
                json!({"action": "comment", "commentText": "well"}),
            ),
            (outcome.shared, json!({"action": "share"})),
            (outcome.saved, json!({"action": "save"})),
            (outcome.not_interested, json!({"action": "not_interested"})),
        ];
        for (_, body) in deeds.iter().filter(|(done, _)| *done) {
            let path = format!("/videos/{video}/engagement");
            self.ask::<Value>(api, ("POST", &path), Some(body))?;
        }
        if outcome.followed {
            self.follow(api, told.item.video.creator.id)?;
        }
        Ok(())
    }

    /// Follows somebody.
    ///
    /// # Errors
    /// See [`Api::ask`].
    pub fn follow(&mut self, api: &Api, creator: types::UserId) -> Result<(), LoopError> {
        let path = format!("/users/{creator}/follow");
        self.ask::<Value>(api, ("POST", &path), Some(&json!({"action": "follow"})))?;
        Ok(())
    }

    /// Asks as this account; an access token that has run out is renewed once.
    fn ask<T: serde::de::DeserializeOwned>(
        &mut self,
        api: &Api,
        what: (&str, &str),
        body: Option<&Value>,
    ) -> Result<T, LoopError> {
        for _ in 0..2 {
            let from = From {
                token: Some(&self.token),
                region: Some(&self.region),
            };
            match api.ask(what, from, body) {
                Err(LoopError::Refused { status: 401, .. }) => {
                    let session = api.renew(&self.username, self.refresh_token.as_deref())?;
                    (self.token, self.refresh_token) = (session.access_token, session.refresh_token);
                }
                answer => return answer,
            }
        }
        api.ask(
            what,
            From {
                token: Some(&self.token),
                region: Some(&self.region),
            },
            body,
        )
    }
}
