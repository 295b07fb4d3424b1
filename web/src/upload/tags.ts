// Hashtags in words: found in a caption, cleaned when typed, joined without doubles. Pure.

const TAG = /#([\p{L}\p{N}_]+)/gu;
const TAG_CHARS_MAX = 50;

/** The tags spelled in a text, lower-case, each once, in order. */
export function tagsIn(text: string): string[] {
  return joinTags([...text.matchAll(TAG)].map((match) => match[1] as string));
}

/** One typed tag made clean; empty when nothing is left of it. */
export const cleanTag = (typed: string): string =>
  typed
    .toLowerCase()
    .replace(/[^\p{L}\p{N}_]/gu, '')
    .slice(0, TAG_CHARS_MAX);

/** Lists of tags as one, each once. */
export const joinTags = (...lists: readonly string[][]): string[] => [
  ...new Set(lists.flat().map(cleanTag).filter(Boolean)),
];
