// How fast the network has been lately: a weighted mean over segment downloads, remembered across visits.
// Chooses nothing; see renditions.ts.

const KEY = 'riffle.bandwidth-bps';
const BYTES_MIN = 16 * 1024;
const BPS_MAX = 1e9;
const WEIGHT = 0.3;

type Store = Pick<Storage, 'getItem' | 'setItem'>;

export class BandwidthMeter {
  #bps: number | undefined;

  constructor(private readonly store?: Store) {
    const saved = Number(store?.getItem(KEY));
    if (Number.isFinite(saved) && saved > 0) this.#bps = Math.min(saved, BPS_MAX);
  }

  /** Bits per second, or undefined before the first sample of a first visit. */
  get bps(): number | undefined {
    return this.#bps;
  }

  /** Takes one finished download. Small ones measure latency, not bandwidth, and are left out. */
  sample(bytes: number, elapsedMs: number): void {
    if (bytes < BYTES_MIN) return;
    const measured = Math.min((bytes * 8000) / Math.max(elapsedMs, 1), BPS_MAX);
    this.#bps = this.#bps === undefined ? measured : this.#bps * (1 - WEIGHT) + measured * WEIGHT;
    this.store?.setItem(KEY, String(Math.round(this.#bps)));
  }
}
