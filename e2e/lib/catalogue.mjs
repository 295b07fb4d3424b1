// The catalogue every test starts from: two creators, two hashtags, many short clips, all through the public API.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { register, untilPublished, uploadClip } from './api.mjs';
import { makeClip } from './media.mjs';

export const TAGS = ['river', 'forest'];
const CLIPS = 24;

/** Both creators make videos of both hashtags, so that a taste for one is no taste for the other. */
const madeBy = (n) => (n >> 1) % 2;

const CAPTIONS = {
  river: ['Slow water at noon', 'Where the current turns', 'Stones under glass'],
  forest: ['Light between the trunks', 'After the rain', 'A path nobody swept'],
};

export async function fillCatalogue(base) {
  const folder = await mkdtemp(join(tmpdir(), 'riffle-clips-'));
  const creators = [await register(base, 'wren'), await register(base, 'heron')];
  const videos = [];
  for (let n = 0; n < CLIPS; n += 1) {
    const tag = TAGS[n % 2];
    const seconds = 2 + (n % 3);
    const path = join(folder, `clip-${n}.mp4`);
    const size = n === 10 ? '640x360' : '360x640';
    await makeClip(path, n, { seconds, size });
    const caption = `${CAPTIONS[tag][n % 3]} #${tag}`;
    videos.push(await uploadClip(creators[madeBy(n)], path, { caption, hashtags: [tag], seconds }));
  }
  for (const [n, id] of videos.entries()) await untilPublished(creators[madeBy(n)], id);
  await rm(folder, { recursive: true, force: true });
  return { videos, creators };
}
