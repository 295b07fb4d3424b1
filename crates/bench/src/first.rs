//! The first impression: how long an empty folder takes to be ready, and what an idle server holds.

use std::time::Duration;

use testkit::Server;

use crate::figures::Figures;
use crate::{BenchError, Setup};

const STARTS: usize = 5;
/// After this, start-up work has settled.
const IDLE: Duration = Duration::from_secs(2);

pub(crate) fn run(setup: &Setup, figures: &mut Figures) -> Result<(), BenchError> {
    let mut ready: Vec<f64> = (0..STARTS)
        .map(|_| Server::start_timed(&setup.riffle, "").1.as_secs_f64())
        .collect();
    ready.sort_by(f64::total_cmp);
    figures.add("first.ready_s", ready[STARTS / 2]);
    let server = Server::start(&setup.riffle);
    std::thread::sleep(IDLE);
    figures.add("first.idle_rss_mb", server.resident_bytes() as f64 / 1e6);
    Ok(())
}
