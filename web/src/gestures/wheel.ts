// One page per wheel gesture: turns a stream of wheel events, with the long tail that touch pads send, into single
// steps. Pure; the stage listens.

const TRAVEL_PX = 24;
const QUIET_MS = 140;
const LOCK_MS = 420;
/** After the lock, a delta this much bigger than the fading tail is a new push. */
const SURGE = 1.8;
const SURGE_PX_MIN = 30;

export class WheelGate {
  #travel = 0;
  #lastMs = Number.NEGATIVE_INFINITY;
  #steppedMs = Number.NEGATIVE_INFINITY;
  #tail = 0;
  #locked = false;

  /** Feeds one event (delta in pixels, downwards positive); answers the step to take now. */
  push(deltaPx: number, timeMs: number): -1 | 0 | 1 {
    const size = Math.abs(deltaPx);
    if (timeMs - this.#lastMs > QUIET_MS) this.#release();
    this.#lastMs = timeMs;
    if (this.#locked && !this.#isNewPush(size, timeMs)) {
      this.#tail = this.#tail * 0.7 + size * 0.3;
      return 0;
    }
    this.#travel += deltaPx;
    if (Math.abs(this.#travel) < TRAVEL_PX) return 0;
    const step = this.#travel > 0 ? 1 : -1;
    this.#locked = true;
    this.#travel = 0;
    this.#tail = size;
    this.#steppedMs = timeMs;
    return step;
  }

  #isNewPush(size: number, timeMs: number): boolean {
    return timeMs - this.#steppedMs > LOCK_MS && size > SURGE_PX_MIN && size > this.#tail * SURGE;
  }

  #release(): void {
    this.#locked = false;
    this.#travel = 0;
    this.#tail = 0;
  }
}

/** The vertical delta in pixels, whatever unit the device speaks. */
export function wheelPx(event: Pick<WheelEvent, 'deltaY' | 'deltaMode'>, pagePx: number): number {
  if (event.deltaMode === 1) return event.deltaY * 32;
  if (event.deltaMode === 2) return event.deltaY * pagePx;
  return event.deltaY;
}
