// The outbox of viewer events: numbers them per session, sends them in batches, sends the same numbers again until
// they are acknowledged, keeps them across a reload. Bounded: when full, the oldest leaves and the server sees the gap.
// Does not know what a watch is (watch.ts) or when a page leaves (outbox.ts).

import type { ClientEvent, EventsAck } from '../api/wire';
import { newSessionId } from './ids';

export const PENDING_MAX = 300;
export const BATCH_MAX = 50;
const IDLE_MS = 1000;
const BACKOFF_MS_MAX = 30_000;
const STORE_KEY = 'riffle.events';

export type NewEvent = Omit<ClientEvent, 'seq' | 'atMs'>;

export interface QueuePorts {
  send(body: { sessionId: string; events: ClientEvent[] }): Promise<EventsAck>;
  /** True for a failure that sending again cannot mend (the server refuses the batch itself). */
  isHopeless(error: unknown): boolean;
  store: Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>;
  nowMs(): number;
}

interface Saved {
  sessionId: string;
  nextSeq: number;
  pending: ClientEvent[];
}

export class EventQueue {
  #state: Saved;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #sending: Promise<void> | undefined;
  #failures = 0;

  constructor(private readonly ports: QueuePorts) {
    this.#state = this.#take();
    if (this.#state.pending.length > 0) this.#schedule(0);
  }

  get sessionId(): string {
    return this.#state.sessionId;
  }

  get pending(): readonly ClientEvent[] {
    return this.#state.pending;
  }

  add(event: NewEvent): void {
    this.#state.pending.push({ seq: this.#state.nextSeq, atMs: this.ports.nowMs(), ...event });
    this.#state.nextSeq += 1;
    if (this.#state.pending.length > PENDING_MAX) this.#state.pending.shift();
    this.#schedule(IDLE_MS);
  }

  /** Sends what waits now. Resolves when the attempt is over, whatever came of it. */
  flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#sending ??= this.#attempt().finally(() => {
      this.#sending = undefined;
      if (this.#state.pending.length > 0) this.#schedule(this.#delayMs());
    });
    return this.#sending;
  }

  /** The batch for a beacon. It stays pending, since a beacon has no answer: sending it again does no harm. */
  beaconBody(): { sessionId: string; events: ClientEvent[] } | undefined {
    if (this.#state.pending.length === 0) return undefined;
    return { sessionId: this.sessionId, events: this.#state.pending.slice(0, BATCH_MAX) };
  }

  /** Keeps the session for the next page load of this tab. Taken back by the constructor, or by `resume`. */
  suspend(): void {
    try {
      this.ports.store.setItem(STORE_KEY, JSON.stringify(this.#state));
    } catch {
      // A full store costs the numbering of this tab, nothing else.
    }
  }

  resume(): void {
    this.ports.store.removeItem(STORE_KEY);
  }

  // Reading removes the entry, so a duplicated tab, which copies the store, cannot use the same numbers.
  #take(): Saved {
    const text = this.ports.store.getItem(STORE_KEY);
    this.ports.store.removeItem(STORE_KEY);
    return parse(text) ?? { sessionId: newSessionId(), nextSeq: 1, pending: [] };
  }

  async #attempt(): Promise<void> {
    const events = this.#state.pending.slice(0, BATCH_MAX);
    if (events.length === 0) return;
    try {
      const ack = await this.ports.send({ sessionId: this.sessionId, events });
      this.#failures = 0;
      const refused = new Set(ack.rejected.map((r) => r.seq));
      const isWhole = ack.accepted + ack.duplicates + refused.size >= events.length;
      const isDone = (e: ClientEvent) => e.seq <= ack.ackedThroughSeq || refused.has(e.seq);
      this.#drop((e) => isDone(e) || (isWhole && events.includes(e)));
    } catch (error) {
      this.#failures += 1;
      if (this.ports.isHopeless(error)) this.#drop((e) => events.includes(e));
    }
  }

  #drop(gone: (event: ClientEvent) => boolean): void {
    this.#state.pending = this.#state.pending.filter((e) => !gone(e));
  }

  #delayMs(): number {
    if (this.#failures === 0) return 0;
    return Math.min(500 * 2 ** this.#failures, BACKOFF_MS_MAX);
  }

  #schedule(delayMs: number): void {
    this.#timer ??= setTimeout(() => void this.flush(), delayMs);
  }
}

function parse(text: string | null): Saved | undefined {
  if (!text) return undefined;
  try {
    const saved = JSON.parse(text) as Partial<Saved>;
    if (typeof saved.sessionId !== 'string' || typeof saved.nextSeq !== 'number') return undefined;
    return { sessionId: saved.sessionId, nextSeq: saved.nextSeq, pending: saved.pending ?? [] };
  } catch {
    return undefined;
  }
}
