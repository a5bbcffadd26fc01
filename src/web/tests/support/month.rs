//! A month as a newsroom has it: many posts in every state, free slots, a few that get into each other's way.

use jiff::{SignedDuration, Timestamp, ToSpan as _};
use loa_model::{
    Article, Clock as _, Delivery, DeliveryState as S, Plan, Post, PostFormat, PostState, Receipt,
    Timetable,
};
use loa_store::{Changes, Store as _};

use super::{
    World,
    records::{approved, by, delivery, photo, post},
};

const TITLES: [&str; 6] = [
    "Gần 1.200 xã miền núi được hỗ trợ sinh kế trong năm 2027",
    "Lịch tiêm chủng mở rộng tháng 12",
    "Bão số 9: các tỉnh ven biển chủ động phương án sơ tán, bảo đảm an toàn hồ đập, tàu thuyền và lồng bè nuôi trồng thủy sản",
    "Thủ tướng Chính phủ chủ trì phiên họp Chính phủ thường kỳ",
    "Dự thảo nghị định về định danh và xác thực điện tử: lấy ý kiến đến hết ngày 20/12",
    "Điểm sáng",
];

const ACCOUNTS: [(&str, PostFormat); 4] = [
    ("facebook:cong-tin", PostFormat::Photo),
    ("zalo:cong-tin", PostFormat::Article),
    ("viber:cong-tin", PostFormat::Photo),
    ("youtube:cong-tin", PostFormat::ShortVideo),
];

impl World {
    /// Fills the month around now.
    pub async fn month(&self) {
        let mut changes = Changes::by(by(), "fill a month");
        for (account, _) in &ACCOUNTS[..3] {
            let plan = Plan {
                zone: "Asia/Ho_Chi_Minh".into(),
                slots: ["mon-fri 07:30", "daily 11:00", "daily 19:45"]
                    .map(|slot| slot.parse().unwrap())
                    .to_vec(),
                ..Plan::default()
            };
            changes = changes.insert(&Timetable { account: account.parse().unwrap(), plan });
        }
        let articles = TITLES.map(|title| {
            let mut article = Article { id: self.ids.make(), ..self.article.clone() };
            article.blocks[0].text = title.into();
            article
        });
        for article in &articles {
            changes = changes.insert(article);
        }
        let midnight: Timestamp = "2026-11-15T17:00:00Z".parse().unwrap();
        let mut n = 0;
        for day in -15_i64..=14 {
            for nth in 0..2 + (day * 7).rem_euclid(5) {
                n += 1;
                let (account, format) = ACCOUNTS[n % 4];
                let article = &articles[(n * 5 + n / 6) % 6];
                // 07:30, 09:05, 11:00, 15:20, 19:45, 19:50: the last two are too close.
                let minutes = [450, 545, 660, 920, 1185, 1190][usize::try_from(nth).unwrap()];
                let at = midnight + (day * 24).hours() + SignedDuration::from_mins(minutes);
                let (state, made) = self.stands(at, n);
                let draft = post(
                    &self.ids,
                    article,
                    account,
                    format,
                    state,
                    &self.people.author,
                    vec![photo(&self.kept)],
                );
                // The randomness of the newsroom is too small for so many.
                let id = |kind: u8| format!("00000000-0000-7000-8000-{kind:02x}{n:010x}");
                let mut post = Post { id: id(1).parse().unwrap(), scheduled_at: at, ..draft };
                if let Some(made) = made {
                    post = approved(post, &self.people.approver);
                    let approval = post.approval.as_mut().unwrap();
                    approval.not_before = at - SignedDuration::from_hours(10);
                    approval.not_after = at + SignedDuration::from_hours(14);
                    let d = self.made(&post, made);
                    changes = changes.insert(&Delivery { id: id(2).parse().unwrap(), ..d });
                }
                changes = changes.insert(&post);
            }
        }
        self.store.commit(changes).await.unwrap();
    }

    /// What a post of that time is likely to be.
    fn stands(&self, at: Timestamp, n: usize) -> (PostState, Option<S>) {
        let now = self.clock.now();
        let made = |state| (PostState::Approved, Some(state));
        if at > now {
            return [
                made(S::Scheduled),
                (PostState::InReview, None),
                made(S::Scheduled),
                (PostState::Draft, None),
                made(S::Held),
            ][n % 5];
        }
        match n % 17 {
            3 => made(S::Missed),
            7 => made(S::Uncertain),
            11 => made(S::Rejected),
            14 => made(S::Cancelled),
            _ => made(S::Published),
        }
    }

    fn made(&self, post: &Post, state: S) -> Delivery {
        let mut d = delivery(&self.ids, post, state);
        (d.attempt, d.fence) = (u32::from(state != S::Scheduled), 0);
        d.not_after = post.approval.as_ref().unwrap().not_after;
        if state == S::Published {
            d.receipt = Some(Receipt {
                remote_id: "1022_9001".into(),
                url: "https://www.facebook.com/1022/posts/9001".into(),
                raw: serde_json::Value::Null,
                at: d.due_at + SignedDuration::from_secs(40),
            });
        }
        if state == S::Rejected {
            d.reason = "(#100) Invalid parameter (platform code 100)".into();
        }
        d
    }
}
