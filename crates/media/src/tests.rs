//! What can be checked without running a tool: sniffing, arithmetic, playlists. The pipeline is tested from outside.

mod packaging;
mod planning;
mod probing;
