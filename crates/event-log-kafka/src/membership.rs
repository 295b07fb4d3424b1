//! Membership of a consumer group: the brokers say who owns which partition, and nothing is consumed through it.
//!
//! The group subscribes to the first topic and keeps it paused; a partition number owned there is owned in every topic.
//! Rebalancing is cooperative: what stays with a member is not interrupted. A revoked partition is held until the job has
//! released it, which is what the others wait for. [`crate::claims`] makes the epochs.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use event_log::TopicPartition;
use event_log::membership::{Change, Membership, MembershipError, Owned};
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};

use crate::claims::Claims;
use crate::client::{Voice, settings};
use crate::config::{KafkaConfig, is_prefix};
use crate::error::OpenError;
use crate::rebalance::{Event, Rebalances};
use crate::table::Table;
use crate::topics::{self, Wanted};

/// One wait for the coordinator; then the deadline is looked at.
const POLL_MAX: Duration = Duration::from_millis(100);
/// What the client has to say is heard before anything is done about it: that it was thrown out comes last.
const EVENTS_A_POLL_MAX: usize = 8;

/// Which group, and how patient it is.
#[derive(Debug, Clone)]
pub struct MemberConfig {
    /// The group is `PREFIX-` and this; members of one group share the partitions.
    pub group: String,
    /// A name that stays over restarts: a member that comes back within the session keeps what it had, without a
    /// rebalance. No two processes may use the same at once.
    pub instance: Option<String>,
    /// A member that was silent for so long has lost what it owns. Brokers accept 6 000 and more, unless told otherwise.
    pub session_ms_max: u32,
    /// A member that does not poll, or does not release what was revoked, for so long has lost what it owns.
    pub release_ms_max: u32,
}

impl MemberConfig {
    /// The defaults.
    pub fn new(group: &str) -> Self {
        Self {
            group: group.to_owned(),
            instance: None,
            // Detection is the first part of recovery's time; shorter takes a long pause for a death.
            session_ms_max: 10_000,
            // Room for a last checkpoint to a slow store.
            release_ms_max: 60_000,
        }
    }
}

/// One member. See [`Membership`].
pub struct KafkaMembership {
    settings: ClientConfig,
    consumer: BaseConsumer<Rebalances>,
    claims: Claims,
    table: Table,
    owned: Vec<Owned>,
    generation: u64,
    events: VecDeque<Event>,
    /// Assigned by the brokers, without an epoch yet: the job has not heard of them.
    unclaimed: Vec<u16>,
    /// To be released: what the brokers want back in one go, told to the job or not.
    revoking: Vec<u16>,
    /// This member did not poll in time, and the client has left the group.
    silent: bool,
}

impl KafkaMembership {
    /// Joins the group. `topics` as for [`crate::KafkaLog::open`].
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn join(config: &KafkaConfig, topics: &[&str], member: &MemberConfig) -> Result<Self, OpenError> {
        let names = [Some(&member.group), member.instance.as_ref()];
        if let Some(bad) = names.into_iter().flatten().find(|name| !is_prefix(name)) {
            return Err(OpenError::Name(bad.clone()));
        }
        let table = Table::new(config, topics)?;
        let asker: BaseConsumer<Voice> = settings(config)
            .create_with_context(Voice("member"))
            .map_err(OpenError::Client)?;
        let wanted = Wanted {
            names: &table.names()[..1],
            partitions: config.partitions,
        };
        topics::ensure(config, &asker, &wanted)?;
        let who = format!(
            "{} {}",
            member.group,
            member
                .instance
                .clone()
                .unwrap_or_else(|| format!("process {}", std::process::id()))
        );
        let claims = Claims::open(config, &asker, who)?;
        let settings = member_settings(config, member);
        Ok(Self {
            consumer: subscribe(&settings, &table).map_err(OpenError::Client)?,
            settings,
            claims,
            table,
            owned: Vec::new(),
            generation: 0,
            events: VecDeque::new(),
            unclaimed: Vec::new(),
            revoking: Vec::new(),
            silent: false,
        })
    }

