//! How a delivery begins.

use jiff::Timestamp;

use crate::{Delivery, DeliveryId, DeliveryState, Post};

impl Delivery {
    /// Attempts a delivery has.
    pub const ATTEMPTS: u32 = 5;

    /// A delivery of a post as it is, planned for when the post is, within the approved window; nobody worked on it yet.
    pub fn planned(
        id: DeliveryId,
        post: &Post,
        (not_before, not_after): (Timestamp, Timestamp),
        now: Timestamp,
    ) -> Self {
        Self {
            id,
            agency: post.agency.clone(),
            post: post.id,
            article: post.article,
            account: post.account.clone(),
            digest: post.digest(),
            marker: post.content.link.code.clone(),
            state: DeliveryState::Scheduled,
            priority: post.priority,
            due_at: post.scheduled_at.max(not_before),
            not_after,
            not_before,
            attempt: 0,
            lost: 0,
            max_attempts: Self::ATTEMPTS,
            fence: 0,
            lease: None,
            intent: None,
            ticket: None,
            receipt: None,
            sending_since: None,
            public_since: None,
            paid: false,
            quarantine_until: None,
            absent: Vec::new(),
            evidence: Vec::new(),
            seen_live: None,
            cancel_requested: false,
            reason: String::new(),
            retry_of: None,
            created_at: now,
            updated_at: now,
        }
    }
}
