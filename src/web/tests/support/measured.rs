//! Two months of measured posts: enough for every page of reports.

use std::{
    fmt::Debug,
    str::FromStr,
    sync::atomic::{AtomicU64, Ordering},
};

use jiff::{SignedDuration, Timestamp, ToSpan as _};
use loa_model::{
    ArticleId, Delivery, DeliveryState, Digest, Media, MediaRole, Membership, Metric, Post,
    PostFormat, PostState, Receipt, Role, Sample, User, Value, Variant, VariantId, VariantKind,
    VariantState,
};
use loa_reach::Population;
use loa_store::{Changes, Store as _, StoreExt as _};

use super::{World, records};

/// Channels that post, with their format, the name and definition of their views, and how many those are.
const LINES: [(&str, PostFormat, &str, u64); 3] = [
    ("facebook:cong-tin", PostFormat::ShortVideo, "fb_reels_total_plays", 2400),
    ("youtube:cong-tin", PostFormat::Video, "viewCount", 700),
    ("zalo:cong-tin", PostFormat::Video, "view_count", 1300),
];
/// Minutes after posting and how much of the whole was seen by then, in hundredths.
const GROWTH: [(i64, u64); 8] =
    [(15, 4), (60, 13), (180, 27), (360, 41), (1440, 66), (2880, 75), (10_080, 89), (40_320, 100)];

/// What is measured of one post.
#[derive(Debug, Clone, Copy)]
pub struct Says {
    /// Views at 28 days; absent when the platform gives none.
    pub views: Option<u64>,
    /// Unique people of a hundred views; absent when the platform gives none.
    pub reach: Option<u64>,
    /// Whether it is measured at all.
    pub measured: bool,
}

/// An id that no other has: those of the newsroom begin anew after some hundred within one millisecond.
fn own_id<T: FromStr<Err: Debug>>() -> T {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let n = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("01a00000-0000-7000-8000-{n:012x}").parse().unwrap()
}

/// A clip of an article.
fn clip(kind: VariantKind, id: VariantId, article: ArticleId) -> Variant {
    Variant {
        id,
        agency: "demo".into(),
        article,
        revision: 1,
        kind,
        template: "tin-nhanh".into(),
        brand: "demo".into(),
        chosen: None,
        recipe: Digest::of(b"recipe"),
        state: VariantState::Stale,
        renditions: vec![],
        provenance: serde_json::Value::Null,
        reason: String::new(),
    }
}

impl World {
    /// A post that went live then, with the samples that were taken of it since.
    pub async fn live_post(
        &self,
        account: &str,
        format: PostFormat,
        at: Timestamp,
        says: Says,
        clip: Option<VariantKind>,
    ) -> Post {
        let line = LINES.into_iter().find(|line| line.0 == account);
        let source = line.map_or("views", |line| line.2);
        let media = clip.into_iter().map(|_| Media {
            role: MediaRole::Video,
            width: 360,
            height: 640,
            mime: "video/mp4".into(),
            variant: Some(own_id()),
            ..records::photo(&self.kept)
        });
        let media: Vec<Media> = media.collect();
        let author = &self.people.author;
        let post = records::post(
            &self.ids,
            &self.article,
            account,
            format,
            PostState::Approved,
            author,
            media,
        );
        let mut post = records::approved(post, &self.people.approver);
        post.id = own_id();
        post.scheduled_at = at;
        let mut delivery = records::delivery(&self.ids, &post, DeliveryState::Published);
        delivery.id = own_id();
        let url = String::new();
        delivery.receipt =
            Some(Receipt { remote_id: post.id.to_string(), url, raw: serde_json::Value::Null, at });
        let mut changes = Changes::by(records::by(), "publish").insert(&post).insert(&delivery);
        for (kind, media) in clip.into_iter().zip(&post.content.media) {
            changes = changes.insert(&self::clip(kind, media.variant.unwrap(), post.article));
        }
        let now = loa_model::Clock::now(&*self.clock);
        for (step, (minutes, part)) in (0..).zip(GROWTH) {
            let taken_at = at + SignedDuration::from_mins(minutes);
            if !says.measured || taken_at > now {
                continue;
            }
            let value = |metric, name: &str, value| Value {
                metric,
                source_name: name.into(),
                definition: "2026-06".into(),
                value,
            };
            let seen = says.views.map(|views| views * part / 100);
            let mut values = vec![value(Metric::Reactions, "likes", seen.unwrap_or(0) / 14)];
            values.extend(seen.map(|seen| value(Metric::Views, source, seen)));
            let people = seen.zip(says.reach).map(|(seen, of)| seen * of / 100);
            values.extend(
                people.map(|people| value(Metric::Reach, "post_impressions_unique", people)),
            );
            changes = changes.insert(&Sample {
                id: own_id(),
                agency: post.agency.clone(),
                post: post.id,
                article: post.article,
                account: post.account.clone(),
                step,
                taken_at,
                values,
                raw: serde_json::Value::Null,
            });
        }
        self.store.commit(changes).await.unwrap();
        post
    }

