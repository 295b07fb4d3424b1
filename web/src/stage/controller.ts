// Runs a stage: which item is on screen, what the three players hold, what is fetched ahead, and what is recorded
// about each video. Gestures and keys call it; components read its signals. Draws nothing.

import { createSignal } from 'solid-js';
import type { FeedItem } from '../api/wire';
import { onLeave, outbox } from '../events/outbox';
import { WatchTracker } from '../events/watch';
import { preloader, slotHost } from '../player/engine';
import { POSTERS_AHEAD, PRELOAD_AHEAD } from '../player/preload';
import { RING_SIZE, ringPositions, slotOf } from '../player/ring';
import { PlayerSlot } from '../player/slot';
import { recordSwipe } from '../player/swipe-clock';
import { changePrefs, prefs } from '../state/prefs';
import type { FeedSource } from './source';

export interface Input {
  key: string;
  timeMs: number;
}

const FILL_MS_MAX = 240;

function whenIdle(work: () => void, timeoutMs: number): void {
  if ('requestIdleCallback' in globalThis) requestIdleCallback(work, { timeout: timeoutMs });
  else setTimeout(work, 0);
}

export class StageController {
  readonly slots: PlayerSlot[];
  readonly active: () => number;
  /** The place the ring is filled around: `active`, or for a moment still the one before it. */
  readonly center: () => number;
  readonly paused: () => boolean;
  readonly stalled: () => boolean;
  readonly failed: () => boolean;
  readonly soundRefused: () => boolean;
  readonly rate: () => number;
  /** Set by the stage: turns the pages. */
  turnTo: (index: number) => void = () => {};
  /** Set by the stage: the page at least half of which is on screen. */
  halfIndex: () => number = () => this.active();
  /** Set by the stage: whether any of a page is on screen. */
  shows: (index: number) => boolean = (index) => index === this.active();

  #setActive: (index: number) => void;
  #setCenter: (index: number) => void;
  #setPaused: (paused: boolean) => void;
  #setStalled: (stalled: boolean) => void;
  #setFailed: (failed: boolean) => void;
  #setRefused: (refused: boolean) => void;
  #setRate: (rate: number) => void;
  #tracker: WatchTracker | undefined;
  #frameShown = false;
  #onFirstFrame: () => void = () => {};
  #alive = true;
  #stops: (() => void)[] = [];

