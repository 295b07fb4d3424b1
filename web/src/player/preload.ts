// Brings the next videos' first bytes into memory before the swipe, nearest first, and keeps one start plan per
// video. Bounded by the media cache; plays nothing.

import type { Video } from '../api/wire';
import type { MediaCache } from './media-cache';
import { planStart, type StartPlan } from './plan';
import type { Conditions } from './renditions';

/** How many videos after the current one are held ready. */
export const PRELOAD_AHEAD = 3;
/** How many posters after those are fetched. */
export const POSTERS_AHEAD = 10;
const PLANS_MAX = 64;

export class Preloader {
  #plans = new Map<string, StartPlan>();
  #wanted = 0;

  constructor(
    private readonly cache: MediaCache,
    private readonly conditions: () => Conditions,
  ) {}

  /** The plan for a video; the same answer until its playback addresses change. */
  planFor(video: Video): StartPlan | undefined {
    if (!video.playback) return undefined;
    const known = this.#plans.get(video.id);
    if (known && known.playback.init === video.playback.init) return known;
    const plan = planStart(video.playback, this.conditions());
    this.#plans.set(video.id, plan);
    if (this.#plans.size > PLANS_MAX) this.#plans.delete(this.#plans.keys().next().value as string);
    return plan;
  }

  isReady(video: Video): boolean {
    return this.planFor(video)?.urls.every((url) => this.cache.has(url)) ?? false;
  }

  /** Fetches the start of each video, one video after the other; a newer call takes over from an older one. */
  async warm(videos: readonly Video[]): Promise<void> {
    this.#wanted += 1;
    const turn = this.#wanted;
    for (const [rank, video] of videos.entries()) {
      if (turn !== this.#wanted) return;
      const plan = this.planFor(video);
      if (!plan) continue;
      const priority = rank === 0 ? 'high' : 'low';
      await Promise.allSettled(plan.urls.map((url) => this.cache.load(url, priority)));
    }
  }

  /** Fetches posters into the browser's own cache. */
  posters(videos: readonly Video[]): void {
    for (const video of videos) {
      if (video.playback?.poster) new Image().src = video.playback.poster;
    }
  }
}
