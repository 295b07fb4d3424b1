// The list a stage plays: pages of a feed, fetched when five are left, kept while other pages of the application are
// visited. The unseen tail may be replaced; what has been on screen never is. Plays and shows nothing.

import { createSignal } from 'solid-js';
import { ApiError } from '../api/client';
import { type FeedKind, feedNext, feedPage } from '../api/endpoints';
import type { FeedItem, Page, Video } from '../api/wire';
import { outbox } from '../events/outbox';
import { online } from '../state/online';
import { grew, pooled, rebound } from './rebind';

const PAGE_COUNT = 10;
const LEFT_MIN = 5;
const REPLAY_COUNT = 6;
const FLUSH_WAIT_MS = 400;
const EMPTY_PAGES_MAX = 3;

/** What stands after the last item. */
export type Tail =
  | { kind: 'loading' }
  | { kind: 'end' }
  | { kind: 'error' }
  | { kind: 'signed-out' }
  | { kind: 'limited'; untilMs: number };

export class FeedSource {
  readonly items: () => FeedItem[];
  readonly tail: () => Tail;
  /** Where the viewer stands; kept here so that coming back finds the same video. */
  index = 0;
  #setItems: (items: FeedItem[]) => void;
  #setTail: (tail: Tail) => void;
  #cursor: string | null = null;
  #loading: Promise<void> | undefined;
  #known = new Set<string>();
  /** Off where the server cannot put a pool in order: then plain pages are all there is. */
  #rebinds = true;
  #rebinding = false;
  #wanted: { index: number; isStill: () => boolean } | undefined;
  /** The newest cursor there was: at the end of the feed what is unseen can still be put in order. */
  #bindCursor: string | null = null;

  constructor(
    readonly kind: FeedKind,
    first?: Video,
  ) {
    const [items, setItems] = createSignal<FeedItem[]>([], { equals: false });
    const [tail, setTail] = createSignal<Tail>({ kind: 'loading' });
    this.items = items;
    this.tail = tail;
    this.#setItems = (list) => setItems(list);
    this.#setTail = (next) => setTail(next);
    if (first) this.#append([asItem(first)]);
  }

