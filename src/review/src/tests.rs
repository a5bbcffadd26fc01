//! Posts between two people, and what a change does to them.

mod any_order;

use std::{
    future::Future,
    pin::pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    task::{Context, Poll, Waker},
    time::Duration,
};

use jiff::Timestamp;
use loa_model::{
    Account, AccountStatus, Actor, Article, ArticleState, Block, BlockKind, Capability, Clock,
    Delivery, DeliveryEvent, DeliveryState, Digest, Entropy, Ids, Intent, MediaRole, Photo, Post,
    PostFormat, PostState, Priority, Rendition, Role, SourceRef, User, Variant, VariantKind,
    VariantState, delivery::Effect, seams::BoxFuture,
};
use loa_store::{Changes, MemoryStore, Store, StoreExt};

use super::*;

#[derive(Debug)]
struct Hand(Mutex<Timestamp>);

impl Clock for Hand {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }
    fn sleep(&self, _: Duration) -> BoxFuture<'_, ()> {
        Box::pin(std::future::ready(()))
    }
}

#[derive(Debug, Default)]
struct Counting(AtomicU32);

impl Entropy for Counting {
    fn fill(&self, bytes: &mut [u8]) {
        // Spread out, so that ten low bits of a token differ.
        let digest = Digest::of(&self.0.fetch_add(1, Ordering::Relaxed).to_le_bytes());
        bytes.iter_mut().zip(digest.0.iter().cycle()).for_each(|(to, from)| *to = *from);
    }
}

/// The memory store never waits, so a future is done when it is asked once.
fn now<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("the memory store waited"),
    }
}

const CAPABILITY: &str = r#"
channel = "memo"
title = "Kênh thử"
source = "tests"
checked = "2026-11-22"
read_back = "by_marker"
draft_then_publish = false
edit = true
delete = true
public_url_media = false
insights = false
pace = { min_gap_ms = 0, burst = 1, per_day = 0, day_zone = "Asia/Ho_Chi_Minh" }
[formats.photo]
text = { max = 200, unit = "utf16" }
link_in_text = true
[formats.photo.media.photo]
min = 1
max = 2
mime = ["image/jpeg"]
max_bytes = 1000000
"#;

struct Desk {
    store: Arc<dyn Store>,
    review: Review,
    capability: Capability,
    account: Account,
    profile: Vec<Slot>,
    article: Article,
    author: User,
    approver: User,
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn window() -> Window {
    Window { not_before: at("2026-11-16T03:00:00Z"), not_after: at("2026-11-16T09:00:00Z") }
}

impl Desk {
    fn new() -> Self {
        let clock: SharedClock = Arc::new(Hand(Mutex::new(at("2026-11-16T02:00:00Z"))));
        let ids = Ids::new(clock.clone(), Arc::new(Counting::default()));
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new(clock.clone()));
        let user = |login: &str, roles: &[Role]| User {
            id: ids.make(),
            agency: "demo".into(),
            login: login.into(),
            name: login.into(),
            roles: roles.to_vec(),
            password_hash: String::new(),
            lang: "vi".into(),
        };
        let block = |kind, text: &str| Block { kind, text: text.into() };
        let mut article = Article {
            id: ids.make(),
            agency: "demo".into(),
            revision: 1,
            digest: Digest([0; 32]),
            state: ArticleState::Ready,
            source: SourceRef {
                canonical_url: "https://minhhoa.example/a-1.htm".into(),
                publisher: "Cổng Minh Họa".into(),
                via: "html".into(),
            },
            lang: "vi".into(),
            section: String::new(),
            authors: Vec::new(),
            published_at: None,
            embargo_until: None,
            keywords: Vec::new(),
            blocks: vec![
                block(BlockKind::Title, "Hỗ trợ sinh kế ở miền núi"),
                block(BlockKind::Paragraph, "Mức hỗ trợ không quá 30 triệu đồng."),
            ],
            photos: vec![Photo {
                url: String::new(),
                blob: Some(Digest::of(b"photo")),
                mime: "image/jpeg".into(),
                caption: "Ruộng bậc thang".into(),
                credit: String::new(),
                alt: String::new(),
            }],
            fetched_at: clock.now(),
        };
        article.digest = article.content_digest();
        let variant = Variant {
            id: ids.make(),
            agency: "demo".into(),
            article: article.id,
            revision: 1,
            kind: VariantKind::Infographic,
            template: "t".into(),
            brand: "demo".into(),
            recipe: Digest::of(b"recipe"),
            state: VariantState::Rendered,
            renditions: vec![Rendition {
                name: "portrait".into(),
                blob: Digest::of(b"card"),
                bytes: 900,
                mime: "image/jpeg".into(),
                width: 1080,
                height: 1350,
                duration_ms: 0,
                alt: "Thẻ ảnh".into(),
            }],
            provenance: serde_json::Value::Null,
            reason: String::new(),
        };
        let changes = Changes::by(Actor::Operator("test".into()), "prepare")
            .insert(&article)
            .insert(&variant);
        now(store.commit(changes)).unwrap();
        let pick = |required| Pick::Variant {
            role: MediaRole::Photo,
            kind: VariantKind::Infographic,
            renditions: vec!["square".into(), "portrait".into()],
            required,
        };
        let photo = Pick::Photo { role: MediaRole::Photo, index: 0, required: false };
        Self {
            review: Review::new(store.clone(), clock, ids.clone(), "https://lo.example/"),
            capability: Capability::from_toml(CAPABILITY).unwrap(),
            account: Account {
                name: "memo:cong-tin".parse().unwrap(),
                agency: "demo".into(),
                title: "Cổng tin".into(),
                remote_id: "1".into(),
                settings: std::collections::BTreeMap::default(),
                status: AccountStatus::Active,
            },
            profile: vec![Slot {
                format: PostFormat::Photo,
                media: vec![pick(true), photo],
                after_minutes: 90,
            }],
            author: user("lan", &[Role::Author]),
            // May do everything: only the rules of two people stop her.
            approver: user("minh", &[Role::Author, Role::Editor, Role::Approver]),
            store,
            article,
        }
    }

