// Follows one video on screen and tells what happened: impression, loops, and on leaving one watch, with a skip when
// it was left early. Counts time by the media clock, so pauses and stalls do not count. Sends nothing itself.

import type { NewEvent } from './queue';

const SKIP_MS = 2000;
const SKIP_SHARE = 0.15;
/** A bigger step of the clock between two ticks is a seek, not playing. */
const STEP_S_MAX = 2;

export interface Watched {
  videoId: string;
  /** Empty for a video that no feed served (a shared link, an offline replay). */
  impressionId: string;
  durationMs: number;
}

export class WatchTracker {
  #lastS = 0;
  #playedS = 0;
  #loops = 0;
  #ended = false;
  #shown = false;
  #left = false;

  constructor(
    private readonly video: Watched,
    private readonly emit: (event: NewEvent) => void,
  ) {}

  get watchMs(): number {
    return Math.round(this.#playedS * 1000);
  }

  /** At least half of it is on screen and its first picture shows. Counts once. */
  shown(): void {
    if (this.#shown || this.#left) return;
    this.#shown = true;
    this.#emit({ type: 'impression' });
  }

  /** The media clock moved to `mediaS`; `rate` turns media time into time really spent. */
  tick(mediaS: number, rate = 1): void {
    const step = mediaS - this.#lastS;
    if (step > 0 && step <= STEP_S_MAX * rate) this.#playedS += step / rate;
    this.#lastS = mediaS;
  }

  /** A jump by the viewer: nothing was watched in between. */
  seeked(mediaS: number): void {
    this.#lastS = mediaS;
  }

  /** Reached the end and starts again. */
  looped(rate = 1): void {
    this.tick(this.video.durationMs / 1000, rate);
    this.#lastS = 0;
    this.#ended = true;
    this.#loops += 1;
    this.#emit({ type: 'loop', loops: this.#loops });
  }

  /** The viewer goes on. Emits once; a video whose picture never showed says nothing: unknown is not a skip. */
  leave(): void {
    if (this.#left) return;
    this.#left = true;
    if (!this.#shown) return;
    const { watchMs } = this;
    const positionMs = Math.round(this.#lastS * 1000);
    this.#emit({ type: 'watch', watchMs, ended: this.#ended, loops: this.#loops, positionMs });
    const early = watchMs < SKIP_MS || watchMs < this.video.durationMs * SKIP_SHARE;
    if (early && !this.#ended) this.#emit({ type: 'skip', watchMs, positionMs });
  }

  #emit(event: NewEvent): void {
    const { videoId, impressionId } = this.video;
    this.emit({ ...event, videoId, ...(impressionId ? { impressionId } : {}) });
  }
}
