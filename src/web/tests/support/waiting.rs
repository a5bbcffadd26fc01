//! A queue as an approver finds it: posts that wait for hours, one that was approved before in other words, an urgent one that
//! the approver wrote, and one that nobody has looked at again.

use jiff::SignedDuration;
use loa_model::{Agency, Clock as _, Post, PostFormat, PostState, Priority};
use loa_review::Window;
use loa_store::{Changes, Expect, Store as _};

use super::{
    World,
    records::{approved, by, photo, post},
};

impl World {
    /// Fills the queue; 26 hours later all of it has been done.
    pub async fn fill_queue(&self) {
        let begin = self.clock.now();
        let (author, approver) = (&self.people.author, &self.people.approver);
        let set = |minutes: i64| {
            *self.clock.0.lock().unwrap() = begin + SignedDuration::from_mins(minutes);
        };
        let agency = Agency {
            name: "demo".into(),
            title: "Cổng Thông tin điện tử Minh Họa".into(),
            brand: "demo".into(),
            zone: "Asia/Ho_Chi_Minh".into(),
            urgent_alone: true,
        };
        let add = async |post: &Post| {
            self.store.commit(Changes::by(by(), "fill").insert(post)).await.unwrap();
        };
        self.store.commit(Changes::by(by(), "fill").put(&agency, Expect::Any)).await.unwrap();
        let make = |state, text: &str| {
            let media = vec![photo(&self.kept)];
            let format = PostFormat::Photo;
            let mut made =
                post(&self.ids, &self.article, "facebook:cong-tin", format, state, author, media);
            let url = &made.content.link.url;
            made.content.text = format!("{text}\n\n{}\n\n👉 {url}", self.article.sapo());
            made
        };
        let mut before = make(PostState::Approved, "Từ 1/12: hỗ trợ 30 triệu đồng mỗi hộ");
        before.content.media[0].blob = self.kept.poster;
        before.content.media[0].alt = "Đồ họa cũ: hỗ trợ sinh kế".into();
        add(&approved(before, approver)).await;
        let urgent = |text: &str| Post {
            priority: Priority::Urgent,
            author: approver.id,
            ..make(PostState::InReview, text)
        };
        let alone = urgent("Đóng cầu tạm qua suối từ 18 giờ");
        add(&alone).await;
        let capability = &self.capabilities["facebook"];
        let window =
            Window { not_before: begin, not_after: begin + SignedDuration::from_hours(48) };
        let (id, digest) = (alone.id, alone.digest());
        let why = "Nước lên nhanh, không liên lạc được người thứ hai";
        self.review.approve_alone(approver, id, digest, window, capability, why).await.unwrap();
        set(18 * 60);
        add(&make(PostState::InReview, "Từ 1/12: hỗ trợ không quá 20 triệu đồng mỗi hộ nghèo"))
            .await;
        set(23 * 60 + 50);
        add(&urgent("Cảnh báo lũ quét: 12 xã vùng cao cần di dời ngay")).await;
        set(26 * 60);
    }
}
