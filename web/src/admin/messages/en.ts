// Every sentence of the operator's pages, in English; loaded with those pages only. No markup here.

import type { ProblemId } from '../health';
import type { DropKind, Stage } from '../wire';

const short = new Intl.NumberFormat('en', { notation: 'compact', maximumSignificantDigits: 3 });
const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });

/** 0.42 → "0.4"; 12.3 → "12"; 1234 → "1.23K". */
const number = (n: number): string => {
  if (n > 0 && n < 0.05) return '<0.1';
  return n < 10 ? String(Number(n.toFixed(1))) : short.format(Math.round(n));
};
/** 0.3 → "0.3 ms"; 1500 → "1.5 s"; 600000 → "10 min". */
const time = (ms: number): string => {
  if (ms < 10) return `${Number(ms.toFixed(1))} ms`;
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${Number((ms / 1_000).toFixed(1))} s`;
  if (ms < 3_600_000) return `${Math.round(ms / 60_000)} min`;
  return `${Number((ms / 3_600_000).toFixed(1))} h`;
};
const UNITS = ['B', 'kB', 'MB', 'GB', 'TB'];
const bytes = (count: number): string => {
  const power = Math.min(Math.floor(Math.log10(Math.max(count, 1)) / 3), UNITS.length - 1);
  const value = count / 1000 ** power;
  return `${value.toFixed(value < 10 && power > 0 ? 1 : 0)} ${UNITS[power]}`;
};
const plural = (n: number, one: string, many: string) => `${number(n)} ${n === 1 ? one : many}`;

interface Words {
  title: string;
  /** What it means, and what to do. */
  text: string;
}

export const en = {
  title: 'Live flow',
  nav: 'Live flow',
  lead: 'From a tap to a fact: what comes in, what is durable, what is counted.',
  number,
  time,
  bytes,
  whole: (n: number) => whole.format(n),
  unknown: '–',

  live: 'Live',
  paused: 'Paused',
  silent: 'No answer, asking again',
  pause: 'Pause',
  resume: 'Go on',
  uptime: (ms: number) => `up ${time(ms)}`,

  well: 'All is well',
  wellText: (rate: string, behindMs: number) =>
    `${rate} events a second come in, and ${behindMs > 0 ? `the slowest job is ${time(behindMs)} behind` : 'every job has read them all'}.`,
  quietText: 'Nothing comes in at the moment.',
  wrong: (n: number) => (n === 1 ? 'One thing needs you' : `${n} things need you`),
  watch: (n: number) => (n === 1 ? 'One thing to watch' : `${n} things to watch`),

  perSecond: '/s',
  sparkRate: (what: string, peak: string) => `${what} a second over the last two minutes, at most ${peak}`,
  sparkSize: (what: string, peak: string) => `${what} over the last two minutes, at most ${peak}`,

  stages: {
    door: 'Door',
    log: 'Log',
    jobs: 'Jobs',
    stores: 'Stores',
    feed: 'Feed',
    media: 'Media',
  } as Record<Stage, string>,
  stageHints: {
    door: 'What comes in',
    log: 'What is durable',
    jobs: 'What is counted',
    stores: 'What is kept',
  },

  door: {
    rate: 'Events accepted',
    requests: 'Requests',
    underWay: 'At once',
    underWayHint: 'How many requests are being answered at a time, on average.',
    answered: 'Answer',
    answeredHint: 'Half of the answers to event batches, and 99 of 100, took at most so long.',
    duplicates: 'Sent again',
    rejected: 'Refused',
    busy: 'Told to wait (429)',
    failed: 'Failed (5xx)',
  },
  log: {
    rate: 'Records made durable',
    commit: 'Commit',
    commitHint: 'Half of the commits, and 99 of 100, took at most so long in the last minute.',
    commitValue: (p50: string, p99: string) => `${p50} · p99 ${p99}`,
    group: 'In a commit',
    queue: 'Queue',
    queueHint: 'What waits for the disk or the broker, and how long who comes now waits for a turn.',
    queueValue: (size: string, wait: string | null) => (wait === null ? size : `${size} · ${wait}`),
    kept: 'Kept',
    keptValue: (size: string, segments: number | null) =>
      segments === null ? size : `${size} · ${plural(segments, 'segment', 'segments')}`,
    held: 'Held for jobs',
    atRisk: 'In memory only',
    topics: 'By topic',
    topicNames: {
      views: 'Views',
      actions: 'Actions',
      context: 'Context',
      served: 'Served pages',
      videos: 'Videos',
      examples: 'Training examples',
      model: 'Model journal',
      pools: 'Steps of new videos',
    } as Record<string, string>,
  },
  learner: {
    title: 'Learner',
    lead: 'What the model learned from every swipe, and how well it foretold each one before it learned it.',
    none: 'Nobody learns here: the feed goes by its light score.',
    rate: 'Examples learned',
    learned: 'Since the beginning',
    learnedValue: (learned: string, versions: string) => `${learned} · ${versions} versions`,
    lag: 'To learn',
    lagValue: (n: number) => (n === 0 ? 'nothing waits' : plural(n, 'example', 'examples')),
    age: 'Version in service',
    ageHint: 'How long ago the newest swipe happened that the model in service has learned.',
    ageValue: (ms: number) => `knows swipes of ${time(ms)} ago`,
    state: 'State',
    stateHint:
      'After a fault it is opened again at its last checkpoint; until it has caught up, pages go without it.',
    stateValue: (state: string, ended: number) => {
      const words: Record<string, string> = {
        starting: 'starting',
        up: 'learning',
        down: 'down, catching up',
      };
      const now = words[state] ?? state;
      return ended === 0 ? now : `${now}, ended ${plural(ended, 'time', 'times')}`;
    },
    silent: 'Not heard of for',
    guard: 'Guard',
    guardHint: 'It holds versions back when the loss jumps.',
    guardValue: (holds: boolean, pulls: number) =>
      holds
        ? 'holds versions back'
        : pulls === 0
          ? 'never pulled'
          : `open, pulled ${whole.format(pulls)} times`,
    say: 'Say in a score',
    sayHint: 'The learned value takes over from the light score as examples are learned.',
    sayValue: (share: number) => `${Math.round(share * 100)} %`,
    light: 'Pages by the light score',
    checkpoint: 'Checkpoint',
    checkpointValue: (version: number) => (version === 0 ? 'none yet' : `number ${whole.format(version)}`),
    columns: {
      head: 'Question',
      labels: 'Answers',
      auc: 'AUC',
      logloss: 'Log loss',
      calibration: 'Calibration',
    },
    figure: (value: number) => value.toFixed(3),
    heads: {
      complete: 'Watched to the end',
      long_view: 'Watched long',
      watch: 'Time watched',
      early_skip: 'Skipped early',
      like: 'Liked',
      share: 'Shared',
      comment: 'Commented',
      follow: 'Followed',
      not_interested: 'Not interested',
    } as Record<string, string>,
  },
  jobs: {
    none: 'No job has read anything yet.',
    names: {
      catalog: 'Catalog',
      user_history: 'Viewer histories',
      activity: 'Counting',
      joiner: 'Training examples',
      feature_state: 'Features of the model',
      pools: 'Traffic pools',
      lake: 'Lake',
    } as Record<string, string>,
    kinds: { engine: 'engine', view: 'view' },
    kindHints: {
      engine: 'Keeps its state in the engine, with checkpoints.',
      view: 'Keeps its state and its place in a store.',
    },
    states: { running: 'running', failed: 'failed', stopped: 'stopped' },
    caughtUp: 'caught up',
    records: (n: number) => plural(n, 'record behind', 'records behind'),
    behind: (ms: number) => `${time(ms)} behind`,
    standing: (n: number) => `standing still, ${plural(n, 'record', 'records')} unread`,
    watermark: 'Watermark',
    watermarkHint:
      'Everything older has been counted. It stays behind the clock by the disorder that is allowed.',
    watermarkValue: (ms: number) => (ms < 1 ? 'at the clock' : `${time(ms)} behind the clock`),
    fates: 'What became of them',
    counted: 'counted',
    duplicate: 'repeats',
    late: 'too late',
    rejected: 'unusable',
    keys: 'Keys',
    keysValue: (keys: string, size: string) => `${keys} · ${size}`,
    timers: 'Timers',
    rows: 'Rows written',
    rowsValue: (rate: string) => `${rate}/s`,
    commit: 'Commit',
    checkpoint: 'Checkpoint',
    checkpointNone: 'none since the start',
    checkpointValue: (version: number, age: string) => `number ${whole.format(version)}, ${age} ago`,
    checkpointCost: 'Its size and time',
    checkpointCostValue: (size: string, took: string | null) => (took === null ? size : `${size} · ${took}`),
    stumbles: 'Stumbles',
    stumblesValue: (n: number) => (n === 0 ? 'none' : `${whole.format(n)}, each tried again`),
    ask: 'Make a checkpoint now',
    asked: (name: string) => `${name} makes a checkpoint.`,
    askFailed: 'The checkpoint could not be asked for.',
  },
  stores: {
    features: 'Feature store',
    featureTables: {
      video_features: 'Videos',
      features: 'Feature counters',
      trends: 'Trends',
      usage: 'Hashtags, sounds',
      sessions: 'Sessions',
    } as Record<string, string>,
    noTables: 'Nothing saved yet.',
    viral: 'Viral videos',
    viralHint: 'Their counts are saved in batches.',
    lake: 'Lake',
    lakeRows: 'Rows',
    lakeHeld: 'To write',
    lakeWritten: 'Written',
    outbox: 'Outbox',
    outboxEmpty: 'empty',
    outboxValue: (rows: string, age: string) => `${rows} · oldest ${age}`,
    relayed: 'Relayed',
    media: 'Media queue',
    mediaWaiting: 'Waiting',
    mediaRunning: 'At work',
    mediaDead: 'Given up',
    metastore: 'Metastore',
    writes: 'Changes',
    writeWaited: 'Wait to write, p99',
    failures: 'Failures',
  },

  drops: {
    title: 'What did not get through',
    lead: 'Everything that was refused, repeated, passed over or lost since the start, with its reason.',
    none: 'Nothing: every event went all the way.',
    columns: { what: 'What', where: 'Where', now: 'Now', total: 'Since the start' },
    kinds: { expected: 'fine', refused: 'sent back', degraded: 'with less', lost: 'lost' } as Record<
      DropKind,
      string
    >,
    kindHints: {
      expected: 'It was there already, or a rule takes it out.',
      refused: 'The sender was told and may come again. Nothing is lost.',
      degraded: 'An answer came with less in it, or after another try.',
      lost: 'It does not count anywhere.',
    } as Record<DropKind, string>,
    words: {
      riffle_collector_duplicates_total: 'Events sent again',
      riffle_collector_rejected_total: 'Events nobody can count',
      riffle_collector_odd_total: 'Odd events, taken all the same',
      riffle_server_events_refused_total: 'Event batches sent back',
      riffle_server_rate_limited_total: 'Requests over a rate limit',
      riffle_product_refresh_reuses_total: 'Spent refresh tokens that came back',
      riffle_product_hashes_refused_total: 'Logins while the hashers were full',
      riffle_event_log_overloaded_total: 'Batches while the disk was behind',
      riffle_event_log_kafka_overloaded_total: 'Batches while the broker was behind',
      riffle_event_log_kafka_failed_records_total: 'Records the broker did not take',
      riffle_event_log_kafka_client_errors_total: 'Faults the Kafka client rode out',
      riffle_event_log_kafka_fetch_errors_total: 'Reads from the broker that failed',
      riffle_event_log_kafka_lost_partitions_total: 'Partitions taken away',
      riffle_event_log_kafka_gap_records_total: 'Records the broker passed over',
      riffle_event_log_index_write_failed_total: 'Indexes that were not written',
      riffle_event_log_memory_lost_records_total: 'Records lost from memory',
      riffle_event_log_lost_offsets_met_total: 'Reads of records a repair took out',
      riffle_stream_fates_total: 'Records read and not counted',
      riffle_jobs_duplicates_total: 'Records read again',
      riffle_jobs_examples_repeated_total: 'Examples made again',
      riffle_jobs_dropped_total: 'Parts of examples beyond the bound',
      riffle_stream_retries_total: 'Stumbles, each tried again',
      riffle_stream_lost_records_total: 'Records a repair took out',
      riffle_stream_poisoned_records_total: 'Records a job cannot use',
      riffle_feature_store_expired_rows_total: 'Rows past their time',
      riffle_product_outbox_failures_total: 'Passes of the outbox that failed',
      riffle_blob_too_large_total: 'Files over their limit',
      riffle_lake_conflicts_total: 'Commits that came second',
      riffle_lake_fenced_total: 'Commits of a writer that was replaced',
      riffle_lake_checkpoint_failures_total: 'Table checkpoints that failed',
      riffle_lake_keep_failures_total: 'Tables not tidied',
      riffle_metastore_failures_total: 'Statements that failed',
      riffle_blob_failures_total: 'File operations that failed',
      riffle_pipeline_removed_total: 'Videos a filter took out',
      riffle_feed_relaxed_total: 'Rules a short page gave up',
      riffle_pipeline_failures_total: 'Stages that failed or took too long',
      riffle_feed_stale_history_total: 'Pages made before the last swipe was read',
      riffle_feed_light_pages_total: 'Pages made without the model',
      riffle_trainer_ended_total: 'Ends of the learner that nobody asked for',
      riffle_feed_served_without_row_total: 'Served videos that teach nothing',
      riffle_server_unsettled_total: 'Answers before the own action was read',
      riffle_feed_served_lost_total: 'Served pages that were not noted',
      riffle_media_rejected_total: 'Videos that were not accepted',
      riffle_media_uploads_abandoned_total: 'Uploads never finished',
      riffle_media_job_failures_total: 'Media jobs that failed once',
      riffle_media_job_timeouts_total: 'Media tools that took too long',
      riffle_media_encoder_faults_total: 'Faults of an encoder',
      riffle_media_leases_expired_total: 'Media jobs whose worker fell silent',
    } as Record<string, string>,
    reasons: {
      address: 'by address',
      viewer: 'by viewer',
      auth: 'sign-in',
      upload: 'uploads',
      bytes: 'queue full',
      wait: 'wait too long',
      stall: 'disk stands still',
      duplicate: 'seen before',
      late: 'older than the window',
      rejected: 'unusable',
      unreadable: 'no JSON object',
      unknown_type: 'unknown type',
      clock_ahead: 'device clock ahead',
      clock_behind: 'device clock behind',
      clock_replaced: 'device clock far off',
      unknown_video: 'unknown video',
      slow: 'took too long',
    } as Record<string, string>,
    lostOddity: 'Events that never came',
  },

  figures: {
    title: 'Every figure',
    lead: 'What Prometheus reads from /metrics, live. The meaning of each is in docs/operating/metrics.md.',
    search: 'Find a figure',
    searchHint: 'Part of a name or a label, such as checkpoint or counters',
    columns: { name: 'Figure', value: 'Value', rate: 'Per second' },
    count: (shown: number, all: number) =>
      shown < all ? `${shown} of ${all} shown: narrow the search` : plural(all, 'figure', 'figures'),
    none: 'No figure has that in its name or labels.',
  },

  gate: {
    signIn: 'For admins',
    signInText: 'Log in with an account that may look after this server.',
    login: 'Log in',
    forbidden: 'This page is for admins',
    forbiddenText: (name: string) =>
      `Whoever runs the server can open it for you. In its folder: riffle admin grant ${name}`,
    failed: 'The server does not answer',
    failedText: 'It is asked again by itself.',
    again: 'Try now',
    loading: 'Reading the figures',
  },

  steer: {
    title: 'Steering',
    lead: 'What rises by itself, and what you ask of the feed. A change acts on the next page of every viewer.',
    when: (ms: number) =>
      new Intl.DateTimeFormat('en', { dateStyle: 'medium', timeStyle: 'short' }).format(new Date(ms)),
    rising: {
      title: 'Rising now',
      lead: 'Topics that draw far more people than their own past would say. Those who care for them see them sooner, without your doing anything.',
      none: 'Nothing rises at this moment.',
      lift: (lift: number) => `×${number(lift)}`,
      facts: (perMinute: number, viewers: number, forMs: number) =>
        `${plural(perMinute, 'reaction', 'reactions')} in the last minute, ${viewers > 200 ? 'more than 200' : number(viewers)} viewers, rising for ${time(Math.max(forMs, 0))}`,
      boost: 'Boost',
    },
    orders: {
      title: 'In force',
      lead: 'Boosts multiply what a video is worth. A pin comes first on the next page of everybody who has not seen it.',
      none: 'Nothing is boosted or pinned.',
      columns: { what: 'What', reason: 'Why', ends: 'Ends', action: 'Withdraw' },
      endsIn: (ms: number) => (ms > 0 ? `in ${time(ms)}` : 'now'),
      everywhere: 'everywhere',
      pin: (where: string) => `pinned, ${where}`,
      boost: (factor: number, where: string) => `×${factor}, ${where}`,
      withdraw: 'Withdraw',
      withdrawn: 'Withdrawn',
    },
    form: {
      title: 'Boost or pin',
      kind: 'What',
      boost: 'Boost',
      pin: 'Pin',
      target: 'Target',
      targetHint: 'hashtag:sea, category:music, or creator:, sound:, video: and an id',
      targetPin: 'video: and its id, the last part of its address',
      factor: 'How much',
      times: (factor: number) => (factor < 1 ? `×${factor}, holds back` : `×${factor}`),
      region: 'Only in',
      regionHint: 'Two letters, such as BR; empty means everywhere',
      lasts: 'For',
      hours: (hours: number) => (hours < 48 ? plural(hours, 'hour', 'hours') : `${hours / 24} days`),
      reason: 'Why',
      reasonHint: 'Viewers of a pinned video can read it',
      make: 'Put in force',
      made: 'In force',
    },
    flags: {
      title: 'Keep a video from people',
      lead: 'A hidden video leaves every feed, list and page at once; its creator still sees it. One for adults is shown to nobody who is not known to be 18.',
      video: 'Video',
      videoHint: 'Its id, the last part of its address',
      look: 'Look it up',
      hidden: 'Hidden',
      hiddenHint: 'Out of every feed, list and page but its creator’s.',
      adultsOnly: 'Adults only',
      adultsOnlyHint: 'Its creator may have said so; you have the last word.',
      reason: 'Why',
      reasonHint: 'It stands in the trail below',
      save: 'Save flags',
      saved: 'Saved: it is at work',
    },
    weights: {
      title: 'What a video is worth',
      lead: 'The model foresees what a viewer will do; each answer counts with its weight. A certain like at 0.5 is worth two and a half whole watches at 0.2.',
      builtIn: (weight: number) => `built in ${weight}`,
      save: 'Save weights',
      undo: 'Undo',
      reset: 'All as built in',
      saved: 'Weights saved',
    },
    trail: {
      title: 'Who changed what',
      none: 'Nobody changed anything yet.',
      by: (name: string) => `by ${name}`,
      what: {
        boost_made: 'Boost made',
        boost_withdrawn: 'Boost withdrawn',
        pin_made: 'Pin made',
        pin_withdrawn: 'Pin withdrawn',
        value_weights_set: 'Weights set',
        component_switched: 'Stage switched',
        video_flagged: 'Video flagged',
      } as Record<string, string>,
    },
  },

  problems: {
    notReady: () => ({
      title: 'The server takes no traffic',
      text: 'It is starting or draining. If that lasts longer than a minute, read its log.',
    }),
    failing: (p) => ({
      title: `${number(p.value)} requests a second fail here`,
      text: 'Answers 5xx are our fault. Their request ids are in the log, with the cause.',
    }),
    rejecting: (p) => ({
      title: `${number(p.value)} events a second are refused for good`,
      text: 'A client sends what nobody can count. The reasons are below; the newest client release is the first suspect.',
    }),
    logStopped: () => ({
      title: 'The log has stopped',
      text: 'A write to the disk failed, so nothing new is taken; what was acknowledged is safe. Mend the disk, then restart: recovery checks every record.',
    }),
    overloaded: (p) => ({
      title: `${number(p.value)} batches a second are sent away`,
      text: 'More comes in than the disk or the broker takes. Clients keep their events and come again. Give the log a faster disk, or move its noisy neighbours.',
    }),
    recordsLost: (p) => ({
      title: `${whole.format(p.value)} records were lost`,
      text: 'They were acknowledged from memory or taken out by a repair. Note the time; the reasons are below.',
    }),
    slowDisk: (p) => ({
      title: `One commit in a hundred takes ${time(p.value)}`,
      text: 'The disk is slow, or a neighbour takes its time. Answers to events wait for it.',
    }),
    retentionHeld: (p) => ({
      title: `${bytes(p.value)} of the log are kept past their time`,
      text: 'A job still needs them. Look for the job below that is behind or makes no checkpoints.',
    }),
    jobFailed: (_, job) => ({
      title: `A job has failed: ${job}`,
      text: 'It stays down until the server restarts, and what it derives stands still. Nothing is lost: the log keeps its records. The reason is in the log of the server.',
    }),
    jobStopped: (_, job) => ({
      title: `A job does not run: ${job}`,
      text: 'It was stopped, as it is while the server drains. Otherwise restart the server.',
    }),
    jobStill: (p, job) => ({
      title: `A job stands still: ${job}`,
      text: `${plural(p.value, 'record waits', 'records wait')} and none is read. Look for its last line in the server's log; a full disk and a slow checkpoint store are the usual causes.`,
    }),
    jobBehind: (p, job) => ({
      title: `A job is ${time(p.value)} behind: ${job}`,
      text: 'It reads more slowly than records come. If the line of its rate is flat, it needs more workers or a faster disk; after a restart it catches up by itself.',
    }),
    jobStumbles: (p, job) => ({
      title: `A job stumbled ${p.value === 1 ? 'once' : `${number(p.value)} times`} in the last minute: ${job}`,
      text: 'It goes on from its last checkpoint each time. The cause is in the log of the server.',
    }),
    checkpointOld: (p, job) => ({
      title: `No checkpoint for ${time(p.value)}: ${job}`,
      text: 'A restart would read that much again, and the log keeps it meanwhile. Look at the checkpoint store: space, rights, reach.',
    }),
    tooLate: (p, job) => ({
      title: `${number(p.value)} records a second come too late: ${job}`,
      text: 'They are older than its window and are left out until the nightly recount. Devices that were offline for long do this; a steady stream means a clock is wrong.',
    }),
    outboxStuck: (p) => ({
      title: `Likes and follows wait for ${time(p.value)}`,
      text: 'They are safe in the metastore and do not reach the log. Usually the log refuses them: see above.',
    }),
    storeFails: (p) => ({
      title: `The metastore failed ${p.value === 1 ? 'once' : `${number(p.value)} times`} in the last minute`,
      text: 'Busy means too many changes at once; anything else is the disk. The statement is in the log of the server.',
    }),
    mediaDead: (p) => ({
      title: `${plural(p.value, 'video was', 'videos were')} given up by the media workers`,
      text: 'Every try failed, and their creators were told. The reason stands in the log; mend it and let them upload again.',
    }),
    mediaQueue: (p) => ({
      title: `${number(p.value)} media jobs wait`,
      text: 'Videos take longer than two minutes to be ready. More cores, or a second media worker, help.',
    }),
  } satisfies Record<ProblemId, (p: { value: number }, job: string) => Words>,
};
