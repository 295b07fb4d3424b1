// Times each swipe from the input to the first new picture and keeps the last hundred, readable at
// `window.__riffle.swipes` by a browser bench. Sends nothing anywhere.

const SWIPES_MAX = 100;

export interface SwipeTime {
  fromKey: string;
  toFrameMs: number;
  preloaded: boolean;
}

export interface Probe {
  swipes: SwipeTime[];
}

declare global {
  interface Window {
    __riffle?: Probe;
  }
}

export function recordSwipe(swipe: SwipeTime): void {
  window.__riffle ??= { swipes: [] };
  const { swipes } = window.__riffle;
  swipes.push(swipe);
  if (swipes.length > SWIPES_MAX) swipes.shift();
}
