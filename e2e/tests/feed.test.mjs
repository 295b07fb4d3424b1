// The feed and its outbox: watching without an account, what reaches the server, learning, refusals, no network.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { anon } from '../lib/api.mjs';
import { PHONE } from '../lib/browser.mjs';
import { until } from '../lib/server.mjs';
import { base, signUp, useBrowser } from '../lib/session.mjs';
import { activeVideo, railButton, untilPlaying } from '../lib/stage.mjs';

const open = useBrowser();

/** Collects every page of the feed that the browser is served. */
function feedPages(page) {
  const pages = [];
  page.on('response', async (response) => {
    if (!response.url().includes('/feed/for-you') || !response.ok()) return;
    const body = await response.json().catch(() => undefined);
    if (body) pages.push(body.items);
  });
  return pages;
}

test('a guest watches, starts muted, and is asked to log in only when it matters', async (t) => {
  const { page, errors } = await open(t, { form: PHONE });
  await page.goto('/');
  await untilPlaying(page, 0);
  const first = await activeVideo(page);
  assert.equal(first.muted, true);
  await page.keyboard.press('m');
  await page.waitForFunction(() => !document.querySelector('.slide.is-active video').muted);
  await page.keyboard.press('j');
  await untilPlaying(page, 1);
  assert.equal((await activeVideo(page)).muted, false, 'sound stays on for the next video');
  await railButton(page, 'like').click();
  await page.getByRole('dialog').waitFor();
  assert.equal(await railButton(page, 'like').getAttribute('aria-pressed'), 'false');
  assert.deepEqual(errors, []);
});

test('a first visit is one guest, however much it asks for at once', async (t) => {
  const { page } = await open(t);
  const guests = [];
  page.on('response', async (response) => {
    const cookie = await response.headerValue('set-cookie').catch(() => null);
    if (cookie?.includes('riffle_guest')) guests.push(cookie.split(';')[0]);
  });
  await page.goto('/');
  await untilPlaying(page, 0);
  await page.keyboard.press('j');
  await untilPlaying(page, 1);
  assert.equal(guests.length, 1, guests.join(', '));
});

test('each watch is one view, numbered from one without gaps', async (t) => {
  const { page } = await open(t);
  const sent = [];
  page.on('request', (request) => {
    if (request.url().endsWith('/api/v1/events')) sent.push(...JSON.parse(request.postData()).events);
  });
  await page.goto('/');
  const id = await untilPlaying(page, 0);
  const before = (await anon(base).get(`/videos/${id}`)).counts.views;
  await page.waitForFunction(() => document.querySelector('.slide.is-active video').currentTime > 0.5);
  await page.keyboard.press('j');
  await untilPlaying(page, 1);
  await until(
    async () => (await anon(base).get(`/videos/${id}`)).counts.views === before + 1,
    'the view to count',
  );

  const events = [...new Map(sent.map((event) => [event.seq, event])).values()];
  assert.deepEqual(
    events.map((event) => event.seq),
    events.map((_, i) => i + 1),
  );
  const mine = events.filter((event) => event.videoId === id);
  assert.deepEqual(mine.map((event) => event.type).slice(0, 2), ['impression', 'watch']);
  assert.ok(
    mine.every((event) => event.impressionId),
    'every event names its impression',
  );
  const { watchMs } = mine[1];
  assert.ok(watchMs > 300 && watchMs < 4000, `watched for ${watchMs} ms`);
});

test('the last watch leaves with the page', async (t) => {
  const { page } = await open(t);
  await page.goto('/');
  const id = await untilPlaying(page, 0);
  const before = (await anon(base).get(`/videos/${id}`)).counts.views;
  await page.waitForFunction(() => document.querySelector('.slide.is-active video').currentTime > 0.5);
  await page.goto('about:blank');
  await until(
    async () => (await anon(base).get(`/videos/${id}`)).counts.views > before,
    'the beacon to arrive',
  );
});

test('"not interested" can be undone, and is sent when it is not', async (t) => {
  const { page } = await open(t);
  await signUp(page);
  await untilPlaying(page, 0);
  const sent = [];
  page.on('request', (request) => {
    if (request.url().endsWith('/engagement')) sent.push(JSON.parse(request.postData()).action);
  });
  const dismiss = async () => {
    await railButton(page, 'more').click();
    await page.getByRole('button', { name: 'Not interested' }).click();
    await page.waitForSelector('.dismissed');
  };
  await dismiss();
  await page.getByRole('button', { name: 'Undo' }).click();
  await page.waitForSelector('.dismissed', { state: 'detached' });
  assert.deepEqual(sent, []);
  await dismiss();
  const answered = page.waitForResponse((response) => response.url().endsWith('/engagement'));
  await page.keyboard.press('j');
  assert.equal((await answered).status(), 200);
  await untilPlaying(page, 1);
  assert.deepEqual(sent, ['not_interested']);
});

