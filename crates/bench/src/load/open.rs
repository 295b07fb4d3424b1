//! The open loop: requests are due at fixed times, whether or not the last ones were answered.
//!
//! A latency counts from the time the request was due, so that a server that stalls is charged for everybody who had
//! to wait (no coordinated omission). One thread a connection: it sleeps until its next request is due.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::Barrier;
use std::time::{Duration, Instant};

use super::{ANSWER_BYTES_MAX, Outcome, Span, connect, settle};
use crate::BenchError;
use crate::figures::{Latencies, latencies, latency_add};
use crate::wire::Client;

const STACK_BYTES: usize = 256 << 10;

/// Requests a second over all clients, and for how long.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    pub(crate) requests_per_s: f64,
    pub(crate) span: Span,
}

/// Runs all `clients` at one pace; their turns are spread evenly.
pub(crate) fn open_loop<C: Client>(
    address: SocketAddr,
    clients: &mut [C],
    pace: Pace,
) -> Result<Outcome, BenchError> {
    let count = clients.len() as u32;
    let turn = Duration::from_secs_f64(1.0 / pace.requests_per_s);
    let start = Barrier::new(clients.len());
    let tallies: Vec<Result<(Latencies, u64), BenchError>> = std::thread::scope(|scope| {
        let spawn = |(number, client): (usize, _)| {
            let schedule = Schedule {
                offset: turn * number as u32,
                interval: turn * count,
                span: pace.span,
            };
            let start = &start;
            let thread = std::thread::Builder::new().stack_size(STACK_BYTES);
            thread.spawn_scoped(scope, move || drive(address, client, schedule, start))
        };
        let running: Vec<_> = clients.iter_mut().enumerate().map(spawn).collect();
        let joined = running.into_iter().map(|thread| {
            let thread = thread.map_err(BenchError::io("starting a client"))?;
            thread
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        });
        joined.collect()
    });
    let (mut all, mut shed) = (latencies(), 0);
    for tally in tallies {
        let (one, refused) = tally?;
        all.add(one).expect("histograms of one shape add up");
        shed += refused;
    }
    Ok(Outcome {
        requests_per_s: all.len() as f64 / pace.span.measured.as_secs_f64(),
        latencies: all,
        shed,
    })
}

/// When one client's requests are due.
#[derive(Debug, Clone, Copy)]
struct Schedule {
    offset: Duration,
    interval: Duration,
    span: Span,
}

fn drive<C: Client>(
    address: SocketAddr,
    client: &mut C,
    schedule: Schedule,
    start: &Barrier,
) -> Result<(Latencies, u64), BenchError> {
    let stream = connect(address, client);
    // Everybody comes here, also who failed: the others must not wait for ever.
    start.wait();
    let mut stream = stream?;
    let from = Instant::now() + schedule.span.warm_up;
    let until = from + schedule.span.measured;
    let mut due = Instant::now() + schedule.offset;
    let (mut histogram, mut shed, mut heard) = (latencies(), 0, Vec::new());
    while due < until {
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        stream
            .write_all(client.request())
            .map_err(BenchError::io("sending a request"))?;
        let taken = hear(&mut stream, client, &mut heard)?;
        if taken && due >= from {
            latency_add(&mut histogram, due.elapsed());
        }
        shed += u64::from(!taken);
        due += schedule.interval;
    }
    Ok((histogram, shed))
}

/// Waits for a whole answer; whether the request was taken.
fn hear<C: Client>(stream: &mut TcpStream, client: &mut C, heard: &mut Vec<u8>) -> Result<bool, BenchError> {
    heard.clear();
    let mut buffer = [0; 8 << 10];
    loop {
        let count = stream
            .read(&mut buffer)
            .map_err(BenchError::io("reading an answer"))?;
        heard.extend_from_slice(&buffer[..count]);
        if let Some(taken) = settle(client.answer(heard), heard)? {
            return Ok(taken);
        }
        if count == 0 || heard.len() > ANSWER_BYTES_MAX {
            return Err(super::wrong("an answer without an end", heard));
        }
    }
}
