//! The feed at size: a generated corpus, ten thousand candidates a page, a fixed rate of pages beside events that are learned from.
//!
//! The load is an open loop: latencies count from the moment a page was due. Every page is another viewer's, half of them guests, half with
//! accounts. What was served is watched: two thousand events a second with their impressions. Probe users ask whether what they did shows, and in
//! which direction. The generator and its clients share the machine with the server; what they take is a figure too.
//!
//! CPU of a page is the server's own processor time (`/proc/PID/stat`) under both loads, less its time under the events alone at the same rate, by
//! the pages that were answered. So the feed pays for what it reads, scores, lays and writes down, and events for being folded in and learned.

mod callers;
mod clients;
mod generate;
mod gorse;
mod probe;
mod stages;
mod world;

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use testkit::Server;

use crate::figures::Figures;
use crate::load::{Outcome, Pace, Span, open_loop};
use crate::wire::Client;
use crate::{BenchError, Setup};
use callers::Callers;
use clients::{Asking, PAGE, Shared, Watching};
use generate::Corpus;
use probe::{Reflected, probe};

const VIDEOS: f64 = 1_000_000.0;
const USERS: f64 = 1_000_000.0;
const MINUTES: f64 = 5.0;
const PAGES_PER_S: f64 = 300.0;
const EVENTS_PER_S: f64 = 2_000.0;
const ASKING: usize = 64;
const WATCHING: usize = 16;
/// Both loads, before anything counts: the model learns its first examples, and pages gather for the events alone.
const WARM_UP: Duration = Duration::from_secs(25);
const EVENTS_ALONE: Duration = Duration::from_secs(20);
/// Between two probes.
const PROBE_REST: Duration = Duration::from_millis(250);
/// Start-up work that goes on after ready.
const SETTLE: Duration = Duration::from_secs(3);
const TICKS_PER_S: f64 = 100.0;

pub(crate) fn run(setup: &Setup, figures: &mut Figures) -> Result<(), BenchError> {
    let (videos, users) = (setup.videos.unwrap_or(VIDEOS), setup.users.unwrap_or(USERS));
    let only = setup.only.as_deref();
    let load = Load::of(setup);
    let corpus = Corpus::ready(&setup.riffle, videos as u64, users as u64)?;
    report_corpus(&corpus, figures);
    if only.is_none_or(|only| only == "riffle") {
        riffle(setup, &corpus, &load, "feed.", figures)?;
    }
    if only.is_none_or(|only| only == "gorse") {
        beside_gorse(setup, corpus, load, figures)?;
    }
    Ok(())
}

/// Gorse at a size that it holds, and us at that size where it is not the one just measured.
fn beside_gorse(setup: &Setup, corpus: Corpus, load: Load, figures: &mut Figures) -> Result<(), BenchError> {
    let most = gorse::ITEMS_MAX;
    let (videos, viewers) = (corpus.world.videos.min(most), corpus.world.viewers.min(most));
    let is_smaller = (videos, viewers) != (corpus.world.videos, corpus.world.viewers);
    let load = Load {
        measured: load.measured.min(gorse::MEASURED_MAX),
        ..load
    };
    let (corpus, ours) = match is_smaller || setup.only.is_some() {
        true => (
            Corpus::ready(&setup.riffle, videos, viewers)?,
            "feed.beside_gorse_",
        ),
        false => (corpus, "feed."),
    };
    if ours != "feed." {
        riffle(setup, &corpus, &load, ours, figures)?;
    }
    gorse::run(setup, &corpus, &load, figures)?;
    println!(
        "\n{videos} videos, {viewers} viewers, {} pages and {} events a second",
        load.pages_per_s, load.events_per_s
    );
    println!(
        "{:10} {:>10} {:>10} {:>10} {:>10}",
        "who", "p50 ms", "p99 ms", "cores", "MB"
    );
    for (who, prefix, cores) in [
        ("Riffle", ours, "server_cores"),
        ("Gorse", "feed.gorse_", "cores"),
    ] {
        let figure = |name: &str| figures.get(&format!("{prefix}{name}"));
        let (p50, p99, cores, mb) = (
            figure("p50_ms"),
            figure("p99_ms"),
            figure(cores),
            figure("rss_mb"),
        );
        println!("{who:10} {p50:>10.2} {p99:>10.2} {cores:>10.2} {mb:>10.0}");
    }
    println!();
    Ok(())
}

