//! What must always be true, and each way in which a ledger can show that it was not.

use serde::Serialize;

/// What must always be true.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub enum Invariant {
    /// At most one live remote post per delivery, and per post one delivery that is live.
    I1,
    /// What was published has its receipt.
    I2,
    /// Nothing is sent without an intent whose digest is the approved one.
    I3,
    /// A delivery is only moved by the holder of its fence, by persons, or by who takes it away and raises the fence.
    I4,
    /// Attempts never shrink, rise one by one with an intent, and not beyond what is allowed.
    I5,
    /// No ready delivery starves while others go.
    I8,
    /// No more is spent of an allowance than there is, what is unclear counted.
    I9,
    /// Nothing leaves `uncertain` to be sent again without two negative read-backs after its quarantine, or a person.
    I10,
    /// Nothing is sent after its window, while its account is paused or a kill switch is on, or without its approval.
    I11,
    /// What is over stays over.
    I12,
}

/// A way to break an invariant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "each says what it is in `told`")]
pub enum Breach {
    OtherReceipt,
    TwoLive,
    DuplicateOpen,
    NoReceipt,
    EmptyReceipt,
    NeverSent,
    NoIntent,
    OtherIntent,
    ReadIntent,
    MadeUnsigned,
    Unsigned,
    ChangedSinceSigned,
    FenceFell,
    NotTheHolder,
    OtherFence,
    AttemptsFell,
    AttemptsRose,
    TooManyAttempts,
    Starved,
    OverSpent,
    NotReserved,
    GivenBackUnclear,
    NotAbsentTwice,
    WithinQuarantine,
    NoQuarantine,
    AfterWindow,
    WhileStopped,
    WhilePaused,
    NotApproved,
    CalledOff,
    WentOn,
    Deleted,
}

impl Breach {
    /// Every one.
    pub const ALL: [Self; 32] = [
        Self::OtherReceipt,
        Self::TwoLive,
        Self::DuplicateOpen,
        Self::NoReceipt,
        Self::EmptyReceipt,
        Self::NeverSent,
        Self::NoIntent,
        Self::OtherIntent,
        Self::ReadIntent,
        Self::MadeUnsigned,
        Self::Unsigned,
        Self::ChangedSinceSigned,
        Self::FenceFell,
        Self::NotTheHolder,
        Self::OtherFence,
        Self::AttemptsFell,
        Self::AttemptsRose,
        Self::TooManyAttempts,
        Self::Starved,
        Self::OverSpent,
        Self::NotReserved,
        Self::GivenBackUnclear,
        Self::NotAbsentTwice,
        Self::WithinQuarantine,
        Self::NoQuarantine,
        Self::AfterWindow,
        Self::WhileStopped,
        Self::WhilePaused,
        Self::NotApproved,
        Self::CalledOff,
        Self::WentOn,
        Self::Deleted,
    ];

    /// What it breaks.
    pub fn invariant(self) -> Invariant {
        self.told().0
    }

