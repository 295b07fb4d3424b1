// What the viewer chose and expects to find again: sound, theme, data saver. Kept in local storage, on this device.

import { createEffect, createRoot, createSignal } from 'solid-js';

export type Theme = 'dark' | 'light' | 'system';

export interface Prefs {
  muted: boolean;
  theme: Theme;
  dataSaver: boolean;
}

const KEY = 'riffle.prefs';
const DEFAULTS: Prefs = { muted: true, theme: 'dark', dataSaver: false };

function load(): Prefs {
  try {
    return { ...DEFAULTS, ...(JSON.parse(localStorage.getItem(KEY) ?? '{}') as Partial<Prefs>) };
  } catch {
    return DEFAULTS;
  }
}

const [prefs, setPrefs] = createSignal<Prefs>(load());

export { prefs };

export function changePrefs(change: Partial<Prefs>): void {
  const next = { ...prefs(), ...change };
  setPrefs(next);
  localStorage.setItem(KEY, JSON.stringify(next));
}

const prefersLight = matchMedia('(prefers-color-scheme: light)');
const [deviceLight, setDeviceLight] = createSignal(prefersLight.matches);
prefersLight.addEventListener('change', () => setDeviceLight(prefersLight.matches));

const THEME_COLORS = { dark: '#0b0c10', light: '#fbfaf8' };

createRoot(() =>
  createEffect(() => {
    const { theme } = prefs();
    const shown = theme === 'system' ? (deviceLight() ? 'light' : 'dark') : theme;
    document.documentElement.dataset.theme = shown;
    document.querySelector('meta[name="theme-color"]')?.setAttribute('content', THEME_COLORS[shown]);
  }),
);

const reduced = matchMedia('(prefers-reduced-motion: reduce)');
export const reducedMotion = (): boolean => reduced.matches;

const wide = matchMedia('(min-width: 900px)');
const [isWide, setIsWide] = createSignal(wide.matches);
wide.addEventListener('change', () => setIsWide(wide.matches));

/** True where there is room for the navigation rail and side panels. */
export { isWide };
