//! Records of delivery's own: incidents, corrections and kill switches.

use jiff::Timestamp;
use loa_model::{
    AccountName, DeliveryId, PostId, UserId,
    record::{IndexEntry, Record, join, time_key},
};
use serde::{Deserialize, Serialize};

/// What a person must look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IncidentKind {
    /// Read-back found the post more than once.
    Duplicate,
    /// A receipt came after the delivery had moved on.
    LateReceipt,
    /// The platform cannot take it back by API: remove it by hand.
    CannotRetract,
    /// Taking it back failed for good.
    RetractFailed,
    /// Correcting it failed for good.
    CorrectionFailed,
    /// It was called off while it may be live already.
    MayBeLive,
    /// The platform refuses the credentials.
    NeedsReauth,
}

impl IncidentKind {
    /// What it means and what to do, for people; Vietnamese unless `lang` is `en`.
    pub fn say(self, lang: &str) -> &'static str {
        let (vi, en) = match self {
            Self::Duplicate => (
                "Bài đã lên hơn một lần. Hãy mở kênh và gỡ bản đăng sau.",
                "The post is live more than once. Open the channel and remove the later one.",
            ),
            Self::LateReceipt => (
                "Nền tảng báo đã đăng khi hệ thống đã xử lý tiếp. Hãy kiểm tra xem bài có bị đăng hai lần không.",
                "The platform confirmed a post after we had moved on. Check whether it is live twice.",
            ),
            Self::CannotRetract => (
                "Kênh này không cho gỡ bài qua API. Hãy gỡ bằng tay trên kênh.",
                "This channel cannot take posts back by API. Remove it by hand.",
            ),
            Self::RetractFailed => (
                "Gỡ bài không thành công. Hãy gỡ bằng tay trên kênh.",
                "Taking the post back failed. Remove it by hand.",
            ),
            Self::CorrectionFailed => (
                "Đính chính không thành công. Hãy sửa bằng tay hoặc gỡ bài.",
                "The correction failed. Change the post by hand or take it back.",
            ),
            Self::MayBeLive => (
                "Bài bị hủy khi có thể đã lên. Hệ thống sẽ gỡ ngay khi biết chắc; hãy mở kênh kiểm tra và gỡ nếu thấy.",
                "It was called off when it may be live already. It is taken back as soon as that is known; look at the channel and remove it if it is there.",
            ),
            Self::NeedsReauth => (
                "Nền tảng từ chối thông tin đăng nhập. Hãy kết nối lại tài khoản; các bài đang chờ vẫn được giữ.",
                "The platform refuses the credentials. Connect the account again; waiting posts are kept.",
            ),
        };
        if lang == "en" { en } else { vi }
    }
}

/// Something that needs a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Incident {
    /// Time and a random tail: sorts by time.
    pub id: String,
    /// Agency (tenant).
    pub agency: String,
    /// What.
    pub kind: IncidentKind,
    /// Account.
    pub account: AccountName,
    /// Delivery; absent when it concerns the whole account.
    pub delivery: Option<DeliveryId>,
    /// Ids on the platform it is about.
    pub remote_ids: Vec<String>,
    /// Details, redacted.
    pub detail: String,
    /// When.
    pub at: Timestamp,
    /// Who closed it and when.
    pub closed: Option<(UserId, Timestamp)>,
}

impl Record for Incident {
    const TABLE: &'static str = "incident";
    fn key(&self) -> String {
        self.id.clone()
    }
    fn index(&self) -> Vec<IndexEntry> {
        let open = if self.closed.is_none() { "open" } else { "closed" };
        let mut entries = vec![IndexEntry {
            index: "incident_by_agency",
            key: join(&[&self.agency, open, &time_key(self.at), &self.id]),
        }];
        if let Some(delivery) = self.delivery {
            entries.push(IndexEntry {
                index: "incident_by_delivery",
                key: join(&[&delivery.to_string(), &self.id]),
            });
        }
        entries
    }
}

/// New approved content for a live post.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Correction {
    /// Live delivery.
    pub delivery: DeliveryId,
    /// Approved post with the corrected content, for the same account.
    pub post: PostId,
    /// Why.
    pub reason: String,
    /// Who asked.
    pub by: UserId,
    /// When.
    pub at: Timestamp,
    /// Live since.
    pub done_at: Option<Timestamp>,
}

impl Record for Correction {
    const TABLE: &'static str = "correction";
    /// The delivery: one correction at a time; the ledger keeps the earlier ones.
    fn key(&self) -> String {
        self.delivery.to_string()
    }
}

/// Stops everything in its scope before the next request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KillSwitch {
    /// `all`, `agency/<name>` or `channel/<name>`.
    pub scope: String,
    /// Whether nothing may go out.
    pub on: bool,
    /// Why.
    pub reason: String,
    /// Who.
    pub by: UserId,
    /// When.
    pub at: Timestamp,
}

impl Record for KillSwitch {
    const TABLE: &'static str = "kill_switch";
    fn key(&self) -> String {
        self.scope.clone()
    }
}
