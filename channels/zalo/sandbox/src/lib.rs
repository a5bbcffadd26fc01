//! A stand-in for the Zalo platform, written from its contract.
