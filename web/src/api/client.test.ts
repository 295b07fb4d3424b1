// The fetch wrapper: one introduction for a new browser, one refresh for a refused token, errors with their reason.

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

type Answer = { status: number; body?: unknown; headers?: Record<string, string> };

async function setup(answer: (path: string, headers: Record<string, string>) => Promise<Answer> | Answer) {
  const asked: { path: string; token: string | undefined }[] = [];
  vi.stubGlobal('fetch', async (path: string, init: { headers: Record<string, string> }) => {
    asked.push({ path, token: init.headers.authorization });
    const { status, body, headers } = await answer(path, init.headers);
    return new Response(status === 204 ? null : JSON.stringify(body ?? {}), {
      status,
      headers: headers ?? {},
    });
  });
  vi.resetModules();
  return { asked, client: await import('./client') };
}

describe('call', () => {
  beforeEach(() => void vi.useRealTimers());
  afterEach(() => void vi.unstubAllGlobals());

  it('lets the first answer introduce the browser before anything else is asked', async () => {
    let introduce = (_: Answer) => {};
    const first = new Promise<Answer>((resolve) => {
      introduce = resolve;
    });
    const { asked, client } = await setup((path) => (path === '/one' ? first : { status: 200 }));
    const all = [client.call('GET', '/one'), client.call('GET', '/two'), client.call('GET', '/three')];
    await new Promise((resolve) => setTimeout(resolve, 0));
    expect(asked.map((a) => a.path)).toEqual(['/one']);
    introduce({ status: 200 });
    await Promise.all(all);
    expect(asked.map((a) => a.path)).toEqual(['/one', '/two', '/three']);
  });

  it('goes on after a first call that reached nobody', async () => {
    let isDown = true;
    const { client } = await setup(() => {
      if (!isDown) return { status: 200, body: { fine: true } };
      isDown = false;
      throw new TypeError('no network');
    });
    const lost = client.call('GET', '/one');
    const next = client.call('GET', '/two');
    await expect(lost).rejects.toMatchObject({ status: 0, code: 'network', isNetwork: true });
    expect(await next).toEqual({ fine: true });
  });

  it('refreshes a refused token once and asks again', async () => {
    const { asked, client } = await setup((_, headers) => ({
      status: headers.authorization === 'Bearer new' ? 204 : 401,
    }));
    client.setAccessToken('old');
    client.setRefresher(
      async () => {
        client.setAccessToken('new');
        return true;
      },
      () => false,
    );
    expect(await client.call('GET', '/me')).toBeUndefined();
    expect(asked.map((a) => a.token)).toEqual(['Bearer old', 'Bearer new']);
  });

  it('asks again with the token that was still on its way at load, and never for guests', async () => {
    for (const isSignedIn of [true, false]) {
      const { asked, client } = await setup((_, headers) => ({
        status: headers.authorization === 'Bearer new' ? 204 : 401,
      }));
      client.setRefresher(
        async () => {
          client.setAccessToken('new');
          return true;
        },
        () => isSignedIn,
      );
      const answer = client.call('GET', '/me');
      if (isSignedIn) expect(await answer).toBeUndefined();
      else await expect(answer).rejects.toMatchObject({ status: 401 });
      expect(asked.map((a) => a.token)).toEqual(isSignedIn ? [undefined, 'Bearer new'] : [undefined]);
    }
  });

  it('tells what the server said, and how long to wait', async () => {
    const { client } = await setup(() => ({
      status: 429,
      body: { code: 'rate_limited', message: 'slow down' },
      headers: { 'retry-after': '7', 'x-request-id': 'r1' },
    }));
    await expect(client.call('GET', '/feed')).rejects.toMatchObject({
      status: 429,
      code: 'rate_limited',
      message: 'slow down',
      retryAfterS: 7,
      requestId: 'r1',
    });
  });
});
