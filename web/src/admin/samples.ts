// Snapshots made by hand, for tests: a house where all is well, and what each test changes in it. Not part of the page.

import type { Drop, Flow, Job } from './wire';

export const START_MS = 1_000_000;

export const job = (change: Partial<Job> = {}): Job => ({
  job: 'counters',
  kind: 'engine',
  state: 'running',
  records: 0,
  fates: { counted: 0, duplicate: 0, late: 0, rejected: 0 },
  lagRecords: 0,
  watermarkBehindMs: 0,
  keys: 0,
  stateBytes: 0,
  timers: 0,
  rows: 0,
  commitMs: null,
  checkpoint: { version: 1, atMs: START_MS, bytes: 0, made: 1, tookMs: null },
  stumbles: 0,
  controllable: true,
  ...change,
});

export const drop = (change: Partial<Drop>): Drop => ({
  stage: 'log',
  kind: 'refused',
  metric: 'riffle_event_log_overloaded_total',
  reason: 'bytes',
  total: 0,
  ...change,
});

export const flow = (atMs: number, change: Partial<Flow> = {}): Flow => ({
  atMs: START_MS + atMs,
  startedAtMs: START_MS,
  ready: true,
  door: {
    accepted: 0,
    duplicates: 0,
    rejected: 0,
    requests: 0,
    busy: 0,
    failed: 0,
    answeringMs: 0,
    eventsAnswered: [],
  },
  log: {
    records: 0,
    topics: [],
    queueBytes: 0,
    waitEstimateMs: 0,
    commitRateBytesPerS: 0,
    commitMs: null,
    groupBytes: null,
    segments: null,
    keptBytes: null,
    heldBytes: 0,
    holders: 0,
    atRiskBytes: 0,
    stopped: false,
  },
  jobs: [],
  outbox: { waitingRows: 0, oldestAtMs: null, relayed: 0, failures: 0 },
  media: { waiting: 0, running: 0, dead: 0, failures: 0, done: 0 },
  features: { tables: [], viralVideos: null },
  lake: { rows: 0, files: 0, writtenBytes: 0, heldBytes: null },
  metastore: { writes: 0, failures: 0, writeWaited: [] },
  learner: null,
  drops: [],
  ...change,
});

/** `flow` with accepted events. */
export const accepted = (atMs: number, count: number, change: Partial<Flow> = {}): Flow => {
  const made = flow(atMs, change);
  return { ...made, door: { ...made.door, accepted: count } };
};
