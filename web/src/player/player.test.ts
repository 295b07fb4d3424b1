// The player's decisions without a browser: bandwidth, renditions, memory, next segment, ring, thumbhash.

import { describe, expect, it } from 'vitest';
import type { Rendition } from '../api/wire';
import { BandwidthMeter } from './bandwidth';
import { MediaCache, MediaError } from './media-cache';
import { pickRendition } from './renditions';
import { ringPositions, slotOf } from './ring';
import { decodeThumbhash } from './thumbhash';
import { nextSegment } from './track';

const rung = (lines: number, bitrateBps: number): Rendition => ({
  name: `${lines}p`,
  width: lines,
  height: Math.round((lines * 16) / 9),
  bitrateBps,
  codecs: 'avc1.4d401f',
  playlist: '',
  init: '',
  segments: [],
});

describe('pickRendition', () => {
  const ladder = [rung(1080, 5e6), rung(480, 1e6), rung(720, 2.5e6)];
  const rows = [
    {
      name: 'nothing measured: 480p',
      now: { bps: undefined, heightPx: 2000, dataSaver: false },
      expect: '480p',
    },
    { name: 'slow link: the lowest', now: { bps: 3e5, heightPx: 2000, dataSaver: false }, expect: '480p' },
    { name: 'middling link', now: { bps: 5e6, heightPx: 2000, dataSaver: false }, expect: '720p' },
    { name: 'fast link, tall screen', now: { bps: 1e8, heightPx: 2000, dataSaver: false }, expect: '1080p' },
    { name: 'fast link, small card', now: { bps: 1e8, heightPx: 1000, dataSaver: false }, expect: '720p' },
    { name: 'data saver', now: { bps: 1e8, heightPx: 2000, dataSaver: true }, expect: '480p' },
  ];
  for (const row of rows) {
    it(row.name, () => expect(ladder[pickRendition(ladder, row.now)]?.name).toBe(row.expect));
  }
  it('has no answer for an empty ladder', () => {
    expect(pickRendition([], { bps: 1e6, heightPx: 800, dataSaver: false })).toBe(-1);
  });
});

describe('BandwidthMeter', () => {
  it('remembers across visits and ignores small downloads', () => {
    const saved = new Map<string, string>();
    const store = {
      getItem: (k: string) => saved.get(k) ?? null,
      setItem: (k: string, v: string) => void saved.set(k, v),
    };
    const meter = new BandwidthMeter(store);
    meter.sample(1000, 1);
    expect(meter.bps).toBeUndefined();
    meter.sample(1_000_000, 1000);
    expect(meter.bps).toBe(8e6);
    meter.sample(1_000_000, 2000);
    expect(meter.bps).toBeCloseTo(6.8e6);
    expect(new BandwidthMeter(store).bps).toBe(6.8e6);
  });
});

describe('MediaCache', () => {
  const cacheOf = (answers: Record<string, number>, bytesMax: number) => {
    const asked: string[] = [];
    const fetcher = async (url: string) => {
      asked.push(url);
      const size = answers[url];
      return size === undefined ? new Response('', { status: 403 }) : new Response(new Uint8Array(size));
    };
    return { asked, cache: new MediaCache({ sample: () => {} }, fetcher, bytesMax) };
  };
  it('downloads an address once, however often it is asked for', async () => {
    const { asked, cache } = cacheOf({ a: 10 }, 100);
    const [one, two] = await Promise.all([cache.load('a'), cache.load('a')]);
    expect(one).toBe(two);
    await cache.load('a');
    expect(asked).toEqual(['a']);
  });
  it('keeps its bound and drops what was used longest ago', async () => {
    const { cache } = cacheOf({ a: 40, b: 40, c: 40 }, 100);
    await cache.load('a');
    await cache.load('b');
    await cache.load('a');
    await cache.load('c');
    expect([cache.has('a'), cache.has('b'), cache.has('c')]).toEqual([true, false, true]);
    expect(cache.bytes).toBe(80);
  });
  it('tells an expired address from other failures and keeps nothing of it', async () => {
    const { cache } = cacheOf({}, 100);
    const error = await cache.load('gone').catch((e: unknown) => e);
    expect(error).toBeInstanceOf(MediaError);
    expect((error as MediaError).isExpired).toBe(true);
    expect(cache.has('gone')).toBe(false);
  });
});

describe('nextSegment', () => {
  const rows: { name: string; held: number[]; timeS: number; aheadS: number; expect: number | undefined }[] =
    [
      { name: 'the first one first', held: [], timeS: 0, aheadS: 0.01, expect: 0 },
      { name: 'a warm neighbour stops after it', held: [0], timeS: 0, aheadS: 0.01, expect: undefined },
      { name: 'fills ahead in order', held: [0, 1], timeS: 1, aheadS: 10, expect: 2 },
      { name: 'stops at the bound', held: [0, 1, 2], timeS: 0, aheadS: 6, expect: undefined },
      { name: 'after a seek, from there', held: [0, 1], timeS: 13, aheadS: 10, expect: 6 },
      { name: 'just past a boundary looks back', held: [], timeS: 4.05, aheadS: 10, expect: 1 },
      { name: 'beyond the end, the last', held: [], timeS: 99, aheadS: 10, expect: 9 },
    ];
  for (const row of rows) {
    it(row.name, () => {
      const window = { timeS: row.timeS, aheadS: row.aheadS, segmentS: 2, count: 10 };
      expect(nextSegment(new Set(row.held), window)).toBe(row.expect);
    });
  }
});

describe('the ring', () => {
  it('keeps the video on screen in its slot while the list moves on', () => {
    for (let active = 0; active < 20; active += 1) {
      const now = ringPositions(active);
      expect([...now].sort((a, b) => a - b)).toEqual([active - 1, active, active + 1]);
      expect(now[slotOf(active)]).toBe(active);
      expect(ringPositions(active + 1)[slotOf(active)]).toBe(active);
    }
  });
});

describe('decodeThumbhash', () => {
  it('decodes a known hash to a tall picture of the right colours', () => {
    const picture = decodeThumbhash('1QcSHQRnh493V4dIh4eXh1h4kJUI');
    expect(picture).toMatchObject({ width: 23, height: 32 });
    const alpha = picture?.rgba.filter((_, i) => i % 4 === 3) ?? [];
    expect([...alpha].every((a) => a === 255)).toBe(true);
  });
  it('refuses what is too short', () => expect(decodeThumbhash('AAAA')).toBeUndefined());
});
