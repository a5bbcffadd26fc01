//! A stand-in for the Viber platform, written from its contract.
