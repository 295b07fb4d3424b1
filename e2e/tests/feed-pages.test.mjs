// The pages around the feed in every form and theme: first visit, why a video, interests, how a video spreads, one request laid open.
// As in pages.test.mjs, pictures are written to RIFFLE_TOUR_DIR when it is set.

import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { register, untilPublished, uploadClip } from '../lib/api.mjs';
import { DESKTOP, PHONE } from '../lib/browser.mjs';
import { inspect } from '../lib/inspect.mjs';
import { makeClip } from '../lib/media.mjs';
import { base, grantAdmin, logIn, useBrowser } from '../lib/session.mjs';
import { railButton, untilFinished, untilPlaying } from '../lib/stage.mjs';

const open = useBrowser();
const FORMS = { phone: PHONE, desktop: DESKTOP };
const THEMES = ['dark', 'light'];
/** Videos watched before the feed is asked why. */
const WATCHED = 2;

let maker;
let video;

before(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'riffle-pages-'));
  maker = await register(base, 'maker');
  const path = join(folder, 'clip.mp4');
  await makeClip(path, 31, { seconds: 3 });
  video = await uploadClip(maker, path, {
    caption: 'Nets drying at the harbour',
    hashtags: ['harbour'],
    seconds: 3,
  });
  await untilPublished(maker, video);
  await grantAdmin(maker.session.username);
  await rm(folder, { recursive: true, force: true });
});

for (const [form, device] of Object.entries(FORMS)) {
  for (const theme of THEMES) {
    const named = (name) => `${name}-${form}-${theme}`;

    test(`the first visit, ${form}, ${theme}`, async (t) => {
      const { page, errors } = await open(t, { form: device, theme, firstVisit: true });
      await page.goto('/');
      await page.getByRole('dialog').getByRole('button').first().waitFor();
      await inspect(page, named('onboarding'));
      assert.deepEqual(errors, []);
    });

    test(`pages around the feed, ${form}, ${theme}`, async (t) => {
      const { page, errors } = await open(t, { form: device, theme });
      await logIn(page, maker.session.username);
      for (let index = 0; index < WATCHED; index += 1) {
        await untilPlaying(page, index);
        await untilFinished(page);
        await page.keyboard.press('j');
      }
      await untilPlaying(page, WATCHED);
      await railButton(page, 'more').click();
      await page.getByRole('button', { name: 'More or less like this' }).click();
      await page.getByRole('dialog', { name: 'Change my feed' }).waitFor();
      await inspect(page, named('tune'));
      await page.keyboard.press('Escape');
      await page.getByRole('dialog').waitFor({ state: 'detached' });
      await railButton(page, 'more').click();
      await page.getByRole('button', { name: 'Why this video' }).click();
      await page.locator('.why__details').waitFor();
      await inspect(page, named('why'));

      // Quiet before it is left: a page that still asks for its session would lose the answer.
      await page.goto('/settings/feed', { waitUntil: 'networkidle' });
      await page.getByText('You lean towards').first().waitFor();
      await inspect(page, named('settings-feed'));

      await page.goto(`/v/${video}/reach`, { waitUntil: 'networkidle' });
      await page.locator('.reach__head').waitFor();
      await inspect(page, named('reach'));

      await page.goto('/admin/feed');
      await page.fill('.feed-open__form input[required]', maker.session.username);
      await page.locator('.feed-open__form button[type=submit]').click();
      await page.locator('.feed-open__grid').waitFor();
      await inspect(page, named('admin-feed'));
      assert.deepEqual(errors, []);
    });
  }
}
