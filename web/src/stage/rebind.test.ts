// What late binding asks for and what it makes of the answer.

import { describe, expect, it } from 'vitest';
import type { FeedItem } from '../api/wire';
import { grew, POOL, pooled, REBOUND_MAX, rebound } from './rebind';

const item = (name: string, impressionId = `i-${name}`): FeedItem =>
  ({
    impressionId,
    video: { id: name, playback: {} },
    reason: { code: '', text: '' },
    sponsored: false,
  }) as unknown as FeedItem;
const list = (names: string) => [...names].map((name) => item(name));
const names = (items: FeedItem[] | undefined) => items?.map((one) => one.video.id).join('');
const answer = (unseen: FeedItem[], append: FeedItem[] = []) => ({
  unseen,
  append,
  dropped: [],
  cursor: 'c',
});

describe('pooled', () => {
  it('names what was never on screen, and asks for as many as are missing', () => {
    expect(pooled(list('abcd'), 1)).toEqual({ unseen: ['i-c', 'i-d'], count: POOL - 2 });
    const many = pooled(list('abcdefghijklmnopq'), 0);
    expect(many?.unseen.length).toBe(REBOUND_MAX);
    expect(many?.count).toBe(0);
  });

  it('asks for nothing without a pool, or when no feed served it', () => {
    expect(pooled(list('ab'), 1)).toBeUndefined();
    expect(pooled([...list('ab'), item('c', '')], 0)).toBeUndefined();
  });
});

describe('rebound', () => {
  it('keeps what was on screen and takes the new order behind it', () => {
    const now = list('abcd');
    expect(names(rebound(now, 1, answer([item('d'), item('c')], [item('e')])))).toBe('abdce');
  });

  it('changes nothing when the order is the same', () => {
    expect(rebound(list('abcd'), 1, answer(list('cd')))).toBeUndefined();
  });

  it('drops what is left out, takes what stands in for it, and never repeats', () => {
    const now = list('abcd');
    expect(names(rebound(now, 1, answer([item('c')])))).toBe('abc');
    expect(names(rebound(now, 1, answer([item('x'), item('c')], [item('a'), item('x')])))).toBe('abxc');
  });

  it('leaves what lies beyond the pool behind it', () => {
    const now = list('abcdefghijklmnop');
    const pool = now.slice(1, 1 + REBOUND_MAX).reverse();
    expect(names(rebound(now, 0, answer(pool)))).toBe('amlkjihgfedcbnop');
  });

  it('keeps a page that came while the answer was on its way', () => {
    const then = list('abcd');
    const now = [...then, ...list('ef')];
    expect(grew(then, now, 4)).toBe(true);
    expect(names(rebound(now, 0, answer([item('d'), item('b'), item('c')]), 3))).toBe('adbcef');
    expect(grew(then, list('abcd'), 4)).toBe(false);
    expect(grew(then, then.slice(0, 3), 4)).toBe(false);
  });
});
