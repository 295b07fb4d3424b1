//! Load generators: the closed loop asks how much a server can take, the open loop how it answers at a given rate.

mod closed;
mod open;

pub(crate) use closed::closed_loop;
pub(crate) use open::{Pace, open_loop};

use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use crate::BenchError;
use crate::figures::Latencies;
use crate::wire::{Answer, Client};

/// Longer than any sane answer: a server that is silent so long is broken.
const ANSWER_MAX: Duration = Duration::from_secs(30);
/// More than any answer that is measured here.
const ANSWER_BYTES_MAX: usize = 256 << 10;

/// How long a load lasts; what is answered during the warm-up is not counted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Span {
    pub(crate) warm_up: Duration,
    pub(crate) measured: Duration,
}

/// What a load gave.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) requests_per_s: f64,
    pub(crate) latencies: Latencies,
    /// Requests that were refused before acceptance and sent again.
    pub(crate) shed: u64,
}

impl Outcome {
    /// A quantile of the latencies, in milliseconds.
    pub(crate) fn quantile_ms(&self, quantile: f64) -> f64 {
        self.latencies.value_at_quantile(quantile) as f64 / 1000.0
    }
}

/// A connection on which `client` has said its greeting.
fn connect<C: Client>(address: SocketAddr, client: &mut C) -> Result<TcpStream, BenchError> {
    let failed = || BenchError::io("connecting");
    let mut stream = TcpStream::connect(address).map_err(failed())?;
    stream
        .set_nodelay(true)
        .and_then(|()| stream.set_read_timeout(Some(ANSWER_MAX)))
        .map_err(failed())?;
    client.greet(&mut stream)?;
    Ok(stream)
}

/// An answer that makes the measurement worthless.
fn wrong(word: &'static str, bytes: &[u8]) -> BenchError {
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(2_000)]).into_owned();
    BenchError::Answer { word, text }
}

/// What was settled by an answer: whether it was taken.
fn settle(answer: Answer, bytes: &[u8]) -> Result<Option<bool>, BenchError> {
    match answer {
        Answer::Partial => Ok(None),
        Answer::Taken => Ok(Some(true)),
        Answer::Shed => Ok(Some(false)),
        Answer::Wrong(word) => Err(wrong(word, bytes)),
    }
}
