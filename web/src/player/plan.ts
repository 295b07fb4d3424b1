// What a video starts with: the rendition chosen for segment 0 and the addresses that must be in memory before the
// swipe. Made once per video, so that preloading and playing agree. Fetches nothing.

import type { Playback } from '../api/wire';
import { type Conditions, pickRendition } from './renditions';

export interface StartPlan {
  playback: Playback;
  /** Index in playback.renditions; -1 when the list is empty and only `init`/`firstSegment` are known. */
  rendition: number;
  urls: string[];
}

export function planStart(playback: Playback, now: Conditions): StartPlan {
  const rendition = pickRendition(playback.renditions, now);
  const chosen = playback.renditions[rendition];
  const urls = [chosen?.init ?? playback.init, chosen?.segments[0] ?? playback.firstSegment];
  if (playback.audio) {
    urls.push(playback.audio.init, playback.audio.segments[0] ?? playback.audio.firstSegment);
  }
  return { playback, rendition, urls };
}
