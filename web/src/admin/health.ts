// What is wrong, and how bad: rules over the history, one a fact that an operator must act on. The same bounds stand in the
// alert rules of deploy/prometheus. It knows numbers; the words for them are in the messages.

import type { History } from './history';
import type { Flow, Job } from './wire';

/** Bounds, named as in the alert rules. */
export const BOUNDS = {
  jobBehindMsWarn: 10_000,
  jobBehindMsMax: 60_000,
  jobStillMsMax: 15_000,
  checkpointAgeMsMax: 60_000,
  commitP99MsMax: 50,
  outboxAgeMsMax: 10_000,
  failedShareMax: 0.001,
  rejectedShareMax: 0.05,
  mediaWaitingMax: 50,
} as const;

/** Rates that decide are taken over this long, so that one odd second raises nothing. */
const OVER_MS = 10_000;
/** Something that happened this recently is still worth a line. */
const RECENT_MS = 60_000;

export type ProblemId =
  | 'logStopped'
  | 'overloaded'
  | 'slowDisk'
  | 'recordsLost'
  | 'retentionHeld'
  | 'jobFailed'
  | 'jobStopped'
  | 'jobStill'
  | 'jobBehind'
  | 'jobStumbles'
  | 'checkpointOld'
  | 'tooLate'
  | 'failing'
  | 'rejecting'
  | 'outboxStuck'
  | 'storeFails'
  | 'mediaDead'
  | 'mediaQueue'
  | 'notReady';

export interface Problem {
  id: ProblemId;
  level: 'bad' | 'warn';
  stage: 'door' | 'log' | 'jobs' | 'stores';
  /** Which job, where it is one. */
  job?: string;
  /** The number the sentence needs: a rate, an age, a count. */
  value: number;
}

/** How long the unread records of a job take at its rate; infinite when it stands still, null without lag. */
export function behindMs(history: History, job: Job): number | null {
  if (job.lagRecords === 0) return null;
  const rate = history.rate((flow) => jobOf(flow, job.job)?.records, OVER_MS) ?? 0;
  return rate > 0 ? (job.lagRecords / rate) * 1000 : Number.POSITIVE_INFINITY;
}

export const jobOf = (flow: Flow, name: string): Job | undefined => flow.jobs.find((job) => job.job === name);

/** How fast drops of one metric come, all reasons together unless one is named. */
export const dropTotal =
  (metric: string, reason?: string) =>
  (flow: Flow): number =>
    flow.drops
      .filter((drop) => drop.metric === metric && (reason === undefined || drop.reason === reason))
      .reduce((sum, drop) => sum + drop.total, 0);

/** Everything that is wrong now, the worst first. */
export function problems(history: History): Problem[] {
  const flow = history.latest;
  if (!flow) return [];
  const found = [...doorProblems(history, flow), ...logProblems(history, flow)];
  for (const job of flow.jobs) found.push(...jobProblems(history, flow, job));
  found.push(...storeProblems(history, flow));
  return found.sort((a, b) => Number(b.level === 'bad') - Number(a.level === 'bad'));
}

function doorProblems(history: History, flow: Flow): Problem[] {
  const found: Problem[] = [];
  const rate = (pick: (flow: Flow) => number) => history.rate(pick, OVER_MS) ?? 0;
  if (!flow.ready) found.push({ id: 'notReady', level: 'warn', stage: 'door', value: 0 });
  const failed = rate((f) => f.door.failed);
  if (failed > 0 && failed > BOUNDS.failedShareMax * rate((f) => f.door.requests)) {
    found.push({ id: 'failing', level: 'bad', stage: 'door', value: failed });
  }
  const rejected = rate((f) => f.door.rejected);
  if (rejected > 0 && rejected > BOUNDS.rejectedShareMax * (rejected + rate((f) => f.door.accepted))) {
    found.push({ id: 'rejecting', level: 'warn', stage: 'door', value: rejected });
  }
  return found;
}

const LOSSES = [
  'riffle_event_log_memory_lost_records_total',
  'riffle_event_log_lost_offsets_met_total',
  'riffle_event_log_kafka_gap_records_total',
];

