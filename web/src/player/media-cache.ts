// Media bytes in memory: bounded, least recently used leaves first, one download per address at a time.
// Does not decide what to fetch (preload.ts, mse.ts) and does not decode.

import type { BandwidthMeter } from './bandwidth';

const CACHE_BYTES_MAX = 48 * 1024 * 1024;
const FETCH_MS_MAX = 20_000;

export type Priority = 'high' | 'low';
type Fetcher = (url: string, init: RequestInit) => Promise<Response>;

/** A media download that was refused; 401, 403, 404 and 410 mean that the signed address has run out. */
export class MediaError extends Error {
  constructor(
    readonly status: number,
    url: string,
  ) {
    super(`media answered ${status} for ${url}`);
  }

  get isExpired(): boolean {
    return [401, 403, 404, 410].includes(this.status);
  }
}

export class MediaCache {
  #stored = new Map<string, ArrayBuffer>();
  #loading = new Map<string, Promise<ArrayBuffer>>();
  #bytes = 0;

  constructor(
    private readonly meter: Pick<BandwidthMeter, 'sample'>,
    private readonly fetcher: Fetcher = (url, init) => fetch(url, init),
    private readonly bytesMax = CACHE_BYTES_MAX,
  ) {}

  get bytes(): number {
    return this.#bytes;
  }

  has(url: string): boolean {
    return this.#stored.has(url);
  }

  /** The bytes if they are here now, else undefined; starts nothing. */
  peek(url: string): ArrayBuffer | undefined {
    const data = this.#stored.get(url);
    if (data) this.#touch(url, data);
    return data;
  }

  /** The bytes, from memory or from the network. Rejects with MediaError or the network's error. */
  load(url: string, priority: Priority = 'high'): Promise<ArrayBuffer> {
    const data = this.peek(url);
    if (data) return Promise.resolve(data);
    const running = this.#loading.get(url);
    if (running) return running;
    const started = this.#download(url, priority).finally(() => this.#loading.delete(url));
    this.#loading.set(url, started);
    return started;
  }

  async #download(url: string, priority: Priority): Promise<ArrayBuffer> {
    const abort = new AbortController();
    const timer = setTimeout(() => abort.abort(), FETCH_MS_MAX);
    const startedMs = performance.now();
    try {
      const response = await this.fetcher(url, { priority, signal: abort.signal } as RequestInit);
      if (!response.ok) throw new MediaError(response.status, url);
      const data = await response.arrayBuffer();
      this.meter.sample(data.byteLength, performance.now() - startedMs);
      this.#touch(url, data);
      this.#trim();
      return data;
    } finally {
      clearTimeout(timer);
    }
  }

  #touch(url: string, data: ArrayBuffer): void {
    if (!this.#stored.delete(url)) this.#bytes += data.byteLength;
    this.#stored.set(url, data);
  }

  #trim(): void {
    for (const [url, data] of this.#stored) {
      if (this.#bytes <= this.bytesMax) return;
      this.#stored.delete(url);
      this.#bytes -= data.byteLength;
    }
  }
}
