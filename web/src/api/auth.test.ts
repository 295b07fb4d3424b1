// Who is signed in while answers cross each other.

import { afterEach, expect, it, vi } from 'vitest';

afterEach(() => void vi.unstubAllGlobals());

it('a refused refresh does not sign out who signed up meanwhile', async () => {
  const kept = new Map<string, string>();
  vi.stubGlobal('localStorage', {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => void kept.set(key, value),
    removeItem: (key: string) => void kept.delete(key),
  });
  vi.stubGlobal('navigator', {});
  let refuse = () => {};
  const refused = new Promise<Response>((resolve) => {
    refuse = () => resolve(new Response('{}', { status: 401 }));
  });
  const session = {
    userId: '1',
    username: 'noor',
    displayName: 'Noor',
    accessToken: 't',
    accessExpiresInS: 900,
  };
  const asked: string[] = [];
  vi.stubGlobal('fetch', (path: string) => {
    asked.push(path);
    if (path.endsWith('/refresh')) return refused;
    return Promise.resolve(new Response(JSON.stringify(session), { status: 201 }));
  });
  vi.resetModules();
  const { call } = await import('./client');
  const { refresh, register, viewer, wasSignedIn } = await import('./auth');
  await call('GET', '/first');
  const refreshed = refresh();
  await vi.waitFor(() => expect(asked.some((path) => path.endsWith('/refresh'))).toBe(true));
  await register({ username: 'noor', password: 'p', birthDate: '1990-01-01' });
  refuse();
  expect(await refreshed).toBe(true);
  expect(viewer()?.username).toBe('noor');
  expect(wasSignedIn()).toBe(true);
});
