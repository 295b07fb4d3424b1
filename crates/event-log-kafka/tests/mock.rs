//! The backend on librdkafka's mock cluster, which fails to order: no Java, no files, milliseconds.
//!
//! What a real broker does is tested in `tests/broker`.

use event_log::conformance::{read_all, settle};
use event_log::{Append, AppendError, EventLog, Topic, TopicPartition};
use event_log_kafka::{KafkaConfig, KafkaLog, OpenError, Topics};
use rdkafka::mocking::MockCluster;
use rdkafka::producer::DefaultProducerContext;
use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};

const TOPICS: [&str; 2] = ["views", "actions"];
const PREFIX: &str = "mock";
const PARTITIONS: u16 = 2;
const BROKER: i32 = 1;

struct Mock {
    cluster: MockCluster<'static, DefaultProducerContext>,
}

impl Mock {
    fn new() -> Self {
        let cluster = MockCluster::new(1).expect("a mock cluster");
        for topic in TOPICS {
            let name = format!("{PREFIX}-{topic}");
            cluster
                .create_topic(&name, i32::from(PARTITIONS), 1)
                .expect("a topic");
        }
        Self { cluster }
    }

    /// The mock knows neither the creation of topics nor their settings.
    fn config(&self) -> KafkaConfig {
        KafkaConfig {
            partitions: PARTITIONS,
            topics: Topics::AsFound,
            ..KafkaConfig::new(&self.cluster.bootstrap_servers(), PREFIX)
        }
    }

    fn open(&self, config: &KafkaConfig) -> KafkaLog {
        KafkaLog::open(config, &TOPICS).expect("the log opens")
    }

    /// The next answers to produce requests.
    fn answers(&self, answers: &[RDKafkaRespErr]) {
        self.cluster.request_errors(RDKafkaApiKey::Produce, answers);
    }
}

fn of(partition: u16) -> TopicPartition {
    TopicPartition {
        topic: Topic(0),
        partition,
    }
}

fn record(partition: u16, payload: impl Into<bytes::Bytes>) -> Append {
    Append {
        to: of(partition),
        at_ms: 1,
        payload: payload.into(),
    }
}

#[test]
fn passing_faults_are_ridden_out() {
    let mock = Mock::new();
    let log = mock.open(&mock.config());
    let check = |serial: u8, answers: &[RDKafkaRespErr]| {
        mock.answers(answers);
        let durable = log
            .append(vec![record(0, vec![serial]), record(0, vec![serial])])
            .expect("accepted");
        let due = u64::from(serial) * 2;
        assert_eq!(
            settle(durable).expect("acknowledged"),
            [due, due + 1],
            "{answers:?}"
        );
    };
    check(0, &[]);
    check(1, &[RDKafkaRespErr::RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION]);
    check(2, &[RDKafkaRespErr::RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS; 2]);
    check(
        3,
        &[
            RDKafkaRespErr::RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT,
            RDKafkaRespErr::RD_KAFKA_RESP_ERR__TRANSPORT,
        ],
    );
    let payloads: Vec<u8> = read_all(&log, of(0))
        .iter()
        .map(|record| record.payload[0])
        .collect();
    assert_eq!(payloads, [0, 0, 1, 1, 2, 2, 3, 3]);
}

#[test]
fn lasting_faults_are_told() {
    let mock = Mock::new();
    let log = mock.open(&mock.config());
    mock.answers(&[RDKafkaRespErr::RD_KAFKA_RESP_ERR_POLICY_VIOLATION]);
    let refused = log.append(vec![record(0, "x")]).expect("accepted");
    let barrier = log.append(Vec::new()).expect("accepted");
    assert!(matches!(settle(refused), Err(AppendError::Unconfirmed(_))));
    assert!(matches!(settle(barrier), Err(AppendError::Unconfirmed(_))));
    assert_eq!(
        settle(log.append(vec![record(0, "y")]).expect("accepted")).expect("acknowledged"),
        [0]
    );
}

#[test]
fn a_producer_that_lost_count_stops() {
    let mock = Mock::new();
    let log = mock.open(&mock.config());
    settle(log.append(vec![record(0, "x")]).expect("accepted")).expect("acknowledged");
    assert_eq!(log.stop_reason(), None);
    mock.answers(&[RDKafkaRespErr::RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER]);
    let lost = log.append(vec![record(0, "y")]).expect("accepted");
    assert!(matches!(settle(lost), Err(AppendError::Stopped(_))));
    assert!(matches!(
        log.append(vec![record(0, "z")]).map(drop),
        Err(AppendError::Stopped(_))
    ));
    assert!(log.stop_reason().is_some());
}

#[test]
fn a_full_queue_refuses_before_anything_is_queued() {
    let mock = Mock::new();
    let config = KafkaConfig {
        queue_bytes_max: 2 << 20,
        ..mock.config()
    };
    let log = mock.open(&config);
    settle(log.append(vec![record(1, "first")]).expect("accepted")).expect("acknowledged");
    mock.cluster.broker_down(BROKER).expect("it goes");
    let mut on_their_way = Vec::new();
    let refused = loop {
        match log.append(vec![record(0, vec![on_their_way.len() as u8; 64 << 10])]) {
            Ok(durable) => on_their_way.push(durable),
            Err(refused) => break refused,
        }
        assert!(on_their_way.len() <= 32, "more than the queue holds");
    };
    assert!(
        matches!(refused, AppendError::Overloaded { retry_after_ms: 1.. }),
        "{refused}"
    );
    assert_eq!(
        on_their_way.len(),
        31,
        "31 of 64 KiB and what each counts for beside"
    );
    let huge = log.append(vec![record(0, vec![0; config.record_bytes_max + 1])]);
    assert!(matches!(huge.map(drop), Err(AppendError::TooLarge { .. })));
    let many = log.append(vec![record(0, vec![0; 900_000]); 3]);
    assert!(matches!(many.map(drop), Err(AppendError::TooLarge { .. })));
    mock.cluster.broker_up(BROKER).expect("it comes back");
    for (due, durable) in on_their_way.into_iter().enumerate() {
        assert_eq!(settle(durable).expect("acknowledged"), [due as u64]);
    }
    assert_eq!(read_all(&log, of(0)).len(), 31);
    settle(
        log.append(vec![record(0, vec![0; 64 << 10])])
            .expect("room again"),
    )
    .expect("acknowledged");
}

#[test]
fn silence_is_told_in_time() {
    let mock = Mock::new();
    let config = KafkaConfig {
        delivery_ms_max: 300,
        read_ms_max: 300,
        ..mock.config()
    };
    let log = mock.open(&config);
    mock.cluster.broker_down(BROKER).expect("it goes");
    let unheard = log
        .append(vec![record(0, "x"), record(1, "x")])
        .expect("accepted");
    assert!(matches!(settle(unheard), Err(AppendError::Unconfirmed(_))));
    assert_eq!(log.end(of(0)), 0);
}

#[test]
fn nobody_there_is_told_with_the_address() {
    let config = KafkaConfig {
        open_ms_max: 300,
        // Nothing listens on the port for discarding.
        ..KafkaConfig::new("127.0.0.1:9", "nobody")
    };
    let refused = KafkaLog::open(&config, &TOPICS)
        .map(drop)
        .expect_err("nobody answers");
    assert!(
        matches!(&refused, OpenError::Unreachable { brokers, .. } if brokers == "127.0.0.1:9"),
        "{refused}"
    );
}
