// Starts the server under test with a fresh data folder on a free port, and stops it by its process id.
// The binary is RIFFLE_BIN.

import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const READY_MS_MAX = 30_000;
const STOP_MS_MAX = 10_000;

export function freePort() {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.on('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}

/** Resolves when `check` answers true; rejects with `what` after `limitMs`. Asks as fast as answers come. */
export async function until(check, what, limitMs = READY_MS_MAX, pauseMs = 50) {
  const deadline = Date.now() + limitMs;
  while (!(await check())) {
    if (Date.now() > deadline) throw new Error(`timed out waiting: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
}

const isReady = (base) =>
  fetch(`${base}/readyz`).then(
    (r) => r.ok,
    () => false,
  );

export async function startServer() {
  const binary = process.env.RIFFLE_BIN;
  if (!binary) throw new Error('RIFFLE_BIN must hold the path of the riffle binary');
  const data = await mkdtemp(join(tmpdir(), 'riffle-e2e-'));
  const port = await freePort();
  const base = `http://127.0.0.1:${port}`;
  const log = [];
  const child = spawn(binary, ['serve', '--data', data, '--listen', `127.0.0.1:${port}`], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      log.push(String(chunk));
      if (log.length > 400) log.shift();
    });
  }
  const exited = new Promise((resolve) => child.once('exit', resolve));
  await until(async () => {
    if (child.exitCode !== null) throw new Error(`the server ended at start:\n${log.join('')}`);
    return isReady(base);
  }, 'the server to be ready');
  return { base, data, log, stop: () => stopServer(child, exited, data) };
}

async function stopServer(child, exited, data) {
  child.kill('SIGTERM');
  const killer = setTimeout(() => child.kill('SIGKILL'), STOP_MS_MAX);
  await exited;
  clearTimeout(killer);
  await rm(data, { recursive: true, force: true });
}
