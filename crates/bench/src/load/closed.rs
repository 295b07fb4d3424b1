//! The closed loop: each client sends its next request as soon as the last is answered.
//!
//! A few threads carry all connections, each over its own readiness queue: the generator shares two cores with what it
//! measures, and a thread for each connection would cost more than many a server.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::SocketAddr;
use std::sync::Barrier;
use std::time::{Duration, Instant};

use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};

use super::{ANSWER_BYTES_MAX, ANSWER_MAX, Outcome, Span, connect, settle};
use crate::BenchError;
use crate::figures::{Latencies, latencies, latency_add};
use crate::wire::Client;

const THREADS_MAX: usize = 1;
const READY_MAX: usize = 1_024;

/// One client and its connection.
struct Line<'a, C> {
    client: &'a mut C,
    stream: TcpStream,
    heard: Vec<u8>,
    /// What the socket did not take at once.
    unsent: Vec<u8>,
    sent: Instant,
}

/// What one thread noted.
struct Tally {
    latencies: Latencies,
    shed: u64,
}

/// Runs all `clients` at once, over connections of their own.
pub(crate) fn closed_loop<C: Client>(
    address: SocketAddr,
    clients: &mut [C],
    span: Span,
) -> Result<Outcome, BenchError> {
    let threads = clients.len().min(THREADS_MAX);
    let share = clients.len().div_ceil(threads);
    let start = Barrier::new(clients.len().div_ceil(share));
    let tallies: Vec<Result<Tally, BenchError>> = std::thread::scope(|scope| {
        let run = |clients| scope.spawn(|| drive(address, clients, span, &start));
        let running: Vec<_> = clients.chunks_mut(share).map(run).collect();
        let joined = running.into_iter().map(|thread| thread.join());
        joined
            .map(|tally| tally.unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect()
    });
    let mut outcome = Outcome {
        requests_per_s: 0.0,
        latencies: latencies(),
        shed: 0,
    };
    for tally in tallies {
        let tally = tally?;
        outcome.shed += tally.shed;
        outcome
            .latencies
            .add(tally.latencies)
            .expect("histograms of one shape add up");
    }
    outcome.requests_per_s = outcome.latencies.len() as f64 / span.measured.as_secs_f64();
    Ok(outcome)
}

fn drive<C: Client>(
    address: SocketAddr,
    clients: &mut [C],
    span: Span,
    start: &Barrier,
) -> Result<Tally, BenchError> {
    let failed = || BenchError::io("waiting for answers");
    let poll = Poll::new().map_err(failed());
    let lines = poll.and_then(|poll| Ok((open(address, clients, &poll)?, poll)));
    // Everybody comes here, also who failed: the others must not wait for ever.
    start.wait();
    let (mut lines, mut poll) = lines?;
    let mut tally = Tally {
        latencies: latencies(),
        shed: 0,
    };
    let from = Instant::now() + span.warm_up;
    let until = from + span.measured;
    for line in &mut lines {
        line.send()?;
    }
    let mut ready = Events::with_capacity(READY_MAX);
    loop {
        poll.poll(&mut ready, Some(Duration::from_secs(1)))
            .map_err(failed())?;
        let now = Instant::now();
        if now >= until {
            return Ok(tally);
        }
        if let Some(line) = lines
            .first()
            .filter(|line| ready.is_empty() && now - line.sent > ANSWER_MAX)
        {
            return Err(super::wrong("silence", &line.heard));
        }
        for event in &ready {
            lines[event.token().0].go_on(from, &mut tally)?;
        }
    }
}

fn open<'a, C: Client>(
    address: SocketAddr,
    clients: &'a mut [C],
    poll: &Poll,
) -> Result<Vec<Line<'a, C>>, BenchError> {
    let line = |(number, client): (usize, &'a mut C)| {
        let stream = connect(address, client)?;
        let failed = || BenchError::io("connecting");
        stream.set_nonblocking(true).map_err(failed())?;
        let mut stream = TcpStream::from_std(stream);
        let both = Interest::READABLE | Interest::WRITABLE;
        poll.registry()
            .register(&mut stream, Token(number), both)
            .map_err(failed())?;
        Ok(Line {
            client,
            stream,
            heard: Vec::with_capacity(4 << 10),
            unsent: Vec::new(),
            sent: Instant::now(),
        })
    };
    clients.iter_mut().enumerate().map(line).collect()
}

impl<C: Client> Line<'_, C> {
    /// The socket is ready: sends what is left over, reads what is there, and after a whole answer goes on with the next.
    fn go_on(&mut self, from: Instant, tally: &mut Tally) -> Result<(), BenchError> {
        if !self.unsent.is_empty() {
            let unsent = std::mem::take(&mut self.unsent);
            self.put(&unsent)?;
        }
        if !self.hear()? {
            return Ok(());
        }
        let Some(taken) = settle(self.client.answer(&self.heard), &self.heard)? else {
            return Ok(());
        };
        let now = Instant::now();
        if now >= from && taken {
            latency_add(&mut tally.latencies, now - self.sent);
        }
        tally.shed += u64::from(!taken);
        self.heard.clear();
        self.send()
    }

    /// Reads what is there, and no more often than that takes: a read that does not fill its buffer has emptied the
    /// socket. False when nothing was there.
    fn hear(&mut self) -> Result<bool, BenchError> {
        let mut buffer = [0; 8 << 10];
        match self.stream.read(&mut buffer) {
            Ok(count) if count > 0 && self.heard.len() < ANSWER_BYTES_MAX => {
                self.heard.extend_from_slice(&buffer[..count]);
                if count == buffer.len() {
                    self.hear()?;
                }
                Ok(true)
            }
            Ok(_) => Err(super::wrong("the end of the connection", &self.heard)),
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(false),
            Err(error) => Err(BenchError::io("reading an answer")(error)),
        }
    }

    fn send(&mut self) -> Result<(), BenchError> {
        self.sent = Instant::now();
        let request = self.client.request();
        let count = put_some(&mut self.stream, request)?;
        self.unsent.extend_from_slice(&request[count..]);
        Ok(())
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), BenchError> {
        let count = put_some(&mut self.stream, bytes)?;
        self.unsent.extend_from_slice(&bytes[count..]);
        Ok(())
    }
}

/// Writes until all is written or the socket is full; how much it took.
fn put_some(stream: &mut TcpStream, bytes: &[u8]) -> Result<usize, BenchError> {
    let mut done = 0;
    while done < bytes.len() {
        match stream.write(&bytes[done..]) {
            Ok(count) => done += count,
            Err(error) if error.kind() == ErrorKind::WouldBlock => break,
            Err(error) => return Err(BenchError::io("sending a request")(error)),
        }
    }
    Ok(done)
}
