// Asks for something again and again while the page is looked at: never two at once, not while the page is hidden, slower
// while the server does not answer. Knows nothing of what it asks for.

import { createSignal, onCleanup } from 'solid-js';
import { ApiError } from '../api/client';

/** Between an answer and the next question. */
const EVERY_MS = 1_000;
/** The longest pause after failures; each failure doubles it. */
const EVERY_MS_MAX = 8_000;

export interface Poll {
  /** The failure of the last question; undefined once one was answered. */
  error(): ApiError | undefined;
  /** How many questions in a row were not answered. */
  failures(): number;
  paused(): boolean;
  setPaused(paused: boolean): void;
  /** Asks now, whatever the pause. */
  again(): void;
}

/** Polls until its owner is disposed. A refusal (401, 403) ends it; `again` begins anew. */
export function createPoll<T>(ask: (signal: AbortSignal) => Promise<T>, take: (answer: T) => void): Poll {
  const [error, setError] = createSignal<ApiError>();
  const [failures, setFailures] = createSignal(0);
  const [paused, setPaused] = createSignal(false);
  let timer: ReturnType<typeof setTimeout> | undefined;
  let asking: AbortController | undefined;

  const rests = () => document.hidden || paused();
  const next = (inMs: number) => {
    clearTimeout(timer);
    timer = rests() ? undefined : setTimeout(() => void turn(), inMs);
  };
  const turn = async () => {
    if (asking) return;
    asking = new AbortController();
    const { signal } = asking;
    try {
      const answer = await ask(signal);
      if (signal.aborted) return;
      take(answer);
      setError(undefined);
      setFailures(0);
    } catch (cause) {
      if (signal.aborted) return;
      setFailures((count) => count + 1);
      setError(cause instanceof ApiError ? cause : new ApiError(0, 'unexpected', String(cause)));
    } finally {
      asking = undefined;
    }
    const refused = error()?.status === 401 || error()?.status === 403;
    if (!refused) next(Math.min(EVERY_MS * 2 ** failures(), EVERY_MS_MAX));
  };
  const wake = () => (rests() ? clearTimeout(timer) : next(0));

  document.addEventListener('visibilitychange', wake);
  onCleanup(() => {
    document.removeEventListener('visibilitychange', wake);
    clearTimeout(timer);
    asking?.abort();
  });
  next(0);
  return {
    error,
    failures,
    paused,
    setPaused: (value) => {
      setPaused(value);
      wake();
    },
    again: () => next(0),
  };
}
