//! Records of delivery's own: incidents, corrections and kill switches.

use jiff::Timestamp;
use loa_model::{
    AccountName, DeliveryId, JobId, PostId, UserId,
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
    /// Its time has come, nothing holds it back, and nobody takes it.
    Stuck,
    /// Every worker that took the job or the delivery died with it.
    Poison,
}

impl IncidentKind {
    /// Every kind.
    pub const ALL: [Self; 9] = [
        Self::Duplicate,
        Self::LateReceipt,
        Self::CannotRetract,
        Self::RetractFailed,
        Self::CorrectionFailed,
        Self::MayBeLive,
        Self::NeedsReauth,
        Self::Stuck,
        Self::Poison,
    ];

    /// The name in records and among the words of the pages.
    pub fn key(self) -> &'static str {
        match self {
            Self::Duplicate => "duplicate",
            Self::LateReceipt => "late_receipt",
            Self::CannotRetract => "cannot_retract",
            Self::RetractFailed => "retract_failed",
            Self::CorrectionFailed => "correction_failed",
            Self::MayBeLive => "may_be_live",
            Self::NeedsReauth => "needs_reauth",
            Self::Stuck => "stuck",
            Self::Poison => "poison",
        }
    }

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
            Self::Stuck => (
                "Đã quá giờ, không có gì giữ lại mà chưa máy nào xử lý. Hãy báo người vận hành xem Loa có chạy không; sự cố tự đóng khi việc đi tiếp.",
                "It is past its time, nothing holds it back, and nobody takes it. Have the operator look whether Loa runs; this closes by itself once it goes on.",
            ),
            Self::Poison => (
                "Việc hoặc bài này làm máy xử lý dừng giữa chừng nhiều lần nên không tự chạy lại. Hãy báo người vận hành xem nhật ký, rồi cho làm lại.",
                "The workers that took this died with it, so it is not tried again by itself. Have the operator look at the log, then let it go again.",
            ),
        };
        if lang == "en" { en } else { vi }
    }
}

/// Something that needs a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Incident {
    /// Time and a random tail, or what it is about where that must be told once.
    pub id: String,
    /// Agency (tenant).
    pub agency: String,
    /// What.
    pub kind: IncidentKind,
    /// Account; absent when it concerns a job.
    pub account: Option<AccountName>,
    /// Delivery; absent when it concerns the whole account or a job.
    pub delivery: Option<DeliveryId>,
    /// Job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<JobId>,
    /// Ids on the platform it is about.
    pub remote_ids: Vec<String>,
    /// Details, redacted.
    pub detail: String,
    /// When.
    pub at: Timestamp,
    /// Who closed it and when; nobody did when its cause ended by itself.
    pub closed: Option<(Option<UserId>, Timestamp)>,
}

impl Incident {
    /// What it is about, by key: a delivery, a job, else an account.
    pub fn subject(&self) -> String {
        let delivery = self.delivery.map(|id| id.to_string());
        let job = self.job.map(|id| id.to_string());
        let account = self.account.as_ref().map(ToString::to_string);
        delivery.or(job).or(account).unwrap_or_default()
    }
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
        if self.closed.is_none() {
            entries.push(IndexEntry {
                index: "incident_open",
                key: join(&[self.kind.key(), &self.subject(), &self.id]),
            });
        }
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
    /// Those that the live post took before this one was ordered, the oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub earlier: Vec<Applied>,
}

/// A correction that a live post took.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Applied {
    /// The post with the corrected content.
    pub post: PostId,
    /// Why.
    pub reason: String,
    /// Live since.
    pub at: Timestamp,
}

impl Correction {
    /// Every correction that the live post took, the oldest first: it shows the content of the last one.
    pub fn applied(self) -> Vec<Applied> {
        let mut all = self.earlier;
        all.extend(self.done_at.map(|at| Applied { post: self.post, reason: self.reason, at }));
        all
    }
}

impl Record for Correction {
    const TABLE: &'static str = "correction";
    /// The delivery: one correction at a time; the ledger keeps the earlier ones.
    fn key(&self) -> String {
        self.delivery.to_string()
    }
}

/// A person left a delivery that is over as it is: nobody is asked about it again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetAside {
    /// Delivery.
    pub delivery: DeliveryId,
    /// Agency (tenant).
    pub agency: String,
    /// Why.
    pub reason: String,
    /// Who.
    pub by: UserId,
    /// When.
    pub at: Timestamp,
}

impl Record for SetAside {
    const TABLE: &'static str = "set_aside";
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_the_names_in_records_and_each_is_said_in_both_languages() {
        for kind in IncidentKind::ALL {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.key());
            assert_ne!(kind.say("vi"), kind.say("en"));
        }
    }

    #[test]
    fn an_incident_of_the_first_days_is_read() {
        let user = "00000000-0000-7000-8000-000000000003";
        let old = serde_json::json!({
            "id": "1", "agency": "demo", "kind": "duplicate", "account": "memory:page", "delivery": null,
            "remote_ids": [], "detail": "read-back found several", "at": "2026-11-22T02:00:00Z",
            "closed": [user, "2026-11-22T03:00:00Z"],
        });
        let read: Incident = serde_json::from_value(old).unwrap();
        assert_eq!((read.subject().as_str(), read.job), ("memory:page", None));
        assert_eq!(read.closed.unwrap().0, Some(user.parse().unwrap()));
    }
}