    fn compose(&self) -> Result<Outcome> {
        let order = Order {
            agency: "demo",
            article: self.article.id,
            revision: self.article.revision,
            targets: vec![Target {
                account: &self.account,
                capability: &self.capability,
                profile: &self.profile,
            }],
            author: self.author.id,
            at: at("2026-11-16T02:30:00Z"),
            zone: "Asia/Ho_Chi_Minh",
            priority: Priority::Normal,
        };
        let write = |w: &Writing<'_>| Words {
            text: format!("{}\n{}", w.article.title(), w.link.url),
            ..Words::default()
        };
        now(self.review.compose(Actor::User(self.author.id), &order, &write))
    }

    fn post(&self) -> Post {
        self.compose().unwrap().posts.remove(0)
    }

    fn submitted(&self) -> Post {
        let post = self.post();
        now(self.review.submit(&self.author, post.id, &self.capability)).unwrap()
    }

    fn approve(&self, post: &Post) -> Result<(Post, Delivery)> {
        now(self.review.approve(&self.approver, post.id, post.digest(), window(), &self.capability))
    }

    fn revised(&self) -> Article {
        let mut new = self.article.clone();
        new.revision += 1;
        new.blocks[1].text = "Mức hỗ trợ không quá 20 triệu đồng.".into();
        new.digest = new.content_digest();
        new
    }

    fn change_article(&self) -> Result<Effects> {
        now(self.review.article_changed(Actor::Worker("w".into()), &self.revised()))
    }

    fn deliveries(&self) -> Vec<Delivery> {
        now(self.store.all::<Delivery>(100)).unwrap().into_iter().map(|d| d.record).collect()
    }

    fn read(&self, post: &Post) -> Post {
        now(self.store.read::<Post>(&post.id.to_string())).unwrap().unwrap().record
    }

    /// A worker moves a delivery.
    fn drive(&self, delivery: &Delivery, events: Vec<DeliveryEvent>) -> Delivery {
        let stored = now(self.store.read::<Delivery>(&delivery.id.to_string())).unwrap().unwrap();
        let mut next = stored.record;
        let time = at("2026-11-16T04:30:00Z");
        for event in events {
            next = next.apply(event, time).unwrap();
        }
        let changes = Changes::by(Actor::Worker("w".into()), "drive").update(&next, stored.version);
        now(self.store.commit(changes)).unwrap();
        next
    }
}