    /// Applies what the brokers said last, or claims what they assigned; the change that the job should hear of.
    fn step(&mut self) -> Result<Option<Change>, MembershipError> {
        if self.silent {
            return self.begin_anew();
        }
        self.events.extend(self.consumer.context().take());
        match self.events.pop_front() {
            Some(Event::Assigned(partitions)) => {
                self.unclaimed.extend(partitions);
                Ok(None)
            }
            Some(Event::Revoked(partitions)) => self.revoke(partitions),
            Some(Event::Lost(partitions)) => Ok(self.lose(&partitions)),
            None if !self.unclaimed.is_empty() => self.claim().map(Some),
            None => Ok(None),
        }
    }

    fn claim(&mut self) -> Result<Change, MembershipError> {
        let epoch = self.claims.claim(&self.unclaimed);
        let epoch = epoch.map_err(|error| MembershipError::Unreachable(error.into()))?;
        let claimed = self
            .unclaimed
            .drain(..)
            .map(|partition| Owned { partition, epoch });
        let mut claimed: Vec<Owned> = claimed.collect();
        claimed.sort_unstable();
        self.generation = epoch;
        self.owned.extend(&claimed);
        self.owned.sort_unstable();
        tracing::info!(?claimed, "took over partitions");
        Ok(Change::Assigned(claimed))
    }

    /// Partitions that the job has not heard of yet go back without it.
    fn revoke(&mut self, partitions: Vec<u16>) -> Result<Option<Change>, MembershipError> {
        self.unclaimed.retain(|partition| !partitions.contains(partition));
        let owned = self.owned.iter().map(|owned| owned.partition);
        let told: Vec<u16> = owned.filter(|partition| partitions.contains(partition)).collect();
        self.revoking = partitions;
        if told.is_empty() {
            self.unassign()?;
            return Ok(None);
        }
        tracing::info!(partitions = ?told, "partitions are wanted elsewhere");
        Ok(Some(Change::Revoked(told)))
    }

    fn lose(&mut self, partitions: &[u16]) -> Option<Change> {
        self.unclaimed.retain(|partition| !partitions.contains(partition));
        let is_lost = |owned: &mut Owned| partitions.contains(&owned.partition);
        let told: Vec<u16> = self
            .owned
            .extract_if(.., is_lost)
            .map(|owned| owned.partition)
            .collect();
        if told.is_empty() {
            return None;
        }
        metrics::counter!("riffle_event_log_kafka_lost_partitions_total").increment(told.len() as u64);
        tracing::error!(partitions = ?told, "lost partitions: this member was not heard of in time");
        Some(Change::Lost(told))
    }

    /// Joins again as a new member. The old client may still believe that it owns something, and would not say when it
    /// got the same again.
    fn begin_anew(&mut self) -> Result<Option<Change>, MembershipError> {
        let consumer = subscribe(&self.settings, &self.table).map_err(unreachable)?;
        self.leave();
        self.consumer = consumer;
        self.silent = false;
        self.events.clear();
        self.unclaimed.clear();
        let all: Vec<u16> = self.owned.iter().map(|owned| owned.partition).collect();
        Ok(self.lose(&all))
    }

    /// Lets go of everything in the old client, which otherwise waits for that when it is dropped.
    fn leave(&mut self) {
        self.consumer.context().leave();
        if !self.revoking.is_empty()
            && let Err(error) = self.unassign()
        {
            tracing::warn!(%error, "partitions could not be given back");
        }
        self.revoking.clear();
    }

    /// Gives back what is being revoked.
    fn unassign(&mut self) -> Result<(), MembershipError> {
        let list = self.list(&self.revoking).map_err(unreachable)?;
        self.consumer.incremental_unassign(&list).map_err(unreachable)?;
        self.revoking.clear();
        Ok(())
    }

    fn list(&self, partitions: &[u16]) -> Result<TopicPartitionList, KafkaError> {
        let mut list = TopicPartitionList::with_capacity(partitions.len());
        for partition in partitions {
            list.add_partition_offset(&self.table.names()[0], i32::from(*partition), Offset::End)?;
        }
        Ok(list)
    }

