//! The Youtube adapter.
