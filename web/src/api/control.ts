// The viewer's say in the feed: shapes and one function per endpoint. No policy, no state.

import { call } from './client';
import type { Id } from './wire';

export type FeedMode = 'personal' | 'frozen' | 'non_personal';
export type Want = 'less' | 'neutral' | 'more';

/** Names exactly one of the three. */
export interface Wish {
  want: Want;
  hashtag?: string;
  creatorId?: Id;
  soundId?: Id;
  username?: string;
}

export interface Interests {
  mode: FeedMode;
  hashtags: string[];
  categories: string[];
  learned: { hashtag: string; strength: number }[];
  watches: number;
  wishes: Wish[];
  mutedWords: string[];
  resetAtMs?: number;
}

export interface PersonRef {
  id: Id;
  username: string;
  displayName: string;
}

export interface Topics {
  hashtags: { name: string; videos: number }[];
  categories: { name: string; videos: number }[];
}

export interface Why {
  impressionId: Id;
  videoId: Id;
  servedAtMs: number;
  reasons: { code: string; weight: number; text: string; topic?: string; finishedToday?: number }[];
  sources: string[];
  explored: boolean;
  probability: number;
  freshBoost: number;
  followedBoost: number;
  modelShare: number;
  score: number;
  rule?: { name: string; price: number };
}

const v1 = '/api/v1';

export const interestsGet = (): Promise<Interests> => call('GET', `${v1}/me/interests`);
export const interestsPut = (chosen: { hashtags: string[]; categories: string[] }): Promise<Interests> =>
  call('PUT', `${v1}/me/interests`, { body: chosen });
export const interestsReset = (): Promise<Interests> =>
  call('POST', `${v1}/me/interests/reset`, { body: {} });
export const wishSend = (wish: Wish): Promise<Interests> =>
  call('POST', `${v1}/me/interests/wishes`, { body: wish });
export const feedModePut = (mode: FeedMode): Promise<Interests> =>
  call('PUT', `${v1}/me/feed-mode`, { body: { mode } });
export const mutedWordsPut = (words: string[]): Promise<{ words: string[] }> =>
  call('PUT', `${v1}/me/muted-words`, { body: { words } });

type People = Promise<{ items: PersonRef[] }>;
export const mutesGet = (): People => call('GET', `${v1}/me/mutes`);
export const muteSet = (id: Id, muted: boolean): People =>
  call('POST', `${v1}/users/${id}/mute`, { body: { muted } });
export const blocksGet = (): People => call('GET', `${v1}/me/blocks`);
export const blockSet = (id: Id, blocked: boolean): People =>
  call('POST', `${v1}/users/${id}/block`, { body: { blocked } });

export const topicsGet = (): Promise<Topics> => call('GET', `${v1}/feed/topics`);
export const whyGet = (impressionId: Id): Promise<Why> => call('GET', `${v1}/feed/why/${impressionId}`);
