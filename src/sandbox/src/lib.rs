//! What the stand-in platforms share: faults, virtual clock, growth, control API.
