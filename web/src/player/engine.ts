// The player's shared parts, one set a page load: bandwidth, media memory, preloader, and what the ring's slots need.
// Survives moving between pages of the application, so coming back to the feed starts warm.

import { videoGet } from '../api/endpoints';
import type { Playback, Video } from '../api/wire';
import { prefs } from '../state/prefs';
import { BandwidthMeter } from './bandwidth';
import { MediaCache } from './media-cache';
import { Preloader } from './preload';
import { type Conditions, pickRendition } from './renditions';
import type { SlotHost } from './slot';

const meter = new BandwidthMeter(localStorage);
const cache = new MediaCache(meter);

let cardHeightPx = innerHeight * devicePixelRatio;

/** Told by the stage when its size changes. */
export const setCardHeight = (cssPx: number): void => {
  cardHeightPx = cssPx * devicePixelRatio;
};

type Connection = { connection?: { saveData?: boolean } };

const conditions = (): Conditions => ({
  bps: meter.bps,
  heightPx: cardHeightPx,
  dataSaver: prefs().dataSaver || Boolean((navigator as Connection).connection?.saveData),
});

export const preloader = new Preloader(cache, conditions);

export const slotHost: SlotHost = {
  cache,
  plan: (video: Video) => preloader.planFor(video),
  choose: (playback: Playback) => pickRendition(playback.renditions, conditions()),
  renew: async (video: Video) => (await videoGet(video.id)).playback,
};
