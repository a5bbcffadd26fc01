//! The records of the newsroom.

use std::{fs, sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};
use loa_ingest::{Kind, Place};
use loa_model::{
    Account, AccountStatus, Actor, Approval, Article, Brief, Delivery, DeliveryState, Digest, Ids,
    Job, JobId, JobKind, Link, Media, MediaRole, Metric, Post, PostContent, PostFormat, PostState,
    Priority, PublicMedia, Receipt, Record as _, Rendition, Role, Sample, User, Value, Variant,
    VariantKind, VariantState, delivery::Evidence,
};
use loa_store::{Changes, JobEnd, MemoryStore, Store as _};

use super::{Kept, PASSWORD, People, Posts, root};

/// When the first post went out.
fn live_since() -> Timestamp {
    "2026-11-16T02:00:00Z".parse().unwrap()
}

pub fn by() -> Actor {
    Actor::Worker("fixture".into())
}

/// Author, approver and a stranger; in the store when it is to have people.
pub async fn people(store: &Arc<MemoryStore>, ids: &Ids, kept: bool) -> People {
    // One hash for all: hashing is slow on purpose.
    let hash = loa_web::hash_password(PASSWORD, &super::Counter::default());
    let user = |login: &str, name: &str, agency: &str, roles: &[Role]| User {
        id: ids.make(),
        agency: agency.into(),
        login: login.into(),
        name: name.into(),
        roles: roles.to_vec(),
        also: Vec::new(),
        password_hash: hash.clone(),
        lang: "vi".into(),
        deactivated_at: None,
        must_renew: false,
    };
    let every = [Role::Author, Role::Editor, Role::Approver, Role::Analyst, Role::Admin];
    let author = user("soan", "Nguyễn Thị Mẫn", "demo", &[Role::Author, Role::Editor]);
    // Not made from the numbers that order the posts of one instant.
    let id = "00000000-0000-7000-8000-0000000000ad".parse().unwrap();
    let (login, name) = ("quantri".into(), "Hoàng Thị Quản".into());
    let admin = User { id, login, name, roles: vec![Role::Admin], ..author.clone() };
    let people = People {
        author,
        approver: user("duyet", "Trần Đình Hộ", "demo", &[Role::Author, Role::Approver]),
        admin,
        stranger: user("khach", "Lê Văn Lạ", "khac", &every),
    };
    let changes = Changes::by(by(), "add people");
    let everybody = [&people.author, &people.approver, &people.admin, &people.stranger];
    if kept {
        let changes = everybody.into_iter().fold(changes, Changes::insert);
        store.commit(changes).await.unwrap();
    }
    people
}

/// The article of the demo page, with one photo.
pub fn article(ids: &Ids, kept: &Kept) -> Article {
    let folder = root().join("assets/demo");
    let text = fs::read_to_string(folder.join("article.html")).unwrap();
    let place = Place { page: None, folder: Some(folder) };
    let draft = loa_ingest::parse(Kind::Html, &text, &place, "html").unwrap();
    let photos = [(0, kept.photo, "image/jpeg".to_owned())];
    draft.article(ids.make(), "demo", 1, Some(&photos), "2026-11-16T01:45:00Z".parse().unwrap())
}

pub fn photo(kept: &Kept) -> Media {
    Media {
        role: MediaRole::Photo,
        blob: kept.card,
        bytes: 270_500,
        mime: "image/png".into(),
        width: 1080,
        height: 1350,
        duration_ms: 0,
        alt: "Đồ họa: hỗ trợ sinh kế cho gần 1.200 xã miền núi".into(),
        variant: None,
    }
}

fn video(kept: &Kept) -> Media {
    let alt = "Clip: đưa dịch vụ công số đến từng bản làng".into();
    Media {
        role: MediaRole::Video,
        blob: kept.clip,
        bytes: 3_400_000,
        mime: "video/mp4".into(),
        width: 1080,
        height: 1920,
        duration_ms: 31_000,
        alt,
        ..photo(kept)
    }
}