    /// Lets the client say one thing, if it has something to say.
    fn serve(&mut self, patience: Duration) -> Result<(), MembershipError> {
        match self.consumer.poll(patience) {
            Some(Err(error)) if error.rdkafka_error_code() == Some(RDKafkaErrorCode::PollExceeded) => {
                self.silent = true;
                Ok(())
            }
            Some(Err(error @ KafkaError::MessageConsumptionFatal(_))) => {
                Err(MembershipError::Ended(error.to_string()))
            }
            Some(Err(error)) => Err(unreachable(error)),
            // Nothing is consumed here: all is paused, and what slipped through before that is let fall.
            Some(Ok(_)) | None => Ok(()),
        }
    }
}

/// A new client that joins the group.
fn subscribe(settings: &ClientConfig, table: &Table) -> KafkaResult<BaseConsumer<Rebalances>> {
    let consumer: BaseConsumer<Rebalances> = settings.create_with_context(Rebalances::default())?;
    consumer.subscribe(&[&table.names()[0]])?;
    Ok(consumer)
}

impl Membership for KafkaMembership {
    fn poll(&mut self, timeout: Duration) -> Result<Option<Change>, MembershipError> {
        let deadline = Instant::now() + timeout;
        // Whatever the job does with its time, the group hears of it once a call.
        for _ in 0..EVENTS_A_POLL_MAX {
            self.serve(Duration::ZERO)?;
        }
        loop {
            if let Some(change) = self.step()? {
                return Ok(Some(change));
            }
            let left = deadline.saturating_duration_since(Instant::now());
            let more = self.silent || !self.events.is_empty() || !self.unclaimed.is_empty();
            if left.is_zero() && !more {
                return Ok(None);
            }
            if !more {
                self.serve(left.min(POLL_MAX))?;
            }
        }
    }

    fn owned(&self) -> &[Owned] {
        &self.owned
    }

    fn generation(&self) -> u64 {
        self.generation
    }

    fn release(&mut self) -> Result<(), MembershipError> {
        if self.revoking.is_empty() {
            return Ok(());
        }
        let released = self.revoking.clone();
        self.unassign()?;
        self.owned.retain(|owned| !released.contains(&owned.partition));
        tracing::info!(partitions = ?released, "released partitions");
        Ok(())
    }

    fn mark(&mut self, offsets: &[(TopicPartition, u64)]) {
        let mut list = TopicPartitionList::with_capacity(offsets.len());
        for (of, offset) in offsets {
            let Some(slot) = self.table.slot(*of) else {
                continue;
            };
            let (name, partition) = self.table.name(slot);
            if let Err(error) = list.add_partition_offset(name, partition, Offset::Offset(*offset as i64)) {
                tracing::debug!(%error, ?of, offset, "a mark that is no offset");
            }
        }
        if list.count() > 0
            && let Err(error) = self.consumer.commit(&list, CommitMode::Async)
        {
            tracing::debug!(%error, "marks for monitors were not taken");
        }
    }
}

impl Drop for KafkaMembership {
    fn drop(&mut self) {
        self.leave();
    }
}

fn member_settings(config: &KafkaConfig, member: &MemberConfig) -> ClientConfig {
    let mut settings = settings(config);
    settings
        .set("group.id", format!("{}-{}", config.prefix, member.group))
        .set("partition.assignment.strategy", "cooperative-sticky")
        .set("session.timeout.ms", member.session_ms_max.to_string())
        .set(
            "heartbeat.interval.ms",
            (member.session_ms_max / 4).max(1).to_string(),
        )
        .set(
            "max.poll.interval.ms",
            member.release_ms_max.max(member.session_ms_max).to_string(),
        )
        .set("enable.auto.commit", "false")
        .set("enable.auto.offset.store", "false")
        .set("auto.offset.reset", "latest")
        .set("allow.auto.create.topics", "false");
    if let Some(instance) = &member.instance {
        settings.set("group.instance.id", instance);
    }
    settings
}

fn unreachable(error: KafkaError) -> MembershipError {
    MembershipError::Unreachable(error.into())
}
