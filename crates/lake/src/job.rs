//! The lake as a stream job: every record of every topic becomes rows.

use std::sync::Arc;

use event::topic;
use event_log::{Record, Topic};
use stream::{Operator, Poisoned};

use crate::writer::LakeWriter;

/// Folds records into the writer that is also the job's checkpoint.
pub struct LakeJob {
    writer: Arc<LakeWriter>,
}

impl LakeJob {
    /// The job of `writer`; give the same writer to the driver as its checkpoint.
    pub fn new(writer: Arc<LakeWriter>) -> Self {
        Self { writer }
    }
}

impl Operator for LakeJob {
    fn name(&self) -> &'static str {
        "lake"
    }

    fn topics(&self) -> &'static [Topic] {
        &[
            Topic(topic::VIEWS),
            Topic(topic::ACTIONS),
            Topic(topic::CONTEXT),
            Topic(topic::SERVED),
            Topic(topic::VIDEOS),
        ]
    }

    fn process(&mut self, record: &Record) -> Result<(), Poisoned> {
        self.writer.fold(record).map_err(|reason| Poisoned { reason })
    }

    fn full(&self) -> bool {
        self.writer.is_full()
    }
}