fn on_the_wire(digest: Digest) -> Vec<DeliveryEvent> {
    let until = at("2026-11-16T05:00:00Z");
    let intent = Intent {
        step: "post".into(),
        effect: Effect::Public,
        digest,
        fence: 1,
        at: until,
        send_deadline: until,
    };
    vec![
        DeliveryEvent::Due,
        DeliveryEvent::Claim { owner: "w".into(), fence: 1, until },
        DeliveryEvent::Intend(intent),
    ]
}

fn live() -> DeliveryEvent {
    let raw = serde_json::Value::Null;
    DeliveryEvent::Live(loa_model::Receipt {
        remote_id: "9".into(),
        url: String::new(),
        raw,
        at: at("2026-11-16T04:31:00Z"),
    })
}

#[test]
fn drafts_follow_the_profile_and_are_made_once() {
    let desk = Desk::new();
    let first = desk.compose().unwrap();
    assert_eq!((first.posts.len(), first.made.len(), first.missing.len()), (1, 1, 0));
    let post = &first.posts[0];
    assert_eq!(post.state, PostState::Draft);
    assert_eq!(post.scheduled_at, at("2026-11-16T04:00:00Z"));
    let files: Vec<_> =
        post.content.media.iter().map(|m| (m.alt.as_str(), m.variant.is_some())).collect();
    assert_eq!(files, [("Thẻ ảnh", true), ("Ruộng bậc thang", false)]);
    let link = &post.content.link;
    assert_eq!(link.url, format!("https://lo.example/l/{}", link.code));
    assert_eq!(
        link.target,
        format!(
            "https://minhhoa.example/a-1.htm?utm_source=memo&utm_medium=social&utm_campaign=memo%3Acong-tin&utm_content={}",
            link.code
        )
    );
    let again = desk.compose().unwrap();
    assert_eq!((again.posts, again.made), (first.posts, vec![]));
}

#[test]
fn what_is_missing_is_said() {
    let mut desk = Desk::new();
    desk.profile[0].media = vec![Pick::Variant {
        role: MediaRole::Video,
        kind: VariantKind::ShortClip,
        renditions: vec!["1080x1920".into()],
        required: true,
    }];
    desk.profile.push(Slot { format: PostFormat::Article, media: vec![], after_minutes: 0 });
    let outcome = desk.compose().unwrap();
    assert_eq!(outcome.posts, []);
    assert!(outcome.missing[0].what.contains("short_clip"));
    assert_eq!(outcome.missing[1].what, "format");
    desk.account.agency = "other".into();
    assert_eq!(desk.compose().unwrap_err().key(), "account");
}

#[test]
fn a_draft_the_channel_would_refuse_is_not_submitted() {
    let desk = Desk::new();
    let post = desk.post();
    let mut content = post.content.clone();
    content.text.push_str(&"dài quá ".repeat(40));
    now(desk.review.edit(&desk.author, post.id, content)).unwrap();
    let error = now(desk.review.submit(&desk.author, post.id, &desk.capability)).unwrap_err();
    assert!(matches!(&error, ReviewError::Violations(v) if v[0].problem == "too_long"), "{error}");
    assert_eq!(desk.read(&post).state, PostState::Draft);
}

#[test]
fn two_people_and_one_delivery() {
    let desk = Desk::new();
    let post = desk.submitted();
    let (approved, delivery) = desk.approve(&post).unwrap();
    assert_eq!(approved.state, PostState::Approved);
    assert_eq!(
        (delivery.digest, delivery.state, &delivery.marker),
        (post.digest(), DeliveryState::Scheduled, &post.content.link.code)
    );
    assert_eq!((delivery.due_at, delivery.not_after), (post.scheduled_at, window().not_after));
    // One commit: post, delivery and the audit entry with the approver's name.
    let entries = now(desk.store.tail(0, 100)).unwrap();
    let last = entries.last().unwrap();
    assert_eq!(
        (last.changes.what.as_str(), &last.changes.actor),
        ("approve post", &Actor::User(desk.approver.id))
    );
    let tables: Vec<_> = last.changes.rows.iter().map(|row| row.table.as_str()).collect();
    assert_eq!(tables, ["post", "delivery", "article"]);
    assert_eq!(desk.approve(&post).unwrap_err().key(), "state");
    assert_eq!(desk.deliveries(), [delivery]);
}

