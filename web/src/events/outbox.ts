// The page's one event queue, wired to the server, to session storage and to the page's life: a beacon when the page
// hides or leaves, so that the last watch arrives. What to record is decided by its callers.

import { ApiError, call, getAccessToken } from '../api/client';
import type { EventsAck } from '../api/wire';
import { EventQueue } from './queue';

const PATH = '/api/v1/events';

export const outbox = new EventQueue({
  send: (body) => call<EventsAck>('POST', PATH, { body }),
  isHopeless: (error) => error instanceof ApiError && [400, 413, 422].includes(error.status),
  store: sessionStorage,
  nowMs: () => Date.now(),
});

const leaving = new Set<() => void>();

/** Runs `work` just before the page goes away, in time for its events to leave with the last beacon. */
export function onLeave(work: () => void): () => void {
  leaving.add(work);
  return () => leaving.delete(work);
}

function sendBeacon(): void {
  const body = outbox.beaconBody();
  if (!body) return;
  const accessToken = getAccessToken();
  navigator.sendBeacon(PATH, JSON.stringify(accessToken ? { ...body, accessToken } : body));
}

addEventListener('pagehide', () => {
  for (const work of leaving) work();
  sendBeacon();
  outbox.suspend();
});
addEventListener('pageshow', () => outbox.resume());
document.addEventListener('visibilitychange', () => {
  if (document.visibilityState === 'hidden') sendBeacon();
});
addEventListener('online', () => void outbox.flush());
