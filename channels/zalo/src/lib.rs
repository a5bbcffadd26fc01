//! The Zalo adapter.
