//! The whole model: what it can learn, and that it is a function of its examples.

pub(crate) mod fixture;
mod gradient;
mod learning;
mod old;
mod replay;
