// Late binding, the arithmetic of it: what is asked of the server after a swipe, and what the list becomes by its answer. No network, no state.

import type { FeedNext } from '../api/endpoints';
import type { FeedItem, Id } from '../api/wire';

/** Unseen videos held in For You; their order is settled swipe by swipe. */
export const POOL = 6;
/** Unseen videos that the server puts in order at once. */
export const REBOUND_MAX = 12;

/** What to ask for with `index` on screen; nothing when there is no pool, or part of it was served by no feed. */
export function pooled(items: FeedItem[], index: number): { unseen: Id[]; count: number } | undefined {
  const pool = items.slice(index + 1, index + 1 + REBOUND_MAX);
  if (pool.length === 0 || pool.some((item) => item.impressionId === '')) return undefined;
  const left = items.length - index - 1;
  return { unseen: pool.map((item) => item.impressionId), count: Math.max(0, POOL - left) };
}

/** Whether a list is another one only in what was added at its end: the answer about its first `count` still holds. */
export function grew(from: FeedItem[], to: FeedItem[], count: number): boolean {
  return from.slice(0, count).every((item, at) => item === to[at]);
}

/**
 * The list by the server's answer about the `asked` items behind `index`: what stands at `index` and before stays, those come in their new
 * order, then what was beyond them, then what is new. Undefined when nothing changes.
 */
export function rebound(
  items: FeedItem[],
  index: number,
  answer: FeedNext,
  asked = REBOUND_MAX,
): FeedItem[] | undefined {
  const before = items.slice(0, index + 1);
  const beyond = items.slice(index + 1 + asked);
  const seen = new Set(before.map((item) => item.video.id));
  const after = [...answer.unseen, ...beyond, ...answer.append].filter((item) => {
    if (item.video.playback === undefined || seen.has(item.video.id)) return false;
    seen.add(item.video.id);
    return true;
  });
  const same =
    after.length === items.length - index - 1 &&
    after.every((item, at) => item.impressionId === items[index + 1 + at]?.impressionId);
  return same ? undefined : [...before, ...after];
}
