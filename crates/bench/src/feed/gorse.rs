//! Gorse beside us: the same corpus, the same people at the same pace, on the same machine.
//!
//! It is loaded through its own database and given time to compute. A page of its is twenty ids; ours is twenty cards with signed media links, so the
//! comparison is kind to it. A larger corpus than [`ITEMS_MAX`] would not be ready in the time of a bench: then both of us run at that size.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use testkit::Random;

use super::clients::{PAGE, Served, Shared, find, reader};
use super::generate::Corpus;
use super::world::{WATCHED_MS, World};
use super::{Load, Measured, Target, measure_both};
use crate::figures::Figures;
use crate::peers::Gorse;
use crate::wire::{Answer, Client, HttpClient};
use crate::{BenchError, Setup};

/// Videos, and viewers, that it holds here in reasonable time.
pub(super) const ITEMS_MAX: u64 = 100_000;
/// For its jobs after a start: popular, latest, neighbours, the first fit, pages for some viewers.
const COMPUTES: Duration = Duration::from_secs(90);
/// The measured stretch, at most.
pub(super) const MEASURED_MAX: Duration = Duration::from_secs(60);
const ASKING: u64 = 64;
const WATCHING: u64 = 16;

/// Loads, waits, measures; what its pages took.
pub(super) fn run(
    setup: &Setup,
    corpus: &Corpus,
    load: &Load,
    figures: &mut Figures,
) -> Result<(), BenchError> {
    let Some(program) = Gorse::program(&setup.root)? else {
        println!("Gorse is not measured; what it lacks is said above");
        return Ok(());
    };
    let world = &corpus.world;
    let mut gorse = Gorse::prepare(program)?;
    let began = Instant::now();
    load_corpus(&gorse, world)?;
    figures.add("feed.gorse_load_s", began.elapsed().as_secs_f64());
    gorse.start()?;
    std::thread::sleep(COMPUTES);
    let callers = super::Callers::nobody();
    let shared = Shared::new(world, &callers);
    let pid = gorse.pid();
    let target = Target {
        address: gorse.address,
        pid,
    };
    let mut asking: Vec<_> = (0..ASKING).map(|number| Asking::new(&shared, number)).collect();
    let mut watching: Vec<_> = (0..WATCHING)
        .map(|number| Watching::new(&shared, number))
        .collect();
    let (both, ()) = measure_both(target, &mut asking, &mut watching, (load, load.measured), |_| ())?;
    let items = shared.items.load(Ordering::Relaxed) as f64;
    report(&both, items, pid, figures);
    Ok(())
}

fn report(both: &Measured, items: f64, pid: u32, figures: &mut Figures) {
    let Some(pages) = &both.pages else { return };
    figures.add("feed.gorse_pages_per_s", pages.requests_per_s);
    figures.add(
        "feed.gorse_items_per_page",
        items / pages.latencies.len().max(1) as f64,
    );
    figures.add("feed.gorse_p50_ms", pages.quantile_ms(0.5));
    figures.add("feed.gorse_p99_ms", pages.quantile_ms(0.99));
    figures.add(
        "feed.gorse_events_per_s",
        both.events.requests_per_s * PAGE as f64,
    );
    figures.add("feed.gorse_events_p99_ms", both.events.quantile_ms(0.99));
    figures.add("feed.gorse_cores", both.server_cpu_s / both.wall_s);
    figures.add("feed.gorse_rss_mb", super::resident_mb(pid));
    figures.add("feed.gorse_machine_load", both.machine_load);
}

fn load_corpus(gorse: &Gorse, world: &World) -> Result<(), BenchError> {
    gorse.load(
        "items (item_id, is_hidden, categories, time_stamp, labels, comment)",
        |file| {
            for video in 0..world.videos {
                let labels = serde_json::Value::from(world.hashtags(video));
                let at_s = world.published_ms(video) / 1_000;
                writeln!(file, "v{video}\tf\t[]\t{}\t{labels}\t", time(at_s))?;
            }
            Ok(())
        },
    )?;
    gorse.load("users (user_id, labels, subscribe, comment)", |file| {
        (0..world.viewers).try_for_each(|viewer| writeln!(file, "u{viewer}\t[]\t[]\t"))
    })?;
    // One row a viewer, video and type: repeats are left out on the way.
    gorse.run(
        "CREATE TABLE seen_raw (feedback_type text, user_id text, item_id text, time_stamp timestamptz)",
    )?;
    gorse.load("seen_raw", |file| {
        let mut random = Random::new(0x5177);
        for viewer in 0..world.viewers {
            let at_s =
                (world.made_ms - WATCHED_MS / world.viewers as i64 * (world.viewers - viewer) as i64) / 1_000;
            for _ in 0..world.watches(viewer) {
                let video = world.meets(viewer, &mut random);
                let how = world.watch(viewer, video, &mut random);
                writeln!(file, "read\tu{viewer}\tv{video}\t{}", time(at_s))?;
                if how.ended {
                    writeln!(file, "like\tu{viewer}\tv{video}\t{}", time(at_s))?;
                }
            }
        }
        Ok(())
    })?;
    gorse.run(
        "INSERT INTO feedback (feedback_type, user_id, item_id, time_stamp, comment) \
         SELECT DISTINCT ON (feedback_type, user_id, item_id) feedback_type, user_id, item_id, time_stamp, '' FROM seen_raw",
    )?;
    gorse.run("DROP TABLE seen_raw")?;
    gorse.run("ANALYZE")
}

