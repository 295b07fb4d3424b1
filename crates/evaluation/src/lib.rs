//! Offline evaluation: protocols, metrics, off-policy estimators; with the product's own feature, model and retrieval code. Serves nobody.
//!
//! Back of the envelope, for 830 thousand exposures:
//!
//! | what | figure |
//! |---|---|
//! | CPU, prequential | about 100 µs an event: observe, extract, predict, learn; 81 s for all, one core; each further way to refresh learns the stream once more |
//! | CPU, intervals | 1 000 resamples × 105 thousand events, two orders: about 2 s a pair |
//! | CPU, ranking | one fit, 2n³ multiply-adds |
//! | memory | 31 counters an event, most of them of pairs: below 1 GB |
//! | disk, network | reads its input once; none |

pub mod dataset;
pub mod facts;
pub mod learner;
pub mod metrics;
pub mod off_policy;
pub mod prequential;
pub mod ranking;
