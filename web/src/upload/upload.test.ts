// Uploading without a server: parts in parallel, retries, resume, refusals, hashtags.

import { describe, expect, it } from 'vitest';
import type { Config, UploadPart } from '../api/wire';
import { refusal } from './file';
import { movieLengthMs } from './mp4';
import { type PartsJob, PutError, sendParts } from './parts';
import { cleanTag, joinTags, tagsIn } from './tags';

const file = new Blob([new Uint8Array(25)]);

const part = (number: number, received = false): UploadPart => ({
  number,
  url: `/part/${number}`,
  sizeBytes: number === 3 ? 5 : 10,
  received,
  ...(received ? { etag: `e${number}` } : {}),
});

function job(change: Partial<PartsJob> = {}) {
  const log = { put: [] as string[], progress: [] as number[], waits: [] as boolean[], renewed: 0 };
  const base: PartsJob = {
    file,
    partSize: 10,
    parts: [part(1), part(2), part(3)],
    signal: new AbortController().signal,
    put: async (url, data, onSent) => {
      log.put.push(`${url} ${data.size}`);
      onSent(data.size);
      return `e${url.at(-1)}`;
    },
    renew: async () => {
      log.renewed += 1;
      return [1, 2, 3].map((n) => ({ ...part(n), url: `/fresh/${n}` }));
    },
    onProgress: (bytes) => log.progress.push(bytes),
    onWaiting: (waiting) => log.waits.push(waiting),
    pause: async () => {},
  };
  return { log, job: { ...base, ...change } };
}

describe('sendParts', () => {
  it('sends every slice and answers the tags in order', async () => {
    const { log, job: all } = job();
    expect(await sendParts(all)).toEqual([1, 2, 3].map((number) => ({ number, etag: `e${number}` })));
    expect(log.put.sort()).toEqual(['/part/1 10', '/part/2 10', '/part/3 5']);
    expect(log.progress.at(-1)).toBe(25);
  });

  it('skips what the server has already', async () => {
    const { log, job: resumed } = job({ parts: [part(1, true), part(2), part(3, true)] });
    expect(await sendParts(resumed)).toHaveLength(3);
    expect(log.put).toEqual(['/part/2 10']);
    expect(log.progress[0]).toBe(15);
  });

  it('tries a failed part again, with fresh addresses when the old ones were refused', async () => {
    let failed = false;
    const { log, job: shaky } = job();
    const put = shaky.put;
    shaky.put = async (url, data, onSent, signal) => {
      if (url === '/part/2' && !failed) {
        failed = true;
        throw new PutError(403);
      }
      return put(url, data, onSent, signal);
    };
    await sendParts(shaky);
    expect(log.renewed).toBe(1);
    expect(log.put).toContain('/fresh/2 10');
    expect(log.waits).toContain(true);
    expect(log.waits.at(-1)).toBe(false);
  });

  it('gives up after a bounded number of tries', async () => {
    let tries = 0;
    const { job: broken } = job({
      parts: [part(1)],
      put: async () => {
        tries += 1;
        throw new PutError(0);
      },
    });
    await expect(sendParts(broken)).rejects.toBeInstanceOf(PutError);
    expect(tries).toBe(6);
  });
});

describe('refusal', () => {
  const config: Config = {
    limits: {
      videoDurationMsMin: 1000,
      videoDurationMsMax: 60_000,
      fileSizeBytesMax: 100,
      captionCharsMax: 10,
      hashtagsMax: 3,
      commentCharsMax: 10,
      partSizeBytes: 10,
    },
    acceptedMimeTypes: ['video/mp4'],
  };
  const chosen = (size: number, name = 'a.mp4', type = 'video/mp4') =>
    new File([new Uint8Array(size)], name, { type });
  const rows: [name: string, file: File, ms: number, refused: boolean][] = [
    ['fine', chosen(50), 5000, false],
    ['fine without a type', chosen(50, 'b.MP4', ''), 5000, false],
    ['too large', chosen(101), 5000, true],
    ['too short', chosen(50), 500, true],
    ['too long', chosen(50), 61_000, true],
    ['another kind', chosen(50, 'a.txt', 'text/plain'), 5000, true],
  ];
  for (const [name, given, ms, refused] of rows) {
    it(name, () => expect(refusal(given, ms, config) !== undefined).toBe(refused));
  }
});

describe('hashtags', () => {
  it('are found in a caption, once each, in any script', () => {
    expect(tagsIn('Sea #Ocean and #ocean, #море! #')).toEqual(['ocean', 'море']);
  });
  it('are cleaned and joined', () => {
    expect(cleanTag(' #Deep Sea! ')).toBe('deepsea');
    expect(joinTags(['a', 'b'], ['B', 'c', ''])).toEqual(['a', 'b', 'c']);
  });
});

describe('movieLengthMs', () => {
  const box = (type: string, body: number[]) => {
    const size = body.length + 8;
    return [0, 0, size >> 8, size & 255, ...[...type].map((c) => c.charCodeAt(0)), ...body];
  };
  // Version 0: flags, two times, then a timescale of 600 and a length of 1500 units.
  const mvhd = box('mvhd', [...Array(12).fill(0), 0, 0, 2, 88, 0, 0, 5, 220, ...Array(80).fill(0)]);
  const fileOf = (...boxes: number[][]) => new Blob([new Uint8Array(boxes.flat())]);

  it('finds the header before or after the media', async () => {
    const moov = box('moov', mvhd);
    const media = box('mdat', Array(50).fill(7));
    expect(await movieLengthMs(fileOf(box('ftyp', [1, 2]), moov, media))).toBe(2500);
    expect(await movieLengthMs(fileOf(media, moov))).toBe(2500);
  });
  it('answers nothing for other files', async () => {
    expect(await movieLengthMs(new Blob(['these are only words, and quite some of them']))).toBeUndefined();
    expect(await movieLengthMs(fileOf(box('moov', box('trak', [1]))))).toBeUndefined();
    expect(await movieLengthMs(new Blob([]))).toBeUndefined();
  });
});