  /** Makes sure that there is something after `active`. */
  ensureAhead(active: number): Promise<void> {
    const left = this.items().length - 1 - active;
    if (!online() && left < 2) this.#replay();
    const mayLoad = this.tail().kind === 'loading' || (this.tail().kind === 'error' && online());
    return left < LEFT_MIN && mayLoad ? this.load() : (this.#loading ?? Promise.resolve());
  }

  /** Fetches the next page now, whatever is left; also the way out of an error or the end. */
  load(): Promise<void> {
    this.#loading ??= this.#loadPage().finally(() => {
      this.#loading = undefined;
    });
    return this.#loading;
  }

  /** From the end back to fresh videos: what was seen may come again. */
  async restart(): Promise<void> {
    this.#known.clear();
    this.#cursor = null;
    this.#setTail({ kind: 'loading' });
    await this.load();
  }

  /** Replaces everything after `index` by what the server would serve now; keeps it when nothing new comes. */
  async refreshAfter(index: number): Promise<void> {
    await settleEvents();
    const page = await feedPage(this.kind, null, PAGE_COUNT).catch(() => undefined);
    if (!page) return;
    const kept = this.items().slice(0, index + 1);
    const seen = new Set(kept.map((item) => item.video.id));
    const fresh = page.items.filter((item) => playable(item) && !seen.has(item.video.id));
    if (fresh.length === 0) return;
    this.#known = new Set([...seen, ...fresh.map((item) => item.video.id)]);
    this.#cursor = page.cursor;
    this.#setTail(page.cursor === null ? { kind: 'end' } : { kind: 'loading' });
    this.#setItems([...kept, ...fresh]);
  }

  /**
   * Late binding: once what was just watched is acknowledged, the server puts the unseen pool in a new order and fills it up. What stands
   * at `index` and before never changes; `isStill` says whether the viewer is still there when the answer comes, and sees nothing of what
   * is behind `index`: a page on screen may not turn into another. Any failure leaves the list as it is: pages keep coming.
   */
  async rebind(index: number, isStill: () => boolean): Promise<void> {
    this.#wanted = { index, isStill };
    if (this.#rebinding) return;
    this.#rebinding = true;
    // Who swipes on while an answer is on its way is asked for again, or quick thumbs would never see their feed turn.
    while (this.#wanted) {
      const wanted = this.#wanted;
      this.#wanted = undefined;
      await this.#rebindOnce(wanted.index, wanted.isStill);
    }
    this.#rebinding = false;
  }

  async #rebindOnce(index: number, isStill: () => boolean): Promise<void> {
    const items = this.items();
    const pool = pooled(items, index);
    if (this.#cursor !== null) this.#bindCursor = this.#cursor;
    const cursor = this.#bindCursor;
    const may = this.kind === 'for-you' && this.#rebinds && online();
    if (!may || !pool || cursor === null) return;
    try {
      await settleEvents();
      const answer = await feedNext({ cursor, ...pool });
      // A page that came meanwhile stands behind the pool and changes nothing about it.
      const asked = pool.unseen.length;
      if (!isStill() || !grew(items, this.items(), index + 1 + asked)) return;
      if (this.#cursor !== null) this.#cursor = answer.cursor;
      if (answer.cursor === null) this.#setTail({ kind: 'end' });
      const next = rebound(this.items(), index, answer, asked);
      if (!next) return;
      // What was dropped was never on screen, and may come again.
      for (const item of this.items()) this.#known.delete(item.video.id);
      for (const item of next) this.#known.add(item.video.id);
      this.#setItems(next);
    } catch (error) {
      if (error instanceof ApiError && (error.status === 404 || error.status === 405)) this.#rebinds = false;
    }
  }

  async #loadPage(): Promise<void> {
    this.#setTail({ kind: 'loading' });
    await settleEvents();
    try {
      for (let page = 0; page < EMPTY_PAGES_MAX; page += 1) {
        if ((await this.#loadOnce()) > 0 || this.tail().kind === 'end') return;
      }
      this.#setTail({ kind: 'end' });
    } catch (error) {
      this.#setTail(tailFor(error));
      if (error instanceof ApiError && error.isNetwork) this.#replay();
    }
  }

  async #loadOnce(): Promise<number> {
    const page = await this.#fetchPage();
    this.#cursor = page.cursor;
    const fresh = page.items.filter((item) => playable(item) && !this.#known.has(item.video.id));
    this.#append(fresh);
    if (page.cursor === null) this.#setTail({ kind: 'end' });
    return fresh.length;
  }

  // A cursor belongs to one viewer and one day; when it is refused, the feed starts from its top.
  async #fetchPage(): Promise<Page<FeedItem>> {
    try {
      return await feedPage(this.kind, this.#cursor, PAGE_COUNT);
    } catch (error) {
      if (!(error instanceof ApiError && error.status === 400 && this.#cursor !== null)) throw error;
      this.#cursor = null;
      return feedPage(this.kind, null, PAGE_COUNT);
    }
  }

  #append(items: FeedItem[]): void {
    if (items.length === 0) return;
    for (const item of items) this.#known.add(item.video.id);
    this.#setItems([...this.items(), ...items]);
  }

  // Without a network the last videos come round again; no feed served them, so they carry no impression.
  #replay(): void {
    const recent = this.items().slice(-REPLAY_COUNT);
    if (recent.length === 0) return;
    this.#setItems([...this.items(), ...recent.map((item) => ({ ...item, impressionId: '' }))]);
  }
}

const playable = (item: FeedItem): boolean => item.video.playback !== undefined;

const asItem = (video: Video): FeedItem => ({
  impressionId: '',
  video,
  reason: { code: 'direct', text: '' },
  sponsored: false,
});

// What was just watched should count in the next page; a slow answer does not hold the feed up.
function settleEvents(): Promise<unknown> {
  const timeout = new Promise((resolve) => setTimeout(resolve, FLUSH_WAIT_MS));
  return Promise.race([outbox.flush(), timeout]);
}

function tailFor(error: unknown): Tail {
  if (!(error instanceof ApiError)) return { kind: 'error' };
  if (error.status === 401) return { kind: 'signed-out' };
  if (error.status === 429) return { kind: 'limited', untilMs: Date.now() + (error.retryAfterS ?? 5) * 1000 };
  return { kind: 'error' };
}
