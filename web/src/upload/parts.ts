// Sends a file's parts: three at a time, each retried with growing pauses, real bytes counted as they leave.
// Knows parts and addresses only; sessions and drafts are in session.ts.

import type { UploadPart } from '../api/wire';

const PARALLEL = 3;
const TRIES_MAX = 6;
const BACKOFF_MS = 500;

/** One PUT. `onSent` tells how many bytes of this part have left so far. Rejects with PutError. */
export type PutPart = (
  url: string,
  data: Blob,
  onSent: (bytes: number) => void,
  signal: AbortSignal,
) => Promise<string>;

export class PutError extends Error {
  constructor(readonly status: number) {
    super(`the part was answered ${status}`);
  }
}

export interface PartsJob {
  file: Blob;
  partSize: number;
  parts: UploadPart[];
  signal: AbortSignal;
  put: PutPart;
  /** Fresh addresses for all parts, when the old ones were refused. */
  renew(): Promise<UploadPart[]>;
  onProgress(sentBytes: number): void;
  onWaiting(waiting: boolean): void;
  /** Resolves when trying again makes sense. */
  pause(ms: number): Promise<void>;
}

export interface SentPart {
  number: number;
  etag: string;
}

/** Sends every part not yet received; answers all parts with their tags, in order. */
export async function sendParts(job: PartsJob): Promise<SentPart[]> {
  const sent = new Map<number, number>();
  const done = new Map<number, string>();
  let parts = job.parts;
  const report = () => {
    let total = 0;
    for (const bytes of sent.values()) total += bytes;
    job.onProgress(total);
  };
  for (const part of parts) {
    if (!part.received || part.etag === undefined) continue;
    sent.set(part.number, part.sizeBytes);
    done.set(part.number, part.etag);
  }
  report();
  const waiting = parts.filter((part) => !done.has(part.number)).map((part) => part.number);
  const sendOne = async (number: number) => {
    const etag = await withRetries(
      job,
      async () => {
        const part = parts.find((p) => p.number === number) as UploadPart;
        const from = (number - 1) * job.partSize;
        const data = job.file.slice(from, from + part.sizeBytes);
        const onSent = (bytes: number) => {
          sent.set(number, bytes);
          report();
        };
        return await job.put(part.url, data, onSent, job.signal);
      },
      async () => {
        parts = await job.renew();
      },
    );
    done.set(number, etag);
  };
  const worker = async () => {
    for (let number = waiting.shift(); number !== undefined; number = waiting.shift()) await sendOne(number);
  };
  await Promise.all(Array.from({ length: PARALLEL }, worker));
  return [...done].sort(([a], [b]) => a - b).map(([number, etag]) => ({ number, etag }));
}

async function withRetries<T>(job: PartsJob, work: () => Promise<T>, renew: () => Promise<void>): Promise<T> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      const answer = await work();
      job.onWaiting(false);
      return answer;
    } catch (error) {
      if (job.signal.aborted || attempt + 1 >= TRIES_MAX) throw error;
      job.onWaiting(true);
      await job.pause(BACKOFF_MS * 2 ** attempt);
      if (error instanceof PutError && [401, 403, 404, 410].includes(error.status)) await renew();
    }
  }
}

/** Puts by XMLHttpRequest, the only way a browser tells how many bytes of a request have left. */
export const putByXhr: PutPart = (url, data, onSent, signal) =>
  new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const abort = () => request.abort();
    signal.addEventListener('abort', abort);
    request.open('PUT', url);
    request.upload.onprogress = (event) => onSent(event.loaded);
    request.onloadend = () => {
      signal.removeEventListener('abort', abort);
      const etag = request.getResponseHeader('etag');
      if (request.status === 200 && etag) {
        onSent(data.size);
        resolve(etag);
      } else reject(new PutError(request.status));
    };
    request.send(data);
  });
