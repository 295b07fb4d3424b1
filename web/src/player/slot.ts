// One <video> element of the ring, used again for video after video: load (warm, first picture decoded), activate
// (play), rest (held still at the start). Reports frames, loops and refusals; decides nothing about which video.

import type { Playback, Video } from '../api/wire';
import { MseSource, mediaSourceClass, type SourceHost } from './mse';
import { NativeSource } from './native';
import type { StartPlan } from './plan';

export interface SlotHost extends Omit<SourceHost, 'onFatal' | 'renew'> {
  plan(video: Video): StartPlan | undefined;
  renew(video: Video): Promise<Playback | undefined>;
}

export interface SlotListener {
  /** The first picture after activation reached the screen. */
  onFrame(preloaded: boolean): void;
  onLoop(): void;
  onTime(seconds: number): void;
  onStall(stalled: boolean): void;
  /** The browser refused to play with sound; the slot has muted itself and plays on. */
  onSoundRefused(): void;
  onFatal(): void;
}

export interface Sound {
  muted: boolean;
  rate: number;
}

type Source = MseSource | NativeSource;

export class PlayerSlot {
  readonly element: HTMLVideoElement;
  listener: SlotListener | undefined;
  #source: Source | undefined;
  #video: Video | undefined;
  #playing: Promise<void> = Promise.resolve();
  #active = false;
  #turn = 0;
  #loading: Promise<void> | undefined;
  #wasPrimed = false;

  constructor(private readonly host: SlotHost) {
    this.element = document.createElement('video');
    this.element.playsInline = true;
    this.element.muted = true;
    this.element.preload = 'auto';
    this.element.tabIndex = -1;
    this.element.addEventListener('ended', this.#onEnded);
    this.element.addEventListener('timeupdate', this.#onTime);
    this.element.addEventListener('waiting', () => this.#active && this.listener?.onStall(true));
    this.element.addEventListener('playing', () => this.listener?.onStall(false));
    this.element.addEventListener('error', () => this.#onError());
  }

  get videoId(): string | undefined {
    return this.#video?.id;
  }

  get isPrimed(): boolean {
    return this.#source?.isPrimed ?? false;
  }

  /** Shows another video in this slot, or none. The old one is let go once its play() has settled. */
  load(video: Video | undefined): Promise<void> {
    if (video?.id === this.#video?.id) return this.#loading ?? Promise.resolve();
    this.#turn += 1;
    this.#video = video;
    this.#active = false;
    this.element.pause();
    this.element.classList.remove('is-shown');
    const turn = this.#turn;
    const loading = this.#replace(video, turn).finally(() => {
      if (this.#loading === loading) this.#loading = undefined;
    });
    this.#loading = loading;
    return loading;
  }

  /** Loads the same video anew after a failure. */
  async reload(): Promise<void> {
    const video = this.#video;
    await this.load(undefined);
    await this.load(video);
  }

  async #replace(video: Video | undefined, turn: number): Promise<void> {
    await this.#playing.catch(() => undefined);
    this.#source?.dispose();
    this.#source = undefined;
    if (turn !== this.#turn || !video) return;
    this.#source = this.#open(video);
    this.#showFirstPicture(turn);
  }

  #open(video: Video): Source | undefined {
    const plan = this.host.plan(video);
    if (!plan) return undefined;
    if (!mediaSourceClass() || plan.rendition < 0) return new NativeSource(this.element, plan.playback);
    const host = {
      cache: this.host.cache,
      choose: (playback: Playback) => this.host.choose(playback),
      renew: () => this.host.renew(video),
      onFatal: () => this.#onError(),
    };
    return new MseSource(this.element, plan, host, video.durationMs);
  }

  /** Uncovers the element when its first picture is decoded; until then the poster stays on top. */
  #showFirstPicture(turn: number): void {
    const show = () => {
      if (turn !== this.#turn) return;
      this.element.classList.add('is-shown');
      if (!this.#active) this.#hold();
    };
    this.element.addEventListener('loadeddata', show, { once: true });
  }

  /** Plays from where the element stands. Resolves when playing or refused for good. */
  async activate(sound: Sound): Promise<void> {
    const turn = this.#turn;
    this.#active = true;
    this.#wasPrimed = this.isPrimed;
    if (this.#loading) await this.#loading;
    if (turn !== this.#turn || !this.#active) return;
    this.#awaitFrame(turn);
    this.#source?.setActive(true);
    await this.play(sound);
  }

  async play(sound: Sound): Promise<void> {
    this.setSound(sound);
    try {
      await this.#start();
    } catch (error) {
      if (!isRefusal(error) || sound.muted || !this.#active) return;
      this.element.muted = true;
      this.listener?.onSoundRefused();
      await this.#start().catch(() => undefined);
    }
  }

  pause(): void {
    this.element.pause();
  }

  setSound({ muted, rate }: Sound): void {
    this.element.muted = muted;
    this.element.playbackRate = rate;
  }

  seek(seconds: number): void {
    const end = Number.isFinite(this.element.duration) ? this.element.duration : seconds;
    this.element.currentTime = Math.min(Math.max(seconds, 0), Math.max(end - 0.05, 0));
  }

  /** Leaves the screen: silent, at the start again, ready to come back at once. */
  rest(): void {
    if (!this.#active) return;
    this.#active = false;
    this.element.currentTime = 0;
    this.#hold();
    this.#source?.setActive(false);
  }

  async dispose(): Promise<void> {
    this.listener = undefined;
    await this.load(undefined);
    this.element.remove();
  }

  // Running at rate nought: muted, still on its first picture, yet past everything that play() has to start. Measured
  // against a paused element, the first moving picture comes some 10 ms sooner.
  #hold(): void {
    this.element.muted = true;
    this.element.playbackRate = 0;
    void this.#start().catch(() => undefined);
  }

  #start(): Promise<void> {
    this.#playing = this.element.play();
    return this.#playing;
  }

  #awaitFrame(turn: number): void {
    const seen = () => {
      if (turn !== this.#turn || !this.#active) return;
      this.element.classList.add('is-shown');
      this.listener?.onFrame(this.#wasPrimed);
    };
    if ('requestVideoFrameCallback' in this.element) this.element.requestVideoFrameCallback(seen);
    else (this.element as HTMLVideoElement).addEventListener('timeupdate', seen, { once: true });
  }

  #onEnded = (): void => {
    if (!this.#active) return;
    this.listener?.onLoop();
    this.element.currentTime = 0;
    void this.#start().catch(() => undefined);
  };

  #onTime = (): void => {
    if (this.#active) this.listener?.onTime(this.element.currentTime);
  };

  #onError(): void {
    if (this.#video) this.listener?.onFatal();
  }
}

const isRefusal = (error: unknown): boolean =>
  error instanceof DOMException && error.name === 'NotAllowedError';