pub fn post(
    ids: &Ids,
    article: &Article,
    account: &str,
    format: PostFormat,
    state: PostState,
    author: &User,
    media: Vec<Media>,
) -> Post {
    let code = ids.token(8);
    let url = format!("https://loa.example/l/{code}");
    let texted = format != PostFormat::Article;
    let text = if texted {
        format!("{}\n\n{}\n\n👉 {url}", article.title(), article.sapo())
    } else {
        article.sapo().chars().take(200).collect()
    };
    let titled = !texted || account.starts_with("youtube:");
    let content = PostContent {
        format,
        lang: "vi".into(),
        title: if titled { article.title().into() } else { String::new() },
        author: if texted { String::new() } else { "Hà Minh".into() },
        text,
        body: vec![],
        media,
        link: Link { code, url, target: article.source.canonical_url.clone() },
        tags: if titled && texted { vec!["MiềnNúi".into()] } else { vec![] },
    };
    Post {
        id: ids.make(),
        agency: "demo".into(),
        article: article.id,
        revision: 1,
        account: account.parse().unwrap(),
        content,
        state,
        scheduled_at: live_since(),
        zone: "Asia/Ho_Chi_Minh".into(),
        timing: loa_model::Timing::Soon,
        priority: Priority::Normal,
        author: author.id,
        editors: Vec::new(),
        rewritten: Vec::new(),
        approval: None,
        reason: String::new(),
        created_at: "2026-11-16T01:50:00Z".parse().unwrap(),
    }
}

pub fn approved(mut post: Post, by: &User) -> Post {
    post.approval = Some(Approval {
        digest: post.digest(),
        by: by.id,
        at: "2026-11-16T01:58:00Z".parse().unwrap(),
        not_before: live_since(),
        not_after: live_since() + SignedDuration::from_hours(24),
    });
    post
}

/// One post per state.
pub fn posts(ids: &Ids, article: &Article, people: &People, kept: &Kept) -> Posts {
    use PostState as S;
    let make = |account: &str, format, state, media| {
        post(ids, article, account, format, state, &people.author, media)
    };
    let page = "facebook:cong-tin";
    let mut broken = make("viber:cong-tin", PostFormat::Photo, S::Draft, vec![]);
    broken.content.text = format!("{} ", article.title()).repeat(14);
    let mut returned = make(page, PostFormat::Text, S::Returned, vec![]);
    returned.reason = "Câu mở đầu dài quá, xin rút gọn <b>trước</b> khi gửi lại.".into();
    let low = Media { width: 360, height: 640, ..video(kept) };
    let upright = make("youtube:cong-tin", PostFormat::ShortVideo, S::Approved, vec![low]);
    let cover = Media { role: MediaRole::Cover, ..photo(kept) };
    let cover = Media { bytes: 270_500, ..cover };
    Posts {
        draft: make("zalo:cong-tin", PostFormat::Article, S::Draft, vec![cover]),
        broken,
        waiting: make(page, PostFormat::Photo, S::InReview, vec![photo(kept)]),
        published: approved(
            make(page, PostFormat::ShortVideo, S::Approved, vec![video(kept)]),
            &people.approver,
        ),
        uncertain: approved(upright, &people.approver),
        returned,
    }
}

pub fn delivery(ids: &Ids, post: &Post, state: DeliveryState) -> Delivery {
    let at = post.scheduled_at;
    Delivery {
        state,
        attempt: 1,
        fence: 1,
        ..Delivery::planned(ids.make(), post, (at, at + SignedDuration::from_hours(24)), at)
    }
}

fn rendition(name: &str, media: &Media) -> Rendition {
    Rendition {
        name: name.into(),
        blob: media.blob,
        bytes: media.bytes,
        mime: media.mime.clone(),
        width: media.width,
        height: media.height,
        duration_ms: media.duration_ms,
        alt: media.alt.clone(),
    }
}

/// The captions of the clip.
pub const CAPTIONS: &str = "WEBVTT\n\n00:00:00.000 --> 00:00:05.000\nĐưa dịch vụ công số đến từng bản làng\n\n00:00:05.000 --> 00:00:14.000\nGần 1.200 xã miền núi được hỗ trợ\n\n";

/// What is kept of a clip: a headline, three points, an end card.
fn told_scenes(brief: &Brief) -> serde_json::Value {
    let line = |words: &loa_model::Passage| serde_json::json!({"text": words.text, "span": words.span, "edited": false});
    let points = brief.points.iter().take(3).map(|point| ("point", vec![line(point)]));
    let all = [("title", vec![line(&brief.title)])].into_iter().chain(points);
    let all = all.chain([("end", vec![])]).enumerate();
    let scene = |(n, (kind, lines)): (usize, (&str, Vec<serde_json::Value>))| {
        let n = n as u64;
        let from_ms = n * 6_500;
        serde_json::json!({"kind": kind, "from_ms": from_ms, "to_ms": from_ms + 6_500, "lines": lines})
    };
    let scenes: Vec<serde_json::Value> = all.map(scene).collect();
    serde_json::json!({ "scenes": scenes })
}

