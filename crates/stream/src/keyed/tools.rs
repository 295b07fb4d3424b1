//! What an operator does to a job from outside: look at its checkpoints, go back to one, read the log anew.
//!
//! A change is one more checkpoint, so it fences a process that runs the job, and can itself be undone.

use std::io;
use std::sync::Arc;

use event_log::TopicPartition;

use crate::keyed::manifest::{self, Manifest, ManifestOffset};
use crate::keyed::objects::Objects;
use crate::keyed::time::WATERMARK_NONE_MS;

/// Why a tool could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum ToolError {
    #[error("object storage failed")]
    Objects(#[from] io::Error),
    #[error("job {job} has no checkpoint {version}; it has {there:?}")]
    NoSuchVersion {
        job: String,
        version: u64,
        there: Vec<u64>,
    },
    #[error("object {key} of checkpoint {version} is gone: the checkpoint cannot be restored")]
    ObjectGone { version: u64, key: String },
    #[error("job {job} made a checkpoint just now; stop the server, or try again")]
    Raced { job: String },
}

/// The checkpoints of jobs in one object storage.
#[derive(Clone)]
pub struct JobTools(Arc<dyn Objects>);

impl JobTools {
    pub fn new(objects: Arc<dyn Objects>) -> Self {
        Self(objects)
    }

    /// The names of jobs that have a checkpoint.
    ///
    /// # Errors
    /// [`ToolError::Objects`].
    pub fn jobs(&self) -> Result<Vec<String>, ToolError> {
        let keys = self.0.list("jobs/")?;
        let mut names: Vec<String> = keys
            .iter()
            .filter_map(|key| Some(key.strip_prefix("jobs/")?.split_once('/')?.0.to_owned()))
            .collect();
        names.dedup();
        Ok(names)
    }

    /// The checkpoints of a job, oldest first.
    ///
    /// # Errors
    /// [`ToolError::Objects`].
    pub fn checkpoints(&self, job: &str) -> Result<Vec<Manifest>, ToolError> {
        let mut found = Vec::new();
        for version in manifest::versions(&*self.0, job)? {
            found.extend(manifest::read(&*self.0, job, version)?);
        }
        Ok(found)
    }

    /// Makes checkpoint `version` the newest one again; what it is now called.
    ///
    /// # Errors
    /// See [`ToolError`].
    pub fn restore(&self, job: &str, version: u64) -> Result<u64, ToolError> {
        let there = manifest::versions(&*self.0, job)?;
        let missing = || ToolError::NoSuchVersion {
            job: job.to_owned(),
            version,
            there: there.clone(),
        };
        let wanted = manifest::read(&*self.0, job, version)?.ok_or_else(missing)?;
        let objects = self.0.list(&format!("jobs/{job}/state/"))?;
        if let Some(gone) = wanted
            .objects
            .iter()
            .find(|object| !objects.contains(&object.key))
        {
            return Err(ToolError::ObjectGone {
                version,
                key: gone.key.clone(),
            });
        }
        self.publish(job, wanted)
    }

    /// Empties a job's state and lets it read on from `offsets`; partitions not named begin at the start of the log. The sink keeps
    /// its rows until the records make them anew. What the checkpoint is called.
    ///
    /// # Errors
    /// See [`ToolError`].
    pub fn replay(&self, job: &str, offsets: &[(TopicPartition, u64)]) -> Result<u64, ToolError> {
        let offsets = offsets.iter().map(|&(of, next)| ManifestOffset {
            topic: of.topic.0,
            partition: of.partition,
            next,
            watermark_ms: WATERMARK_NONE_MS,
        });
        let empty = Manifest {
            offsets: offsets.collect(),
            ..Manifest::default()
        };
        self.publish(job, empty)
    }

    fn publish(&self, job: &str, content: Manifest) -> Result<u64, ToolError> {
        let newest = manifest::newest(&*self.0, job)?.unwrap_or_default();
        let next = Manifest {
            version: newest.version + 1,
            epoch: newest.epoch + 1,
            ..content
        };
        match manifest::publish(&*self.0, job, &next)? {
            true => Ok(next.version),
            false => Err(ToolError::Raced { job: job.to_owned() }),
        }
    }
}