#[test]
fn the_author_does_not_approve() {
    let mut desk = Desk::new();
    let post = desk.submitted();
    assert!(matches!(
        now(desk.review.approve(&desk.author, post.id, post.digest(), window(), &desk.capability)),
        Err(ReviewError::Role { .. })
    ));
    desk.author.roles.push(Role::Approver);
    assert_eq!(
        now(desk.review.approve(&desk.author, post.id, post.digest(), window(), &desk.capability))
            .unwrap_err()
            .key(),
        "own_post"
    );
    // Whoever changes a post is its author: the approver cannot approve her own change.
    let edited = now(desk.review.edit(&desk.approver, post.id, post.content.clone())).unwrap();
    now(desk.review.submit(&desk.approver, post.id, &desk.capability)).unwrap();
    assert_eq!(desk.approve(&edited).unwrap_err().key(), "own_post");
    let admin = User { roles: vec![Role::Admin], ..desk.approver.clone() };
    assert_eq!(
        now(desk.review.approve(&admin, post.id, post.digest(), window(), &desk.capability))
            .unwrap_err()
            .key(),
        "role"
    );
    let stranger = User { agency: "other".into(), ..desk.approver.clone() };
    assert_eq!(
        now(desk.review.approve(&stranger, post.id, post.digest(), window(), &desk.capability))
            .unwrap_err()
            .key(),
        "not_found"
    );
    assert_eq!(desk.deliveries(), []);
}

#[test]
fn what_is_signed_is_what_was_seen() {
    let desk = Desk::new();
    let seen = desk.submitted();
    let mut content = seen.content.clone();
    content.media[0].alt = "Chữ khác".into();
    now(desk.review.edit(&desk.author, seen.id, content)).unwrap();
    now(desk.review.submit(&desk.author, seen.id, &desk.capability)).unwrap();
    let error = desk.approve(&seen).unwrap_err();
    assert!(matches!(error, ReviewError::Changed { seen: s, .. } if s == seen.digest()));
    assert_eq!(desk.deliveries(), []);
    assert!(desk.approve(&desk.read(&seen)).is_ok());
}

#[test]
fn windows_must_make_sense() {
    let desk = Desk::new();
    let post = desk.submitted();
    let check = |from: &str, to: &str| {
        let window = Window { not_before: at(from), not_after: at(to) };
        let error = now(desk.review.approve(
            &desk.approver,
            post.id,
            post.digest(),
            window,
            &desk.capability,
        ))
        .unwrap_err();
        assert_eq!(error.key(), "window", "{from} {to}");
    };
    check("2026-11-16T05:00:00Z", "2026-11-16T04:30:00Z");
    check("2026-11-16T00:00:00Z", "2026-11-16T01:00:00Z");
    check("2026-11-16T03:00:00Z", "2026-11-16T03:30:00Z");
}

#[test]
fn an_edit_after_approval_voids_it() {
    let desk = Desk::new();
    let post = desk.submitted();
    let (_, delivery) = desk.approve(&post).unwrap();
    let mut content = post.content.clone();
    content.text = format!("Sửa: {}", content.text);
    let draft = now(desk.review.edit(&desk.author, post.id, content.clone())).unwrap();
    assert_eq!(desk.read(&post).state, PostState::Void);
    assert_eq!(desk.deliveries()[0].state, DeliveryState::Cancelled);
    assert_eq!((draft.state, draft.approval.is_none()), (PostState::Draft, true));
    assert_ne!(draft.content.link, post.content.link);
    assert!(
        draft.content.text.starts_with("Sửa: ")
            && draft.content.text.ends_with(&draft.content.link.url)
    );
    assert_eq!(
        now(desk.review.edit(&desk.author, draft.id, content)).unwrap_err().key(),
        "link_changed"
    );
    assert_eq!(delivery.post, post.id);
}

#[test]
fn nothing_is_edited_on_the_wire() {
    let desk = Desk::new();
    let post = desk.submitted();
    let (_, delivery) = desk.approve(&post).unwrap();
    desk.drive(&delivery, on_the_wire(post.digest()));
    let error = now(desk.review.edit(&desk.author, post.id, post.content.clone())).unwrap_err();
    assert!(matches!(error, ReviewError::TooLate { state: "intent" }));
    assert_eq!(desk.read(&post).state, PostState::Approved);
    desk.drive(&delivery, vec![live()]);
    assert_eq!(
        now(desk.review.edit(&desk.author, post.id, post.content.clone())).unwrap_err().key(),
        "too_late"
    );
}

