// One SourceBuffer and the segments it holds: which segment is needed next, appending, dropping what is far behind.
// Knows nothing of the network or of the element that plays.

export class QuotaError extends Error {}

export class Track {
  #held = new Set<number>();
  /** The rendition whose init was appended last. */
  rendition: number | undefined;

  constructor(
    readonly buffer: SourceBuffer,
    readonly count: number,
    readonly segmentS: number,
  ) {}

  /** The first segment not yet held between the playhead and `aheadS` seconds after it. */
  nextIndex(timeS: number, aheadS: number): number | undefined {
    return nextSegment(this.#held, { timeS, aheadS, segmentS: this.segmentS, count: this.count });
  }

  get holdsEnd(): boolean {
    return this.#held.has(this.count - 1);
  }

  holds(index: number): boolean {
    return this.#held.has(index);
  }

  async appendInit(data: ArrayBuffer, rendition: number): Promise<void> {
    await this.#append(data);
    this.rendition = rendition;
  }

  async appendSegment(data: ArrayBuffer, index: number): Promise<void> {
    await this.#append(data);
    this.#held.add(index);
  }

  /** Drops whole segments between segment 1 and `beforeS`; segment 0 stays, so that a loop starts at once. */
  async evictBefore(beforeS: number): Promise<void> {
    const end = Math.floor(beforeS / this.segmentS);
    if (end <= 1) return;
    this.buffer.remove(this.segmentS, end * this.segmentS);
    await settled(this.buffer);
    for (let i = 1; i < end; i += 1) this.#held.delete(i);
  }

  async #append(data: ArrayBuffer): Promise<void> {
    try {
      this.buffer.appendBuffer(data);
    } catch (error) {
      if (error instanceof DOMException && error.name === 'QuotaExceededError') throw new QuotaError();
      throw error;
    }
    await settled(this.buffer);
  }
}

export interface Window {
  timeS: number;
  aheadS: number;
  segmentS: number;
  count: number;
}

/** Segment boundaries drift by some frames from their nominal places; look back this far. */
const DRIFT_S = 0.1;

export function nextSegment(held: ReadonlySet<number>, window: Window): number | undefined {
  const { timeS, aheadS, segmentS, count } = window;
  const playing = Math.floor(Math.max(timeS - DRIFT_S, 0) / segmentS);
  const first = Math.min(playing, count - 1);
  for (let i = first; i < count && i * segmentS < timeS + aheadS; i += 1) {
    if (!held.has(i)) return i;
  }
  return undefined;
}

function settled(buffer: SourceBuffer): Promise<void> {
  if (!buffer.updating) return Promise.resolve();
  return new Promise((resolve, reject) => {
    const done = (act: () => void) => () => {
      buffer.removeEventListener('updateend', onEnd);
      buffer.removeEventListener('error', onError);
      act();
    };
    const onEnd = done(resolve);
    const onError = done(() => reject(new Error('the segment could not be appended')));
    buffer.addEventListener('updateend', onEnd);
    buffer.addEventListener('error', onError);
  });
}
