// Decides what a drag means: how far the pages follow the finger, and on release which way to go. Pure numbers;
// listening to fingers is in touch.ts.

/** Pages per second above which a flick turns the page however short it was. */
const FLICK_SPEED = 0.45;
/** Share of a page that turns it without a flick. */
const TURN_SHARE = 0.32;
const RUBBER = 0.25;

export interface Bounds {
  min: number;
  max: number;
}

/** Where the pages stand when the finger would have them at `at`: beyond the ends they follow reluctantly. */
export function rubberBand(at: number, { min, max }: Bounds): number {
  if (at < min) return min - (min - at) * RUBBER;
  if (at > max) return max + (at - max) * RUBBER;
  return at;
}

/** -1, 0 or +1 page from where the drag began. `moved` in pages, `speed` in pages per second. */
export function releaseStep(moved: number, speed: number): -1 | 0 | 1 {
  if (Math.abs(speed) > FLICK_SPEED) {
    const backwards = moved !== 0 && Math.sign(speed) !== Math.sign(moved);
    return backwards ? 0 : speed > 0 ? 1 : -1;
  }
  if (Math.abs(moved) < TURN_SHARE) return 0;
  return moved > 0 ? 1 : -1;
}

/** Remembers the last moments of a finger to tell its speed at release. */
export class SpeedMeter {
  #points: { at: number; timeMs: number }[] = [];
  static readonly WINDOW_MS = 90;

  add(at: number, timeMs: number): void {
    this.#points.push({ at, timeMs });
    this.#points = this.#points.filter((p) => timeMs - p.timeMs <= SpeedMeter.WINDOW_MS);
  }

  /** Units per second over the window; 0 when the finger has rested. */
  speed(nowMs: number): number {
    const points = this.#points.filter((p) => nowMs - p.timeMs <= SpeedMeter.WINDOW_MS);
    const [first] = points;
    const last = points.at(-1);
    if (!first || !last || last.timeMs <= first.timeMs) return 0;
    return ((last.at - first.at) * 1000) / (last.timeMs - first.timeMs);
  }
}
