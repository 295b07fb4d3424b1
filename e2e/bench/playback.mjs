// Measures swipe-to-picture in a browser: from the key press to the first new frame on screen, for swipes whose next
// video was held ready. Usage: node bench/playback.mjs BASE_URL [--json FILE] [--swipes N]. Needs a running server
// with at least a dozen videos; starts no server and judges no figure.

import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { launch, openPage, PHONE } from '../lib/browser.mjs';
import { untilPlaying } from '../lib/stage.mjs';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { json: { type: 'string' }, swipes: { type: 'string', default: '48' } },
});
const base = positionals[0];
if (!base) {
  console.error('usage: node bench/playback.mjs BASE_URL [--json FILE] [--swipes N]');
  process.exit(2);
}

/** The value below which `share` of the sorted list lies (nearest rank). */
const percentile = (sorted, share) => sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)];
const rounded = (value) => Math.round(value * 10) / 10;

// The next video counts as ready when its element holds a decodable picture.
const untilNextReady = (page, key) =>
  page.waitForFunction(
    (step) => {
      const active = Number(document.querySelector('.slide.is-active').dataset.index);
      const next = document.querySelector(`.slide[data-index="${active + step}"] video`);
      return (
        !next?.closest('.slide').dataset.videoId || next.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA
      );
    },
    key === 'ArrowDown' ? 1 : -1,
  );

async function swipes(page, count) {
  let key = 'ArrowDown';
  let index = 0;
  await untilPlaying(page, 0);
  for (let done = 0; done < count; done += 1) {
    const ends = await page.evaluate((at) => {
      const has = (n) => Boolean(document.querySelector(`.slide[data-index="${n}"]`)?.dataset.videoId);
      return { next: has(at + 1), previous: has(at - 1) };
    }, index);
    if (key === 'ArrowDown' && !ends.next) key = 'ArrowUp';
    else if (key === 'ArrowUp' && !ends.previous) key = 'ArrowDown';
    await untilNextReady(page, key);
    await page.keyboard.press(key);
    index += key === 'ArrowDown' ? 1 : -1;
    await untilPlaying(page, index);
    await page.waitForFunction((n) => window.__riffle?.swipes.length >= n, done + 1);
  }
  return page.evaluate(() => window.__riffle.swipes);
}

const browser = await launch();
try {
  const { page } = await openPage(browser, { base, form: PHONE });
  await page.goto('/');
  const times = await swipes(page, Number(values.swipes));
  const held = times.filter((t) => t.preloaded).map((t) => t.toFrameMs);
  held.sort((a, b) => a - b);
  const figures = {
    'playback.swipes': times.length,
    'playback.swipes.preloaded': held.length,
    'playback.swipe_p50_ms.preloaded': rounded(percentile(held, 0.5)),
    'playback.swipe_p95_ms.preloaded': rounded(percentile(held, 0.95)),
  };
  const text = `${JSON.stringify(figures, null, 2)}\n`;
  process.stdout.write(text);
  if (values.json) await writeFile(values.json, text);
} finally {
  await browser.close();
}
