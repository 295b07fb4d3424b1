// The operator's messages in use, and names that fall back to themselves.

import { en } from './en';

export const am = en;

/** A word of ours for a name from the server, else the name itself, made readable. */
export const named = (words: Record<string, string>, name: string): string =>
  words[name] ?? name.replaceAll('_', ' ');