#[test]
fn a_return_needs_a_reason_and_an_approver() {
    let desk = Desk::new();
    let post = desk.submitted();
    assert_eq!(
        now(desk.review.return_with_reason(&desk.author, post.id, "x")).unwrap_err().key(),
        "role"
    );
    assert_eq!(
        now(desk.review.return_with_reason(&desk.approver, post.id, "  ")).unwrap_err().key(),
        "no_reason"
    );
    let back =
        now(desk.review.return_with_reason(&desk.approver, post.id, "Thiếu số hiệu văn bản"))
            .unwrap();
    assert_eq!((back.state, back.reason.as_str()), (PostState::Returned, "Thiếu số hiệu văn bản"));
    let again = now(desk.review.submit(&desk.author, post.id, &desk.capability)).unwrap();
    assert_eq!((again.state, again.reason.as_str()), (PostState::InReview, ""));
}

#[test]
fn a_new_revision_stops_what_is_not_live() {
    let desk = Desk::new();
    let post = desk.submitted();
    desk.approve(&post).unwrap();
    let effects = desk.change_article().unwrap();
    assert_eq!(effects, Effects { voided: 1, held: 1, stale: 1, live: 0 });
    assert_eq!(desk.read(&post).state, PostState::Void);
    assert_eq!(desk.deliveries()[0].state, DeliveryState::Held);
    assert_eq!(desk.compose().unwrap_err().key(), "article_changed");
    // The same revision again is not the next one.
    assert_eq!(desk.change_article().unwrap_err().key(), "state");
}

#[test]
fn a_live_post_stays_and_is_counted() {
    let desk = Desk::new();
    let post = desk.submitted();
    let (_, delivery) = desk.approve(&post).unwrap();
    let mut events = on_the_wire(post.digest());
    events.push(live());
    desk.drive(&delivery, events);
    assert_eq!(desk.change_article().unwrap(), Effects { voided: 0, held: 0, stale: 1, live: 1 });
    assert_eq!(desk.read(&post).state, PostState::Approved);
}

#[test]
fn a_post_of_a_changed_article_or_variant_is_not_approved() {
    let desk = Desk::new();
    let post = desk.submitted();
    let mut variant = now(desk.store.all::<Variant>(9)).unwrap().remove(0);
    variant.record.state = VariantState::Stale;
    let stale =
        Changes::by(Actor::Worker("w".into()), "stale").update(&variant.record, variant.version);
    now(desk.store.commit(stale)).unwrap();
    assert_eq!(desk.approve(&post).unwrap_err().key(), "stale_variant");
    // The article alone is superseded, as by a store that was restored halfway.
    let mut article = now(desk.store.all::<Article>(9)).unwrap().remove(0);
    article.record.state = ArticleState::Superseded;
    let changes = Changes::by(Actor::Worker("w".into()), "supersede")
        .update(&article.record, article.version);
    now(desk.store.commit(changes)).unwrap();
    assert_eq!(desk.approve(&post).unwrap_err().key(), "article_changed");
    assert_eq!(desk.deliveries(), []);
}

#[test]
fn retraction_by_the_state_of_its_delivery() {
    let check =
        |events: fn(Digest) -> Vec<DeliveryEvent>, state: DeliveryState, requested: bool| {
            let desk = Desk::new();
            let post = desk.submitted();
            let (_, delivery) = desk.approve(&post).unwrap();
            desk.drive(&delivery, events(post.digest()));
            assert_eq!(
                now(desk.review.request_retraction(&desk.author, post.id, "sai số liệu"))
                    .unwrap_err()
                    .key(),
                "role"
            );
            assert_eq!(
                now(desk.review.request_retraction(&desk.approver, post.id, "")).unwrap_err().key(),
                "no_reason"
            );
            let after = now(desk.review.request_retraction(&desk.approver, post.id, "sai số liệu"))
                .unwrap();
            assert_eq!(
                (after.state, after.cancel_requested, after.reason.as_str()),
                (state, requested, "sai số liệu")
            );
        };
    check(|_| vec![], DeliveryState::Cancelled, false);
    check(on_the_wire, DeliveryState::Intent, true);
    check(
        |digest| on_the_wire(digest).into_iter().chain([live()]).collect(),
        DeliveryState::Retracting,
        false,
    );
    let desk = Desk::new();
    let post = desk.post();
    assert_eq!(
        now(desk.review.request_retraction(&desk.approver, post.id, "x")).unwrap_err().key(),
        "not_found"
    );
    now(desk.review.submit(&desk.author, post.id, &desk.capability)).unwrap();
    desk.approve(&post).unwrap();
    now(desk.review.request_retraction(&desk.approver, post.id, "x")).unwrap();
    assert_eq!(
        now(desk.review.request_retraction(&desk.approver, post.id, "x")).unwrap_err().key(),
        "too_late"
    );
}

