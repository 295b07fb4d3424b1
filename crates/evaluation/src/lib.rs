//! Offline evaluation: protocols, metrics, off-policy estimators; with the product's own feature, model and trainer code.

pub mod dataset;
pub mod facts;
pub mod learner;
pub mod metrics;
pub mod off_policy;
pub mod prequential;
pub mod ranking;