/// What is asked of everybody who is measured.
struct Load {
    pages_per_s: f64,
    events_per_s: f64,
    measured: Duration,
}

impl Load {
    fn of(setup: &Setup) -> Self {
        Self {
            pages_per_s: setup.rate.unwrap_or(PAGES_PER_S),
            events_per_s: EVENTS_PER_S,
            measured: Duration::from_secs_f64(setup.minutes.unwrap_or(MINUTES) * 60.0),
        }
    }

    fn pages(&self, measured: Duration) -> Pace {
        Self::pace(self.pages_per_s, measured)
    }

    fn events(&self, measured: Duration) -> Pace {
        Self::pace(self.events_per_s / PAGE as f64, measured)
    }

    fn pace(requests_per_s: f64, measured: Duration) -> Pace {
        let span = Span {
            warm_up: Duration::ZERO,
            measured,
        };
        Pace { requests_per_s, span }
    }
}

fn report_corpus(corpus: &Corpus, figures: &mut Figures) {
    figures.add("feed.videos", corpus.world.videos as f64);
    figures.add("feed.users", corpus.world.viewers as f64);
    match &corpus.made {
        Some(made) => {
            figures.add("feed.corpus_records", made.records as f64);
            figures.add("feed.corpus_rows_s", made.rows_s);
            figures.add("feed.corpus_log_s", made.log_s);
            figures.add("feed.first_start_s", made.first_start_s);
            figures.add("feed.corpus_s", made.all_s);
        }
        None => println!("the corpus is from the cache: {}", corpus.folder.display()),
    }
}

fn riffle(
    setup: &Setup,
    corpus: &Corpus,
    load: &Load,
    prefix: &str,
    figures: &mut Figures,
) -> Result<(), BenchError> {
    let (folder, copied) = generate::timed(|| corpus.copy());
    let folder = folder?;
    println!("the corpus was copied in {:.1} s", copied.as_secs_f64());
    let (server, ready) = Server::start_on(
        &setup.riffle,
        folder.path(),
        crate::UNLIMITED,
        generate::READY_MS_MAX,
    );
    figures.add(&format!("{prefix}start_s"), ready.as_secs_f64());
    std::thread::sleep(SETTLE);
    figures.add(
        &format!("{prefix}idle_rss_mb"),
        server.resident_bytes() as f64 / 1e6,
    );
    let callers = Callers::new(&server.data())?;
    let shared = Shared::new(&corpus.world, &callers);
    let run = Run {
        server: &server,
        shared: &shared,
        load,
    };
    run.both(WARM_UP, false)?;
    let alone = run.events_alone()?;
    let before = stages::read(&server);
    let (both, reflected) = run.both(load.measured, true)?;
    run.report(prefix, &alone, &both, figures);
    reflected.report(prefix, figures);
    stages::report(prefix, &before, &stages::read(&server), figures);
    let (wrong, probes) = reflected.wrong();
    if wrong * 2 > probes {
        let text = format!("{wrong} of {probes} probes saw their page turn the wrong way");
        return Err(BenchError::Peer("the feed", text));
    }
    Ok(())
}

/// A server under load.
struct Run<'a> {
    server: &'a Server,
    shared: &'a Shared<'a>,
    load: &'a Load,
}

/// What a stretch of load gave.
struct Measured {
    pages: Option<Outcome>,
    events: Outcome,
    wall_s: f64,
    server_cpu_s: f64,
    generator_cpu_s: f64,
    machine_load: f64,
}

