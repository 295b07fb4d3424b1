// Late binding, in one sitting: what is finished and what is left early shows at the next swipes, without a new page.
//
// A test teaches as well as it looks. So it behaves as one person does throughout: it finishes every video of one topic and leaves every
// other early, while it counts too, and it swipes on when the new order is there, never before. What was finished and what was left is
// what the page told the server, for on a slow machine a short video may have run far before anybody can leave it.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TAGS } from '../lib/catalogue.mjs';
import { useBrowser } from '../lib/session.mjs';
import { untilFinished, untilPlaying } from '../lib/stage.mjs';

const open = useBrowser();
/** So many of each topic are finished, or left, before anything is asked of the feed. */
const EACH = 3;
/** And so many that follow are looked at: one place may explore. */
const AHEAD = 4;

const path = (message) => new URL(message.url()).pathname;
const isOrder = (response) => path(response).endsWith('/feed/for-you/next') && response.ok();

/** Follows what the feed gives and what the page tells: the topic of each video, which were finished, which left early. */
function follow(page) {
  const told = { topicOf: new Map(), finished: new Set(), left: new Set(), reading: Promise.resolve() };
  page.on('request', (request) => {
    if (request.method() !== 'POST' || !path(request).endsWith('/events')) return;
    for (const event of request.postDataJSON().events) {
      if (event.type === 'watch' && event.ended) told.finished.add(event.videoId);
      if (event.type === 'skip') told.left.add(event.videoId);
    }
  });
  const read = async (response) => {
    const { items = [], unseen = [], append = [] } = await response.json();
    for (const { video } of [...items, ...unseen, ...append]) told.topicOf.set(video.id, video.hashtags[0]);
  };
  page.on('response', (response) => {
    if (!/\/feed\/for-you(\/next)?$/.test(path(response)) || !response.ok()) return;
    // An answer that the end of the test cuts off tells nothing that is needed.
    const reading = read(response).catch(() => undefined);
    told.reading = Promise.all([told.reading, reading]);
  });
  return told;
}

/** Watches as somebody who likes `liked` alone; the topics in the order in which they came, and how many it took to be sure. */
async function sit(page, liked, told) {
  const seen = [];
  let taught;
  for (let index = 0; taught === undefined || seen.length < taught + AHEAD; index += 1) {
    const id = await untilPlaying(page, index);
    await told.reading;
    seen.push(told.topicOf.get(id));
    if (seen.at(-1) === liked) await untilFinished(page);
    const ordered = page.waitForResponse(isOrder);
    await page.keyboard.press('j');
    await ordered;
    const [finished, left] = [told.finished.size, told.left.size];
    // Where the feed has turned so far that nothing else comes, twice as many finished are enough.
    if (finished >= EACH && (left >= EACH || finished >= 2 * EACH)) taught ??= seen.length;
  }
  return { seen, taught };
}

for (const liked of TAGS) {
  test(`the next videos turn to #${liked} while it is finished and the other left early`, async (t) => {
    const { page, errors } = await open(t);
    const told = follow(page);
    await page.goto('/');
    const { seen, taught } = await sit(page, liked, told);
    const found = seen.slice(taught).filter((topic) => topic === liked).length;
    assert.ok(
      found > AHEAD / 2,
      `${found} of the next ${AHEAD} are of #${liked}: ${seen.join(' ')}, taught by ${taught}`,
    );
    assert.deepEqual(errors, []);
  });
}
