//! A long run at a fixed rate: does anything grow that should not?
//!
//! Sixty-four clients send batches at a steady pace, each in sessions that end and begin anew, about ten thousand videos. Every
//! second the server's memory, the log's size and the jobs' lag are noted, in a CSV file and a picture. What grows with time on
//! purpose is the log and the lake on disk; memory may grow with sessions, viewers and videos up to its bounds, and not with events.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use testkit::{Clip, Random, Server};

use crate::figures::Figures;
use crate::ingest::caller;
use crate::load::{Pace, Span, open_loop};
use crate::wire::{Answer, Client, HttpClient, HttpRequest, Template};
use crate::{BenchError, Setup};

const CLIENTS: usize = 64;
const MINUTES: f64 = 30.0;
const EVENTS_PER_S: f64 = 20_000.0;
pub(crate) const EVENTS_PER_REQUEST: usize = 20;
const VIDEOS: u64 = 10_000;
/// Requests of a session before the client begins another.
const SESSION_REQUESTS: u64 = 200;
const SAMPLE_EVERY: Duration = Duration::from_secs(1);

/// One line of the CSV file.
#[derive(Debug, Clone, Copy, Default)]
struct Sample {
    at_s: f64,
    rss_mb: f64,
    log_mb: f64,
    state_mb: f64,
    lag_records: f64,
}

pub(crate) fn run(setup: &Setup, figures: &mut Figures) -> Result<(), BenchError> {
    let (minutes, rate) = (
        setup.minutes.unwrap_or(MINUTES),
        setup.rate.unwrap_or(EVENTS_PER_S),
    );
    let span = Span {
        warm_up: Duration::from_secs(5),
        measured: Duration::from_secs_f64(minutes * 60.0),
    };
    let server = Server::start_with(&setup.riffle, crate::UNLIMITED);
    let video = server
        .creator()
        .publish(&Clip::small(1).bytes(), "load", &["soak"]);
    let known = video["id"].as_str().unwrap_or_default().to_owned();
    let mut clients: Vec<SoakClient> = (0..CLIENTS)
        .map(|number| SoakClient::new(&server, number, &known))
        .collect();
    let pace = Pace {
        requests_per_s: rate / EVENTS_PER_REQUEST as f64,
        span,
    };
    let over = AtomicBool::new(false);
    let (outcome, samples) = std::thread::scope(|scope| {
        let sampling = scope.spawn(|| sample_all(&server, &over));
        let outcome = open_loop(server.address(), &mut clients, pace);
        over.store(true, Ordering::Relaxed);
        (
            outcome,
            sampling
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
        )
    });
    let outcome = outcome?;
    figures.add("soak.minutes", minutes);
    figures.add(
        "soak.events_per_s",
        outcome.requests_per_s * EVENTS_PER_REQUEST as f64,
    );
    figures.add("soak.p99_ms", outcome.quantile_ms(0.99));
    figures.add("soak.shed_requests", outcome.shed as f64);
    report(figures, &samples);
    write_files(&setup.root.join("docs/operating"), &samples)
}

/// The medians of the first and the last sixth after the warm-up sixth: what grew in between.
fn report(figures: &mut Figures, samples: &[Sample]) {
    let sixth = samples.len() / 6;
    let median = |part: &[Sample], of: fn(&Sample) -> f64| {
        let mut values: Vec<f64> = part.iter().map(of).collect();
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).copied().unwrap_or_default()
    };
    let (early, late) = (&samples[sixth..2 * sixth], &samples[samples.len() - sixth..]);
    figures.add("soak.rss_early_mb", median(early, |sample| sample.rss_mb));
    figures.add("soak.rss_late_mb", median(late, |sample| sample.rss_mb));
    figures.add("soak.lag_late_records", median(late, |sample| sample.lag_records));
    figures.add("soak.log_mb", samples.last().map_or(0.0, |last| last.log_mb));
}

fn sample_all(server: &Server, over: &AtomicBool) -> Vec<Sample> {
    let (begun, asker, mut samples) = (Instant::now(), server.anon(), Vec::new());
    while !over.load(Ordering::Relaxed) {
        let page = String::from_utf8_lossy(&asker.get("/metrics").body).into_owned();
        samples.push(Sample {
            at_s: begun.elapsed().as_secs_f64(),
            rss_mb: server.resident_bytes() as f64 / 1e6,
            log_mb: folder_bytes(&server.data().join("log")) as f64 / 1e6,
            state_mb: sum(&page, "riffle_stream_state_bytes") / 1e6,
            lag_records: sum(&page, "riffle_stream_lag_records"),
        });
        std::thread::sleep(SAMPLE_EVERY);
    }
    samples
}

/// The sum of a metric over its labels.
fn sum(page: &str, metric: &str) -> f64 {
    let lines = page.lines().filter(|line| line.starts_with(metric));
    lines
        .filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok())
        .sum()
}

fn folder_bytes(folder: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(folder) else {
        return 0;
    };
    entries
        .filter_map(|entry| entry.ok()?.metadata().ok())
        .map(|meta| meta.len())
        .sum()
}