    /// Posts of two months on three channels: a few an hour that is liked, some unseen, some not given, some not measured.
    pub async fn two_months(&self) {
        let now = loa_model::Clock::now(&*self.clock);
        let mut dice = 7u64;
        let mut roll = move |below: u64| {
            dice = dice
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (dice >> 33) % below
        };
        for day in 0..62i64 {
            for (n, (account, format, _, many)) in (0..).zip(LINES) {
                // 8:10 and 17:10 there.
                let hour = if roll(2) == 0 { 1 } else { 10 };
                let at = now - (day * 24).hours() - 9.hours() - 20.minutes() + hour.hours();
                if at + 30.minutes() > now || roll(5) == 0 {
                    continue;
                }
                let says = match (roll(12), n) {
                    (0, _) => Says { views: Some(0), reach: None, measured: true },
                    (1, 2) => Says { views: None, reach: None, measured: true },
                    (2, _) => Says { views: None, reach: None, measured: false },
                    _ => Says {
                        views: Some(many / 3 + roll(many)),
                        reach: (n == 0).then_some(61),
                        measured: true,
                    },
                };
                let clip = if n == 2 { VariantKind::LowBand } else { VariantKind::ShortClip };
                self.live_post(account, format, at, says, Some(clip)).await;
            }
        }
    }

    /// A post that the other agency put up then.
    pub async fn elsewhere(&self, at: Timestamp, says: Says) {
        let post = self.live_post("facebook:cong-tin", PostFormat::Photo, at, says, None).await;
        let agency = self.people.stranger.agency.clone();
        let kept = self.store.read::<Post>(&post.id.to_string()).await.unwrap().unwrap();
        let own = Post { agency: agency.clone(), ..kept.record };
        let mut changes = Changes::by(records::by(), "move").update(&own, kept.version);
        for kept in self.store.all::<Delivery>(100_000).await.unwrap() {
            if kept.record.post == post.id {
                let own = Delivery { agency: agency.clone(), ..kept.record };
                changes = changes.update(&own, kept.version);
            }
        }
        for kept in self.store.all::<Sample>(100_000).await.unwrap() {
            if kept.record.post == post.id {
                let own = Sample { agency: agency.clone(), ..kept.record };
                changes = changes.update(&own, kept.version);
            }
        }
        self.store.commit(changes).await.unwrap();
    }

    /// Administrators analyse the other agency too, which has a few posts; people are stated of one account and of the agency.
    pub async fn several(&self) {
        let now = loa_model::Clock::now(&*self.clock);
        let says = Says { views: Some(4200), reach: Some(55), measured: true };
        for days in [3i64, 9, 15] {
            self.elsewhere(now - (days * 24).hours(), says).await;
        }
        let admin = &self.people.admin;
        let kept = self.store.read::<User>(&admin.id.to_string()).await.unwrap().unwrap();
        let there =
            Membership { agency: self.people.stranger.agency.clone(), roles: vec![Role::Analyst] };
        let person = User { also: vec![there], ..kept.record };
        let changes = Changes::by(records::by(), "set user").update(&person, kept.version);
        self.store.commit(changes).await.unwrap();
        for (account, people, source) in [
            (None, 50_000, "Niên giám thống kê 2025, Chi cục Thống kê huyện"),
            (Some("zalo:cong-tin"), 52_300, "Số người quan tâm do kênh báo trong trang quản lý"),
        ] {
            let population = Population {
                agency: "demo".into(),
                account: account.map(|name: &str| name.parse().unwrap()),
                people,
                as_of: "2026-09-01".parse().unwrap(),
                source: source.into(),
                given_by: admin.id,
                given_at: now,
            };
            loa_reach::state_population(&*self.store, &population).await.unwrap();
        }
    }
}