    /// What is wrong, for people; Vietnamese unless `lang` is `en`.
    pub fn say(self, lang: &str) -> &'static str {
        let (_, vi, en) = self.told();
        if lang == "en" { en } else { vi }
    }

    fn told(self) -> (Invariant, &'static str, &'static str) {
        use Invariant::{I1, I2, I3, I4, I5, I8, I9, I10, I11, I12};
        match self {
            Self::OtherReceipt => (
                I1,
                "biên nhận đổi thành của một bài khác trên kênh",
                "its receipt became that of another remote post",
            ),
            Self::TwoLive => (
                I1,
                "hai lượt đăng của cùng một bài đều đang hiển thị",
                "another delivery of its post is live too",
            ),
            Self::DuplicateOpen => (
                I1,
                "đã lên hơn một lần và chưa ai xử lý",
                "it is live more than once, and nobody has dealt with it",
            ),
            Self::NoReceipt => {
                (I2, "ghi là đã đăng mà không có biên nhận", "published without a receipt")
            }
            Self::EmptyReceipt => (
                I2,
                "biên nhận không có mã bài và không ai xác nhận là đã lên",
                "its receipt has no id, and nobody said that it is live",
            ),
            Self::NeverSent => {
                (I3, "có biên nhận mà chưa từng được gửi", "it has a receipt and was never sent")
            }
            Self::NoIntent => (I3, "đang gửi mà không ghi ý định", "sending without an intent"),
            Self::OtherIntent => (
                I3,
                "ý định gửi là của nội dung khác bản đã duyệt",
                "the intent is of another content than the approved one",
            ),
            Self::ReadIntent => (
                I3,
                "ý định gửi lại nói là không thay đổi gì",
                "the intent says that it changes nothing",
            ),
            Self::MadeUnsigned => (
                I3,
                "được tạo cho nội dung chưa ai ký duyệt",
                "it was made for what nobody had signed",
            ),
            Self::Unsigned => {
                (I3, "là của nội dung chưa ai ký duyệt", "it is of what nobody signed")
            }
            Self::ChangedSinceSigned => {
                (I3, "bài đã bị sửa sau khi ký duyệt", "its post was changed after it was signed")
            }
            Self::FenceFell => (I4, "số hàng rào bị giảm", "its fence fell"),
            Self::NotTheHolder => (
                I4,
                "bị một tiến trình không giữ nó thay đổi",
                "it was moved by a worker that did not hold it",
            ),
            Self::OtherFence => (
                I4,
                "gửi dưới hàng rào khác với hàng rào đang giữ",
                "sending under another fence than that of its lease",
            ),
            Self::AttemptsFell => (I5, "số lần thử bị giảm", "its attempts became fewer"),
            Self::AttemptsRose => (
                I5,
                "số lần thử tăng mà không có ý định gửi",
                "its attempts rose without an intent",
            ),
            Self::TooManyAttempts => {
                (I5, "thử nhiều lần hơn cho phép", "more attempts than allowed")
            }
            Self::Starved => (
                I8,
                "quá giờ mà vẫn phải chờ trong khi rất nhiều bài khác được đăng",
                "it stayed ready past its window while many others were taken",
            ),
            Self::OverSpent => (
                I9,
                "đã giữ chỗ nhiều hơn hạn mức của kênh",
                "more of an allowance is reserved than the platform gives",
            ),
            Self::NotReserved => (
                I9,
                "bắt đầu gửi mà không giữ chỗ trong hạn mức",
                "it was begun without reserving its share of an allowance",
            ),
            Self::GivenBackUnclear => (
                I9,
                "hạn mức được trả lại trong khi chưa rõ bài đã lên chưa",
                "its share of an allowance was given back while it may be live",
            ),
            Self::NotAbsentTwice => (
                I10,
                "gửi lại khi chưa hai lần xác nhận là không có trên kênh",
                "it was sent again after fewer than two negative read-backs",
            ),
            Self::WithinQuarantine => (
                I10,
                "gửi lại khi chưa hết thời gian chờ kiểm tra",
                "it was sent again before its quarantine was over",
            ),
            Self::NoQuarantine => {
                (I10, "chưa rõ kết quả mà không có thời gian chờ", "unclear and not in quarantine")
            }
            Self::AfterWindow => {
                (I11, "bắt đầu gửi khi đã quá giờ cho phép", "a step was begun after its window")
            }
            Self::WhileStopped => (
                I11,
                "gửi trong khi đang có lệnh dừng",
                "a step was taken while a kill switch was on",
            ),
            Self::WhilePaused => (
                I11,
                "gửi trong khi tài khoản đang tạm dừng",
                "a step was taken while its account was paused",
            ),
            Self::NotApproved => (
                I11,
                "bắt đầu gửi bài không còn được duyệt",
                "a step was begun of a post that was not approved any more",
            ),
            Self::CalledOff => (
                I11,
                "bắt đầu gửi bài đã bị hủy",
                "a step was begun after a person had called it off",
            ),
            Self::WentOn => (I12, "đã kết thúc mà vẫn thay đổi", "it was over and went on"),
            Self::Deleted => (I12, "bản ghi đã bị xóa", "its record was deleted"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_breach_is_said_in_both_languages() {
        let mut said = std::collections::BTreeSet::new();
        for breach in Breach::ALL {
            assert!(said.insert(breach.say("vi")) && said.insert(breach.say("en")), "{breach:?}");
        }
    }
}