  constructor(readonly source: FeedSource) {
    const [active, setActive] = createSignal(source.index);
    const [center, setCenter] = createSignal(source.index);
    const [paused, setPaused] = createSignal(false);
    const [stalled, setStalled] = createSignal(false);
    const [failed, setFailed] = createSignal(false);
    const [refused, setRefused] = createSignal(false);
    const [rate, setRate] = createSignal(1);
    this.active = active;
    this.center = center;
    this.paused = paused;
    this.stalled = stalled;
    this.failed = failed;
    this.soundRefused = refused;
    this.rate = rate;
    this.#setActive = (index) => setActive(index);
    this.#setCenter = (index) => setCenter(index);
    this.#setPaused = (on) => setPaused(on);
    this.#setStalled = (on) => setStalled(on);
    this.#setFailed = (on) => setFailed(on);
    this.#setRefused = (on) => setRefused(on);
    this.#setRate = (next) => setRate(next);
    this.slots = Array.from({ length: RING_SIZE }, () => new PlayerSlot(slotHost));
    this.#stops.push(onLeave(() => this.#leave()));
    document.addEventListener('visibilitychange', this.#onVisibility);
    this.#stops.push(() => document.removeEventListener('visibilitychange', this.#onVisibility));
  }

  itemAt(index: number): FeedItem | undefined {
    return this.source.items()[index];
  }

  get current(): FeedItem | undefined {
    return this.itemAt(this.active());
  }

  get slot(): PlayerSlot {
    return this.slots[slotOf(this.active())] as PlayerSlot;
  }

  /** The last place one can go: the last item, or the card after it. */
  get lastIndex(): number {
    return this.source.items().length;
  }

  /** One video on or back. False at the ends. */
  go(step: 1 | -1, input: Input): boolean {
    const next = this.active() + step;
    if (next < 0 || next > this.lastIndex) return false;
    this.#switchTo(next, input);
    this.turnTo(next);
    return true;
  }

  /** Straight to an item, without turning pages. */
  goTo(index: number): void {
    this.#switchTo(index, { key: 'jump', timeMs: performance.now() });
    this.turnTo(index);
  }

  /** The list has changed around the current place (a page came, a tail was replaced). */
  refill(): void {
    if (!this.#alive) return;
    if (this.slot.videoId !== this.current?.video.id) this.#play();
    // In the middle of a turn the ring is filled as soon as there is a moment to spare, with what the list holds then.
    else if (this.center() === this.active()) this.#fillRing();
  }

  togglePause(): void {
    if (this.paused()) this.#resume();
    else {
      this.slot.pause();
      this.#setPaused(true);
    }
  }

  toggleMute(): void {
    // After a refusal the sound was wished for but is off: the tap brings it, the choice stays.
    const muted = this.soundRefused() ? false : !prefs().muted;
    changePrefs({ muted });
    this.#setRefused(false);
    this.slot.setSound({ muted, rate: this.rate() });
  }

  setRate(rate: number): void {
    this.#setRate(rate);
    this.slot.setSound({ muted: this.#muted, rate });
  }

  seekTo(seconds: number): void {
    this.#tick();
    this.slot.seek(seconds);
    this.#tracker?.seeked(this.slot.element.currentTime);
  }

  seekBy(seconds: number): void {
    this.seekTo(this.slot.element.currentTime + seconds);
  }

  /** Plays the failed video again from new addresses. */
  async retry(): Promise<void> {
    await this.slot.reload();
    this.#play();
  }

  /** Half of another page came on screen. */
  onHalf(): void {
    this.#noteShown();
  }

  async dispose(): Promise<void> {
    this.#alive = false;
    this.#leave();
    void outbox.flush();
    for (const stop of this.#stops) stop();
    await Promise.all(this.slots.map((slot) => slot.dispose()));
  }

  get #muted(): boolean {
    return prefs().muted || this.soundRefused();
  }

  #switchTo(next: number, input: Input): void {
    const before = this.slot;
    if (this.center() !== this.active()) this.#fillRing();
    this.#leave();
    before.listener = undefined;
    before.rest();
    this.source.index = next;
    this.#setActive(next);
    this.#play(input);
    void outbox.flush();
    void this.source.rebind(next, () => this.#alive && this.active() === next && !this.shows(next + 1));
  }

  /** Starts the video at the current place, then readies its neighbours. */
  #play(input?: Input): void {
    this.#frameShown = false;
    this.#setPaused(false);
    this.#setStalled(false);
    this.#setFailed(false);
    const item = this.current;
    const { slot } = this;
    void slot.load(item?.video);
    this.#tracker = item && this.#track(item);
    if (item) {
      this.#listen(slot, input);
      void slot.activate({ muted: this.#muted, rate: this.rate() });
      if (document.hidden) slot.pause();
    }
    const isNeighbour = Math.abs(this.active() - this.center()) === 1;
    if (input && item && isNeighbour) this.#fillSoon();
    else this.#fillRing();
  }

  // The first picture comes first: what lies further ahead is readied when the browser has a moment to spare.
  #fillSoon(): void {
    const target = this.active();
    const fill = () => {
      if (this.#alive && this.active() === target && this.center() !== target) this.#fillRing();
    };
    this.#onFirstFrame = () => whenIdle(fill, FILL_MS_MAX / 2);
    setTimeout(fill, FILL_MS_MAX);
  }

  #track(item: FeedItem): WatchTracker {
    const { id, durationMs } = item.video;
    const watched = { videoId: id, impressionId: item.impressionId, durationMs };
    return new WatchTracker(watched, (event) => outbox.add(event));
  }

  #listen(slot: PlayerSlot, input: Input | undefined): void {
    slot.listener = {
      onFrame: (preloaded) => {
        this.#frameShown = true;
        this.#onFirstFrame();
        if (input)
          recordSwipe({ fromKey: input.key, toFrameMs: performance.now() - input.timeMs, preloaded });
        this.#noteShown();
      },
      onLoop: () => this.#tracker?.looped(this.rate()),
      onTime: () => this.#tick(),
      onStall: (stalled) => this.#setStalled(stalled),
      onSoundRefused: () => this.#setRefused(true),
      onFatal: () => this.#setFailed(true),
    };
  }

  #fillRing(): void {
    const active = this.active();
    this.#onFirstFrame = () => {};
    this.#setCenter(active);
    for (const [slot, index] of ringPositions(active).entries()) {
      if (index !== active) void this.slots[slot]?.load(this.itemAt(index)?.video);
    }
    const ahead = this.source.items().slice(active + 1, active + 1 + POSTERS_AHEAD);
    const videos = ahead.map((item) => item.video);
    void preloader.warm(videos.slice(0, PRELOAD_AHEAD));
    preloader.posters(videos);
    void this.source.ensureAhead(active);
  }

  #noteShown(): void {
    if (this.#frameShown && this.halfIndex() === this.active()) this.#tracker?.shown();
  }

  #tick(): void {
    this.#tracker?.tick(this.slot.element.currentTime, this.rate());
  }

  #leave(): void {
    this.#tick();
    this.#tracker?.leave();
    this.#tracker = undefined;
  }

  #resume(): void {
    this.#setPaused(false);
    void this.slot.play({ muted: this.#muted, rate: this.rate() });
  }

  #onVisibility = (): void => {
    if (document.hidden) this.slot.pause();
    else if (!this.paused() && this.current) this.#resume();
  };
}
