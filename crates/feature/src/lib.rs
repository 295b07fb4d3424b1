//! Feature registry, state and extraction: one code for serving and for training. No clock, no store.
