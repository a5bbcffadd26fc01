//! The Facebook adapter.
