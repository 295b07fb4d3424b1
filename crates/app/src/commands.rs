//! One file for each command.

pub mod config;
pub mod demo;
pub mod import;
pub mod openapi;
pub mod serve;
