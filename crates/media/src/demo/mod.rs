//! demo clips
