// The operator's page as numbers: rates from totals, lines from rates, problems from both.

import { describe, expect, it } from 'vitest';
import { lineOf, pipeSeconds } from './drawing';
import { BOUNDS, behindMs, problems } from './health';
import { GAP_MS, HISTORY_MS, History, quantileOf } from './history';
import { en } from './messages/en';
import { accepted, drop, flow, job, START_MS } from './samples';
import { matching, rowsOf, sorted, valuesOf } from './tables';
import type { Flow } from './wire';

const historyOf = (...flows: Flow[]): History => {
  const history = new History();
  for (const snapshot of flows) history.add(snapshot);
  return history;
};
const events = (snapshot: Flow) => snapshot.door.accepted;

describe('history', () => {
  const rows: [name: string, flows: Flow[], rate: number | null][] = [
    ['nothing yet', [], null],
    ['one snapshot has no rate', [accepted(0, 50)], null],
    ['two do', [accepted(0, 50), accepted(1_000, 60)], 10],
    ['the window, not the whole past', [accepted(0, 0), accepted(60_000, 0), accepted(65_000, 50)], 10],
    ['a total that went back is no rate below zero', [accepted(0, 50), accepted(1_000, 0)], 0],
    ['a snapshot twice counts once', [accepted(0, 0), accepted(1_000, 10), accepted(1_000, 99)], 10],
    ['an older one late is passed over', [accepted(0, 0), accepted(2_000, 20), accepted(1_000, 5)], 10],
    [
      'a new start begins anew',
      [accepted(0, 0), accepted(1_000, 900), { ...accepted(2_000, 5), startedAtMs: START_MS + 1 }],
      null,
    ],
  ];
  it.each(rows)('%s', (_, flows, rate) => {
    expect(historyOf(...flows).rate(events)).toBe(rate);
  });
  it('forgets what is older than its lines are long', () => {
    const history = new History();
    for (let second = 0; second < 1_000; second += 1) history.add(accepted(second * 1_000, second));
    expect(history.length).toBe(HISTORY_MS / 1_000 + 2);
    expect(history.rates(events)).toHaveLength(HISTORY_MS / 1_000 + 1);
  });
  it('breaks the line where the page was hidden', () => {
    const points = historyOf(accepted(0, 0), accepted(1_000, 1), accepted(2_000 + GAP_MS, 2)).rates(events);
    expect(points.map((point) => point.value === null)).toEqual([false, true, false]);
  });
  it('knows what held all the time only once it has seen as much', () => {
    const history = historyOf(accepted(0, 0), accepted(5_000, 0));
    expect(history.always(5_000, (snapshot) => events(snapshot) === 0)).toBe(true);
    expect(history.always(6_000, (snapshot) => events(snapshot) === 0)).toBe(false);
  });
});

describe('quantileOf', () => {
  const buckets = (...counts: number[]) =>
    [1, 2, 5, null].map((leMs, at) => ({ leMs, count: counts[at] ?? 0 }));
  const rows: [counts: number[], q: number, expected: number | null][] = [
    [[0, 0, 0, 0], 0.5, null],
    [[100, 100, 100, 100], 0.5, 0.5],
    [[0, 100, 100, 100], 0.5, 1.5],
    [[90, 90, 100, 100], 0.99, 4.7],
    [[0, 0, 0, 10], 0.5, 5],
  ];
  it.each(rows)('%j at %d', (counts, q, expected) => {
    const found = quantileOf(buckets(...counts), q);
    if (expected === null) expect(found).toBeNull();
    else expect(found).toBeCloseTo(expected);
  });
});

describe('the line', () => {
  it('goes from left to right, the peak at the top, in one piece a stretch', () => {
    const now = START_MS + HISTORY_MS;
    const at = (ms: number, value: number | null) => ({ atMs: START_MS + ms, value });
    const { line, area, peak } = lineOf([at(0, 0), at(60_000, 10), at(60_001, null), at(HISTORY_MS, 5)], now);
    expect(line).toBe('M0.0 30.0L60.0 2.0M120.0 16.0');
    expect(area.split('Z')).toHaveLength(3);
    expect(peak).toBe(10);
  });
  it('lies at the bottom when nothing happens, and is empty when nothing is known', () => {
    const flat = lineOf([{ atMs: START_MS, value: 0 }], START_MS);
    expect(flat).toMatchObject({ line: 'M120.0 30.0', peak: 0 });
    expect(lineOf([], START_MS).line).toBe('');
  });
  it('is passed by dots the faster the more flows', () => {
    const times = [0, 3, 30, 300, 3_000, 30_000].map(pipeSeconds);
    expect([...times].sort((a, b) => b - a)).toEqual(times);
    expect(times.at(-1)).toBeGreaterThan(0.3);
  });
});

