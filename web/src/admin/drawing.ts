// What is drawn, as numbers and paths: the line of a sparkline, the pace of a pipe. Touches no page.

import { HISTORY_MS, type Point } from './history';

export const WIDTH = 120;
export const HEIGHT = 32;
/** Room above the highest point and below zero, so that the stroke is never cut. */
const MARGIN = 2;

/** The path of the line, one piece for each stretch without a gap, and the highest value. */
export function lineOf(points: Point[], nowMs: number): { line: string; area: string; peak: number } {
  const known = points.filter((point) => point.value !== null && point.atMs >= nowMs - HISTORY_MS);
  const peak = Math.max(0, ...known.map((point) => point.value ?? 0));
  const x = (atMs: number) => Math.max(0, WIDTH * (1 - (nowMs - atMs) / HISTORY_MS));
  const y = (value: number) => HEIGHT - MARGIN - (peak > 0 ? (value / peak) * (HEIGHT - 2 * MARGIN) : 0);
  let [line, area] = ['', ''];
  let stretch: { x: number; y: number }[] = [];
  const close = () => {
    const [first, last] = [stretch[0], stretch.at(-1)];
    if (first && last) {
      const through = stretch.map((at) => `${at.x.toFixed(1)} ${at.y.toFixed(1)}`).join('L');
      line += `M${through}`;
      area += `M${first.x.toFixed(1)} ${HEIGHT}L${through}L${last.x.toFixed(1)} ${HEIGHT}Z`;
    }
    stretch = [];
  };
  for (const { atMs, value } of points) {
    if (value === null) close();
    else if (atMs >= nowMs - HISTORY_MS) stretch.push({ x: x(atMs), y: y(value) });
  }
  close();
  return { line, area, peak };
}

/** The dots of a pipe pass in so many seconds: fewer with more flowing, in steps, since each change makes them jump. */
export const pipeSeconds = (rate: number): number => 2.4 / (1 + Math.round(Math.log10(1 + rate)));
