// The operator's page: who is let in, that it lives, what it says when something is wrong, and how it looks.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { anon } from '../lib/api.mjs';
import { DESKTOP, PHONE } from '../lib/browser.mjs';
import { check, inspect } from '../lib/inspect.mjs';
import { base, grantAdmin, signUp, useBrowser } from '../lib/session.mjs';
import { startTraffic } from '../lib/traffic.mjs';

const open = useBrowser();
const FLOW = '/admin/flow';

/** Opens the page as a new admin. */
async function openFlow(t, options) {
  const opened = await open(t, options);
  await grantAdmin(await signUp(opened.page, '/settings'));
  await opened.page.goto(FLOW);
  await opened.page.waitForSelector('.flow-stages');
  return opened;
}

/** Viewers who send events for as long as the test runs. */
async function withTraffic(t) {
  const { items } = await anon(base).get('/feed/for-you?count=10');
  const stop = startTraffic(
    base,
    items.map((item) => item.video.id),
  );
  t.after(stop);
}

const numberIn = (page, selector) =>
  page.waitForFunction((at) => {
    const text = document.querySelector(at)?.textContent ?? '';
    const value = Number.parseFloat(text.replaceAll(',', ''));
    return value > 0 ? value : false;
  }, selector);

/** Waits until the first line has so many points. */
const untilLineHas = (page, points) =>
  page.waitForFunction(
    (wanted) =>
      (document.querySelector('.flow-big .flow-spark__line')?.getAttribute('d') ?? '').split(/[ML]/).length >
      wanted,
    points,
    { timeout: 180_000 },
  );

/** How many snapshots the page asked for since the count began. */
function counted(page) {
  let asked = 0;
  page.on('request', (request) => {
    if (request.url().endsWith('/api/v1/admin/flow')) asked += 1;
  });
  return () => asked;
}

test('guests and other accounts are told what to do', async (t) => {
  const { page, errors } = await open(t);
  await page.goto(FLOW);
  await page.locator('.notice', { hasText: 'For admins' }).waitFor();
  assert.equal(
    await page.locator('.notice a').getAttribute('href'),
    `/login?next=${encodeURIComponent(FLOW)}`,
  );

  const username = await signUp(page, FLOW);
  const closed = page.locator('.notice', { hasText: `riffle admin grant ${username}` });
  await closed.waitFor();
  await grantAdmin(username);
  await closed.locator('button').click();
  await page.waitForSelector('.flow-stages');
  await page.locator('.side__link', { hasText: 'Live flow' }).waitFor();

  await page.goto('/settings');
  await page.locator('.settings__operator a').click();
  await page.waitForSelector('.flow-stages');
  assert.deepEqual(errors, []);
});

test('numbers move with what comes in, and jobs open and make checkpoints', async (t) => {
  await withTraffic(t);
  const { page, errors } = await openFlow(t);
  for (const stage of ['door', 'log']) await numberIn(page, `.flow-stage--${stage} .flow-big__number`);
  await page.locator('.flow-drop', { hasText: 'unknown type' }).waitFor();

  const job = page.locator('.flow-job', { hasText: 'Counting' });
  await job.locator('summary').focus();
  await page.keyboard.press('Enter');
  const version = async () => (await job.textContent()).match(/number (\d+)/)?.[1];
  await job.locator('.flow-fates__item--counted', { hasText: /^[1-9]/ }).waitFor();
  const before = Number((await version()) ?? 0);
  await job.locator('.flow-job__ask').click();
  await page.locator('.toast', { hasText: 'checkpoint' }).waitFor();
  await page.waitForFunction(
    (last) =>
      [...document.querySelectorAll('.flow-job')].some(
        (one) => Number(one.textContent.match(/number (\d+)/)?.[1] ?? 0) > last,
      ),
    before,
  );
  assert.deepEqual(errors, []);
});

test('every figure is found by a part of its name', async (t) => {
  const { page, errors } = await openFlow(t);
  await page.locator('.flow-figures summary').click();
  await page.fill('#figures-search', 'appended views');
  await page.locator('.flow-figures [role=status]', { hasText: 'No figure' }).waitFor();
  await page.fill('#figures-search', 'event_log_appended topic=0');
  await page.locator('.flow-figures__name', { hasText: 'riffle_event_log_appended_records_total' }).waitFor();
  assert.equal(await page.locator('.flow-figures tbody tr').count(), 1);
  assert.deepEqual(errors, []);
});

