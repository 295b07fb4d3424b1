//! Scores candidates with the live model: pins a version, gathers, multiplies.
