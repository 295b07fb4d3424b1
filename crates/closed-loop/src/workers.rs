//! Threads that carry out the errands of phones, each one at a time: requests of different people are under way together, as they
//! would be. A phone travels with its errand and comes back with what it brought.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use crate::error::LoopError;
use crate::phone::{Brought, Errand, Phone};
use crate::wire::Api;

/// Errands under way at a time.
pub const WORKERS: usize = 4;

/// An errand with its phone.
pub struct Sent {
    pub viewer: u32,
    pub at_ms: i64,
    pub phone: Phone,
    pub errand: Errand,
}

/// What came back.
pub struct Back {
    pub sent: Sent,
    pub brought: Result<Brought, LoopError>,
}

/// See the file's header.
pub struct Workers {
    send: Option<Sender<Sent>>,
    back: Receiver<Back>,
    threads: Vec<JoinHandle<()>>,
}

impl Workers {
    /// Threads that speak to the house by `api`.
    pub fn start(api: &Api) -> Self {
        let (send, errands) = channel::<Sent>();
        let (done, back) = channel();
        let errands = Arc::new(Mutex::new(errands));
        let thread = |_| {
            let (api, errands, done) = (api.clone(), errands.clone(), done.clone());
            std::thread::spawn(move || {
                // A lock is poisoned only by a worker that panicked, which ends the loop anyway.
                while let Some(mut sent) = errands.lock().ok().and_then(|queue| queue.recv().ok()) {
                    let brought = sent.phone.run(&api, &sent.errand, sent.at_ms);
                    if done.send(Back { sent, brought }).is_err() {
                        return;
                    }
                }
            })
        };
        Self {
            send: Some(send),
            back,
            threads: (0..WORKERS).map(thread).collect(),
        }
    }

    /// Sends a phone out.
    ///
    /// # Errors
    /// When every worker has ended.
    pub fn send(&self, sent: Sent) -> Result<(), LoopError> {
        let send = self.send.as_ref().ok_or(LoopError::Worker)?;
        send.send(sent).map_err(|_| LoopError::Worker)
    }

    /// Waits for the next phone to come back.
    ///
    /// # Errors
    /// When every worker has ended.
    pub fn receive(&self) -> Result<Back, LoopError> {
        self.back.recv().map_err(|_| LoopError::Worker)
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        drop(self.send.take());
        for thread in self.threads.drain(..) {
            // A panic has been printed; the loop ends with an error of its own.
            let _ = thread.join();
        }
    }
}