function logProblems(history: History, flow: Flow): Problem[] {
  const { log } = flow;
  if (log.stopped) return [{ id: 'logStopped', level: 'bad', stage: 'log', value: 0 }];
  const found: Problem[] = [];
  const sentAway = (f: Flow) =>
    dropTotal('riffle_event_log_overloaded_total')(f) +
    dropTotal('riffle_event_log_kafka_overloaded_total')(f);
  const refused = history.rate(sentAway, OVER_MS) ?? 0;
  if (refused > 0) found.push({ id: 'overloaded', level: 'bad', stage: 'log', value: refused });
  const lost = history.growth((f) => LOSSES.reduce((sum, metric) => sum + dropTotal(metric)(f), 0));
  if (lost > 0) found.push({ id: 'recordsLost', level: 'bad', stage: 'log', value: lost });
  const p99 = log.commitMs?.p99 ?? 0;
  if (p99 > BOUNDS.commitP99MsMax) found.push({ id: 'slowDisk', level: 'warn', stage: 'log', value: p99 });
  const held = log.heldBytes ?? 0;
  if (held > 0) found.push({ id: 'retentionHeld', level: 'warn', stage: 'log', value: held });
  return found;
}

function jobProblems(history: History, flow: Flow, job: Job): Problem[] {
  const about = { stage: 'jobs', job: job.job } as const;
  if (job.state === 'failed') return [{ id: 'jobFailed', level: 'bad', value: 0, ...about }];
  if (job.state === 'stopped') return [{ id: 'jobStopped', level: 'warn', value: 0, ...about }];
  const found: Problem[] = [];
  const lagged = lagProblem(history, job);
  if (lagged) found.push({ ...lagged, ...about });
  const stumbled = history.growth((f) => jobOf(f, job.job)?.stumbles, RECENT_MS);
  if (stumbled > 0) found.push({ id: 'jobStumbles', level: 'warn', value: stumbled, ...about });
  const ageMs = flow.atMs - (job.checkpoint?.atMs ?? flow.startedAtMs);
  const moves = history.growth((f) => jobOf(f, job.job)?.records, RECENT_MS) > 0;
  if (job.kind === 'engine' && moves && ageMs > BOUNDS.checkpointAgeMsMax) {
    found.push({ id: 'checkpointOld', level: 'warn', value: ageMs, ...about });
  }
  const late = history.rate((f) => jobOf(f, job.job)?.fates.late, OVER_MS) ?? 0;
  if (late > 0) found.push({ id: 'tooLate', level: 'warn', value: late, ...about });
  return found;
}

function lagProblem(history: History, job: Job): Pick<Problem, 'id' | 'level' | 'value'> | null {
  const still = history.always(BOUNDS.jobStillMsMax, (flow) => {
    const then = jobOf(flow, job.job);
    return then !== undefined && then.lagRecords > 0 && then.records === job.records;
  });
  if (still) return { id: 'jobStill', level: 'bad', value: job.lagRecords };
  const ms = behindMs(history, job);
  // Without a rate there is nothing to divide by yet; if that lasts, the job stands still.
  if (ms === null || !Number.isFinite(ms) || ms <= BOUNDS.jobBehindMsWarn) return null;
  return { id: 'jobBehind', level: ms > BOUNDS.jobBehindMsMax ? 'bad' : 'warn', value: ms };
}

function storeProblems(history: History, flow: Flow): Problem[] {
  const found: Problem[] = [];
  const ageMs = flow.outbox.oldestAtMs === null ? 0 : flow.atMs - flow.outbox.oldestAtMs;
  if (ageMs > BOUNDS.outboxAgeMsMax) {
    found.push({ id: 'outboxStuck', level: 'bad', stage: 'stores', value: ageMs });
  }
  const failures = history.growth((f) => f.metastore.failures, RECENT_MS);
  if (failures > 0) found.push({ id: 'storeFails', level: 'bad', stage: 'stores', value: failures });
  const dead = flow.media.dead ?? 0;
  if (dead > 0) found.push({ id: 'mediaDead', level: 'warn', stage: 'stores', value: dead });
  const waiting = flow.media.waiting ?? 0;
  if (waiting > BOUNDS.mediaWaitingMax) {
    found.push({ id: 'mediaQueue', level: 'warn', stage: 'stores', value: waiting });
  }
  return found;
}
