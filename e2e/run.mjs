// Runs the browser tests: starts one server, fills its catalogue, runs every test file against it, stops it.
// RIFFLE_BIN is the binary; test files may be named as arguments.

import { spawn } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { fillCatalogue } from './lib/catalogue.mjs';
import { startServer } from './lib/server.mjs';

const folder = new URL('./tests/', import.meta.url);
const named = process.argv.slice(2);
const all = (await readdir(folder)).filter((name) => name.endsWith('.test.mjs')).sort();
const files = named.length > 0 ? named : all.map((name) => new URL(name, folder).pathname);

const server = await startServer();
let code = 1;
try {
  await fillCatalogue(server.base);
  const child = spawn(process.execPath, ['--test', '--test-concurrency=1', ...files], {
    stdio: 'inherit',
    env: { ...process.env, RIFFLE_BASE: server.base, RIFFLE_DATA: server.data },
  });
  code = await new Promise((resolve) => child.once('exit', (status) => resolve(status ?? 1)));
  if (code !== 0) process.stderr.write(`\nthe server's last lines:\n${server.log.join('').slice(-4000)}\n`);
} finally {
  await server.stop();
}
process.exit(code);
