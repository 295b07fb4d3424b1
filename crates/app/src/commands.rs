//! One file for each command.

pub mod admin;
pub mod config;
pub mod demo;
pub mod eval;
pub mod features;
pub mod feed;
pub mod import;
pub mod jobs;
pub mod log;
pub mod openapi;
pub mod serve;
