// The public API as a test caller uses it: accounts, uploads, feeds, events. Plain fetch, no browser.

import { readFile } from 'node:fs/promises';
import { until } from './server.mjs';

const PUBLISH_MS_MAX = 180_000;
let people = 0;

export const PASSWORD = 'seven quiet rivers';

/** A user name that no other test uses. */
export function newName(prefix) {
  people += 1;
  return `${prefix}_${process.pid.toString(36)}_${people}`;
}

export class Caller {
  constructor(base, session) {
    this.base = base;
    this.session = session;
  }

  async call(method, path, body) {
    const headers = {};
    if (body !== undefined) headers['content-type'] = 'application/json';
    if (this.session) headers.authorization = `Bearer ${this.session.accessToken}`;
    const response = await fetch(`${this.base}/api/v1${path}`, {
      method,
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path} answered ${response.status}: ${text}`);
    return text === '' ? undefined : JSON.parse(text);
  }

  get(path) {
    return this.call('GET', path);
  }

  post(path, body) {
    return this.call('POST', path, body);
  }
}

export const anon = (base) => new Caller(base);

export async function register(base, prefix) {
  const username = newName(prefix);
  const session = await anon(base).post('/auth/register', {
    username,
    password: PASSWORD,
    birthDate: '1990-02-03',
  });
  return new Caller(base, session);
}

/** Uploads a file in parts and posts it. Answers the video's id. */
export async function uploadClip(caller, path, { caption, hashtags, seconds }) {
  const bytes = await readFile(path);
  const upload = await caller.post('/videos/upload-url', {
    duration: seconds,
    fileSize: bytes.length,
    mimeType: 'video/mp4',
  });
  const parts = await Promise.all(upload.parts.map((part) => putPart(caller, upload, part, bytes)));
  await caller.post('/videos', { videoId: upload.videoId, caption, hashtags, parts });
  return upload.videoId;
}

async function putPart(caller, upload, part, bytes) {
  const from = (part.number - 1) * upload.partSize;
  const response = await fetch(new URL(part.url, caller.base), {
    method: 'PUT',
    body: bytes.subarray(from, from + part.sizeBytes),
  });
  if (!response.ok) throw new Error(`part ${part.number} answered ${response.status}`);
  return { number: part.number, etag: response.headers.get('etag') };
}

export async function untilPublished(caller, videoId) {
  let video;
  await until(
    async () => {
      video = await caller.get(`/videos/${videoId}`);
      if (video.status === 'rejected' || video.status === 'failed') {
        throw new Error(`${videoId} is ${video.status}: ${JSON.stringify(video.rejection)}`);
      }
      return video.status === 'published';
    },
    `video ${videoId} to be published`,
    PUBLISH_MS_MAX,
    200,
  );
  return video;
}
