//! HTTP: authenticate, call one room, convert.
