// Uploading under bad luck: a page that goes away half-way, a file that is refused, a draft that survives.

import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { anon } from '../lib/api.mjs';
import { makeClip } from '../lib/media.mjs';
import { base, signUp, useBrowser } from '../lib/session.mjs';
import { untilPlaying } from '../lib/stage.mjs';

const open = useBrowser();

async function folderFor(t) {
  const folder = await mkdtemp(join(tmpdir(), 'riffle-upload-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** A clip heavy enough to need at least three parts. */
async function heavyClip(t) {
  const { limits } = await anon(base).get('/config');
  const seconds = 5;
  const kbps = Math.ceil((limits.partSizeBytes * 2.5 * 8) / 1000 / seconds);
  const path = join(await folderFor(t), 'heavy.mp4');
  await makeClip(path, 5, { seconds, size: '720x1280', kbps });
  return path;
}

const isPart = (request) => request.method() === 'PUT';

test('an interrupted upload goes on where it stopped, with the draft kept', async (t) => {
  const { page } = await open(t);
  await signUp(page, '/upload');
  const path = await heavyClip(t);
  let let_through = 1;
  await page.route(
    () => true,
    (route) => {
      if (!isPart(route.request())) return route.continue();
      let_through -= 1;
      return let_through >= 0 ? route.continue() : undefined;
    },
  );
  const firstPart = page.waitForResponse((response) => isPart(response.request()) && response.ok());
  await page.setInputFiles('input[type=file]', path);
  await page.fill('#caption', 'Half-way there #river');
  await firstPart;
  const opened = await page.evaluate(() => JSON.parse(localStorage.getItem('riffle.upload')));

  await page.unrouteAll({ behavior: 'ignoreErrors' });
  await page.reload();
  await page.waitForSelector('.resume');
  const sentAgain = [];
  page.on('request', (request) => {
    if (isPart(request)) sentAgain.push(request.url());
  });
  const resumed = page.waitForResponse((response) =>
    response.url().endsWith(`/videos/${opened.videoId}/upload`),
  );
  await page.setInputFiles('input[type=file]', path);
  const { parts } = await (await resumed).json();
  assert.ok(parts.length >= 3, `${parts.length} parts`);
  assert.ok(
    parts.some((part) => part.received),
    'the server kept what had arrived',
  );
  assert.equal(await page.inputValue('#caption'), 'Half-way there #river');
  await page.click('button[type=submit]');
  await page.waitForSelector('.outcome a', { timeout: 120_000 });
  assert.equal(sentAgain.length, parts.filter((part) => !part.received).length);
  assert.equal(await page.locator('.outcome').getAttribute('data-video-id'), opened.videoId);
  await page.click('.outcome a');
  await untilPlaying(page, 0);
});

test('a file that is no video is refused before a byte is sent', async (t) => {
  const { page } = await open(t);
  await signUp(page, '/upload');
  const path = join(await folderFor(t), 'notes.mp4');
  await writeFile(path, 'these are only words');
  const calls = [];
  page.on('request', (request) => calls.push(request.url()));
  await page.setInputFiles('input[type=file]', path);
  await page.waitForSelector('.problem');
  assert.match(await page.locator('.problem').innerText(), /cannot be read as a video/);
  assert.equal(calls.filter((url) => url.includes('upload-url')).length, 0);
});

test('the page says what is accepted before anything is chosen', async (t) => {
  const { page } = await open(t);
  await signUp(page, '/upload');
  const { limits } = await anon(base).get('/config');
  const shown = page.locator('.drop__limits');
  const seconds = limits.videoDurationMsMax / 1000;
  const longest = seconds < 60 ? `${seconds} s` : `${seconds / 60} min`;
  await shown.filter({ hasText: longest }).waitFor();
  assert.match(await shown.innerText(), /MP4/);
});

test('a guest is told that uploading needs an account', async (t) => {
  const { page } = await open(t);
  await page.goto('/upload');
  await page.getByRole('link', { name: 'Sign up' }).first().waitFor();
  assert.equal(await page.locator('input[type=file]').count(), 0);
});
