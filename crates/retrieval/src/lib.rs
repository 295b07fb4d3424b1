//! Candidate generators that learn from the stream: one exposure at a time, in event time, in bounded memory.
//!
//! [`collaborative`] is the generator a feed asks; it is made of [`trails`] (what each viewer was shown lately), [`regression`] (what holds
//! people who were shown the same, refitted now and then) and two counters of [`trending`] (what holds people now, what most have
//! seen). [`vq`] is the index of vectors that two of the feed's sources ask; its own header has its figures. States are plain data and can be stored; a fit is derived and is not. There is no IO, no clock and no randomness here,
//! and no filtering of what a viewer may see beyond the predicate that the caller gives.
//!
//! Back of the envelope (arithmetic, not measured), at the default bounds:
//!
//! | what | memory | processor |
//! |---|---|---|
//! | trails, 65 536 viewers × 200 steps of 24 B | 315 MB full, about 60 MB at forty steps each | one tree walk and a scan of the trail an exposure |
//! | two counters, 1 M videos × about 24 B each | 50 MB | one tree walk each an exposure |
//! | a fit of n videos | 4n² B to keep, three times that while fitting; n = 8 192: 268 and 805 MB | 2n³ multiply-adds; n = 8 192: 1.1 T, 55 s of one core at 20 G/s |
//! | a request, trail of t videos in the fit | 4n B | t·n multiply-adds, then two lookups a positive score |
//!
//! The fit is dense, so it does not grow with the catalogue: 7 600 videos fit whole, but all of 1 M would take a matrix of 4 TB. Of a larger catalogue it
//! covers the most active [`regression::VIDEOS_DEFAULT`] (at most [`regression::VIDEOS_CEILING`], 1.1 GB to keep and 8.8 T multiply-adds), those with the most
//! decayed engagement. At 1 M videos that is the head, under 1 % of the titles; how much of the watching it covers depends on the catalogue. The rest gets no
//! score here and is the business of generators that need no history of a video: the towers, what is fresh, whom the viewer follows. Choosing the head is one pass over
//! the trails, at most 13 M steps, with 32 B a distinct video.
//!
//! Disk and network: none; who stores a state decides. Refit beside the serving copy, not in a request.

pub mod collaborative;
pub mod decay;
pub mod exposure;
pub mod regression;
pub mod trails;
pub mod trending;
pub mod vq;

pub use decay::Decay;
pub use exposure::{Exposure, Scored};
