// The event outbox and the watch tracker: numbering, sending again, what a watch and a skip are.

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ClientEvent } from '../api/wire';
import { newSessionId } from './ids';
import { EventQueue, type NewEvent, PENDING_MAX } from './queue';
import { WatchTracker } from './watch';

function memoryStore() {
  const saved = new Map<string, string>();
  return {
    saved,
    getItem: (key: string) => saved.get(key) ?? null,
    setItem: (key: string, value: string) => void saved.set(key, value),
    removeItem: (key: string) => void saved.delete(key),
  };
}

function harness(store = memoryStore()) {
  const batches: { sessionId: string; events: ClientEvent[] }[] = [];
  const state = { failWith: undefined as Error | undefined };
  const queue = new EventQueue({
    send: async (body) => {
      batches.push(structuredClone(body));
      if (state.failWith) throw state.failWith;
      return {
        accepted: body.events.length,
        duplicates: 0,
        rejected: [],
        ackedThroughSeq: 0,
        promise: 'disk',
      };
    },
    isHopeless: (error) => error instanceof RangeError,
    store,
    nowMs: () => 1000,
  });
  return { queue, batches, state, store };
}

const seqs = (events: readonly ClientEvent[] = []) => events.map((e) => e.seq);

describe('EventQueue', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('numbers from one and sends within a second', async () => {
    const { queue, batches } = harness();
    queue.add({ type: 'impression', videoId: 'v' });
    queue.add({ type: 'watch', videoId: 'v', watchMs: 10 });
    expect(batches).toHaveLength(0);
    await vi.advanceTimersByTimeAsync(1000);
    expect(seqs(batches[0]?.events)).toEqual([1, 2]);
    expect(queue.pending).toHaveLength(0);
  });

  it('sends the same numbers again until they are acknowledged', async () => {
    const { queue, batches, state } = harness();
    state.failWith = new Error('offline');
    queue.add({ type: 'watch', videoId: 'v' });
    await queue.flush();
    expect(seqs(queue.pending)).toEqual([1]);
    state.failWith = undefined;
    queue.add({ type: 'watch', videoId: 'w' });
    await vi.advanceTimersByTimeAsync(1000);
    expect(batches.map((b) => seqs(b.events))).toEqual([[1], [1, 2]]);
    expect(new Set(batches.map((b) => b.sessionId)).size).toBe(1);
    expect(queue.pending).toHaveLength(0);
  });

  it('gives up on a batch that the server refuses for good', async () => {
    const { queue, state } = harness();
    state.failWith = new RangeError('bad batch');
    queue.add({ type: 'watch' });
    await queue.flush();
    expect(queue.pending).toHaveLength(0);
  });

  it('stays bounded; the oldest leaves and its number is not used again', async () => {
    const { queue, state } = harness();
    state.failWith = new Error('offline');
    for (let i = 0; i < PENDING_MAX + 5; i += 1) queue.add({ type: 'heartbeat' });
    expect(queue.pending).toHaveLength(PENDING_MAX);
    expect(queue.pending[0]?.seq).toBe(6);
  });

  it('goes on with its session after a reload, and a copied tab starts its own', () => {
    const { queue, store } = harness();
    queue.add({ type: 'impression', videoId: 'v' });
    queue.suspend();
    const reloaded = harness(store).queue;
    expect(reloaded.sessionId).toBe(queue.sessionId);
    expect(seqs(reloaded.pending)).toEqual([1]);
    reloaded.add({ type: 'watch' });
    expect(seqs(reloaded.pending)).toEqual([1, 2]);
    expect(harness(store).queue.sessionId).not.toBe(queue.sessionId);
  });

  it('keeps what a beacon carried, since nobody confirms it', () => {
    const { queue } = harness();
    queue.add({ type: 'watch' });
    expect(seqs(queue.beaconBody()?.events)).toEqual([1]);
    expect(queue.pending).toHaveLength(1);
  });
});

describe('WatchTracker', () => {
  const follow = (durationMs = 10_000, impressionId = 'i') => {
    const events: NewEvent[] = [];
    const tracker = new WatchTracker({ videoId: 'v', impressionId, durationMs }, (e) => events.push(e));
    return { events, tracker, types: () => events.map((e) => e.type) };
  };
  const play = (tracker: WatchTracker, fromS: number, toS: number) => {
    for (let s = fromS; s <= toS + 1e-9; s += 0.25) tracker.tick(s);
  };

  it('tells an impression once and a watch once', () => {
    const { tracker, types, events } = follow();
    tracker.shown();
    tracker.shown();
    play(tracker, 0, 5);
    tracker.leave();
    tracker.leave();
    expect(types()).toEqual(['impression', 'watch']);
    expect(events[1]).toMatchObject({
      watchMs: 5000,
      ended: false,
      loops: 0,
      impressionId: 'i',
      videoId: 'v',
    });
  });

  it('calls leaving within two seconds a skip', () => {
    const { tracker, types } = follow();
    tracker.shown();
    play(tracker, 0, 1);
    tracker.leave();
    expect(types()).toEqual(['impression', 'watch', 'skip']);
  });

  it('calls leaving a long video before 15 % a skip, a short one seen to its end not', () => {
    const long = follow(60_000);
    long.tracker.shown();
    play(long.tracker, 0, 4);
    long.tracker.leave();
    expect(long.types()).toContain('skip');
    const short = follow(1500);
    short.tracker.shown();
    play(short.tracker, 0, 1.25);
    short.tracker.looped();
    short.tracker.leave();
    expect(short.types()).toEqual(['impression', 'loop', 'watch']);
    expect(short.events[2]).toMatchObject({ ended: true, loops: 1, watchMs: 1500 });
  });

  it('counts time really played: seeks and speed do not cheat', () => {
    const { tracker } = follow();
    tracker.shown();
    play(tracker, 0, 2);
    tracker.seeked(8);
    play(tracker, 8, 9);
    expect(tracker.watchMs).toBe(3000);
    tracker.tick(9.5, 2);
    expect(tracker.watchMs).toBe(3250);
  });

  it('says nothing about a video whose picture never showed', () => {
    const { tracker, types } = follow();
    tracker.leave();
    expect(types()).toEqual([]);
  });

  it('names no impression when no feed served the video', () => {
    const { tracker, events } = follow(10_000, '');
    tracker.shown();
    expect(events[0]).not.toHaveProperty('impressionId');
  });
});

it('session ids look like every other id', () => {
  const ids = Array.from({ length: 50 }, () => newSessionId());
  expect(new Set(ids).size).toBe(50);
  for (const id of ids) expect(id).toMatch(/^[0-7][0-9a-hjkmnp-tv-z]{12}$/);
});
