// A page as it stands: nothing serious for assistive technology, nothing scrolls sideways, and a picture of it.
// Pictures are written to the folder RIFFLE_TOUR_DIR when it is set.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const axeSource = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** Lets every running animation of the page end, so that colours and places are final. */
const settled = (page) =>
  page.evaluate(() =>
    Promise.all(
      document
        .getAnimations()
        .filter((animation) => Number.isFinite(animation.effect?.getComputedTiming().endTime))
        .map((animation) => animation.finished.catch(() => undefined)),
    ),
  );

/** Checks the page. */
export async function check(page, name) {
  await settled(page);
  await page.evaluate(axeSource);
  const violations = await page.evaluate(async () => {
    const result = await window.axe.run(document, { resultTypes: ['violations'] });
    return result.violations
      .filter((v) => v.impact === 'serious' || v.impact === 'critical')
      .map((v) => `${v.id}: ${v.nodes.map((n) => n.target.join(' ')).join(' | ')}`);
  });
  assert.deepEqual(violations, [], name);
  const overflow = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
  assert.equal(overflow, false, `${name} scrolls sideways`);
}

/** Checks the page and takes its picture as NAME.png. */
export async function inspect(page, name) {
  await check(page, name);
  await picture(page, name);
}

async function picture(page, name) {
  const folder = process.env.RIFFLE_TOUR_DIR;
  const shot = await page.screenshot(folder ? { path: join(folder, `${name}.png`) } : {});
  assert.ok(shot.length > 5_000, `${name} shows something`);
}