describe('problems', () => {
  const minute = 60_000;
  /** Two snapshots ten seconds apart, an hour after the start, from a change of each. */
  const pair = (from: Partial<Flow>, to: Partial<Flow>): Flow[] => [
    flow(minute * 60, from),
    flow(minute * 60 + 10_000, to),
  ];
  const jobs = (from: Parameters<typeof job>[0], to: Parameters<typeof job>[0]): Flow[] => {
    const checkpoint = { version: 9, atMs: START_MS + minute * 60, bytes: 0, made: 9, tookMs: null };
    return pair({ jobs: [job({ checkpoint, ...from })] }, { jobs: [job({ checkpoint, ...to })] });
  };
  const door = (change: Partial<Flow['door']>) => ({ door: { ...flow(0).door, ...change } });
  const log = (change: Partial<Flow['log']>) => ({ log: { ...flow(0).log, ...change } });
  const spread = (p99: number) => ({ p50: 1, p99, max: p99, count: 1 });
  const old = { version: 9, atMs: START_MS, bytes: 0, made: 9, tookMs: null };
  const rows: [name: string, flows: Flow[], expected: string[]][] = [
    ['nothing known', [], []],
    ['all is well', pair(door({ accepted: 0, requests: 0 }), door({ accepted: 9_000, requests: 900 })), []],
    ['draining', pair({}, { ready: false }), ['warn notReady']],
    [
      'one failure in a flood is within the objective',
      pair(door({}), door({ failed: 1, requests: 9_999 })),
      [],
    ],
    ['failures', pair(door({}), door({ failed: 9, requests: 99 })), ['bad failing']],
    ['some refused events', pair(door({}), door({ rejected: 1, accepted: 99 })), []],
    ['many', pair(door({}), door({ rejected: 9, accepted: 99 })), ['warn rejecting']],
    [
      'a stopped log hides what follows from it',
      pair({}, log({ stopped: true, commitMs: spread(999) })),
      ['bad logStopped'],
    ],
    ['load shed', pair({ drops: [drop({ total: 3 })] }, { drops: [drop({ total: 9 })] }), ['bad overloaded']],
    ['load shed long ago', pair({ drops: [drop({ total: 9 })] }, { drops: [drop({ total: 9 })] }), []],
    [
      'records lost',
      pair(
        {},
        { drops: [drop({ metric: 'riffle_event_log_memory_lost_records_total', kind: 'lost', total: 2 })] },
      ),
      ['bad recordsLost'],
    ],
    ['a slow disk', pair({}, log({ commitMs: spread(BOUNDS.commitP99MsMax + 1) })), ['warn slowDisk']],
    ['held segments', pair({}, log({ heldBytes: 1 })), ['warn retentionHeld']],
    ['a failed job', jobs({}, { state: 'failed', lagRecords: 9_999 }), ['bad jobFailed counters']],
    ['a stopped job', jobs({}, { state: 'stopped' }), ['warn jobStopped counters']],
    ['a little behind', jobs({ records: 0 }, { records: 10_000, lagRecords: 100 }), []],
    [
      'well behind',
      jobs({ records: 0 }, { records: 10_000, lagRecords: 11_000 }),
      ['warn jobBehind counters'],
    ],
    [
      'a minute behind',
      jobs({ records: 0 }, { records: 10_000, lagRecords: 61_000 }),
      ['bad jobBehind counters'],
    ],
    [
      'standing still',
      [0, 5_000, 10_000, 15_000].map((ms) => flow(ms, { jobs: [job({ records: 7, lagRecords: 5 })] })),
      ['bad jobStill counters'],
    ],
    ['stumbling', jobs({}, { stumbles: 2 }), ['warn jobStumbles counters']],
    ['an old checkpoint', jobs({}, { records: 5, checkpoint: old }), ['warn checkpointOld counters']],
    ['an old checkpoint of a job that has nothing to do', jobs({}, { checkpoint: old }), []],
    ['no checkpoint at all', jobs({}, { records: 5, checkpoint: null }), ['warn checkpointOld counters']],
    ['a view makes none', jobs({}, { records: 5, checkpoint: null, kind: 'view' }), []],
    [
      'late records',
      jobs({}, { fates: { counted: 0, duplicate: 0, late: 5, rejected: 0 } }),
      ['warn tooLate counters'],
    ],
    [
      'a stuck outbox',
      pair({}, { outbox: { waitingRows: 5, oldestAtMs: START_MS + minute * 59, relayed: 0, failures: 3 } }),
      ['bad outboxStuck'],
    ],
    [
      'a failing store',
      pair({}, { metastore: { writes: 0, failures: 1, writeWaited: [] } }),
      ['bad storeFails'],
    ],
    [
      'media given up, and the worst comes first',
      pair(
        {},
        { media: { waiting: 99, running: 1, dead: 1, failures: 4, done: 0 }, ...log({ stopped: true }) },
      ),
      ['bad logStopped', 'warn mediaDead', 'warn mediaQueue'],
    ],
  ];
  it.each(rows)('%s', (_, flows, expected) => {
    const found = problems(historyOf(...flows));
    expect(
      found.map((problem) => [problem.level, problem.id, problem.job].filter(Boolean).join(' ')),
    ).toEqual(expected);
    for (const problem of found) {
      const words = en.problems[problem.id](problem, 'Counters');
      expect(`${words.title} ${words.text}`).not.toMatch(/NaN|undefined|Infinity|null/);
    }
  });
  it('says how far behind a job is from its own pace', () => {
    const ofRate = (records: number, lagRecords: number) => {
      const history = historyOf(...jobs({ records: 0 }, { records, lagRecords }));
      return behindMs(history, job({ lagRecords }));
    };
    expect(ofRate(1_000, 0)).toBeNull();
    expect(ofRate(1_000, 50)).toBe(500);
    expect(ofRate(0, 50)).toBe(Number.POSITIVE_INFINITY);
  });
});

