// One function per endpoint: name in, typed answer out. Adds no policy, no state, no retries.

import { call } from './client';
import type {
  Comment,
  Config,
  Distribution,
  EngagementAction,
  EngagementResult,
  FeedItem,
  Id,
  Page,
  Upload,
  User,
  UserCounts,
  Video,
} from './wire';

const query = (params: Record<string, string | number | null | undefined>): string => {
  const search = new URLSearchParams();
  for (const [key, value] of Object.entries(params)) {
    if (value !== undefined && value !== null) search.set(key, String(value));
  }
  const text = search.toString();
  return text ? `?${text}` : '';
};

const v1 = '/api/v1';

export type FeedKind = 'for-you' | 'following';

export const feedPage = (kind: FeedKind, cursor: string | null, count: number): Promise<Page<FeedItem>> =>
  call('GET', `${v1}/feed/${kind}${query({ cursor, count })}`);

/** What becomes of the unseen pool after a swipe; see `FeedSource.rebind`. */
export interface FeedNext {
  unseen: FeedItem[];
  append: FeedItem[];
  dropped: Id[];
  cursor: string | null;
}

export const feedNext = (request: { cursor: string; unseen: Id[]; count: number }): Promise<FeedNext> =>
  call('POST', `${v1}/feed/for-you/next`, { body: request });

export const configGet = (): Promise<Config> => call('GET', `${v1}/config`);

export const meGet = (): Promise<User> => call('GET', `${v1}/me`);
export const mePatch = (change: { displayName?: string; bio?: string }): Promise<User> =>
  call('PATCH', `${v1}/me`, { body: change });

export const userByName = (username: string): Promise<User> =>
  call('GET', `${v1}/users/by-name/${encodeURIComponent(username)}`);
export const userVideos = (id: Id, cursor: string | null, count: number): Promise<Page<Video>> =>
  call('GET', `${v1}/users/${id}/videos${query({ cursor, count })}`);
export const userPeople = (
  id: Id,
  list: 'followers' | 'following',
  cursor: string | null,
): Promise<Page<User>> => call('GET', `${v1}/users/${id}/${list}${query({ cursor, count: 30 })}`);
/** `videoId` names the video on screen, if it was one that made the caller follow. */
export const userFollow = (
  id: Id,
  follow: boolean,
  videoId?: Id,
): Promise<{ following: boolean; counts: UserCounts }> =>
  call('POST', `${v1}/users/${id}/follow`, { body: { action: follow ? 'follow' : 'unfollow', videoId } });

export const videoGet = (id: Id): Promise<Video> => call('GET', `${v1}/videos/${encodeURIComponent(id)}`);
export const videoDistribution = (id: Id): Promise<Distribution> =>
  call('GET', `${v1}/videos/${encodeURIComponent(id)}/distribution`);
export const videoDelete = (id: Id): Promise<void> => call('DELETE', `${v1}/videos/${id}`);

export const videoEngage = (
  id: Id,
  action: EngagementAction,
  extra: { commentText?: string; parentId?: Id; reason?: string } = {},
): Promise<EngagementResult> => call('POST', `${v1}/videos/${id}/engagement`, { body: { action, ...extra } });

export const videoComments = (
  id: Id,
  cursor: string | null,
  parentId?: Id,
  count = 20,
): Promise<Page<Comment>> => call('GET', `${v1}/videos/${id}/comments${query({ cursor, count, parentId })}`);

export const uploadOpen = (file: {
  duration: number | undefined;
  fileSize: number;
  mimeType: string;
}): Promise<Upload> => call('POST', `${v1}/videos/upload-url`, { body: file });
export const uploadGet = (videoId: Id): Promise<Upload> => call('GET', `${v1}/videos/${videoId}/upload`);
export const uploadFinish = (request: {
  videoId: Id;
  caption: string;
  hashtags: string[];
  parts: { number: number; etag: string }[];
  adultsOnly: boolean;
}): Promise<Video> => call('POST', `${v1}/videos`, { body: request });
