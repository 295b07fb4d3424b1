// The operator's steering page: what is put in force stands there and can be withdrawn, weights keep what is typed, the trail tells, and how it looks.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { anon } from '../lib/api.mjs';
import { DESKTOP, PHONE } from '../lib/browser.mjs';
import { inspect } from '../lib/inspect.mjs';
import { base, grantAdmin, signUp, useBrowser } from '../lib/session.mjs';

const open = useBrowser();
const STEER = '/admin/steer';

async function openSteer(t, options) {
  const opened = await open(t, options);
  await grantAdmin(await signUp(opened.page, '/settings'));
  await opened.page.goto(STEER);
  await opened.page.waitForSelector('.steer-weights');
  return opened;
}

async function boost(page, target, reason) {
  await page.fill('#order-target', target);
  await page.fill('#order-reason', reason);
  await page.locator('.steer-form button[type=submit]').click();
}

test('guests are told what to do', async (t) => {
  const { page, errors } = await open(t);
  await page.goto(STEER);
  await page.locator('.notice', { hasText: 'For admins' }).waitFor();
  assert.deepEqual(errors, []);
});

test('a boost is made, refused, seen and withdrawn', async (t) => {
  const { page, errors } = await openSteer(t);
  await boost(page, 'sea', 'not a target');
  await page.locator('.toast', { hasText: 'a target is' }).waitFor();

  const name = `tag${Date.now() % 100_000}`;
  await boost(page, `hashtag:${name}`, 'The regatta is on');
  const row = page.locator('tbody tr', { hasText: `#${name}` });
  await row.waitFor();
  assert.match(await row.textContent(), /×2, everywhere.*The regatta is on/s);
  await row.locator('button').click();
  await row.waitFor({ state: 'detached' });
  const trail = page.locator('.steer-trail__row', { hasText: `hashtag:${name}` });
  await trail.filter({ hasText: 'Boost withdrawn' }).waitFor();
  assert.equal(await trail.count(), 2);
  // The one refused request is an error of the browser's console, and the only one.
  assert.ok(
    errors.every((error) => error.includes('400')),
    errors.join('\n'),
  );
});

test('weights keep what is typed until they are saved, and go back', async (t) => {
  const { page, errors } = await openSteer(t);
  const share = page.locator('#weight-share');
  const builtIn = await share.inputValue();
  await share.fill('1.35');
  // An answer that comes meanwhile does not take it away.
  await page.waitForResponse((response) => response.url().endsWith('/api/v1/admin/value-weights'));
  assert.equal(await share.inputValue(), '1.35');
  await page.locator('.steer-weights__actions button[type=submit]').click();
  await page.locator('.steer-weight.is-own', { has: share }).waitFor();
  await page.locator('.steer-weights__actions button', { hasText: 'All as built in' }).click();
  await page.waitForFunction((value) => document.querySelector('#weight-share').value === value, builtIn);
  assert.deepEqual(errors, []);
});

for (const [form, device] of Object.entries({ phone: PHONE, desktop: DESKTOP })) {
  for (const theme of ['dark', 'light']) {
    test(`the page, ${form}, ${theme}`, async (t) => {
      const { page, errors } = await openSteer(t, { form: device, theme });
      // What rises depends on the hour: the true answer is given a topic on its way.
      await page.route('**/api/v1/trending/rising', async (route) => {
        const response = await route.fetch();
        const rising = await response.json();
        const topic = {
          scope: 'hashtag:regatta',
          sinceMs: Date.now() - 90_000,
          lift: 7.4,
          interestPerMinute: 212,
          viewers: 96,
        };
        await route.fulfill({ response, json: { ...rising, items: [topic] } });
      });
      await page.locator('.steer-topic', { hasText: '#regatta' }).waitFor();
      await page.locator('.steer-topic button').click();
      assert.equal(await page.inputValue('#order-target'), 'hashtag:regatta');
      await inspect(page, `admin-steer-${form}-${theme}`);
      assert.deepEqual(errors, []);
      await page.unrouteAll({ behavior: 'ignoreErrors' });
    });
  }
}

test('a video is hidden with a reason, leaves the feed, and is let back', async (t) => {
  const { page, errors } = await openSteer(t, { form: PHONE });
  const { items } = await anon(base).get('/feed/for-you?count=50');
  const { id } = items.at(-1).video;
  const shown = async () => {
    const page = await anon(base).get('/feed/for-you?count=50');
    return page.items.some((item) => item.video.id === id);
  };
  const form = page.locator('.steer-flags');
  const flag = async (reason) => {
    await page.fill('#flags-video', id);
    await form.getByRole('button', { name: 'Look it up' }).click();
    await form.getByRole('switch', { name: 'Hidden' }).click();
    assert.ok(
      await form.getByRole('button', { name: 'Save flags' }).isDisabled(),
      'nothing is hidden without a reason',
    );
    await page.fill('#flags-reason', reason);
    await form.getByRole('button', { name: 'Save flags' }).click();
    await page.locator('.steer-trail__row', { hasText: reason }).waitFor();
  };
  assert.ok(await shown());
  await flag('It shows a licence plate');
  assert.equal(await shown(), false);
  await flag('The plate was made unreadable');
  assert.ok(await shown());
  assert.deepEqual(errors, []);
});
