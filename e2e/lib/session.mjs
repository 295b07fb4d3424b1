// What every test file needs: the base address, one browser for the file, pages opened and closed with the test,
// and signing up through the page.

import { execFile } from 'node:child_process';
import { after, before } from 'node:test';
import { promisify } from 'node:util';
import { newName, PASSWORD } from './api.mjs';
import { launch, openPage } from './browser.mjs';

export const base = process.env.RIFFLE_BASE;
if (!base) throw new Error('RIFFLE_BASE is not set: run the tests by "npm test"');

let browser;

/** Starts a browser for this file; `open` gives pages that close when their test ends. */
export function useBrowser() {
  before(async () => {
    browser = await launch();
  });
  after(() => browser.close());
  return async function open(t, options = {}) {
    const opened = await openPage(browser, { base, ...options });
    t.after(() => opened.context.close());
    return opened;
  };
}

/** Signs up through the page and ends on `next`. Answers the user name. */
export async function signUp(page, next = '/') {
  const username = newName('viewer');
  await page.goto(`/signup?next=${encodeURIComponent(next)}`);
  await page.fill('#username', username);
  await page.fill('#password', PASSWORD);
  await page.fill('#birthDate', '1994-05-06');
  await page.click('button[type=submit]');
  await page.waitForURL((url) => url.pathname === next);
  return username;
}

/** Logs in an account that was made by the API and ends on `next`. */
export async function logIn(page, username, next = '/') {
  await page.goto(`/login?next=${encodeURIComponent(next)}`);
  await page.fill('#username', username);
  await page.fill('#password', PASSWORD);
  await page.click('button[type=submit]');
  await page.waitForURL((url) => url.pathname === next);
}

/** Makes an account an admin, on the command line, as whoever holds the data folder would. */
export async function grantAdmin(username) {
  const { RIFFLE_BIN, RIFFLE_DATA } = process.env;
  if (!RIFFLE_BIN || !RIFFLE_DATA) throw new Error('RIFFLE_BIN and RIFFLE_DATA must name the running server');
  await promisify(execFile)(RIFFLE_BIN, ['admin', 'grant', username, '--data', RIFFLE_DATA]);
}
