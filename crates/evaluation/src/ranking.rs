//! Protocol A: ranking of the whole catalogue after a split in time.
