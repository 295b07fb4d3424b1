//! The two loads: people who ask for pages, and people who watch what they were given.
//!
//! Every request of a page is another viewer's, drawn by activity. The ids of what was served go to a short list, from which the watchers
//! take: twenty watches of one page in one request, with the impressions' ids, so that the joiner makes examples and the learner learns.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use testkit::Random;
use types::VideoId;

use super::callers::Callers;
use super::world::World;
use crate::wire::{Answer, Client, HttpClient, HttpRequest, Template};

/// Items of a page, and events of a batch.
pub(super) const PAGE: usize = 20;
/// Pages that wait to be watched.
const PAGES_MAX: usize = 6_000;
const IMPRESSION: &[u8] = b"\"impressionId\":\"";
const VIDEO: &[u8] = b"\"video\":{\"id\":\"";
/// Characters of an id.
const ID_CHARS: usize = 13;

/// What all clients share.
pub(super) struct Shared<'a> {
    pub(super) world: &'a World,
    pub(super) callers: &'a Callers,
    served: Mutex<VecDeque<Served>>,
    sessions: AtomicU64,
    pub(super) items: AtomicU64,
    /// Batches of watches that no page was behind.
    pub(super) unserved: AtomicU64,
}

/// One page as it was served.
pub(super) struct Served {
    pub(super) viewer: u64,
    /// Impression, empty where there is none, and video.
    pub(super) items: Vec<(String, u64)>,
}

impl<'a> Shared<'a> {
    pub(super) fn new(world: &'a World, callers: &'a Callers) -> Self {
        Self {
            world,
            callers,
            served: Mutex::default(),
            sessions: AtomicU64::new(0),
            items: AtomicU64::new(0),
            unserved: AtomicU64::new(0),
        }
    }

    pub(super) fn put(&self, page: Served) {
        self.items.fetch_add(page.items.len() as u64, Ordering::Relaxed);
        let mut served = self.served.lock().expect("no client panicked with the pages");
        if served.len() == PAGES_MAX {
            served.pop_front();
        }
        served.push_back(page);
    }

    /// The page that waits longest; where none does, one that nobody was served.
    pub(super) fn take(&self, random: &mut Random) -> Served {
        let waiting = self
            .served
            .lock()
            .expect("no client panicked with the pages")
            .pop_front();
        waiting.filter(|page| !page.items.is_empty()).unwrap_or_else(|| {
            self.unserved.fetch_add(1, Ordering::Relaxed);
            let viewer = self.world.asker(random);
            let mut met = || (String::new(), self.world.meets(viewer, random));
            Served {
                viewer,
                items: (0..PAGE).map(|_| met()).collect(),
            }
        })
    }

    /// Pages that wait.
    pub(super) fn waiting(&self) -> usize {
        self.served
            .lock()
            .expect("no client panicked with the pages")
            .len()
    }
}

pub(super) fn reader() -> HttpClient {
    HttpClient::new(&HttpRequest {
        method: "GET",
        path: "/",
        headers: "",
        body: &Template::default(),
    })
}

/// Asks for first pages.
pub(super) struct Asking<'a> {
    shared: &'a Shared<'a>,
    random: Random,
    viewer: u64,
    request: Vec<u8>,
    reader: HttpClient,
}

impl<'a> Asking<'a> {
    pub(super) fn new(shared: &'a Shared<'a>, number: u64) -> Self {
        Self {
            shared,
            random: Random::new(0xa5).fork(number),
            viewer: 0,
            request: Vec::new(),
            reader: reader(),
        }
    }

    /// Videos of the corpus by their numbers.
    fn numbers(&self, items: Vec<(String, String)>) -> Vec<(String, u64)> {
        let number = |id: String| self.shared.world.video_of(id.parse::<VideoId>().ok()?);
        let numbered = |(impression, id)| Some((impression, number(id)?));
        items.into_iter().filter_map(numbered).collect()
    }
}

