//! Offline evaluation: protocols, metrics, off-policy estimators; with the product's own feature, model and trainer code.

pub mod dataset;
pub mod metrics;
pub mod ranking;
