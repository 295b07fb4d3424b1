// Every page in every form and theme: nothing serious for assistive technology, nothing broken to the eye.
// Pictures of them are written to the folder RIFFLE_TOUR_DIR when it is set.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { anon } from '../lib/api.mjs';
import { DESKTOP, PHONE } from '../lib/browser.mjs';
import { inspect } from '../lib/inspect.mjs';
import { base, signUp, useBrowser } from '../lib/session.mjs';
import { railButton, untilPlaying } from '../lib/stage.mjs';

const open = useBrowser();

const FORMS = { phone: PHONE, desktop: DESKTOP };
const THEMES = ['dark', 'light'];

for (const [form, device] of Object.entries(FORMS)) {
  for (const theme of THEMES) {
    test(`pages, ${form}, ${theme}`, async (t) => {
      const { page, errors } = await open(t, { form: device, theme });
      const named = (name) => `${name}-${form}-${theme}`;
      const { items } = await anon(base).get('/feed/for-you?count=1');

      await page.goto('/login');
      await page.waitForSelector('#username');
      await inspect(page, named('login'));
      await page.goto('/signup');
      await page.waitForSelector('#birthDate');
      await inspect(page, named('signup'));

      await signUp(page, '/upload');
      await page.waitForSelector('.drop');
      await inspect(page, named('upload'));

      await page.goto(`/@${items[0].video.creator.username}`);
      await page.waitForSelector('.tile img');
      await inspect(page, named('profile'));

      await page.goto('/settings');
      await page.waitForSelector('#bio');
      await inspect(page, named('settings'));

      await page.goto('/');
      await untilPlaying(page, 0);
      await inspect(page, named('feed'));
      await railButton(page, 'comments').click();
      await page.fill('.composer textarea', `Seen on a ${form}, ${theme}`);
      await page.click('.composer__post');
      await page.locator('.comment:not(.is-pending)', { hasText: `Seen on a ${form}, ${theme}` }).waitFor();
      await inspect(page, named('comments'));
      await page.keyboard.press('Escape');
      await railButton(page, 'more').click();
      await page.waitForSelector('.menu');
      await inspect(page, named('menu'));
      await page.keyboard.press('Escape');
      await page.keyboard.press('?');
      await page.waitForSelector('.keys');
      await inspect(page, named('help'));

      await page.goto('/following');
      await page.waitForSelector('[data-tail=end]');
      await inspect(page, named('following-empty'));
      await page.goto('/nowhere');
      await page.waitForSelector('.notice');
      await inspect(page, named('not-found'));
      assert.deepEqual(errors, []);
    });
  }
}
