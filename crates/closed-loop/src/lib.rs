//! The closed loop over HTTP: simulated people live with the whole product for a month, under a simulated clock, and the truth about what
//! they were shown is known. It opens the binary's own wiring in this process, speaks to it as phones do, and measures; it holds nothing of
//! the product and changes nothing about it.
//!
//! | resource | the standard month: 60 people, 680 videos, some 15 000 views |
//! |---|---|
//! | requests | two a view (events, the next order), a page and a token a visit, one for each like and the like |
//! | time | about 5 ms of two cores a view: 5 minutes; the three others together half a minute of one |
//! | memory, disk | some 250 MB of a small house with its learner; its log 300 MB, gone when it ends |

pub mod clock;
mod command;
pub mod error;
pub mod event;
pub mod house;
pub mod life;
pub mod month;
pub mod phone;
mod report;
pub mod stock;
pub mod wire;
pub mod workers;

pub use command::command;
