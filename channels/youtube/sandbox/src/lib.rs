//! A stand-in for the Youtube platform, written from its contract.
