"""Scores 10 000 candidates as the light scorer does: ROWS rows of 24 halves, layers of 64 and 32, 16 logits. Prints p50 and p99."""

import sys
import time

import numpy as np

ROWS = int(sys.argv[1])
CANDIDATES, REQUESTS = 10_000, 200
WIDTH, H1, H2, OUTPUTS = 24, 64, 32, 16

random = np.random.default_rng(1)
table = np.empty((ROWS, WIDTH), np.float16)
for first in range(0, ROWS, 1 << 20):
    part = table[first : first + (1 << 20)]
    part[:] = random.uniform(-0.5, 0.5, part.shape)
w1 = random.uniform(-0.3, 0.3, (WIDTH, H1 + OUTPUTS)).astype(np.float32)
w2 = random.uniform(-0.3, 0.3, (H1, H2)).astype(np.float32)
w3 = random.uniform(-0.3, 0.3, (H2, OUTPUTS)).astype(np.float32)
b1, b2 = np.zeros(H1 + OUTPUTS, np.float32), np.zeros(H2, np.float32)
worth = np.full(OUTPUTS, 1 / OUTPUTS, np.float32)


def score(ids):
    rows = table[ids].astype(np.float32)
    y1 = rows @ w1 + b1
    y2 = np.maximum(np.maximum(y1[:, :H1], 0) @ w2 + b2, 0)
    logits = y1[:, H1:] + y2 @ w3
    return (1 / (1 + np.exp(-logits))) @ worth


times = []
for request in range(REQUESTS + 20):
    ids = random.integers(0, ROWS, CANDIDATES)
    begun = time.perf_counter()
    score(ids)
    if request >= 20:
        times.append((time.perf_counter() - begun) * 1e3)
print("10k.p50_ms", np.percentile(times, 50))
print("10k.p99_ms", np.percentile(times, 99))
