// Which rendition to fetch next: the best that the measured bandwidth carries and the screen can show.
// Pure; measures and fetches nothing.

import type { Rendition } from '../api/wire';

/** Share of the measured bandwidth that video may take; the rest is for audio, the next videos and bad luck. */
const BANDWIDTH_SHARE = 0.6;
/** Before anything was measured, start where a slow phone can follow. */
const UNKNOWN_LINES_MAX = 480;

export interface Conditions {
  bps: number | undefined;
  /** Height of the card in device pixels. */
  heightPx: number;
  dataSaver: boolean;
}

const lines = (r: Rendition): number => Math.min(r.width, r.height);

/** The index of the rendition to use; renditions come in any order. */
export function pickRendition(renditions: readonly Rendition[], now: Conditions): number {
  const ladder = renditions
    .map((rendition, index) => ({ rendition, index }))
    .sort((a, b) => a.rendition.bitrateBps - b.rendition.bitrateBps);
  if (ladder.length === 0) return -1;
  const lowest = ladder[0] as (typeof ladder)[number];
  if (now.dataSaver) return lowest.index;
  const enough = ladder.findIndex(({ rendition }) => rendition.height >= now.heightPx);
  const showable = enough < 0 ? ladder : ladder.slice(0, enough + 1);
  const fits = showable.filter(({ rendition }) => carries(rendition, now.bps));
  return (fits.at(-1) ?? lowest).index;
}

function carries(rendition: Rendition, bps: number | undefined): boolean {
  if (bps === undefined) return lines(rendition) <= UNKNOWN_LINES_MAX;
  return rendition.bitrateBps <= bps * BANDWIDTH_SHARE;
}
