//! How deliveries are found again.

use jiff::Timestamp;

use super::{Delivery, DeliveryState};
use crate::{
    job::Priority,
    record::{IndexEntry, Record, join, time_key},
};

impl Delivery {
    /// Where it stands in a calendar: when it went live, else when it is to be posted.
    pub fn stands_at(&self) -> Timestamp {
        match (&self.receipt, self.state) {
            (Some(receipt), _) => receipt.at,
            (None, DeliveryState::Scheduled) => self.due_at.max(self.not_before),
            (None, _) => self.due_at,
        }
    }

    /// Whether nothing of it was ever sent, as far as its running attempt goes: its time is free to change.
    pub fn is_untouched(&self) -> bool {
        self.sending_since.is_none() && !self.may_be_live()
    }
}

impl Record for Delivery {
    const TABLE: &'static str = "delivery";
    fn key(&self) -> String {
        self.id.to_string()
    }
    fn index(&self) -> Vec<IndexEntry> {
        let wake = match self.state {
            DeliveryState::Scheduled => self.due_at.max(self.not_before),
            DeliveryState::Uncertain => self.quarantine_until.unwrap_or(self.not_before),
            DeliveryState::Leased | DeliveryState::Intent => {
                self.lease.as_ref().map_or(self.not_before, |lease| lease.until)
            }
            _ => self.not_before,
        };
        let state = self.state.name();
        let mut entries = vec![
            IndexEntry {
                index: "delivery_by_post",
                key: join(&[&self.post.to_string(), &self.key()]),
            },
            IndexEntry {
                index: "delivery_by_state",
                key: join(&[state, &time_key(wake), &self.key()]),
            },
            IndexEntry {
                index: "delivery_by_account",
                key: join(&[self.account.as_str(), state, &time_key(wake), &self.key()]),
            },
            IndexEntry {
                index: "delivery_by_time",
                key: join(&[&self.agency, &time_key(self.stands_at()), &self.key()]),
            },
        ];
        if self.priority == Priority::Urgent {
            // However much is waiting, these are seen.
            let key = join(&[state, &time_key(wake), &self.key()]);
            entries.push(IndexEntry { index: "delivery_urgent", key });
        }
        entries
    }
}
