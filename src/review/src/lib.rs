//! Compose, submit, approve, return, correct, retract; the audit trail.
