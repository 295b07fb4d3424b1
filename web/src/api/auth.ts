// Who is signed in: sign-up, login, silent refresh by HttpOnly cookie, log-out. The access token goes to client.ts
// (memory only); local storage holds one hint bit, never a token. Shows nothing.

import { createSignal } from 'solid-js';
import { ApiError, call, setAccessToken, setRefresher } from './client';
import type { Id, Session } from './wire';

export interface Viewer {
  id: Id;
  username: string;
  displayName: string;
}

const HINT_KEY = 'riffle.signed-in';
const REFRESH_MARGIN_S = 60;

const [viewer, setViewer] = createSignal<Viewer | null>(null);

export { viewer };

/** True when this browser was signed in last time; then pages wait for the silent refresh before they ask for data. */
export const wasSignedIn = (): boolean => localStorage.getItem(HINT_KEY) === '1';

let renewTimer: ReturnType<typeof setTimeout> | undefined;
let refreshing: Promise<boolean> | undefined;
/** Grows with each session that is taken on: tells an answer about an earlier one. */
let adopted = 0;

export interface Registration {
  username: string;
  password: string;
  birthDate: string;
  displayName?: string;
}

export async function register(form: Registration): Promise<void> {
  adopt(await post('register', { ...form, cookieSession: true }));
}

export async function login(username: string, password: string): Promise<void> {
  adopt(await post('login', { username, password, cookieSession: true }));
}

export async function logout(): Promise<void> {
  await call<void>('POST', '/api/v1/auth/logout', { body: {} });
  forget();
}

/** Renews the session from the cookie. One at a time, across tabs too, since each refresh token works once. */
export function refresh(): Promise<boolean> {
  refreshing ??= underLock(refreshOnce).finally(() => {
    refreshing = undefined;
  });
  return refreshing;
}

export const renameViewer = (displayName: string): void => {
  setViewer((v) => v && { ...v, displayName });
};

const post = (name: string, body: object): Promise<Session> =>
  call<Session>('POST', `/api/v1/auth/${name}`, { body, auth: false });

async function refreshOnce(): Promise<boolean> {
  const before = adopted;
  try {
    adopt(await post('refresh', {}));
    return true;
  } catch (error) {
    // Who signed up or logged in meanwhile is signed in, whatever became of the session before.
    if (adopted !== before) return true;
    if (error instanceof ApiError && !error.isNetwork && error.status < 500 && error.status !== 429) forget();
    return false;
  }
}

function underLock(work: () => Promise<boolean>): Promise<boolean> {
  if (!navigator.locks) return work();
  return navigator.locks.request('riffle.refresh', work);
}

function adopt(session: Session): void {
  adopted += 1;
  setAccessToken(session.accessToken);
  localStorage.setItem(HINT_KEY, '1');
  const current = viewer();
  if (current?.id !== session.userId || current.displayName !== session.displayName) {
    setViewer({ id: session.userId, username: session.username, displayName: session.displayName });
  }
  clearTimeout(renewTimer);
  const renewInS = Math.max(session.accessExpiresInS - REFRESH_MARGIN_S, 5);
  renewTimer = setTimeout(() => void refresh(), renewInS * 1000);
}

function forget(): void {
  clearTimeout(renewTimer);
  setAccessToken(undefined);
  localStorage.removeItem(HINT_KEY);
  setViewer(null);
}

setRefresher(refresh, wasSignedIn);