fn variants(ids: &Ids, article: &Article, brief: &Brief, kept: &Kept) -> Vec<Variant> {
    let poster = Rendition {
        name: "poster".into(),
        mime: "image/jpeg".into(),
        blob: kept.poster,
        bytes: 84_000,
        ..rendition("poster", &photo(kept))
    };
    let mut lines: Vec<serde_json::Value> = brief
        .points
        .iter()
        .take(3)
        .map(|point| serde_json::json!({"text": point.text, "span": point.span}))
        .collect();
    lines.push(serde_json::json!({"text": "Nguồn"}));
    let captions = Rendition {
        name: "captions-vtt".into(),
        blob: kept.captions,
        bytes: CAPTIONS.len() as u64,
        mime: "text/vtt".into(),
        width: 0,
        height: 0,
        duration_ms: 0,
        alt: String::new(),
    };
    // Older than whatever is made while people look on: at this newsroom's clock it is always the same instant.
    let aged = |kind: VariantKind| {
        let _: loa_model::VariantId = ids.make();
        format!("00000000-0000-7000-8000-0000000000e{}", kind as u8).parse().unwrap()
    };
    let make = |kind, state, renditions| Variant {
        id: aged(kind),
        agency: "demo".into(),
        article: article.id,
        revision: 1,
        kind,
        template: "tin-nhanh".into(),
        brand: "demo".into(),
        kit: None,
        chosen: None,
        recipe: Digest::of(b"recipe"),
        state,
        renditions,
        provenance: serde_json::json!({ "lines": lines }),
        reason: String::new(),
    };
    let wide = Media { width: 1920, height: 1080, duration_ms: 94_000, ..video(kept) };
    vec![
        make(
            VariantKind::Infographic,
            VariantState::Rendered,
            vec![rendition("portrait", &photo(kept))],
        ),
        Variant {
            provenance: serde_json::json!([lines, told_scenes(brief)]),
            ..make(
                VariantKind::ShortClip,
                VariantState::Rendered,
                vec![rendition("1080x1920", &video(kept)), poster.clone(), captions],
            )
        },
        make(
            VariantKind::LongClip,
            VariantState::Rendered,
            vec![rendition("1080p", &wide), poster],
        ),
        make(VariantKind::LowBand, VariantState::Rendering, vec![]),
        Variant {
            provenance: serde_json::json!({"violations": [{
                "field": "infographic.a3", "problem": "too_long", "is": "701", "limit": "700"
            }]}),
            ..make(
                VariantKind::Poster,
                VariantState::Rendered,
                vec![Rendition {
                    mime: "application/pdf".into(),
                    width: 595,
                    height: 842,
                    ..rendition("a4.pdf", &photo(kept))
                }],
            )
        },
    ]
}

/// Everything but people and jobs.
pub async fn fill(
    store: &Arc<MemoryStore>,
    ids: &Ids,
    article: &Article,
    posts: &Posts,
    people: &People,
    kept: &Kept,
) {
    let brief = loa_brief::extract(article, ids);
    let mut changes = Changes::by(by(), "fill").insert(article).insert(&brief);
    for variant in variants(ids, article, &brief, kept) {
        changes = changes.insert(&variant);
    }
    for (name, title) in [
        ("facebook:cong-tin", "Cổng Thông tin Minh Họa"),
        ("zalo:cong-tin", "Minh Họa Official"),
        ("viber:cong-tin", "Minh Họa trên Viber"),
        ("youtube:cong-tin", "Truyền hình Minh Họa"),
    ] {
        changes = changes.insert(&Account {
            name: name.parse().unwrap(),
            agency: "demo".into(),
            title: title.into(),
            remote_id: "1".into(),
            settings: std::collections::BTreeMap::new(),
            status: AccountStatus::Active,
        });
    }
    let Posts { draft, broken, waiting, published, uncertain, returned } = posts;
    for post in [draft, broken, waiting, published, uncertain, returned] {
        changes = changes.insert(post);
    }
    let mut live = delivery(ids, published, DeliveryState::Published);
    live.receipt = Some(Receipt {
        remote_id: "1022_4471".into(),
        url: "https://www.facebook.com/1022/posts/4471".into(),
        raw: serde_json::Value::Null,
        at: live_since(),
    });
    let mut unclear = delivery(ids, uncertain, DeliveryState::Uncertain);
    unclear.reason = "connection lost after the bytes were sent".into();
    unclear.evidence =
        vec![Evidence { at: live_since(), what: "read-back did not find it".into() }];
    changes = changes.insert(&live).insert(&unclear).insert(&PublicMedia {
        token: "abcdefghjkmnpqrstvwxyzAB23".into(),
        ext: "mp4".into(),
        blob: kept.clip,
        mime: "video/mp4".into(),
        delivery: unclear.id,
        created_at: live_since(),
        expires_at: live_since() + SignedDuration::from_hours(400 * 24),
    });
    for sample in samples(ids, published) {
        changes = changes.insert(&sample);
    }
    changes = changes.insert(&other_article(ids, article, people));
    store.commit(changes).await.unwrap();
}

