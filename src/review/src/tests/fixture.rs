//! A desk with an author, an approver, an article and a card.

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
    Delivery, DeliveryEvent, Digest, Entropy, Ids, Intent, JobId, MediaRole, Photo, Post,
    PostFormat, Priority, Rendition, Role, SourceRef, User, Variant, VariantKind, VariantState,
    When, delivery::Effect, seams::BoxFuture,
};
use loa_store::{Changes, MemoryStore, Store, StoreExt};

use crate::{Effects, Order, Outcome, Pick, Result, Review, Slot, Target, Window, Words, Writing};
use loa_model::seams::SharedClock;

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
pub(super) fn now<T>(future: impl Future<Output = T>) -> T {
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
pace = { account = { min_gap_ms = 0, burst = 1 } }
[formats.photo]
text = { max = 200, unit = "utf16" }
link_in_text = true
[formats.photo.media.photo]
min = 1
max = 2
mime = ["image/jpeg"]
max_bytes = 1000000
"#;

pub(super) struct Desk {
    pub(super) store: Arc<dyn Store>,
    pub(super) review: Review,
    pub(super) capability: Capability,
    pub(super) account: Account,
    pub(super) profile: Vec<Slot>,
    pub(super) article: Article,
    pub(super) author: User,
    pub(super) approver: User,
    pub(super) when: When,
    pub(super) priority: Priority,
    /// The job that composes.
    pub(super) asked: Option<JobId>,
}

pub(super) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub(super) fn window() -> Window {
    Window { not_before: at("2026-11-16T03:00:00Z"), not_after: at("2026-11-16T09:00:00Z") }
}

impl Desk {
    pub(super) fn new() -> Self {
        let clock: SharedClock = Arc::new(Hand(Mutex::new(at("2026-11-16T02:00:00Z"))));
        let ids = Ids::new(clock.clone(), Arc::new(Counting::default()));
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new(clock.clone()));
        let user = |login: &str, roles: &[Role]| User {
            id: ids.make(),
            agency: "demo".into(),
            login: login.into(),
            name: login.into(),
            roles: roles.to_vec(),
            also: Vec::new(),
            password_hash: String::new(),
            lang: "vi".into(),
            deactivated_at: None,
            must_renew: false,
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
            videos: Vec::new(),
            doubts: Vec::new(),
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
            kit: None,
            chosen: None,
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
                unless: None,
                only_with: None,
                media: vec![pick(true), photo],
                after_minutes: 90,
            }],
            author: user("lan", &[Role::Author]),
            // May do everything: only the rules of two people stop her.
            approver: user("minh", &[Role::Author, Role::Editor, Role::Approver]),
            store,
            article,
            when: When::At {
                at: at("2026-11-16T02:30:00Z"),
                wall: "2026-11-16T09:30".parse().unwrap(),
            },
            priority: Priority::Normal,
            asked: None,
        }
    }

    pub(super) fn compose(&self) -> Result<Outcome> {
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
            when: self.when,
            zone: "Asia/Ho_Chi_Minh",
            priority: self.priority,
            asked: self.asked,
        };
        let write = |w: &Writing<'_>| Words {
            text: format!("{}\n{}", w.article.title(), w.link.url),
            ..Words::default()
        };
        now(self.review.compose(Actor::User(self.author.id), &order, &write))
    }

    pub(super) fn post(&self) -> Post {
        self.compose().unwrap().posts.remove(0)
    }

    pub(super) fn submitted(&self) -> Post {
        let post = self.post();
        now(self.review.submit(&self.author, post.id, &self.capability)).unwrap()
    }

    pub(super) fn approve(&self, post: &Post) -> Result<(Post, Delivery)> {
        now(self.review.approve(&self.approver, post.id, post.digest(), window(), &self.capability))
    }

    pub(super) fn revised(&self) -> Article {
        let mut new = self.article.clone();
        new.revision += 1;
        new.blocks[1].text = "Mức hỗ trợ không quá 20 triệu đồng.".into();
        new.digest = new.content_digest();
        new
    }

    pub(super) fn change_article(&self) -> Result<Effects> {
        now(self.review.article_changed(Actor::Worker("w".into()), &self.revised()))
    }

    pub(super) fn deliveries(&self) -> Vec<Delivery> {
        now(self.store.all::<Delivery>(100)).unwrap().into_iter().map(|d| d.record).collect()
    }

    pub(super) fn read(&self, post: &Post) -> Post {
        now(self.store.read::<Post>(&post.id.to_string())).unwrap().unwrap().record
    }

    /// A worker moves a delivery.
    pub(super) fn drive(&self, delivery: &Delivery, events: Vec<DeliveryEvent>) -> Delivery {
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

pub(super) fn on_the_wire(digest: Digest) -> Vec<DeliveryEvent> {
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

pub(super) fn live() -> DeliveryEvent {
    let raw = serde_json::Value::Null;
    DeliveryEvent::Live(loa_model::Receipt {
        remote_id: "9".into(),
        url: String::new(),
        raw,
        at: at("2026-11-16T04:31:00Z"),
    })
}
