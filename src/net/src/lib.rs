//! Outbound HTTP: timeouts, size caps, SSRF guard, redaction.
