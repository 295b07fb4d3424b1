// The last two minutes as snapshots, and what can be read from them: rates, lines, quantiles. Numbers only; draws nothing,
// asks nobody. A server that started anew, or a total that went back, begins a new history.

import type { Bucket, Flow } from './wire';

/** How far back lines go. */
export const HISTORY_MS = 120_000;
/** What "now" means for a rate: long enough to be calm, short enough to be live. */
export const NOW_MS = 5_000;
/** Two snapshots further apart than this have a gap between them: the page was hidden, or the server silent. */
export const GAP_MS = 4_000;

export interface Point {
  atMs: number;
  /** Null breaks the line. */
  value: number | null;
}

type Pick = (flow: Flow) => number | null | undefined;

export class History {
  readonly #flows: Flow[] = [];

  get latest(): Flow | undefined {
    return this.#flows.at(-1);
  }

  get length(): number {
    return this.#flows.length;
  }

  /** Takes a snapshot; one that is not younger than the last is passed over. */
  add(flow: Flow): void {
    const last = this.latest;
    if (last && last.startedAtMs !== flow.startedAtMs) this.#flows.length = 0;
    else if (last && flow.atMs <= last.atMs) return;
    this.#flows.push(flow);
    const from = flow.atMs - HISTORY_MS;
    const first = this.#flows.findIndex((known) => known.atMs >= from);
    // One more than the window holds, so that the oldest rate is known too.
    if (first > 1) this.#flows.splice(0, first - 1);
  }

  /** How much a total grew a second, over the last `overMs`; null while there is only one snapshot. */
  rate(pick: Pick, overMs = NOW_MS): number | null {
    const { latest } = this;
    const since = this.#since(overMs);
    return latest && since ? perSecond(since, latest, pick) : null;
  }

  /** By how much a total grew over the last `overMs`, or since the first snapshot if that is younger. */
  growth(pick: Pick, overMs = HISTORY_MS): number {
    const { latest } = this;
    const since = this.#since(overMs);
    return latest && since ? Math.max(0, (pick(latest) ?? 0) - (pick(since) ?? 0)) : 0;
  }

  /** Whether `holds` was true of every snapshot of the last `overMs`, and there were that many. */
  always(overMs: number, holds: (flow: Flow) => boolean): boolean {
    const { latest } = this;
    if (!latest) return false;
    const from = latest.atMs - overMs;
    const first = this.#flows[0];
    return (
      first !== undefined &&
      first.atMs <= from &&
      this.#flows.filter((flow) => flow.atMs >= from).every(holds)
    );
  }

  /** The rate of a total, second by second. */
  rates(pick: Pick): Point[] {
    const points: Point[] = [];
    for (const [at, flow] of this.#flows.entries()) {
      const before = this.#flows[at - 1];
      if (!before) continue;
      if (flow.atMs - before.atMs > GAP_MS) points.push({ atMs: before.atMs + 1, value: null });
      points.push({ atMs: flow.atMs, value: perSecond(before, flow, pick) });
    }
    return points;
  }

  /** A size, second by second. */
  sizes(pick: Pick): Point[] {
    return this.#flows.map((flow) => ({ atMs: flow.atMs, value: pick(flow) ?? null }));
  }

  /** Quantile `q` of what came into a histogram over the last `overMs`; null when nothing did. */
  quantile(pick: (flow: Flow) => Bucket[], q: number, overMs = 10_000): number | null {
    const { latest } = this;
    const since = this.#since(overMs);
    if (!latest || !since) return null;
    const before = new Map(pick(since).map((bucket) => [bucket.leMs, bucket.count]));
    return quantileOf(
      pick(latest).map(({ leMs, count }) => ({ leMs, count: count - (before.get(leMs) ?? 0) })),
      q,
    );
  }

  /** The youngest snapshot at least `overMs` old, else the oldest; never the latest itself. */
  #since(overMs: number): Flow | undefined {
    const { latest } = this;
    if (!latest) return undefined;
    const old = this.#flows.findLast((flow) => latest.atMs - flow.atMs >= overMs);
    const first = this.#flows[0];
    return old ?? (first === latest ? undefined : first);
  }
}

function perSecond(from: Flow, to: Flow, pick: Pick): number | null {
  const [before, now] = [pick(from), pick(to)];
  if (now === null || now === undefined) return null;
  return (Math.max(0, now - (before ?? 0)) * 1000) / Math.max(1, to.atMs - from.atMs);
}

/** The quantile of cumulative buckets, straight lines within a bucket; the last bound when it lies beyond. */
export function quantileOf(buckets: Bucket[], q: number): number | null {
  const sorted = [...buckets].sort(
    (a, b) => (a.leMs ?? Number.POSITIVE_INFINITY) - (b.leMs ?? Number.POSITIVE_INFINITY),
  );
  const total = sorted.at(-1)?.count ?? 0;
  if (total <= 0) return null;
  const wanted = q * total;
  let [below, from] = [0, 0];
  for (const { leMs, count } of sorted) {
    if (leMs === null) return from;
    if (count >= wanted) return from + ((leMs - from) * (wanted - below)) / Math.max(1, count - below);
    [below, from] = [count, leMs];
  }
  return from;
}
