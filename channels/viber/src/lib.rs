//! The Viber adapter.