/// An article with markup in its headline, as an attacker would write it.
fn other_article(ids: &Ids, like: &Article, _people: &People) -> Article {
    let mut article = Article { id: ids.make(), photos: vec![], ..like.clone() };
    article.source.canonical_url = "javascript:alert(1)".into();
    article.fetched_at = "2026-11-15T01:45:00Z".parse().unwrap();
    article.published_at = Some(article.fetched_at);
    article.blocks.truncate(4);
    article.blocks[0].text =
        "<script>alert('Lễ hội')</script> & \"Ngày hội đại đoàn kết toàn dân tộc\"".into();
    article.digest = article.content_digest();
    article
}

fn samples(ids: &Ids, post: &Post) -> Vec<Sample> {
    // Reach was not given the first time: it is absent, not nought.
    let counts =
        [(15, 40, None), (60, 310, Some(260)), (180, 1480, Some(1190)), (420, 3905, Some(2870))];
    let of = |(step, (minutes, views, reach)): (usize, (i64, u64, Option<u64>))| {
        let value = |metric: Metric, name: &str, value: u64| Value {
            metric,
            source_name: name.into(),
            definition: "2026-06".into(),
            value,
        };
        let mut values = vec![
            value(Metric::Views, "fb_reels_total_plays", views),
            value(Metric::Reactions, "likes", views / 12),
            value(Metric::Shares, "shares", views / 60),
        ];
        values.extend(reach.map(|reach| value(Metric::Reach, "post_impressions_unique", reach)));
        Sample {
            id: ids.make(),
            agency: "demo".into(),
            post: post.id,
            article: post.article,
            account: post.account.clone(),
            step: u32::try_from(step).unwrap(),
            taken_at: live_since() + SignedDuration::from_mins(minutes),
            values,
            raw: serde_json::Value::Null,
        }
    };
    counts.into_iter().enumerate().map(of).collect()
}

/// A job that runs, whose fence is the answer, and one that was given up.
pub async fn work(store: &Arc<MemoryStore>, ids: &Ids, running: JobId) -> u64 {
    let now = "2026-11-16T09:29:00Z".parse().unwrap();
    let job = |id: JobId, agency: &str, source: &str| {
        let work = JobKind::Ingest { source: source.into(), agency: agency.into() };
        Job::new(id, agency, work, now)
    };
    let mut doomed = job(ids.make(), "demo", "https://minhhoa.example/bai-da-go.htm");
    doomed.max_attempts = 1;
    let doomed_id = doomed.id;
    store.commit(Changes::by(by(), "queue").enqueue(doomed)).await.unwrap();
    let lease = Duration::from_mins(5);
    let claimed = store.claim(&["ingest"], "w", 1, lease).await.unwrap().pop().unwrap();
    assert_eq!(claimed.job.id, doomed_id);
    let reason = "the portal answered 404".to_owned();
    store.finish(&claimed, JobEnd::Fail { reason, run_at: now }).await.unwrap();
    let source = "https://minhhoa.example/lich-tiem-chung-mo-rong-thang-12-101261116090000456.htm";
    let queued = Changes::by(by(), "queue").enqueue(job(running, "demo", source));
    store.commit(queued).await.unwrap();
    let claimed = store.claim(&["ingest"], "w", 1, lease).await.unwrap();
    assert_eq!(claimed.len(), 1);
    claimed[0].fence
}

/// The key under which a record lies, for tests that look it up again.
pub fn key(post: &Post) -> String {
    post.key()
}
