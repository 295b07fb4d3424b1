//! The workshop's checks as a library, so that a test and the command line run the same code.
//!
//! | resource | what a run of `tidy` costs |
//! |---|---|
//! | CPU | one pass over some megabytes of source, about 0.2 s in a debug build, plus `cargo metadata` |
//! | memory | the largest single file, twice |
//! | disk, network | reads only; none |

pub mod tidy;

/// The root of the checkout that this workshop was built in.
pub const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