/// A store whose first commit comes second: somebody else's change of the same rows lands in between.
struct Raced {
    inner: Arc<dyn Store>,
    rival: Mutex<Option<Changes>>,
}

#[tokio::test]
async fn the_slower_of_two_is_told() {
    let desk = Desk::new();
    let post = desk.submitted();
    let stored = now(desk.store.read::<Post>(&post.id.to_string())).unwrap().unwrap();
    let rival = Changes::by(Actor::User(desk.author.id), "edit post")
        .update(&stored.record, stored.version);
    let raced = Raced { inner: desk.store.clone(), rival: Mutex::new(Some(rival)) };
    let mut review = desk.review.clone();
    review.store = Arc::new(raced);
    let error = review
        .approve(&desk.approver, post.id, post.digest(), window(), &desk.capability)
        .await
        .unwrap_err();
    assert_eq!(error.key(), "conflict");
    assert_eq!(desk.deliveries(), []);
    assert!(desk.approve(&post).is_ok());
}

#[test]
fn every_error_has_a_key() {
    let mut keys = ReviewError::KEYS.to_vec();
    keys.sort_unstable();
    keys.dedup();
    assert_eq!(keys.len(), ReviewError::KEYS.len());
}

mod raced {
    use std::time::Duration;

    use async_trait::async_trait;
    use loa_model::{Actor, JobId, JobState};
    use loa_store::{
        AccountLease, Changes, Claimed, Entry, JobEnd, JobView, Result, Row, Seq, Store,
    };

    use super::Raced;

    #[async_trait]
    impl Store for Raced {
        async fn commit(&self, changes: Changes) -> Result<Seq> {
            let rival = self.rival.lock().unwrap().take();
            if let Some(rival) = rival {
                self.inner.commit(rival).await?;
            }
            self.inner.commit(changes).await
        }
        async fn get(&self, table: &str, key: &str) -> Result<Option<Row>> {
            self.inner.get(table, key).await
        }
        async fn range(
            &self,
            index: &str,
            from: &str,
            to: &str,
            limit: usize,
            reverse: bool,
        ) -> Result<Vec<Row>> {
            self.inner.range(index, from, to, limit, reverse).await
        }
        async fn scan(&self, table: &str, from: &str, limit: usize) -> Result<Vec<Row>> {
            self.inner.scan(table, from, limit).await
        }
        async fn claim(
            &self,
            kinds: &[&str],
            owner: &str,
            n: usize,
            lease: Duration,
        ) -> Result<Vec<Claimed>> {
            self.inner.claim(kinds, owner, n, lease).await
        }
        async fn heartbeat(&self, claimed: &Claimed, lease: Duration) -> Result<bool> {
            self.inner.heartbeat(claimed, lease).await
        }
        async fn finish(&self, claimed: &Claimed, end: JobEnd) -> Result<()> {
            self.inner.finish(claimed, end).await
        }
        async fn jobs(&self, state: Option<JobState>, limit: usize) -> Result<Vec<JobView>> {
            self.inner.jobs(state, limit).await
        }
        async fn cancel_job(&self, job: JobId, actor: Actor) -> Result<()> {
            self.inner.cancel_job(job, actor).await
        }
        async fn lease_account(
            &self,
            account: &str,
            owner: &str,
            lease: Duration,
        ) -> Result<Option<AccountLease>> {
            self.inner.lease_account(account, owner, lease).await
        }
        async fn release_account(&self, lease: &AccountLease) -> Result<()> {
            self.inner.release_account(lease).await
        }
        async fn tail(&self, after: Seq, limit: usize) -> Result<Vec<Entry>> {
            self.inner.tail(after, limit).await
        }
        fn last_seq(&self) -> Seq {
            self.inner.last_seq()
        }
        fn watch(&self) -> tokio::sync::watch::Receiver<Seq> {
            self.inner.watch()
        }
    }
}
