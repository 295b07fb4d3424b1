// The shapes of the steering endpoints, as the server sends them, and one function for each. Mirrors the OpenAPI document.

import { call } from '../api/client';

export interface Order {
  id: string;
  kind: 'boost' | 'pin';
  target: string;
  region: string | null;
  factor: number;
  reason: string;
  madeAtMs: number;
  madeBy: string;
  endsAtMs: number;
}

export interface OrderRequest {
  kind: 'boost' | 'pin';
  target: string;
  region?: string;
  factor?: number;
  reason: string;
  endsAtMs: number;
}

export interface Weight {
  head: string;
  weight: number;
  builtIn: number;
}

export interface Change {
  what: string;
  detail: string;
  changedAtMs: number;
  changedBy: string;
  username: string | null;
}

export interface Rising {
  scope: string;
  sinceMs: number;
  lift: number;
  interestPerMinute: number;
  viewers: number;
}

/** Everything the page shows, of one moment. */
export interface Steering {
  orders: Order[];
  weights: Weight[];
  changes: Change[];
  rising: Rising[];
  atMs: number;
}

interface Items<T> {
  items: T[];
}

const list = async <T>(path: string, signal: AbortSignal): Promise<T[]> =>
  (await call<Items<T>>('GET', path, { signal })).items;

export async function steeringGet(signal: AbortSignal): Promise<Steering> {
  // The first answer says whether the viewer is let in; the others would say the same.
  const orders = await list<Order>('/api/v1/admin/orders', signal);
  const [weights, changes, rising] = await Promise.all([
    list<Weight>('/api/v1/admin/value-weights', signal),
    list<Change>('/api/v1/admin/operator-changes', signal),
    list<Rising>('/api/v1/trending/rising', signal),
  ]);
  return { orders, weights, changes, rising, atMs: Date.now() };
}

export const orderMake = (order: OrderRequest) =>
  call<Order>('POST', '/api/v1/admin/orders', { body: order });

export const orderWithdraw = (id: string) => call<void>('DELETE', `/api/v1/admin/orders/${id}`);

export const weightsPut = (weights: Record<string, number>) =>
  call<Items<Weight>>('PUT', '/api/v1/admin/value-weights', { body: { weights } });

/** What keeps a video from people. */
export interface VideoFlags {
  hidden: boolean;
  adultsOnly: boolean;
}

const flagsOf = (video: string): string => `/api/v1/admin/videos/${encodeURIComponent(video)}/flags`;

export const flagsGet = (video: string): Promise<VideoFlags> => call('GET', flagsOf(video));
export const flagsSet = (video: string, flags: VideoFlags, reason: string): Promise<VideoFlags> =>
  call('PUT', flagsOf(video), { body: { ...flags, reason } });
