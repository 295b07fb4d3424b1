//! Embedding tables, layers, losses, optimisers, calibration, kernels, snapshots. Knows no video; no IO, no unseeded randomness.
