// The shapes of the admin endpoints, as the server sends them, and one function for each. Holds no behaviour beyond that;
// everything here mirrors the OpenAPI document. Totals count since `startedAtMs`; null is not measured yet.

import { call } from '../api/client';

export interface Bucket {
  leMs: number | null;
  count: number;
}

export interface Spread {
  p50: number;
  p99: number;
  max: number;
  count: number;
}

export interface Door {
  accepted: number;
  duplicates: number;
  rejected: number;
  requests: number;
  busy: number;
  failed: number;
  answeringMs: number;
  eventsAnswered: Bucket[];
}

export interface Log {
  records: number;
  topics: { name: string; records: number }[];
  queueBytes: number | null;
  waitEstimateMs: number | null;
  commitRateBytesPerS: number | null;
  commitMs: Spread | null;
  groupBytes: Spread | null;
  segments: number | null;
  keptBytes: number | null;
  heldBytes: number | null;
  holders: number | null;
  atRiskBytes: number | null;
  stopped: boolean;
}

export interface Checkpoint {
  version: number;
  atMs: number;
  bytes: number;
  made: number;
  tookMs: Spread | null;
}

export interface Fates {
  counted: number;
  duplicate: number;
  late: number;
  rejected: number;
}

export interface Job {
  job: string;
  kind: 'engine' | 'view';
  state: 'running' | 'failed' | 'stopped';
  records: number;
  fates: Fates;
  lagRecords: number;
  watermarkBehindMs: number | null;
  keys: number | null;
  stateBytes: number | null;
  timers: number | null;
  rows: number | null;
  commitMs: Spread | null;
  checkpoint: Checkpoint | null;
  stumbles: number;
  controllable: boolean;
}

export type Stage = 'door' | 'log' | 'jobs' | 'stores' | 'feed' | 'media';
export type DropKind = 'expected' | 'refused' | 'degraded' | 'lost';

export interface Drop {
  stage: Stage;
  kind: DropKind;
  metric: string;
  place?: string;
  reason: string;
  total: number;
}

export interface Head {
  head: string;
  labels: number;
  auc: number | null;
  logloss: number | null;
  calibration: number | null;
  baseRate: number | null;
}

export interface Learner {
  /** `starting`, `up` or `down`. */
  state: string;
  ended: number;
  learned: number;
  outcomes: number;
  corrections: number;
  capped: number;
  lagRecords: number;
  versions: number;
  versionAgeMs: number | null;
  heardAgoMs: number | null;
  checkpointVersion: number;
  guardHolds: boolean;
  guardPulls: number;
  pagesLearned: number;
  pagesLight: number;
  say: number | null;
  heads: Head[];
}

export interface Flow {
  atMs: number;
  startedAtMs: number;
  ready: boolean;
  door: Door;
  log: Log;
  jobs: Job[];
  outbox: { waitingRows: number | null; oldestAtMs: number | null; relayed: number; failures: number };
  media: { waiting: number | null; running: number; dead: number | null; failures: number; done: number };
  features: { tables: { name: string; written: number; heldBack: number }[]; viralVideos: number | null };
  lake: { rows: number; files: number; writtenBytes: number; heldBytes: number | null };
  metastore: { writes: number; failures: number; writeWaited: Bucket[] };
  learner: Learner | null;
  drops: Drop[];
}

export interface Figures {
  atMs: number;
  families: {
    name: string;
    kind: string;
    samples: { part?: string; labels: Record<string, string>; value: number | null }[];
  }[];
  leftOut: number;
}

const v1 = '/api/v1/admin';

export const flowGet = (signal?: AbortSignal): Promise<Flow> => call('GET', `${v1}/flow`, { signal });
export const figuresGet = (signal?: AbortSignal): Promise<Figures> =>
  call('GET', `${v1}/metrics`, { signal });
export const checkpointAsk = (job: string): Promise<{ job: string }> =>
  call('POST', `${v1}/jobs/${encodeURIComponent(job)}/checkpoint`);
