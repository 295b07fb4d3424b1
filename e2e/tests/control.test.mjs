// The viewer's say: what is skipped and finished shifts the feed and is named as the reason; wishes with undo; interests that can be
// chosen at the first visit, read, and forgotten.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { anon } from '../lib/api.mjs';
import { PHONE } from '../lib/browser.mjs';
import { TAGS } from '../lib/catalogue.mjs';
import { base, useBrowser } from '../lib/session.mjs';
import { railButton, untilFinished, untilPlaying } from '../lib/stage.mjs';

const open = useBrowser();
const [liked, other] = TAGS;
const EACH = 3;
const AHEAD = 4;

const tagOf = async (id) => (await anon(base).get(`/videos/${id}`)).hashtags[0];

/**
 * Finishes what is of the liked topic and skips the other, until three of each came up; when the feed has turned to the liked one so far that
 * no other comes, twice as many finished are enough.
 */
async function lean(page) {
  let [finished, skipped, index] = [0, 0, 0];
  for (; finished < EACH || (skipped < EACH && finished < 2 * EACH); index += 1) {
    if ((await tagOf(await untilPlaying(page, index))) === liked) {
      await untilFinished(page);
      finished += 1;
    } else {
      skipped += 1;
    }
    await page.keyboard.press('j');
  }
}

async function openMenu(page) {
  await railButton(page, 'more').click();
  await page.getByRole('dialog').waitFor();
}

test('three skipped and three finished shift the next videos, the reason says so, and a reset forgets it', async (t) => {
  const { page, errors } = await open(t);
  await page.goto('/');
  await lean(page);
  // A new sitting: what the feed has learned, without what this page held already.
  await page.goto('/');
  let found = 0;
  let reasons = '';
  for (let index = 0; index < AHEAD; index += 1) {
    const tag = await tagOf(await untilPlaying(page, index));
    if (tag === liked) {
      found += 1;
      await openMenu(page);
      await page.getByRole('button', { name: 'Why this video' }).click();
      await page.locator('.why__reasons').waitFor();
      reasons += await page.locator('.why__reasons').innerText();
      await page.keyboard.press('Escape');
      await page.getByRole('dialog').waitFor({ state: 'detached' });
    }
    await page.keyboard.press('j');
  }
  assert.ok(found > AHEAD / 2, `${found} of the next ${AHEAD} are of #${liked}`);
  // A receipt says what was known when the video got its place: one finished, or more.
  assert.match(reasons, new RegExp(`Because you finished (a|\\d+) #${liked} videos? today`));

  await page.goto('/settings/feed');
  await page.getByText(`You lean towards #${liked}`).waitFor();
  await page.getByRole('button', { name: 'Forget my interests' }).click();
  await page.getByRole('button', { name: 'Forget', exact: true }).click();
  await page.getByText('Nothing yet: watch a few videos.').waitFor();
  assert.deepEqual(errors, []);
});

test('less of a hashtag acts on the next videos, and can be taken back where it was told', async (t) => {
  const { page } = await open(t, { form: PHONE });
  await page.goto('/');
  const tag = await tagOf(await untilPlaying(page, 0));
  await openMenu(page);
  await page.getByRole('button', { name: 'More or less like this' }).click();
  const answered = page.waitForResponse(
    (response) => response.url().includes('/feed/for-you') && response.ok(),
  );
  await page.getByRole('button', { name: `Less of #${tag}` }).click();
  await page.getByText(`Less of #${tag}.`).waitFor();
  await answered;
  await page.keyboard.press('j');
  assert.notEqual(await tagOf(await untilPlaying(page, 1)), tag);
  await page.locator('.toast__action').click();
  await page.getByText('Taken back.').waitFor();
  await page.goto('/settings/feed');
  await page.getByText('Nothing asked for.').waitFor();
});

test('a first visit may choose interests, and they are used at once', async (t) => {
  const { page } = await open(t, { firstVisit: true });
  await page.goto('/');
  const sheet = page.getByRole('dialog');
  await sheet.getByRole('button', { name: `#${other}`, exact: true }).click();
  const answered = page.waitForResponse(
    (response) => response.url().includes('/feed/for-you') && response.ok(),
  );
  await sheet.getByRole('button', { name: 'Show me (1)' }).click();
  await answered;
  await sheet.waitFor({ state: 'detached' });
  assert.equal(await tagOf(await untilPlaying(page, 0)), other);
  await page.reload();
  await untilPlaying(page, 0);
  assert.equal(await page.getByRole('dialog').count(), 0, 'it asks once');
  await page.goto('/settings/feed');
  await page.getByRole('button', { name: `Remove #${other}` }).click();
  await page.getByText('None chosen.').waitFor();
});
