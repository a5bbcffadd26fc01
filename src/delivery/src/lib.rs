//! Due posts to channels: intent, send, receipt; never twice, never lost.
