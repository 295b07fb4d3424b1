//! What the `riffle` binary is made of, for the binary itself and for whoever runs the whole house within another process under a clock of
//! its own (the workshop's closed loop). No logic beyond wiring, and nothing that another room may import.

mod checkpoints;
pub mod cli;
pub mod commands;
pub mod config;
pub mod error;
mod log;
mod process;
mod secrets;
mod streams;
pub mod telemetry;
pub mod wire;
