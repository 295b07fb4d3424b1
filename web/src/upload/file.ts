// Looks at a chosen file before it is sent: its kind, its length, whether it is within the limits, and the
// fingerprint by which it is recognised when chosen again. Sends nothing.

import type { Config } from '../api/wire';
import { bytes, duration, m } from '../messages';
import { movieLengthMs } from './mp4';

const READ_MS_MAX = 15_000;

const KINDS: Record<string, string> = {
  mp4: 'video/mp4',
  m4v: 'video/mp4',
  mov: 'video/quicktime',
  webm: 'video/webm',
  mkv: 'video/x-matroska',
  avi: 'video/x-msvideo',
  ts: 'video/mp2t',
  '3gp': 'video/3gpp',
  mpg: 'video/mpeg',
};

export const kindOf = (file: File): string =>
  file.type || KINDS[file.name.split('.').pop()?.toLowerCase() ?? ''] || 'application/octet-stream';

export const fingerprintOf = (file: File): string => `${file.name}:${file.size}:${file.lastModified}`;

/** The sentence that says why a file cannot be sent, or undefined when it can. */
export function refusal(
  file: File,
  durationMs: number | undefined,
  { limits, acceptedMimeTypes }: Config,
): string | undefined {
  if (!acceptedMimeTypes.includes(kindOf(file))) return m.upload.wrongType;
  if (file.size > limits.fileSizeBytesMax) return m.upload.tooLarge(bytes(limits.fileSizeBytesMax));
  if (durationMs === undefined) return undefined;
  if (durationMs < limits.videoDurationMsMin) return m.upload.tooShort(duration(limits.videoDurationMsMin));
  if (durationMs > limits.videoDurationMsMax) return m.upload.tooLong(duration(limits.videoDurationMsMax));
  return undefined;
}

/** Kinds whose header tells the length even when this browser cannot play what is inside (HEVC from a phone). */
const BOXED = ['video/mp4', 'video/quicktime', 'video/3gpp'];

/**
 * The length of a video file in milliseconds: as this browser reads it, else from the file's own header. Undefined
 * for kinds that only the server can read; NaN for a file that is not what it says.
 */
export async function lengthOf(file: File): Promise<number | undefined> {
  const played = await durationOf(file).catch(() => undefined);
  if (played !== undefined) return played;
  if (BOXED.includes(kindOf(file))) return (await movieLengthMs(file)) ?? Number.NaN;
  return kindOf(file) === 'video/webm' ? Number.NaN : undefined;
}

function durationOf(file: File): Promise<number> {
  const probe = document.createElement('video');
  const url = URL.createObjectURL(file);
  const length = new Promise<number>((resolve, reject) => {
    setTimeout(() => reject(new Error('the file took too long to read')), READ_MS_MAX);
    probe.onerror = () => reject(new Error('the file cannot be read'));
    probe.ondurationchange = () => {
      if (Number.isFinite(probe.duration)) resolve(probe.duration * 1000);
      // Recordings without a length in their header tell it once asked for their end.
      else probe.currentTime = 1e9;
    };
    probe.preload = 'metadata';
    probe.muted = true;
    probe.src = url;
  });
  return length.finally(() => {
    probe.removeAttribute('src');
    probe.load();
    URL.revokeObjectURL(url);
  });
}
