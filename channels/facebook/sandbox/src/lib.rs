//! A stand-in for the Facebook platform, written from its contract.
