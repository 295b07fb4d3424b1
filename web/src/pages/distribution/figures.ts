// The arithmetic of the page: parts of bars, whole percents, and which rounds are over. Draws nothing.

import type { DistributionPool } from '../../api/wire';

/** How much of a bar is full, 0 to 1. */
export const widthOf = (given: number, all: number): number =>
  all > 0 ? Math.min(Math.max(given / all, 0), 1) : 0;

/** A whole percent to read; undefined when nothing is known. 99.6 is 99: only all is 100. */
export function percentOf(percent: number | null | undefined): number | undefined {
  if (percent === null || percent === undefined || !Number.isFinite(percent)) return undefined;
  const bounded = Math.min(Math.max(percent, 0), 100);
  if (bounded > 99 && bounded < 100) return 99;
  if (bounded > 0 && bounded < 1) return 1;
  return Math.round(bounded);
}

export interface RoundLeft {
  number: number;
  leftMs: number;
  pool: DistributionPool;
}

/** The rounds that a decision ended, the last one first. */
export function roundsLeft(pools: DistributionPool[]): RoundLeft[] {
  const left = pools.flatMap((pool, at) =>
    pool.leftMs !== null && pool.leftMs !== undefined ? [{ number: at + 1, leftMs: pool.leftMs, pool }] : [],
  );
  return left.reverse();
}
