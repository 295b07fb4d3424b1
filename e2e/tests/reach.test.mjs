// How a video spreads: its creator finds the page on their profile and reads the figures, nobody else does.

import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { anon, register, untilPublished, uploadClip } from '../lib/api.mjs';
import { PHONE } from '../lib/browser.mjs';
import { makeClip } from '../lib/media.mjs';
import { base, logIn, signUp, useBrowser } from '../lib/session.mjs';

const open = useBrowser();

/** Somebody who has just published one video. */
async function maker(t) {
  const folder = await mkdtemp(join(tmpdir(), 'riffle-reach-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const caller = await register(base, 'maker');
  const path = join(folder, 'clip.mp4');
  await makeClip(path, 77, { seconds: 2 });
  const video = await uploadClip(caller, path, { caption: 'First light', hashtags: ['harbour'], seconds: 2 });
  await untilPublished(caller, video);
  return { caller, video };
}

/** A guest on whose screen a video was, out of their feed, to its end. */
async function watchedBy(guest, video) {
  const response = await fetch(`${base}/api/v1/feed/for-you?count=50`);
  const cookie = response.headers.get('set-cookie').split(';')[0];
  const { items } = await response.json();
  const item = items.find((one) => one.video.id === video);
  if (!item) return false;
  const about = { videoId: video, impressionId: item.impressionId, atMs: Date.now() };
  const events = [
    { ...about, seq: 1, type: 'impression' },
    { ...about, seq: 2, type: 'watch', watchMs: item.video.durationMs, ended: true },
  ];
  const answer = await fetch(`${base}/api/v1/events`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', cookie },
    body: JSON.stringify({ sessionId: guest, events }),
  });
  return answer.ok;
}

test('a creator finds how their video spreads, and the figures follow what happens', async (t) => {
  const { caller, video } = await maker(t);
  const { page, errors } = await open(t, { form: PHONE });
  const { username } = caller.session;
  await logIn(page, username, '/settings');
  await page.goto(`/@${username}`);
  await page.getByRole('link', { name: 'How it spreads' }).click();
  await page.waitForURL((url) => url.pathname === `/v/${video}/reach`);
  await page.locator('.reach__head[data-next=first_viewers]').waitFor();
  await page.getByText('Meeting its first viewers').waitFor();
  await page.getByText('The first 200 viewers').waitFor();
  await page.getByText('Shown 0 times in For You so far.').waitFor();
  assert.ok(await watchedBy('reach-guest', video), 'a new video is in a page of fifty');
  await page.getByText('Shown 1 time in For You so far.').waitFor();
  await page.getByRole('link', { name: 'To the video', exact: true }).click();
  await page.waitForURL((url) => url.pathname === `/v/${video}`);
  assert.deepEqual(errors, []);
});

test('nobody else is told', async (t) => {
  const { items } = await anon(base).get('/feed/for-you?count=1');
  const path = `/v/${items[0].video.id}/reach`;
  const { page } = await open(t);
  await page.goto(path);
  await page.getByText('Only its creator sees this').waitFor();
  const username = await signUp(page, '/settings');
  await page.goto(path);
  // Known here as well: leaving a page that is still asking for its session would lose the answer.
  await page.locator('.side__foot', { hasText: username }).waitFor();
  await page.getByText('Only its creator sees this').waitFor();
  await page.goto('/v/0000000000001/reach');
  await page.getByText('This video is not here').waitFor();
});