fn write_files(folder: &Path, samples: &[Sample]) -> Result<(), BenchError> {
    let mut csv = String::from("at_s,rss_mb,log_mb,state_mb,lag_records\n");
    for sample in samples {
        let Sample {
            at_s,
            rss_mb,
            log_mb,
            state_mb,
            lag_records,
        } = sample;
        // Writing to a string does not fail.
        let _ = writeln!(
            csv,
            "{at_s:.0},{rss_mb:.1},{log_mb:.0},{state_mb:.1},{lag_records:.0}"
        );
    }
    let write = |name: &str, text: &str| {
        fs::write(folder.join(name), text).map_err(BenchError::io("writing the soak's files"))
    };
    write("soak.csv", &csv)?;
    write("soak.svg", &picture(samples))
}

const WIDTH: f64 = 900.0;
const PANEL: f64 = 150.0;
const LEFT: f64 = 90.0;

/// Three panels under one axis of time.
fn picture(samples: &[Sample]) -> String {
    type Panel = (&'static str, fn(&Sample) -> f64);
    let panels: [Panel; 3] = [
        ("memory of the server, MB", |sample| sample.rss_mb),
        ("log on disk, MB", |sample| sample.log_mb),
        ("lag of all jobs, records", |sample| sample.lag_records),
    ];
    let height = PANEL * panels.len() as f64 + 40.0;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"{WIDTH}\" height=\"{height}\" fill=\"#fff\"/>\n"
    );
    let end_s = samples.last().map_or(1.0, |last| last.at_s.max(1.0));
    for (number, (title, of)) in panels.into_iter().enumerate() {
        let (top, bottom) = (PANEL * number as f64 + 30.0, PANEL * (number as f64 + 1.0) - 5.0);
        let most = samples.iter().map(of).fold(1.0, f64::max);
        let x = |at_s: f64| LEFT + at_s / end_s * (WIDTH - LEFT - 20.0);
        let y = |value: f64| bottom - value / most * (bottom - top);
        let points: Vec<String> = samples
            .iter()
            .map(|sample| format!("{:.1},{:.1}", x(sample.at_s), y(of(sample))))
            .collect();
        let _ = write!(
            svg,
            "<text x=\"{LEFT}\" y=\"{:.0}\" font-weight=\"bold\">{title}</text>\n\
             <text x=\"{:.0}\" y=\"{:.0}\" text-anchor=\"end\">{most:.0}</text>\n\
             <text x=\"{:.0}\" y=\"{bottom:.0}\" text-anchor=\"end\">0</text>\n\
             <line x1=\"{LEFT}\" y1=\"{bottom:.0}\" x2=\"{:.0}\" y2=\"{bottom:.0}\" stroke=\"#999\"/>\n\
             <polyline fill=\"none\" stroke=\"#06c\" stroke-width=\"1.5\" points=\"{}\"/>\n",
            top - 10.0,
            LEFT - 6.0,
            top + 8.0,
            LEFT - 6.0,
            WIDTH - 20.0,
            points.join(" ")
        );
    }
    let _ = writeln!(
        svg,
        "<text x=\"{LEFT}\" y=\"{:.0}\">0 to {:.0} minutes</text>\n</svg>",
        height - 8.0,
        end_s / 60.0
    );
    svg
}

/// A device: one session after the other, videos at random.
pub(crate) struct SoakClient {
    head: String,
    number: usize,
    random: Random,
    known: String,
    session: u64,
    sent: u64,
    request: Vec<u8>,
    /// The last request was refused and has to be sent again as it is.
    again: bool,
    reader: HttpClient,
}

impl SoakClient {
    pub(crate) fn new(server: &Server, number: usize, known: &str) -> Self {
        // Guests: an account's token would end on the way.
        let head = caller(server, 2 * number);
        let nothing = HttpRequest {
            method: "POST",
            path: "/api/v1/events",
            headers: &head,
            body: &Template::default(),
        };
        Self {
            reader: HttpClient::new(&nothing),
            head,
            number,
            random: Random::new(number as u64),
            known: known.to_owned(),
            session: 0,
            sent: 0,
            request: Vec::new(),
            again: false,
        }
    }

    fn body(&mut self) -> String {
        let mut body = format!(
            r#"{{"sessionId":"soak-{}-{}","events":["#,
            self.number, self.session
        );
        for event in 0..EVENTS_PER_REQUEST as u64 {
            let seq = self.sent * EVENTS_PER_REQUEST as u64 + event + 1;
            let video = match self.random.between(0, 4) {
                0 => self.known.clone(),
                _ => format!("0{:012}", self.random.between(1, VIDEOS)),
            };
            let comma = if event == 0 { "" } else { "," };
            let _ = write!(
                body,
                r#"{comma}{{"seq":{seq},"type":"watch","videoId":"{video}","watchMs":1500,"ended":true}}"#
            );
        }
        body.push_str("]}");
        body
    }
}

impl Client for SoakClient {
    fn request(&mut self) -> &[u8] {
        if !std::mem::take(&mut self.again) {
            if self.sent == SESSION_REQUESTS {
                (self.session, self.sent) = (self.session + 1, 0);
            }
            let body = self.body();
            self.sent += 1;
            let head = &self.head;
            let length = body.len();
            self.request = format!(
                "POST /api/v1/events HTTP/1.1\r\nhost: riffle\r\ncontent-type: application/json\r\n{head}content-length: {length}\r\n\r\n{body}"
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