/// A second since the epoch as PostgreSQL reads it (a day number and a time of day).
fn time(at_s: i64) -> String {
    let (year, month, day) = civil(at_s.div_euclid(86_400));
    let left = at_s.rem_euclid(86_400);
    format!(
        "{year:04}-{month:02}-{day:02} {:02}:{:02}:{:02}+00",
        left / 3_600,
        left / 60 % 60,
        left % 60
    )
}

/// Year, month and day of a day number, days from 1970-01-01 (Hinnant, chrono-compatible low-level date algorithms).
fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

/// Asks for pages.
struct Asking<'a> {
    shared: &'a Shared<'a>,
    random: Random,
    viewer: u64,
    request: Vec<u8>,
    reader: HttpClient,
}

impl<'a> Asking<'a> {
    fn new(shared: &'a Shared<'a>, number: u64) -> Self {
        Self {
            shared,
            random: Random::new(0xa5).fork(number),
            viewer: 0,
            request: Vec::new(),
            reader: reader(),
        }
    }
}

impl Client for Asking<'_> {
    fn request(&mut self) -> &[u8] {
        self.viewer = self.shared.world.asker(&mut self.random);
        let viewer = self.viewer;
        self.request =
            format!("GET /api/recommend/u{viewer}?n={PAGE} HTTP/1.1\r\nhost: gorse\r\n\r\n").into_bytes();
        &self.request
    }

    fn answer(&mut self, bytes: &[u8]) -> Answer {
        let answer = self.reader.answer(bytes);
        if answer == Answer::Taken {
            self.shared.put(Served {
                viewer: self.viewer,
                items: numbers(bytes)
                    .into_iter()
                    .map(|number| (String::new(), number))
                    .collect(),
            });
        }
        answer
    }
}

/// The numbers in `["v12", "v7"]`.
fn numbers(mut body: &[u8]) -> Vec<u64> {
    let mut numbers = Vec::with_capacity(PAGE);
    while let Some(at) = find(body, b"\"v") {
        body = &body[at + 2..];
        let digits = body.iter().take_while(|byte| byte.is_ascii_digit());
        numbers.push(digits.fold(0, |number, digit| number * 10 + u64::from(digit - b'0')));
    }
    numbers
}

/// Says what was watched: `read`, and `like` when it was finished.
struct Watching<'a> {
    shared: &'a Shared<'a>,
    random: Random,
    request: Vec<u8>,
    reader: HttpClient,
}

impl<'a> Watching<'a> {
    fn new(shared: &'a Shared<'a>, number: u64) -> Self {
        Self {
            shared,
            random: Random::new(0x3a7c).fork(number),
            request: Vec::new(),
            reader: reader(),
        }
    }
}

impl Client for Watching<'_> {
    fn request(&mut self) -> &[u8] {
        let page = self.shared.take(&mut self.random);
        let now = time(crate::ingest::now_ms() as i64 / 1_000);
        let mut told = Vec::with_capacity(PAGE);
        for (_, video) in &page.items {
            let how = self.shared.world.watch(page.viewer, *video, &mut self.random);
            let kind = if how.ended { "like" } else { "read" };
            told.push(serde_json::json!({
                "FeedbackType": kind, "UserId": format!("u{}", page.viewer), "ItemId": format!("v{video}"), "Timestamp": now,
            }));
        }
        let body = serde_json::Value::from(told).to_string();
        let length = body.len();
        self.request = format!(
            "POST /api/feedback HTTP/1.1\r\nhost: gorse\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
        )
        .into_bytes();
        &self.request
    }

    fn answer(&mut self, bytes: &[u8]) -> Answer {
        self.reader.answer(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_pages_are_as_gorse_has_them() {
        assert_eq!(time(0), "1970-01-01 00:00:00+00");
        assert_eq!(time(951_782_399), "2000-02-28 23:59:59+00");
        assert_eq!(time(1_795_286_462), "2026-11-21 18:41:02+00");
        assert_eq!(numbers(br#"["v12","v7"]"#), [12, 7]);
    }
}
