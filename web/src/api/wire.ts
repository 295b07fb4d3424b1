// The shapes that cross the wire, exactly as the server sends them.
// Holds no behaviour; everything here mirrors the OpenAPI document.

export type Id = string;

export interface Session {
  userId: Id;
  username: string;
  displayName: string;
  accessToken: string;
  accessExpiresInS: number;
}

export interface UserCounts {
  followers: number;
  following: number;
  videos: number;
  likes: number;
}

export interface User {
  id: Id;
  username: string;
  displayName: string;
  bio: string;
  createdAtMs: number;
  counts: UserCounts;
  viewer: { following: boolean; isSelf: boolean };
  /** What one may do beyond one's own account; only in one's own profile, and absent for almost everybody. */
  roles?: string[];
}

export interface Limits {
  videoDurationMsMin: number;
  videoDurationMsMax: number;
  fileSizeBytesMax: number;
  captionCharsMax: number;
  hashtagsMax: number;
  commentCharsMax: number;
  partSizeBytes: number;
}

export interface Config {
  limits: Limits;
  acceptedMimeTypes: string[];
}

export interface UploadPart {
  number: number;
  url: string;
  sizeBytes: number;
  received: boolean;
  etag?: string;
}

export interface Upload {
  videoId: Id;
  partSize: number;
  expiresAtMs: number;
  parts: UploadPart[];
}

export interface Rendition {
  name: string;
  width: number;
  height: number;
  bitrateBps: number;
  codecs: string;
  playlist: string;
  init: string;
  segments: string[];
}

export interface AudioTrack {
  playlist: string;
  init: string;
  firstSegment: string;
  codecs: string;
  segments: string[];
}

export interface Playback {
  hls: string;
  dash: string;
  mp4?: string;
  poster: string;
  thumbnails: string[];
  thumbhash: string;
  init: string;
  firstSegment: string;
  audio?: AudioTrack;
  segmentMs: number;
  renditions: Rendition[];
}

export type VideoStatus = 'uploading' | 'processing' | 'published' | 'rejected' | 'failed';

export interface VideoCounts {
  views: number;
  likes: number;
  comments: number;
  shares: number;
  saves: number;
}

export interface Creator {
  id: Id;
  username: string;
  displayName: string;
  following: boolean;
}

export interface Video {
  id: Id;
  status: VideoStatus;
  progress: number;
  caption: string;
  hashtags: string[];
  category?: string;
  durationMs: number;
  width: number;
  height: number;
  createdAtMs: number;
  publishedAtMs?: number;
  creator: Creator;
  sound?: { id: Id; title?: string };
  counts: VideoCounts;
  viewer: { liked: boolean; saved: boolean };
  playback?: Playback;
  rejection?: { code: string; message: string };
  /** For people of age only. */
  adultsOnly?: boolean;
  /** Taken out of feeds and lists; only its creator still sees it. */
  hidden?: boolean;
}

/** One round of trying a video out. */
export interface DistributionPool {
  size: number;
  state: 'ahead' | 'here' | 'passed' | 'stopped';
  impressions: number;
  wentWellPercent?: number | null;
  peersPercent?: number | null;
  peers: number;
  betterPercent?: number | null;
  leftMs?: number | null;
}

/** How a video spreads, for its creator. */
export interface Distribution {
  videoId: Id;
  asOfMs: number;
  publishedMs?: number | null;
  impressions: number;
  next: 'publish' | 'first_viewers' | 'trying' | 'proving' | 'open' | 'stopped';
  promise: {
    impressions: number;
    dueMs?: number | null;
    given: number;
    state: 'waiting' | 'on_time' | 'behind' | 'kept' | 'over_daily_limit' | 'given_up';
  };
  pools: DistributionPool[];
}

export interface FeedItem {
  impressionId: Id;
  video: Video;
  reason: { code: string; text: string };
  sponsored: boolean;
}

export interface Page<T> {
  items: T[];
  cursor: string | null;
}

export interface Comment {
  id: Id;
  videoId: Id;
  parentId?: Id;
  text: string;
  createdAtMs: number;
  author: { id: Id; username: string; displayName: string };
  replyCount: number;
}

export type EngagementAction =
  | 'like'
  | 'unlike'
  | 'comment'
  | 'share'
  | 'save'
  | 'unsave'
  | 'not_interested'
  | 'report';

export interface EngagementResult {
  action: EngagementAction;
  viewer: { liked: boolean; saved: boolean };
  counts: VideoCounts;
  comment?: Comment;
}

export type EventType = 'impression' | 'watch' | 'loop' | 'skip' | 'heartbeat' | 'context' | 'not_interested';

export interface ClientEvent {
  seq: number;
  atMs: number;
  type: EventType;
  videoId?: Id;
  impressionId?: Id;
  watchMs?: number;
  ended?: boolean;
  loops?: number;
  positionMs?: number;
}

export interface EventsAck {
  accepted: number;
  duplicates: number;
  rejected: { seq: number; code: string }[];
  ackedThroughSeq: number;
  /** `memory` only for batches of nothing but heartbeats and context. */
  promise: 'disk' | 'memory';
}
