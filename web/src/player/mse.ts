// Plays one video through MediaSource: two tracks (video, audio), each filled by its own loop up to a few seconds
// ahead of the playhead, with the rendition chosen anew at each segment. Touches the element only for its source,
// its clock and small gap jumps; playing and pausing belong to slot.ts.

import type { Playback } from '../api/wire';
import { type MediaCache, MediaError } from './media-cache';
import type { StartPlan } from './plan';
import { QuotaError, Track } from './track';

const AHEAD_ACTIVE_S = 10;
const AHEAD_WARM_S = 0.01;
const BEHIND_S_MAX = 30;
const KEEP_BEHIND_S = 15;
const TRIES_MAX = 4;
const STALL_RETRY_MS = 3000;
const GAP_S_MAX = 0.6;
const SOURCE_END_SLACK_S = 0.25;

type MediaSourceClass = { new (): MediaSource; isTypeSupported(type: string): boolean };
type WithManaged = { ManagedMediaSource?: MediaSourceClass; MediaSource?: MediaSourceClass };

/** MediaSource, or its managed form where that is the only one; undefined on browsers that have neither. */
export const mediaSourceClass = (): MediaSourceClass | undefined => {
  const scope = globalThis as unknown as WithManaged;
  return scope.MediaSource ?? scope.ManagedMediaSource;
};

export interface SourceHost {
  cache: MediaCache;
  /** The rendition to use for the next segment. */
  choose(playback: Playback): number;
  /** Fresh addresses when the signed ones have run out; undefined when the video is gone. */
  renew(): Promise<Playback | undefined>;
  onFatal(error: unknown): void;
}

export class MseSource {
  #source: MediaSource;
  #tracks: { video?: Track; audio?: Track } = {};
  #filling = new Set<Track>();
  #dead = false;
  #active = false;
  #renewed = false;
  #playback: Playback;
  #url: string;

