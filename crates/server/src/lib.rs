//! The HTTP door: authenticate, call one room, convert. No business rule lives here.
//!
//! [`router`] takes the rooms as [`ServerParts`] and gives the whole service: the API under `/api/v1`, signed media and upload
//! links, health, metrics, the OpenAPI document and the web client. Every request has an id, a time limit, a body limit, a caller
//! (account or guest) and a rate limit; every error has one shape.
//!
//! Cost of a request beside its room's: about 30 µs (routing, JWT check, one rate-limit cell, JSON). A feed page of 20 videos is
//! about 60 kB of JSON, 6 kB compressed. A rate-limit cell takes about 100 B for each caller of the last minutes.

mod cards;
mod checked;
mod error;
mod identity;
mod limits;
mod links;
mod meters;
mod openapi;
mod parts;
mod region;
mod routes;
mod shell;
mod steering;
mod web;

pub use limits::RateLimits;
pub use openapi::openapi;
pub use parts::{Readiness, ServerParts};
pub use shell::{Shell, router, serve};
pub use steering::steering;
