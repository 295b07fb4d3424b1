// The feeds of this page load, kept while other pages are visited, started anew when another person signs in.

import { createSignal } from 'solid-js';
import type { FeedKind } from '../../api/endpoints';
import { FeedSource } from '../../stage/source';

const kept = new Map<FeedKind, FeedSource>();
const [generation, setGeneration] = createSignal(0);

/** The feed to show; reading it follows sign-in and sign-out. */
export function sourceFor(kind: FeedKind): FeedSource {
  generation();
  let source = kept.get(kind);
  if (!source) {
    source = new FeedSource(kind);
    kept.set(kind, source);
  }
  return source;
}

export function forgetFeeds(): void {
  kept.clear();
  setGeneration((n) => n + 1);
}
