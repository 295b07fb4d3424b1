//! Uploads folders of videos and the demo content through the public API, as any client would.
//!
//! It opens no database and no log: what it can do, every client can do. It keeps two things in the data folder, the
//! creator's secret and a journal of what was uploaded, so that it can be run again.
//!
//! | resource | an import |
//! |---|---|
//! | memory | three parts at a time (`partSize` of the server, 8 MiB by default: 24 MiB), one journal line a file |
//! | disk | reads each file once; about 300 bytes of journal a file |
//! | CPU | copying and HTTP; a demo clip costs ffmpeg 2 to 6 seconds of CPU, two at a time |
//! | network | the files' bytes once, and one small request each 250 ms a pending video |

mod account;
mod client;
mod demo;
mod error;
mod files;
mod import;
mod journal;
mod operator;
mod progress;
mod society;
mod summary;
mod upload;

pub use demo::{DemoOptions, demo};
pub use error::ImportError;
pub use import::{ImportOptions, import};
pub use operator::{Operator, encoded};
pub use summary::{Outcome, Summary};
