// Build and development settings. In development the API and the media are proxied to a running server,
// whose address is RIFFLE_URL (default http://127.0.0.1:8080). Holds no feature flags.

import { defineConfig } from 'vite';
import solid from 'vite-plugin-solid';

const server = process.env.RIFFLE_URL ?? 'http://127.0.0.1:8080';

export default defineConfig({
  plugins: [solid()],
  build: { target: 'es2022', cssCodeSplit: false, reportCompressedSize: true },
  server: { proxy: { '/api': server, '/media': server } },
  test: { environment: 'node', include: ['src/**/*.test.ts'] },
} as Parameters<typeof defineConfig>[0]);
