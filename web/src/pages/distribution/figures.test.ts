// The arithmetic of the page.

import { expect, test } from 'vitest';
import type { DistributionPool } from '../../api/wire';
import { percentOf, roundsLeft, widthOf } from './figures';

test.each([
  [0, 200, 0],
  [50, 200, 0.25],
  [260, 200, 1],
  [-3, 200, 0],
  [5, 0, 0],
])('%i of %i fills %f of a bar', (given, all, part) => {
  expect(widthOf(given, all)).toBe(part);
});

test.each([
  [undefined, undefined],
  [null, undefined],
  [Number.NaN, undefined],
  [0, 0],
  [0.2, 1],
  [41.5, 42],
  [99.6, 99],
  [100, 100],
  [140, 100],
])('%s reads as %s', (percent, shown) => {
  expect(percentOf(percent)).toBe(shown);
});

test('decisions are told newest first, and a round without one is left out', () => {
  const pool = (size: number, leftMs: number | null): DistributionPool => ({
    size,
    state: leftMs === null ? 'here' : 'passed',
    impressions: size,
    peers: 0,
    leftMs,
  });
  const left = roundsLeft([pool(200, 10), pool(1000, 20), pool(5000, null)]);
  expect(left.map((round) => [round.number, round.leftMs])).toEqual([
    [2, 20],
    [1, 10],
  ]);
});