impl Run<'_> {
    fn events_alone(&self) -> Result<Measured, BenchError> {
        println!("{} pages wait to be watched", self.shared.waiting());
        let mut watching = self.watching();
        let clocks = Clocks::start(self.server.pid());
        let events = open_loop(
            self.server.address(),
            &mut watching,
            self.load.events(EVENTS_ALONE),
        )?;
        Ok(clocks.stop(None, events))
    }

    /// Both loads, and probes where they are wanted.
    fn both(&self, measured: Duration, is_probed: bool) -> Result<(Measured, Reflected), BenchError> {
        let mut asking: Vec<Asking<'_>> = (0..ASKING as u64)
            .map(|number| Asking::new(self.shared, number))
            .collect();
        let target = Target {
            address: self.server.address(),
            pid: self.server.pid(),
        };
        let probing = |ended: &AtomicBool| match is_probed {
            true => probe(self.server, self.shared.world, PROBE_REST, || {
                ended.load(Ordering::Relaxed)
            }),
            false => Reflected::default(),
        };
        measure_both(
            target,
            &mut asking,
            &mut self.watching(),
            (self.load, measured),
            probing,
        )
    }

    fn watching(&self) -> Vec<Watching<'_>> {
        (0..WATCHING as u64)
            .map(|number| Watching::new(self.shared, number))
            .collect()
    }

    fn report(&self, prefix: &str, alone: &Measured, both: &Measured, figures: &mut Figures) {
        let mut add = |name: &str, value: f64| figures.add(&format!("{prefix}{name}"), value);
        let Some(pages) = &both.pages else { return };
        let events_cores = alone.server_cpu_s / alone.wall_s;
        let page_cpu_s = both.server_cpu_s - events_cores * both.wall_s;
        add("pages_per_s", pages.requests_per_s);
        add("p50_ms", pages.quantile_ms(0.5));
        add("p99_ms", pages.quantile_ms(0.99));
        add("p999_ms", pages.quantile_ms(0.999));
        add(
            "cpu_ms",
            page_cpu_s * 1_000.0 / (pages.latencies.len().max(1)) as f64,
        );
        add("rss_mb", self.server.resident_bytes() as f64 / 1e6);
        add("shed_pages", pages.shed as f64);
        add("events_per_s", both.events.requests_per_s * PAGE as f64);
        add("events_p99_ms", both.events.quantile_ms(0.99));
        add("events_alone_cores", events_cores);
        add("server_cores", both.server_cpu_s / both.wall_s);
        add("generator_cores", both.generator_cpu_s / both.wall_s);
        add("machine_load", both.machine_load);
        let unserved = self.shared.unserved.load(Ordering::Relaxed);
        add("batches_without_a_page", unserved as f64);
    }
}

/// Who is measured.
#[derive(Clone, Copy)]
struct Target {
    address: SocketAddr,
    pid: u32,
}

/// Pages and events at their paces, and something beside them, which is told when they have ended.
fn measure_both<A: Client, W: Client, T: Send>(
    target: Target,
    asking: &mut [A],
    watching: &mut [W],
    (load, measured): (&Load, Duration),
    beside: impl FnOnce(&AtomicBool) -> T + Send,
) -> Result<(Measured, T), BenchError> {
    let (clocks, ended) = (Clocks::start(target.pid), AtomicBool::new(false));
    std::thread::scope(|scope| {
        let events = scope.spawn(|| open_loop(target.address, watching, load.events(measured)));
        let beside = scope.spawn(|| beside(&ended));
        let pages = open_loop(target.address, asking, load.pages(measured));
        ended.store(true, Ordering::Relaxed);
        let (events, beside) = (joined(events), joined(beside));
        Ok((clocks.stop(Some(pages?), events?), beside))
    })
}

/// Wall and processor time since a start.
struct Clocks {
    began: Instant,
    pid: u32,
    server_cpu_s: f64,
    generator_cpu_s: f64,
}

impl Clocks {
    fn start(pid: u32) -> Self {
        Self {
            began: Instant::now(),
            pid,
            server_cpu_s: cpu_s(pid),
            generator_cpu_s: cpu_s(std::process::id()),
        }
    }

    fn stop(self, pages: Option<Outcome>, events: Outcome) -> Measured {
        Measured {
            pages,
            events,
            wall_s: self.began.elapsed().as_secs_f64(),
            server_cpu_s: cpu_s(self.pid) - self.server_cpu_s,
            generator_cpu_s: cpu_s(std::process::id()) - self.generator_cpu_s,
            machine_load: machine_load(),
        }
    }
}

fn joined<T>(thread: std::thread::ScopedJoinHandle<'_, T>) -> T {
    thread
        .join()
        .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// User and system time of a process; the fields stand behind the program's name, which ends at the last parenthesis.
fn cpu_s(pid: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    let ticks = fields
        .skip(11)
        .take(2)
        .filter_map(|field| field.parse::<u64>().ok());
    ticks.sum::<u64>() as f64 / TICKS_PER_S
}

/// Resident memory of a process, MB.
fn resident_mb(pid: u32) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
    kib.unwrap_or(f64::NAN) * 1_024.0 / 1e6
}

/// Processes that ran or waited to, on average over the last minute: more than the two of a bench means that others were at work.
fn machine_load() -> f64 {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split_whitespace()
        .next()
        .and_then(|word| word.parse().ok())
        .unwrap_or(f64::NAN)
}
