// Starts the browser and opens pages as a phone or a desktop, dark or light. Knows nothing of the product's pages.

import { chromium } from 'playwright-core';

const ARGS = [
  '--headless=new',
  '--no-sandbox',
  '--autoplay-policy=no-user-gesture-required',
  '--mute-audio',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

export const PHONE = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true };
export const DESKTOP = { viewport: { width: 1440, height: 900 } };

/** The browser binary is CHROMIUM_BIN, or the one that Linux distributions install. */
export const launch = () =>
  chromium.launch({ executablePath: process.env.CHROMIUM_BIN ?? '/usr/bin/chromium', args: ARGS });

/**
 * Opens a page in a context of its own.
 * @param {import('playwright-core').Browser} browser
 * @param {{ base: string, form?: object, theme?: 'dark' | 'light', storageState?: object, firstVisit?: boolean }} options
 *   with `firstVisit` the page asks what the viewer likes, as it does once on each device
 */
export async function openPage(browser, { base, form = DESKTOP, theme, storageState, firstVisit = false }) {
  const context = await browser.newContext({ baseURL: base, ...form, storageState });
  context.setDefaultTimeout(20_000);
  if (theme) {
    await context.addInitScript((chosen) => {
      const saved = JSON.parse(localStorage.getItem('riffle.prefs') ?? '{}');
      localStorage.setItem('riffle.prefs', JSON.stringify({ ...saved, theme: chosen }));
    }, theme);
  }
  if (!firstVisit) await context.addInitScript(() => localStorage.setItem('riffle.asked-interests', '1'));
  const page = await context.newPage();
  const errors = [];
  page.on('pageerror', (error) => errors.push(error.message));
  return { context, page, errors };
}
