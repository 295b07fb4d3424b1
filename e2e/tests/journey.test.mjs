// One viewer's whole first visit: sign up, upload, see it play, swipe, like, comment, follow, log out.

import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { anon } from '../lib/api.mjs';
import { PHONE } from '../lib/browser.mjs';
import { makeClip } from '../lib/media.mjs';
import { until } from '../lib/server.mjs';
import { base, signUp, useBrowser } from '../lib/session.mjs';
import { activeVideo, doubleTap, railButton, swipe, untilPlaying } from '../lib/stage.mjs';

const open = useBrowser();

const pressed = (locator) => locator.getAttribute('aria-pressed');

async function chosenClip(t) {
  const folder = await mkdtemp(join(tmpdir(), 'riffle-journey-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const path = join(folder, 'my first clip.mp4');
  await makeClip(path, 77, { seconds: 3 });
  return path;
}

test('sign up, upload a clip through the page, and see it play', async (t) => {
  const { page, errors } = await open(t);
  const username = await signUp(page, '/upload');
  await page.setInputFiles('input[type=file]', await chosenClip(t));
  await page.fill('#caption', 'My very first #river clip');
  await page.fill('#tags', 'debut');
  await page.keyboard.press('Enter');
  assert.deepEqual(await page.locator('.chip').allInnerTexts(), ['#river', '#debut']);
  await page.click('button[type=submit]');

  await page.waitForSelector('.outcome a');
  const id = await page.locator('.outcome').getAttribute('data-video-id');
  await page.waitForSelector('.outcome[data-phase=done]', { timeout: 120_000 });
  const video = await anon(base).get(`/videos/${id}`);
  assert.equal(video.status, 'published');
  assert.equal(video.creator.username, username);
  assert.deepEqual([...video.hashtags].sort(), ['debut', 'river']);

  await page.click('.outcome a');
  await page.waitForURL(`**/v/${id}`);
  assert.equal(await untilPlaying(page, 0), id);
  const first = await activeVideo(page);
  await page.waitForFunction(
    (frames) =>
      document.querySelector('.slide.is-active video').getVideoPlaybackQuality().totalVideoFrames >
      frames + 10,
    first.frames,
  );

  await page.goto(`/@${username}`);
  await page.waitForSelector('.tile[data-status=published]');
  assert.equal(await page.locator('.tile').count(), 1);
  assert.deepEqual(errors, []);
});

test('ten videos by keyboard, and back', async (t) => {
  const { page, errors } = await open(t);
  await page.goto('/');
  const seen = [await untilPlaying(page, 0)];
  for (let index = 1; index <= 10; index += 1) {
    await page.keyboard.press(index % 2 ? 'ArrowDown' : 'j');
    seen.push(await untilPlaying(page, index));
  }
  assert.equal(new Set(seen).size, 11, 'every swipe brings another video');
  await page.keyboard.press('k');
  assert.equal(await untilPlaying(page, 9), seen[9], 'the previous video is the one that was there');
  await page.keyboard.press(' ');
  await page.waitForFunction(() => document.querySelector('.slide.is-active video').paused);
  await page.keyboard.press(' ');
  await untilPlaying(page, 9);
  assert.deepEqual(errors, []);
});

test('ten videos by finger, a short drag springs back', async (t) => {
  const { page, errors } = await open(t, { form: PHONE });
  await page.goto('/');
  const seen = [await untilPlaying(page, 0)];
  for (let index = 1; index <= 10; index += 1) {
    await swipe(page, 'up');
    seen.push(await untilPlaying(page, index));
  }
  assert.equal(new Set(seen).size, 11);
  await swipe(page, 'down');
  assert.equal(await untilPlaying(page, 9), seen[9]);
  assert.deepEqual(errors, []);
});

test('the wheel moves one video per gesture', async (t) => {
  const { page } = await open(t);
  await page.goto('/');
  await untilPlaying(page, 0);
  await page.mouse.move(700, 450);
  await page.mouse.wheel(0, 120);
  await untilPlaying(page, 1);

  await page.reload();
  await untilPlaying(page, 0);
  await page.evaluate(() => {
    const stage = document.querySelector('.stage');
    for (let i = 0; i < 12; i += 1) {
      stage.dispatchEvent(new WheelEvent('wheel', { deltaY: 60, bubbles: true, cancelable: true }));
    }
  });
  await untilPlaying(page, 1);
  assert.equal((await activeVideo(page)).index, 1, 'twelve events of one gesture are one video');
});

test('like by key, by double tap; comment with a reply; save; follow; log out', async (t) => {
  const { page, errors } = await open(t, { form: PHONE });
  const username = await signUp(page);
  const id = await untilPlaying(page, 0);
  const api = anon(base);
  const before = await api.get(`/videos/${id}`);

  await doubleTap(page, 150, 300);
  await page.waitForSelector('.heart');
  assert.equal(await pressed(railButton(page, 'like')), 'true');
  const countOnServer = (name, value) =>
    until(async () => (await api.get(`/videos/${id}`)).counts[name] === value, `${name} to be ${value}`);
  await countOnServer('likes', before.counts.likes + 1);
  await page.keyboard.press('l');
  await countOnServer('likes', before.counts.likes);

  await page.keyboard.press('s');
  await countOnServer('saves', before.counts.saves + 1);

  await railButton(page, 'comments').click();
  await page.fill('.composer textarea', 'What a calm picture');
  await page.keyboard.press('Enter');
  const mine = page.locator('.comment:not(.is-pending)', { hasText: 'What a calm picture' });
  await mine.waitFor();
  await mine.locator('.comment__reply').click();
  await page.fill('.composer textarea', 'Answering myself');
  await page.click('.composer__post');
  await page
    .locator('.comment__replies .comment:not(.is-pending)', { hasText: 'Answering myself' })
    .waitFor();
  await countOnServer('comments', before.counts.comments + 2);
  const stored = await api.get(`/videos/${id}/comments`);
  assert.equal(stored.items[0].text, 'What a calm picture');
  assert.equal(stored.items[0].author.username, username);
  assert.equal(stored.items[0].replyCount, 1);
  await page.keyboard.press('Escape');

  await railButton(page, 'follow').click();
  const creator = before.creator;
  await until(async () => {
    const people = await api.get(`/users/${creator.id}/followers`);
    return people.items.some((person) => person.username === username);
  }, 'the creator to have a new follower');
  await page.goto('/following');
  await untilPlaying(page, 0);
  const followed = await page.locator('.slide.is-active .caption__name').innerText();
  assert.equal(followed, `@${creator.username}`);

  await page.goto(`/@${username}`);
  await page.getByRole('button', { name: 'Log out' }).click();
  await page.waitForURL((url) => url.pathname === '/');
  await page.reload();
  await untilPlaying(page, 0);
  await page.keyboard.press('l');
  await page.getByRole('dialog').getByRole('link', { name: 'Log in' }).waitFor();
  assert.deepEqual(errors, []);
});
