// Moves the pages of the stage: one number (the position, in pages) driven by finger or spring, written straight to
// the elements' transforms once a frame. Does not know what a page shows.

import { isAtRest, type Motion, springStep } from './spring';
import { type Bounds, rubberBand } from './swipe';

export interface PagerPorts {
  /** Places every page for this position. */
  place(position: number): void;
  /** The nearest page changed on the way (half of it is on screen). */
  onHalf(index: number): void;
  reducedMotion(): boolean;
}

const FRAME_S_MAX = 0.05;
/** In pages. */
const HAIR = 0.01;

export class Pager {
  #motion: Motion;
  #target: number;
  #frame = 0;
  #lastMs = 0;
  #grabbedAt: number | undefined;
  #half: number;

  constructor(
    start: number,
    private readonly ports: PagerPorts,
  ) {
    this.#motion = { at: start, speed: 0 };
    this.#target = start;
    this.#half = start;
    ports.place(start);
  }

  /** The page at least half of which is on screen. */
  get half(): number {
    return this.#half;
  }

  /** Whether any of a page is on screen; a hair of it is none, for springs come to rest slowly. */
  shows(index: number): boolean {
    return Math.abs(this.#motion.at - index) < 1 - HAIR;
  }

  get isMoving(): boolean {
    return this.#frame !== 0 || this.#grabbedAt !== undefined;
  }

  grab(): void {
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
    this.#grabbedAt = this.#motion.at;
    this.#motion = { at: this.#motion.at, speed: 0 };
  }

  drag(movedPages: number, bounds: Bounds): void {
    if (this.#grabbedAt === undefined) return;
    this.#put({ at: rubberBand(this.#grabbedAt + movedPages, bounds), speed: 0 });
  }

  /** How far from page `index` the drag has carried the view. */
  movedFrom(index: number): number {
    return this.#motion.at - index;
  }

  /** Springs to a page, from wherever it is now but never from further than one page away. */
  settle(target: number, speed = this.#motion.speed): void {
    this.#grabbedAt = undefined;
    this.#target = target;
    const at = Math.min(Math.max(this.#motion.at, target - 1), target + 1);
    if (this.ports.reducedMotion()) {
      this.#put({ at: target, speed: 0 });
      return;
    }
    this.#put({ at, speed });
    if (this.#frame === 0) {
      this.#lastMs = performance.now();
      this.#frame = requestAnimationFrame(this.#tick);
    }
  }

  /** Places the pages anew where they are: one of them has taken another place. */
  place(): void {
    this.ports.place(this.#motion.at);
  }

  /** Stands on a page at once, without motion. */
  jump(target: number): void {
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
    this.#target = target;
    this.#put({ at: target, speed: 0 });
  }

  #tick = (nowMs: number): void => {
    const elapsed = Math.min(Math.max((nowMs - this.#lastMs) / 1000, 0.001), FRAME_S_MAX);
    this.#lastMs = nowMs;
    const next = springStep(this.#motion, this.#target, elapsed);
    if (isAtRest(next, this.#target)) {
      this.#frame = 0;
      this.#put({ at: this.#target, speed: 0 });
      return;
    }
    this.#put(next);
    this.#frame = requestAnimationFrame(this.#tick);
  };

  #put(motion: Motion): void {
    this.#motion = motion;
    this.ports.place(motion.at);
    const half = Math.round(motion.at);
    if (half === this.#half) return;
    this.#half = half;
    this.ports.onHalf(half);
  }
}