  constructor(
    private readonly element: HTMLVideoElement,
    private readonly plan: StartPlan,
    private readonly host: SourceHost,
    private readonly durationMs: number,
  ) {
    const Source = mediaSourceClass() as MediaSourceClass;
    this.#playback = plan.playback;
    this.#source = new Source();
    this.#url = URL.createObjectURL(this.#source);
    this.#source.addEventListener('sourceopen', () => this.#open(), { once: true });
    if ('disableRemotePlayback' in element) element.disableRemotePlayback = true;
    element.src = this.#url;
    for (const name of ['timeupdate', 'seeking', 'waiting'] as const)
      element.addEventListener(name, this.#poke);
    globalThis.addEventListener('online', this.#poke);
  }

  /** True once the first picture can be shown without the network. */
  get isPrimed(): boolean {
    const { video, audio } = this.#tracks;
    return Boolean(video?.holds(0) && (!audio || audio.holds(0)));
  }

  /** Fill ahead of the playhead (the video on screen), or hold segment 0 only (a neighbour). */
  setActive(active: boolean): void {
    this.#active = active;
    this.#poke();
  }

  dispose(): void {
    this.#dead = true;
    for (const name of ['timeupdate', 'seeking', 'waiting'] as const) {
      this.element.removeEventListener(name, this.#poke);
    }
    globalThis.removeEventListener('online', this.#poke);
    URL.revokeObjectURL(this.#url);
    this.element.removeAttribute('src');
    this.element.load();
  }

  #open(): void {
    if (this.#dead) return;
    URL.revokeObjectURL(this.#url);
    try {
      this.#source.duration = this.durationMs / 1000;
      const { renditions, audio, segmentMs } = this.#playback;
      const first = renditions[this.plan.rendition];
      const segmentS = segmentMs / 1000;
      const codecs = first?.codecs ?? 'avc1.4d401f';
      this.#tracks.video = new Track(
        this.#source.addSourceBuffer(`video/mp4; codecs="${codecs}"`),
        first?.segments.length ?? 1,
        segmentS,
      );
      if (audio) {
        this.#tracks.audio = new Track(
          this.#source.addSourceBuffer(`audio/mp4; codecs="${audio.codecs}"`),
          Math.max(audio.segments.length, 1),
          segmentS,
        );
      }
    } catch (error) {
      this.host.onFatal(error);
      return;
    }
    this.#poke();
  }

  #poke = (): void => {
    if (this.#dead) return;
    this.#jumpGap();
    for (const track of Object.values(this.#tracks)) {
      if (track && !this.#filling.has(track)) void this.#fill(track);
    }
  };

  async #fill(track: Track): Promise<void> {
    this.#filling.add(track);
    try {
      for (;;) {
        const ahead = this.#active ? AHEAD_ACTIVE_S : AHEAD_WARM_S;
        const index = track.nextIndex(this.element.currentTime, ahead);
        if (index === undefined || this.#dead) break;
        if (!(await this.#appendOne(track, index))) {
          setTimeout(this.#poke, STALL_RETRY_MS);
          break;
        }
      }
      if (!this.#dead) await this.#evict(track);
    } catch (error) {
      if (!this.#dead) this.host.onFatal(error);
    } finally {
      this.#filling.delete(track);
    }
    this.#finish();
    this.#jumpGap();
  }

  /** Appends one segment, with its init first when the rendition changes. False: nothing more can be done now. */
  async #appendOne(track: Track, index: number): Promise<boolean> {
    const rendition = track === this.#tracks.audio ? 0 : this.#renditionFor(index);
    const parts = await this.#fetch(track, rendition, index);
    if (!parts || this.#dead) return false;
    try {
      if (track.rendition !== rendition) {
        this.#retype(track, rendition);
        await track.appendInit(parts.init, rendition);
      }
      if (this.#dead) return false;
      await track.appendSegment(parts.segment, index);
      return true;
    } catch (error) {
      if (!(error instanceof QuotaError)) throw error;
      await track.evictBefore(this.element.currentTime - 1);
      return false;
    }
  }

  #renditionFor(index: number): number {
    if (index === 0) return this.plan.rendition;
    const chosen = this.host.choose(this.#playback);
    return this.#playback.renditions[chosen]?.segments[index] ? chosen : this.plan.rendition;
  }

  #retype(track: Track, rendition: number): void {
    const before = this.#playback.renditions[track.rendition ?? rendition]?.codecs;
    const after = this.#playback.renditions[rendition]?.codecs;
    if (track !== this.#tracks.video || !before || !after) return;
    if (before.split('.')[0] !== after.split('.')[0]) track.buffer.changeType(`video/mp4; codecs="${after}"`);
  }

  #urls(track: Track, rendition: number, index: number): { init: string; segment: string } {
    const audio = this.#playback.audio;
    if (track === this.#tracks.audio && audio) {
      return { init: audio.init, segment: audio.segments[index] ?? audio.firstSegment };
    }
    const chosen = this.#playback.renditions[rendition];
    return {
      init: chosen?.init ?? this.#playback.init,
      segment: chosen?.segments[index] ?? this.#playback.firstSegment,
    };
  }

  async #fetch(track: Track, rendition: number, index: number) {
    for (let attempt = 0; attempt < TRIES_MAX && !this.#dead; attempt += 1) {
      const urls = this.#urls(track, rendition, index);
      try {
        const [init, segment] = await Promise.all([
          this.host.cache.load(urls.init),
          this.host.cache.load(urls.segment),
        ]);
        return { init, segment };
      } catch (error) {
        if (error instanceof MediaError && error.isExpired && !(await this.#renew())) throw error;
        await new Promise((resolve) => setTimeout(resolve, 250 * 2 ** attempt));
      }
    }
    return undefined;
  }

  async #renew(): Promise<boolean> {
    if (this.#renewed) return false;
    this.#renewed = true;
    const fresh = await this.host.renew().catch(() => undefined);
    // The ladder may have grown or moved since: keep this list's order, take only the new addresses.
    const renditions = this.#playback.renditions.map((r) => fresh?.renditions.find((f) => f.name === r.name));
    if (!fresh || renditions.some((r) => r === undefined)) return false;
    this.#playback = { ...fresh, renditions: renditions.filter((r) => r !== undefined) };
    return true;
  }

  async #evict(track: Track): Promise<void> {
    const time = this.element.currentTime;
    const ranges = this.element.buffered;
    if (ranges.length === 0 || time < BEHIND_S_MAX) return;
    const last = ranges.length - 1;
    if (time - ranges.start(last) > BEHIND_S_MAX) await track.evictBefore(time - KEEP_BEHIND_S);
  }

  /** Marks the end of the stream once every track holds its last segment, so that `ended` fires. */
  #finish(): void {
    const tracks = Object.values(this.#tracks).filter((t) => t !== undefined);
    const idle = tracks.every((t) => t.holdsEnd && !t.buffer.updating) && this.#filling.size === 0;
    if (!this.#dead && tracks.length > 0 && idle && this.#source.readyState === 'open') {
      this.#source.endOfStream();
    }
  }

  /** Steps over a hole before the next buffered range: encoders start a frame late, segments drift. */
  #jumpGap(): void {
    const { buffered, currentTime, seeking } = this.element;
    for (let i = 0; i < buffered.length; i += 1) {
      const start = buffered.start(i);
      const inside = currentTime >= start && currentTime < buffered.end(i) - SOURCE_END_SLACK_S;
      if (inside || (seeking && currentTime > start)) return;
      if (start > currentTime && start - currentTime < GAP_S_MAX) {
        this.element.currentTime = start + 0.001;
        return;
      }
    }
  }
}
