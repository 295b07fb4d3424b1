// The snapshots as the page reads them: a history that grows, behind accessors that follow it.

import { type Accessor, createSignal } from 'solid-js';
import { History, type Point } from './history';
import type { Bucket, Flow } from './wire';

type Pick = (flow: Flow) => number | null | undefined;

export interface Live {
  /** The newest snapshot. */
  flow: Accessor<Flow>;
  /** Reads that follow the newest snapshot; see History for each. */
  rate(pick: Pick, overMs?: number): number | null;
  rates(pick: Pick): Point[];
  sizes(pick: Pick): Point[];
  quantile(pick: (flow: Flow) => Bucket[], q: number): number | null;
  history: Accessor<History>;
}

export interface LiveSource {
  /** Undefined before the first snapshot. */
  live: Accessor<Live | undefined>;
  take(flow: Flow): void;
}

export function createLive(): LiveSource {
  const history = new History();
  const [flow, setFlow] = createSignal<Flow | undefined>(undefined, { equals: false });
  const [begun, setBegun] = createSignal(false);
  const followed = () => {
    flow();
    return history;
  };
  const live: Live = {
    flow: () => {
      const now = flow();
      if (!now) throw new Error('read before the first snapshot');
      return now;
    },
    rate: (pick, overMs) => followed().rate(pick, overMs),
    rates: (pick) => followed().rates(pick),
    sizes: (pick) => followed().sizes(pick),
    quantile: (pick, q) => followed().quantile(pick, q),
    history: followed,
  };
  return {
    live: () => (begun() ? live : undefined),
    take: (now) => {
      history.add(now);
      setFlow(now);
      setBegun(true);
    },
  };
}