test('nothing is asked while nobody looks, and at once when somebody does', async (t) => {
  const { page } = await open(t);
  await grantAdmin(await signUp(page, '/settings'));
  await page.clock.install();
  await page.goto(FLOW);
  await page.waitForSelector('.flow-stages');
  const asked = counted(page);
  const look = (hidden) =>
    page.evaluate((value) => {
      Object.defineProperty(document, 'hidden', { configurable: true, get: () => value });
      document.dispatchEvent(new Event('visibilitychange'));
    }, hidden);
  const answered = () => page.waitForResponse((response) => response.url().endsWith('/api/v1/admin/flow'));

  const [next] = [answered(), await page.clock.runFor(3_000)];
  await next;
  await look(true);
  const whenHidden = asked();
  await page.clock.runFor(60_000);
  assert.ok(asked() <= whenHidden + 1, 'one question may have been on its way');

  const seen = answered();
  await look(false);
  await page.clock.runFor(100);
  await seen;

  await page.locator('.flow__controls button').click();
  await page.locator('.flow-pulse', { hasText: 'Paused' }).waitFor();
  const whenPaused = asked();
  await page.clock.runFor(60_000);
  assert.ok(asked() <= whenPaused + 1, 'one question may have been on its way');
});

test('a house that is not well says what is wrong and what to do', async (t) => {
  const { page, errors } = await open(t);
  await grantAdmin(await signUp(page, '/settings'));
  // No test breaks a disk of the shared server: the true answer is changed on its way.
  await page.route('**/api/v1/admin/flow', async (route) => {
    const response = await route.fetch();
    const flow = await response.json();
    flow.log.stopped = true;
    flow.jobs[0].state = 'failed';
    flow.media.dead = 2;
    await route.fulfill({ response, json: flow });
  });
  await page.goto(FLOW);
  for (const problem of ['logStopped', 'jobFailed', 'mediaDead']) {
    await page.waitForSelector(`.flow-problem[data-problem=${problem}]`);
  }
  assert.match(await page.locator('.page__lead').textContent(), /2 things need you/);
  assert.match(await page.locator('[data-problem=logStopped]').textContent(), /Mend the disk, then restart/);
  assert.deepEqual(await page.locator('.flow-stage.is-bad h2').allTextContents(), ['Log', 'Jobs']);
  assert.deepEqual(errors, []);
  await page.unrouteAll({ behavior: 'ignoreErrors' });
});

test('nothing moves for those who ask for that', async (t) => {
  await withTraffic(t);
  const { page } = await openFlow(t);
  await page.emulateMedia({ reducedMotion: 'reduce' });
  await numberIn(page, '.flow-stage--door .flow-big__number');
  const endless = await page.evaluate(() =>
    document
      .getAnimations()
      .filter((animation) => animation.effect?.getComputedTiming().iterations === Number.POSITIVE_INFINITY)
      .map((animation) => animation.animationName),
  );
  assert.deepEqual(endless, []);
});

for (const [form, device] of Object.entries({ phone: PHONE, desktop: DESKTOP })) {
  for (const theme of ['dark', 'light']) {
    test(`the page, ${form}, ${theme}`, async (t) => {
      await withTraffic(t);
      const { page, errors } = await openFlow(t, { form: device, theme });
      await numberIn(page, '.flow-stage--door .flow-big__number');
      // A picture for the tour has a line worth looking at.
      await untilLineHas(page, process.env.RIFFLE_TOUR_DIR ? 100 : 3);
      await inspect(page, `admin-flow-${form}-${theme}`);
      await page.locator('.flow-job summary').first().click();
      await page.waitForSelector('.flow-job__more');
      await page.locator('.flow-figures summary').click();
      await page.waitForSelector('.flow-figures tbody tr');
      await check(page, `admin-flow-open-${form}-${theme}`);
      assert.deepEqual(errors, []);
    });
  }
}
