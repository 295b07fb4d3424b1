// What the viewer did to videos and creators, as shown on screen everywhere at once: likes, saves, follows, counts.
// Optimistic through Toggle; asks guests to sign in instead of sending. Holds no video itself, only what changed.

import { createStore } from 'solid-js/store';
import { viewer } from '../api/auth';
import { userFollow, videoEngage } from '../api/endpoints';
import type { Creator, Id, Video, VideoCounts } from '../api/wire';
import { m } from '../messages';
import { askSignIn } from './dialogs';
import { toastError } from './toasts';
import { Toggle } from './toggle';

interface VideoState {
  liked: boolean;
  saved: boolean;
  counts: VideoCounts;
}

const [videos, setVideos] = createStore<Record<Id, VideoState>>({});
const [follows, setFollows] = createStore<Record<Id, boolean>>({});
const toggles = new Map<string, Toggle>();

export const isLiked = (v: Video): boolean => videos[v.id]?.liked ?? v.viewer.liked;
export const isSaved = (v: Video): boolean => videos[v.id]?.saved ?? v.viewer.saved;
export const countsOf = (v: Video): VideoCounts => videos[v.id]?.counts ?? v.counts;
export const isFollowing = (c: Pick<Creator, 'id' | 'following'>): boolean => follows[c.id] ?? c.following;

/** Forgets everything shown: another person is looking now. */
export function forgetEngagement(): void {
  for (const id of Object.keys(videos)) setVideos(id, undefined as unknown as VideoState);
  for (const id of Object.keys(follows)) setFollows(id, undefined as unknown as boolean);
  toggles.clear();
}

export function toggleLike(video: Video): void {
  if (!viewer()) {
    askSignIn('like');
    return;
  }
  void likeToggle(video).set(!isLiked(video));
}

/** A double tap likes; it never takes a like back. */
export function like(video: Video): void {
  if (!viewer()) {
    askSignIn('like');
    return;
  }
  void likeToggle(video).set(true);
}

export function toggleSave(video: Video): void {
  if (!viewer()) {
    askSignIn('save');
    return;
  }
  const toggle = toggleFor(`save ${video.id}`, isSaved(video), {
    show: (on) => change(video, { saved: on, counts: step(video, 'saves', on) }),
    send: async (on) => adopt(video, await videoEngage(video.id, on ? 'save' : 'unsave')),
    onRefused: (error) => toastError(error, m.video.saveFailed),
  });
  void toggle.set(!isSaved(video));
}

/** Resolves when the server has answered, so that a page can take over its counts. */
export async function toggleFollow(creator: Pick<Creator, 'id' | 'following'>, videoId?: Id): Promise<void> {
  if (!viewer()) return askSignIn('follow');
  const toggle = toggleFor(`follow ${creator.id}`, isFollowing(creator), {
    show: (on) => setFollows(creator.id, on),
    send: async (on) => {
      await userFollow(creator.id, on, videoId);
    },
    onRefused: (error) => toastError(error, m.video.followFailed),
  });
  await toggle.set(!isFollowing(creator));
}

/** A comment was posted or withdrawn again. */
export function countComment(video: Video, by: 1 | -1): void {
  const counts = countsOf(video);
  change(video, { counts: { ...counts, comments: Math.max(0, counts.comments + by) } });
}

export function countShare(video: Video): void {
  const counts = countsOf(video);
  change(video, { counts: { ...counts, shares: counts.shares + 1 } });
  if (viewer()) void videoEngage(video.id, 'share').catch(() => undefined);
}

const likeToggle = (video: Video): Toggle =>
  toggleFor(`like ${video.id}`, isLiked(video), {
    show: (on) => change(video, { liked: on, counts: step(video, 'likes', on) }),
    send: async (on) => adopt(video, await videoEngage(video.id, on ? 'like' : 'unlike')),
    onRefused: (error) => toastError(error, m.video.likeFailed),
  });

const TOGGLES_MAX = 500;

function toggleFor(key: string, initial: boolean, ports: ConstructorParameters<typeof Toggle>[1]): Toggle {
  let toggle = toggles.get(key);
  if (!toggle) {
    toggle = new Toggle(initial, ports);
    if (toggles.size >= TOGGLES_MAX) toggles.delete(toggles.keys().next().value as string);
    toggles.set(key, toggle);
  }
  return toggle;
}

function step(video: Video, name: 'likes' | 'saves', on: boolean): VideoCounts {
  const counts = countsOf(video);
  return { ...counts, [name]: Math.max(0, counts[name] + (on ? 1 : -1)) };
}

function change(video: Video, part: Partial<VideoState>): void {
  const before = { liked: isLiked(video), saved: isSaved(video), counts: countsOf(video) };
  setVideos(video.id, { ...before, ...part });
}

// Takes over the server's counts; the viewer's own state stays with the toggles, which may wish otherwise already.
function adopt(video: Video, answer: { counts: VideoCounts }): void {
  change(video, { counts: answer.counts });
}
