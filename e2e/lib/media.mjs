// Makes short clips of moving patterns with a tone, by ffmpeg. Every clip looks and sounds different.

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

const hue = (n) => Math.round((n * 137.5) % 360);

/** Colours far apart on the wheel, as ffmpeg writes them. */
function color(n, light) {
  const h = hue(n) / 60;
  const channel = (offset) => {
    const k = (offset + h * 2) % 12;
    const value = light - 0.4 * Math.max(-1, Math.min(k - 3, 9 - k, 1));
    return Math.round(Math.min(Math.max(value, 0), 1) * 255)
      .toString(16)
      .padStart(2, '0');
  };
  return `0x${channel(0)}${channel(8)}${channel(4)}`;
}

function pattern(n, size, seconds) {
  if (n % 4 === 3) return `testsrc2=s=${size}:r=30:d=${seconds},hue=h=${hue(n)}`;
  return `gradients=s=${size}:r=30:d=${seconds}:c0=${color(n, 0.25)}:c1=${color(n + 1, 0.6)}:c2=${color(n + 2, 0.45)}:n=3:speed=0.03:seed=${n + 1}`;
}

/**
 * Writes clip number `n` to `path`.
 * @param {{ size?: string, seconds?: number, kbps?: number }} shape `kbps` pads the clip to a wanted weight
 */
export async function makeClip(path, n, { size = '360x640', seconds = 2 + (n % 3), kbps } = {}) {
  const rate = kbps
    ? ['-b:v', `${kbps}k`, '-minrate', `${kbps}k`, '-maxrate', `${kbps}k`, '-bufsize', `${kbps}k`]
    : [];
  const filler = kbps ? ['-x264-params', 'nal-hrd=cbr'] : [];
  await run('ffmpeg', [
    ...['-v', 'error', '-y', '-f', 'lavfi', '-i', pattern(n, size, seconds)],
    ...['-f', 'lavfi', '-i', `sine=frequency=${220 + n * 20}:duration=${seconds}`],
    ...['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', '-g', '30', ...rate, ...filler],
    ...['-c:a', 'aac', '-b:a', '64k', '-shortest', '-movflags', '+faststart', path],
  ]);
}
