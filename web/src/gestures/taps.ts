// Tells single taps, double taps and long presses apart. Takes plain times and places; timers come from outside, so
// tests need no waiting.

const DOUBLE_MS = 260;
const DOUBLE_PX = 48;
const LONG_MS = 480;

export interface Point {
  x: number;
  y: number;
}

export interface TapHandlers {
  single(at: Point): void;
  double(at: Point): void;
  long(at: Point): void;
}

export interface Timers {
  set(work: () => void, ms: number): number;
  clear(id: number): void;
}

const realTimers: Timers = {
  set: (work, ms) => setTimeout(work, ms) as unknown as number,
  clear: (id) => clearTimeout(id),
};

export class TapReader {
  #single = 0;
  #long = 0;
  #lastTap: (Point & { timeMs: number }) | undefined;
  #pressed = false;

  constructor(
    private readonly handlers: TapHandlers,
    private readonly timers: Timers = realTimers,
  ) {}

  down(at: Point): void {
    this.#pressed = true;
    this.timers.clear(this.#long);
    this.#long = this.timers.set(() => {
      if (!this.#pressed) return;
      this.cancel();
      this.handlers.long(at);
    }, LONG_MS);
  }

  /** The finger moved too far or the gesture was taken over. */
  cancel(): void {
    this.#pressed = false;
    this.timers.clear(this.#long);
  }

  up(at: Point, timeMs: number): void {
    if (!this.#pressed) return;
    this.cancel();
    if (this.#isSecond(at, timeMs)) {
      this.timers.clear(this.#single);
      this.#lastTap = { ...at, timeMs };
      this.handlers.double(at);
      return;
    }
    this.#lastTap = { ...at, timeMs };
    this.timers.clear(this.#single);
    this.#single = this.timers.set(() => {
      this.#lastTap = undefined;
      this.handlers.single(at);
    }, DOUBLE_MS);
  }

  #isSecond(at: Point, timeMs: number): boolean {
    const last = this.#lastTap;
    if (!last || timeMs - last.timeMs > DOUBLE_MS) return false;
    return Math.hypot(at.x - last.x, at.y - last.y) < DOUBLE_PX;
  }
}
