// The server's limits, fetched once; sensible values stand in until they arrive. The server checks them anyway.

import { createSignal } from 'solid-js';
import { configGet } from '../api/endpoints';
import type { Config, Limits } from '../api/wire';

const FALLBACK: Config = {
  limits: {
    videoDurationMsMin: 1000,
    videoDurationMsMax: 600_000,
    fileSizeBytesMax: 1024 ** 3,
    captionCharsMax: 2200,
    hashtagsMax: 20,
    commentCharsMax: 500,
    partSizeBytes: 8 * 1024 ** 2,
  },
  acceptedMimeTypes: ['video/mp4', 'video/quicktime', 'video/webm'],
};

const [config, setConfig] = createSignal<Config>(FALLBACK);

export { config };
export const limits = (): Limits => config().limits;

let loading: Promise<void> | undefined;

/** Fetches the limits if they are not here yet. A failure leaves the stand-ins and the next call tries again. */
export function loadConfig(): Promise<void> {
  loading ??= configGet()
    .then((answer) => void setConfig(answer))
    .catch(() => {
      loading = undefined;
    });
  return loading;
}