impl Client for Asking<'_> {
    fn request(&mut self) -> &[u8] {
        self.viewer = self.shared.world.asker(&mut self.random);
        let header = self.shared.callers.header(self.shared.world, self.viewer);
        self.request =
            format!("GET /api/v1/feed/for-you?count={PAGE} HTTP/1.1\r\nhost: riffle\r\n{header}\r\n")
                .into_bytes();
        &self.request
    }

    fn answer(&mut self, bytes: &[u8]) -> Answer {
        let answer = self.reader.answer(bytes);
        if answer == Answer::Taken {
            self.shared.put(Served {
                viewer: self.viewer,
                items: self.numbers(items(bytes)),
            });
        }
        answer
    }
}

/// Impression and video of each item, in the order of the page.
pub(super) fn items(mut body: &[u8]) -> Vec<(String, String)> {
    let mut items = Vec::with_capacity(PAGE);
    let id = |bytes: &[u8]| String::from_utf8_lossy(&bytes[..ID_CHARS.min(bytes.len())]).into_owned();
    while let Some(at) = find(body, IMPRESSION) {
        let impression = &body[at + IMPRESSION.len()..];
        let Some(video) = find(impression, VIDEO) else {
            break;
        };
        body = &impression[video + VIDEO.len()..];
        items.push((id(impression), id(body)));
    }
    items
}

pub(super) fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    let first = wanted[0];
    let mut from = 0;
    while let Some(at) = bytes[from..].iter().position(|&byte| byte == first) {
        from += at;
        if bytes[from..].starts_with(wanted) {
            return Some(from);
        }
        from += 1;
    }
    None
}

/// Watches what was served.
pub(super) struct Watching<'a> {
    shared: &'a Shared<'a>,
    random: Random,
    request: Vec<u8>,
    again: bool,
    reader: HttpClient,
}

impl<'a> Watching<'a> {
    pub(super) fn new(shared: &'a Shared<'a>, number: u64) -> Self {
        Self {
            shared,
            random: Random::new(0x3a7c).fork(number),
            request: Vec::new(),
            again: false,
            reader: reader(),
        }
    }

    fn body(&mut self, page: &Served) -> String {
        let session = self.shared.sessions.fetch_add(1, Ordering::Relaxed);
        let mut body = format!(r#"{{"sessionId":"load-{session}","events":["#);
        for (place, (impression, video)) in page.items.iter().enumerate() {
            let (world, number) = (self.shared.world, *video);
            let how = world.watch(page.viewer, number, &mut self.random);
            let (watch_ms, ended, video) = (how.watch_ms, how.ended, world.video_id(number));
            let (comma, seq) = (if place == 0 { "" } else { "," }, place + 1);
            let served = match impression.is_empty() {
                true => String::new(),
                false => format!(r#""impressionId":"{impression}","#),
            };
            // Writing to a string does not fail.
            let _ = write!(
                body,
                r#"{comma}{{"seq":{seq},"type":"watch",{served}"videoId":"{video}","watchMs":{watch_ms},"ended":{ended}}}"#
            );
        }
        body.push_str("]}");
        body
    }
}

impl Client for Watching<'_> {
    fn request(&mut self) -> &[u8] {
        if !std::mem::take(&mut self.again) {
            let page = self.shared.take(&mut self.random);
            let header = self.shared.callers.header(self.shared.world, page.viewer);
            let body = self.body(&page);
            let length = body.len();
            self.request = format!(
                "POST /api/v1/events HTTP/1.1\r\nhost: riffle\r\ncontent-type: application/json\r\n{header}content-length: {length}\r\n\r\n{body}"
            )
            .into_bytes();
        }
        &self.request
    }

    fn answer(&mut self, bytes: &[u8]) -> Answer {
        let answer = self.reader.answer(bytes);
        self.again = answer == Answer::Shed;
        answer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_a_page_are_found() {
        let body = br#"{"items":[{"impressionId":"0000000000001","video":{"id":"0000000000002","caption":"x"}},{"impressionId":"0000000000003","video":{"id":"0000000000004"}}]}"#;
        let found = items(body);
        assert_eq!(found[0], ("0000000000001".to_owned(), "0000000000002".to_owned()));
        assert_eq!(found[1], ("0000000000003".to_owned(), "0000000000004".to_owned()));
        assert_eq!(found.len(), 2);
    }
}
