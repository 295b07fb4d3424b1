// The messages in use, and the small formatters that need a language: times, sizes, durations.

import { en } from './en';

export const m = en;

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** How long ago, short; a date once it is more than a week. */
export function ago(thenMs: number, nowMs = Date.now()): string {
  const age = nowMs - thenMs;
  if (age < MINUTE_MS) return m.ago.now;
  if (age < HOUR_MS) return m.ago.minutes(Math.floor(age / MINUTE_MS));
  if (age < DAY_MS) return m.ago.hours(Math.floor(age / HOUR_MS));
  if (age < 7 * DAY_MS) return m.ago.days(Math.floor(age / DAY_MS));
  return new Date(thenMs).toLocaleDateString('en', { day: 'numeric', month: 'short', year: 'numeric' });
}

/** 83 → "1:23". */
export function clock(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')}`;
}

/** 1500 → "1.5 s"; 600000 → "10 min". */
export function duration(ms: number): string {
  if (ms < MINUTE_MS) return `${Number((ms / 1000).toFixed(1))} s`;
  return `${Number((ms / MINUTE_MS).toFixed(1))} min`;
}

const UNITS = ['B', 'kB', 'MB', 'GB'];

/** Sizes in powers of 1000, as limits are set. */
export function bytes(count: number): string {
  const power = Math.min(Math.floor(Math.log10(Math.max(count, 1)) / 3), UNITS.length - 1);
  const value = count / 1000 ** power;
  return `${value.toFixed(value < 10 && power > 0 ? 1 : 0)} ${UNITS[power]}`;
}
