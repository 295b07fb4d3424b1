//! A closed-loop load generator: one thread and one keep-alive HTTP/1.1 connection for each client.
//!
//! It reads just enough of HTTP to find the end of an answer, so that the generator costs little beside the server.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::Barrier;
use std::time::{Duration, Instant};

use crate::BenchError;
use crate::figures::{Latencies, latencies, latency_add};

const STACK_BYTES: usize = 256 << 10;
const ANSWER_SECONDS_MAX: u64 = 30;

/// What a level of load gave.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) requests_per_s: f64,
    pub(crate) latencies: Latencies,
}

/// One keep-alive connection.
pub(crate) struct Connection {
    reader: BufReader<TcpStream>,
}

impl Connection {
    pub(crate) fn open(address: SocketAddr) -> Result<Self, BenchError> {
        let stream = TcpStream::connect(address).map_err(BenchError::io("connecting"))?;
        let bound = Some(Duration::from_secs(ANSWER_SECONDS_MAX));
        stream
            .set_nodelay(true)
            .and_then(|()| stream.set_read_timeout(bound))
            .map_err(BenchError::io("connecting"))?;
        Ok(Self {
            reader: BufReader::new(stream),
        })
    }

    /// Sends one request, head and body in `bytes`; the answer must be a success.
    pub(crate) fn exchange(&mut self, bytes: &[u8]) -> Result<(), BenchError> {
        self.reader
            .get_mut()
            .write_all(bytes)
            .map_err(BenchError::io("sending a request"))?;
        let (status, body) = self.answer().map_err(BenchError::io("reading an answer"))?;
        if (200..300).contains(&status) {
            return Ok(());
        }
        Err(BenchError::Answer {
            status,
            body: String::from_utf8_lossy(&body).into_owned(),
        })
    }

    fn answer(&mut self) -> std::io::Result<(u16, Vec<u8>)> {
        let (mut status, mut length, mut line) = (0, 0, String::new());
        loop {
            line.clear();
            if self.reader.read_line(&mut line)? == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
            let text = line.trim_end();
            if text.is_empty() {
                break;
            }
            if let Some(rest) = text.strip_prefix("HTTP/1.1 ") {
                status = rest.get(..3).and_then(|digits| digits.parse().ok()).unwrap_or(0);
            } else if let Some((name, value)) = text.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse().unwrap_or(0);
            }
        }
        let mut body = vec![0; length];
        self.reader.read_exact(&mut body)?;
        Ok((status, body))
    }
}

/// Head and body of a JSON request.
pub(crate) fn request(method: &str, path: &str, headers: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "{method} {path} HTTP/1.1\r\nhost: riffle\r\ncontent-type: application/json\r\n{headers}content-length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

/// Runs `connections` clients at once: each sends the next request as soon as the last is answered. The first `warm_up`
/// is not counted. `next` makes request number `n` of client `c`.
pub(crate) fn closed_loop(
    address: SocketAddr,
    connections: usize,
    (warm_up, measured): (Duration, Duration),
    next: impl Fn(usize, u64) -> Vec<u8> + Sync,
) -> Result<Outcome, BenchError> {
    let start = Barrier::new(connections);
    let outcomes = std::thread::scope(|scope| {
        let client = |number: usize| {
            let (start, next) = (&start, &next);
            let run = move || one_client(address, start, (warm_up, measured), |n| next(number, n));
            std::thread::Builder::new()
                .stack_size(STACK_BYTES)
                .spawn_scoped(scope, run)
        };
        let clients: Vec<_> = (0..connections).map(client).collect();
        clients
            .into_iter()
            .map(|client| client.map(|client| client.join()))
            .collect::<Vec<_>>()
    });
    let mut all = latencies();
    for outcome in outcomes {
        let joined = outcome.map_err(BenchError::io("starting a client"))?;
        let one = joined.unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        all.add(one).expect("histograms of one shape add up");
    }
    Ok(Outcome {
        requests_per_s: all.len() as f64 / measured.as_secs_f64(),
        latencies: all,
    })
}

fn one_client(
    address: SocketAddr,
    start: &Barrier,
    (warm_up, measured): (Duration, Duration),
    next: impl Fn(u64) -> Vec<u8>,
) -> Result<Latencies, BenchError> {
    let connection = Connection::open(address);
    // Everybody waits here, also one that failed: the others must not wait for ever.
    start.wait();
    let mut connection = connection?;
    let mut histogram = latencies();
    let (from, mut number) = (Instant::now() + warm_up, 1);
    let until = from + measured;
    loop {
        let sent = Instant::now();
        if sent >= until {
            return Ok(histogram);
        }
        connection.exchange(&next(number))?;
        let answered = Instant::now();
        if answered >= from && answered < until {
            latency_add(&mut histogram, answered - sent);
        }
        number += 1;
    }
}
