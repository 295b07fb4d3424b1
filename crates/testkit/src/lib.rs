//! What service tests stand on: the real binary on an empty folder, callers with names, seeded randomness, made clips.
//!
//! Nothing is mocked and nothing is shipped. Answers stay plain JSON on purpose: a test that reads the wire by itself
//! notices when a shape changes. Helpers panic with what they saw, as test code does.
//!
//! | resource | one test server |
//! |---|---|
//! | disk | the data folder, some megabytes a clip, removed on drop |
//! | memory, CPU | those of the binary; the kit itself holds one clip and one answer at a time |
//! | network | loopback only, on a port that the system picks |

mod caller;
mod clip;
mod random;
mod server;
mod upload;
mod wait;

pub use caller::{Answer, Caller, EventBatch};
pub use clip::Clip;
pub use random::Random;
pub use serde_json::{Value, json};
pub use server::{DRAIN_MS_MAX, READY_MS_MAX, Server};
pub use wait::until;