describe('words', () => {
  const rows: [said: string, expected: string][] = [
    [en.number(0), '0'],
    [en.number(0.01), '<0.1'],
    [en.number(0.42), '0.4'],
    [en.number(9.96), '10'],
    [en.number(42.4), '42'],
    [en.number(1_234), '1.23K'],
    [en.time(0.31), '0.3 ms'],
    [en.time(12.2), '12 ms'],
    [en.time(1_500), '1.5 s'],
    [en.time(600_000), '10 min'],
    [en.time(5_400_000), '1.5 h'],
    [en.bytes(0), '0 B'],
    [en.bytes(1_500), '1.5 kB'],
    [en.bytes(64_000_000), '64 MB'],
  ];
  it.each(rows)('%s', (said, expected) => expect(said).toBe(expected));
});

describe('tables', () => {
  it('drops that happened come gravest first, the rest not at all', () => {
    const lines = [
      drop({ kind: 'expected', total: 9, reason: 'a' }),
      drop({ kind: 'lost', total: 0, reason: 'b' }),
      drop({ kind: 'lost', total: 1, reason: 'c' }),
      drop({ kind: 'refused', total: 2, reason: 'd' }),
    ];
    expect(sorted(lines).map((line) => line.reason)).toEqual(['c', 'd', 'a']);
  });
  it('figures have rates where they grow, and are found by words in any order', () => {
    const answer = (atMs: number, value: number) => ({
      atMs,
      leftOut: 0,
      families: [
        { name: 'riffle_a_total', kind: 'counter', samples: [{ labels: { job: 'x' }, value }] },
        { name: 'riffle_b_bytes', kind: 'gauge', samples: [{ labels: {}, value }] },
        { name: 'riffle_c_ms', kind: 'summary', samples: [{ part: 'count', labels: { job: 'x' }, value }] },
        { name: 'riffle_d_ms', kind: 'histogram', samples: [{ part: 'bucket', labels: { le: '1' }, value }] },
      ],
    });
    const first = rowsOf(answer(0, 10), undefined);
    const before = { atMs: 0, values: valuesOf(first) };
    const second = rowsOf(answer(2_000, 30), before);
    expect(second.map((row) => row.rate)).toEqual([10, null, 10, 10]);
    expect(matching(second, 'X  riffle_c').map((row) => row.name)).toEqual(['riffle_c_ms_count']);
    expect(matching(second, '')).toHaveLength(3);
    expect(matching(second, 'bucket')).toHaveLength(1);
    expect(matching(second, 'absent')).toEqual([]);
  });
});
