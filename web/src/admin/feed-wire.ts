// One request of the feed laid open, as the server sends it. Mirrors the OpenAPI document; no behaviour.

import { call } from '../api/client';

export interface FeedStage {
  kind: string;
  name: string;
  about: string;
  before: number;
  after: number;
  tookUs: number;
  end: 'done' | 'failed' | 'off' | 'rested';
  error: string | null;
  removed: { reason: string; count: number }[];
}

export interface FeedCandidate {
  video: string;
  caption: string;
  creator: string;
  position: number | null;
  sources: string[];
  light: number;
  score: number;
  explored: boolean;
  propensity: number;
}

export interface FeedSlate {
  value: number;
  bound: number;
  priceRegional: number;
  priceExploring: number;
  relaxed: string[];
}

export interface FeedExplained {
  viewer: string;
  atMs: number;
  tookUs: number;
  watches: number;
  following: number;
  leanings: { what: string; strength: number }[];
  stages: FeedStage[];
  slate: FeedSlate | null;
  top: FeedCandidate[];
  gone: { video: string; stage: string; reason: string; sources: string[] }[];
}

export const explainGet = (user: string, region: string): Promise<FeedExplained> => {
  const asked = new URLSearchParams({ user });
  if (region) asked.set('region', region);
  return call('GET', `/api/v1/admin/feed/explain?${asked}`);
};