test('the next three videos are in memory before the swipe, their first segments only', async (t) => {
  const { page } = await open(t, { form: PHONE });
  const fetched = new Set();
  page.on('requestfinished', (request) => fetched.add(new URL(request.url()).pathname));
  const pages = feedPages(page);
  // Longest first: a video of one segment has no later ones to look for.
  const segments = ({ video }) => video.playback.renditions[0].segments.length;
  await page.route('**/feed/for-you**', async (route) => {
    const response = await route.fetch();
    const body = await response.json();
    body.items.sort((a, b) => segments(b) - segments(a));
    await route.fulfill({ response, json: body });
  });
  await page.goto('/');
  await untilPlaying(page, 0);
  const startOf = ({ video }) => {
    const { init, firstSegment, audio } = video.playback;
    return [init, firstSegment, audio.init, audio.firstSegment];
  };
  const next = pages[0].slice(1, 4);
  await until(() => next.flatMap(startOf).every((url) => fetched.has(url)), 'the next three to be in memory');
  const later = next.flatMap(({ video }) => video.playback.renditions.flatMap((r) => r.segments.slice(1)));
  assert.ok(later.length > 0);
  assert.deepEqual(
    later.filter((url) => fetched.has(url)),
    [],
  );
});

test('the progress line scrubs', async (t) => {
  const { page } = await open(t);
  await page.goto('/');
  await untilPlaying(page, 0);
  await page.keyboard.press(' ');
  const line = page.getByRole('slider', { name: 'Position in the video' });
  const box = await line.boundingBox();
  const y = box.y + box.height / 2;
  await page.mouse.move(box.x + box.width * 0.2, y);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * 0.75, y, { steps: 4 });
  await page.waitForSelector('.bubble');
  await page.mouse.up();
  await page.waitForFunction(() => {
    const video = document.querySelector('.slide.is-active video');
    return Math.abs(video.currentTime / video.duration - 0.75) < 0.05 && !video.seeking;
  });
  assert.equal((await activeVideo(page)).paused, true, 'a paused video stays paused');
});

test('the menu says why this video is here', async (t) => {
  const { page } = await open(t);
  const pages = feedPages(page);
  await page.goto('/');
  await untilPlaying(page, 0);
  await railButton(page, 'more').click();
  const shown = await page.locator('.menu__why').innerText();
  assert.ok(shown.includes(pages[0][0].reason.text));
});

test('a refused like rolls back and says so', async (t) => {
  const { page } = await open(t);
  const username = await signUp(page);
  // Signed in on this page too, and not only at the server: a guest's like asks to sign in.
  await page.locator('.side__foot', { hasText: username }).waitFor();
  await untilPlaying(page, 0);
  const like = railButton(page, 'like');
  const before = await like.getAttribute('aria-label');
  await page.route('**/engagement', (route) => route.abort());
  await page.keyboard.press('l');
  await page.waitForSelector('.toast');
  assert.match(await page.locator('.toast').innerText(), /did not go through/);
  assert.equal(await like.getAttribute('aria-pressed'), 'false');
  assert.equal(await like.getAttribute('aria-label'), before);
});

test('without a network the videos go on and a quiet bar says so', async (t) => {
  const { page, context } = await open(t, { form: PHONE });
  await page.goto('/');
  await untilPlaying(page, 0);
  await page.keyboard.press('j');
  await untilPlaying(page, 1);
  await context.setOffline(true);
  await page.waitForSelector('.offline');
  await page.keyboard.press('k');
  await untilPlaying(page, 0);
  const { time } = await activeVideo(page);
  await page.waitForFunction(
    (before) => document.querySelector('.slide.is-active video').currentTime !== before,
    time,
  );
  assert.equal(await page.locator('.tail:visible').count(), 0);
  await context.setOffline(false);
  await page.waitForSelector('.offline', { state: 'detached' });
});

test('a rate limit is told and ends by itself', async (t) => {
  const { page } = await open(t);
  let limited = true;
  await page.route('**/feed/for-you**', (route) => {
    if (!limited) return route.continue();
    limited = false;
    return route.fulfill({
      status: 429,
      headers: { 'retry-after': '1' },
      json: { code: 'rate_limited', message: 'too many requests' },
    });
  });
  await page.goto('/');
  await page.waitForSelector('[data-tail=limited]');
  await untilPlaying(page, 0);
});

test('a shared link plays that video, and goes on into the feed', async (t) => {
  const { page } = await open(t);
  const { items } = await anon(base).get('/feed/for-you?count=3');
  const wanted = items.at(-1).video.id;
  await page.goto(`/v/${wanted}`);
  assert.equal(await untilPlaying(page, 0), wanted);
  await page.keyboard.press('j');
  assert.notEqual(await untilPlaying(page, 1), wanted);
});
