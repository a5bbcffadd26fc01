//! Records of another agency: whoever asks for one is answered as if it did not exist, page or operation, and changes nothing.

mod support;

use std::collections::BTreeMap;

use axum::http::{Method, StatusCode};
use loa_model::{Digest, JobId, OwnTemplate, Record as _, UserId};
use loa_store::{Changes, Store as _};
use loa_web::{Access, ApiToken, Scope, Session, Way};
use serde_json::{Value, json};
use support::{
    World,
    browser::{Answer, Browser, program},
    kits::theme,
    records,
};

/// Nobody has this id.
const NOBODY: &str = "00000000-0000-7000-8000-00000000abcd";

/// Rows that more than one agency may ask for with the same place, and why.
const SHARED: &[(&str, &str)] = &[
    ("/kenh/them/{name}", "the name of a channel, the same for everybody"),
    ("/tep/{hash}", "the hash is a capability: who can name it has the bytes"),
    ("/tep/{hash}/nho", "the same picture, smaller"),
    (
        "/api/v1/preview/clip/{id}/{file}",
        "an id is made by asking, for the agency that asked: tests/clip.rs",
    ),
    ("/api/v1/reach/files/{file}", "the name of a kind of file, about the caller's own agency"),
];

/// The records of the newsroom, each by the beginning of the rows that ask for one.
struct Known(Vec<(&'static str, String)>);

impl Known {
    async fn of(world: &World) -> Self {
        let people = &world.people;
        let incident = world.incidents_about(&world.posts.published).await;
        let incident = incident.first().expect("an incident").key();
        world.own_kits().await;
        let feed = world.feed("demo", "https://tin.example/rss");
        let job = world.dead_letter("demo").await;
        let token = Digest::of(b"a token of the newsroom");
        let now = loa_model::Clock::now(&*world.clock);
        let later = now + jiff::SignedDuration::from_hours(9);
        let record = ApiToken {
            digest: token,
            name: "máy".to_owned(),
            user: people.author.id,
            agency: "demo".to_owned(),
            scopes: vec![Scope::Read],
            created_at: now,
            expires_at: later,
            last_used: None,
            revoked_at: None,
        };
        let session = Session::new(Digest::of(b"a session"), people.author.id, later);
        let files = [("template.typ", "x"), ("template.toml", "x")];
        let files = files.map(|(name, text)| (name.to_owned(), text.to_owned())).into();
        let template = OwnTemplate::new("demo", "cua-toi", files, records::by(), now);
        let template = template.expect("a template");
        let changes = Changes::by(records::by(), "fill").insert(&record).insert(&session);
        let changes = changes.insert(&template).insert(&feed);
        let seq = world.store.commit(changes).await.expect("new records");
        let approver = Browser::of(world, &people.approver).await;
        let order = json!({ "from": "2026-11-01", "to": "2026-11-10" });
        let at = ("POST", "/api/v1/reach/shares");
        let share = program(&world.router, &approver.cookie, at, &[], Some(&order)).await.value();
        let share = share["share"]["token"].as_str().expect("a link").to_owned();
        let (article, post) = (world.article.id.to_string(), world.posts.waiting.id.to_string());
        let user = people.author.id.to_string();
        Self(vec![
            ("/bai-viet/", article.clone()),
            ("/bao-cao/bai-viet/", article.clone()),
            ("/api/v1/articles/", article.clone()),
            ("/api/v1/reach/articles/", article),
            ("/bai-dang/", post.clone()),
            ("/api/v1/posts/", post),
            ("/viec/", job.id.to_string()),
            ("/api/v1/jobs/", job.id.to_string()),
            ("/su-co/", incident.clone()),
            ("/api/v1/incidents/", incident),
            ("/kenh/", "facebook:cong-tin".to_owned()),
            ("/api/v1/accounts/", "facebook:cong-tin".to_owned()),
            ("/nguon/", feed.id.to_string()),
            ("/api/v1/feeds/", feed.id.to_string()),
            ("/quan-tri/co-quan/", "demo".to_owned()),
            ("/api/v1/agencies/", "demo".to_owned()),
            ("/quan-tri/nhan-dien/bo/", "nong-nghiep".to_owned()),
            ("/api/v1/brands/", "nong-nghiep".to_owned()),
            ("/quan-tri/ma/", token.to_string()),
            ("/bao-cao/chia-se/", share.clone()),
            ("/api/v1/reach/shares/", share),
            ("/quan-tri/nguoi/", user.clone()),
            ("/api/v1/users/", user),
            ("/toi/ma/", token.to_string()),
            ("/api/v1/tokens/", token.to_string()),
            ("/toi/phien/", session.key()),
            ("/api/v1/sessions/", session.key()),
            ("/api/v1/audit/", seq.to_string()),
            ("/api/v1/templates/", "cua-toi".to_owned()),
        ])
    }

    fn find(&self, way: &Way) -> &str {
        let fits = self.0.iter().filter(|(start, _)| way.path.starts_with(start));
        let found = fits.max_by_key(|(start, _)| start.len());
        let Some((_, id)) = found else {
            panic!(
                "{} {}: a row about one record without a record of another agency: add its beginning and an id to Known::of",
                way.method, way.path
            )
        };
        id
    }
}

/// One that nobody has, of the same kind as this.
fn nobody(id: &str) -> String {
    match id {
        id if id.len() == 64 => Digest::of(b"nobody").to_string(),
        id if id.parse::<u64>().is_ok() => u64::MAX.to_string(),
        id if id.parse::<UserId>().is_ok() || id.parse::<JobId>().is_ok() => NOBODY.to_owned(),
        _ => "khong-co".to_owned(),
    }
}

/// Bodies that operations take: an operation is asked with each until one fits.
fn bodies(world: &World) -> Vec<Value> {
    let digest = world.posts.waiting.digest();
    vec![
        json!({}),
        json!({ "reason": "Vì sao" }),
        json!({ "digest": digest }),
        json!({ "act": "confirm", "reason": "Đã xem" }),
        json!({ "at": "now", "version": 1 }),
        json!({ "reason": "Sai số liệu", "text": "Lời khác" }),
        json!({ "name": "Tên khác" }),
        json!({ "title": "Tên khác" }),
        json!({ "digest": digest, "words": { "text": "Lời khác" } }),
        json!({ "words": { "text": "Lời khác" } }),
        json!({ "field": "text", "problem": "too_long" }),
        json!({ "kind": "infographic" }),
        json!({ "paused": true }),
        json!({ "url": "https://tin.example/bai" }),
        json!({ "secrets": { "page_token": "x" } }),
        json!({ "act": "hold", "reason": "Chờ" }),
        json!({ "title_vi": "Tên", "colours": theme("#174a83", "#0d2f57", "#55606b") }),
    ]
}

/// Forms that pages take.
fn forms(world: &World) -> Vec<Vec<(&'static str, String)>> {
    let own = |pairs: &[(&'static str, &str)]| {
        pairs.iter().map(|(name, value)| (*name, (*value).to_owned())).collect()
    };
    let digest = world.posts.waiting.digest().to_string();
    vec![
        vec![],
        own(&[("accounts", "facebook:cong-tin")]),
        own(&[("digest", &digest), ("reason", "Vì sao"), ("act", "hold")]),
        own(&[("act", "confirm"), ("reason", "Vì sao")]),
        own(&[("reason", "Sai"), ("text", "Lời khác")]),
        own(&[("when", "now"), ("version", "1")]),
        own(&[("name", "Tên khác"), ("author", "1")]),
        own(&[("title", "Tên"), ("zone", "Asia/Ho_Chi_Minh"), ("brand", "demo")]),
        own(&[("urgent_alone", "true")]),
        own(&[("url", "https://tin.example/bai")]),
        own(&[("dang", "infographic"), ("title", "Tên khác")]),
        own(&[("topic-0", "\"end\""), ("on-0", "1"), ("dang", "short_clip")]),
    ]
}

/// Every way a row can be asked.
async fn ask(who: &Browser<'_>, way: &Way, at: &str) -> Vec<Answer> {
    let mut answers = Vec::new();
    let method = way.method.as_str();
    if way.method == Method::GET {
        answers.push(who.get(at).await);
    } else if at.starts_with("/api/") {
        for body in bodies(who.world) {
            let at = (method, at);
            answers.push(program(&who.world.router, &who.cookie, at, &[], Some(&body)).await);
        }
    } else {
        for form in forms(who.world) {
            let form: Vec<(&str, &str)> = form.iter().map(|(n, v)| (*n, v.as_str())).collect();
            answers.push(who.send(method, at, &[("sec-fetch-site", "same-origin")], &form).await);
        }
    }
    answers
}

#[tokio::test]
async fn a_record_of_another_agency_is_as_one_that_does_not_exist() {
    let world = World::new().await;
    let known = Known::of(&world).await;
    let stranger = Browser::of(&world, &world.people.stranger).await;
    // The session is seen once before anything is counted.
    stranger.get("/toi").await;
    let before = world.store.last_seq();
    let mut counted = BTreeMap::new();
    for way in loa_web::ways() {
        let shared = SHARED.iter().any(|(path, _)| *path == way.path);
        if way.access == Access::Anyone || !way.path.contains('{') || shared {
            continue;
        }
        let id = known.find(&way);
        let place = way.path.find('{').expect("it has a place");
        let rest = way.path.split('}').nth(1).unwrap_or_default();
        let at = |id: &str| format!("{}{id}{rest}", &way.path.get(..place).expect("a beginning"));
        let foreign = ask(&stranger, &way, &at(id)).await;
        let absent = ask(&stranger, &way, &at(&nobody(id))).await;
        let said = format!("{} {}", way.method, way.path);
        let mut found = 0;
        for (foreign, absent) in foreign.iter().zip(&absent) {
            assert!(
                foreign.status.is_client_error(),
                "{said}: {} to somebody of another agency",
                foreign.status
            );
            assert_eq!(foreign.status, absent.status, "{said}: it tells whether there is one");
            assert_eq!(foreign.body, absent.body, "{said}: it tells whether there is one");
            found += usize::from(foreign.status == StatusCode::NOT_FOUND);
        }
        assert!(
            found > 0,
            "{said}: no body or form got as far as the record ({:?}): add one that fits to bodies() or forms()",
            foreign.iter().map(|answer| answer.status.as_u16()).collect::<Vec<_>>()
        );
        *counted.entry(way.path.starts_with("/api/")).or_insert(0) += 1;
    }
    assert_eq!(world.store.last_seq(), before, "somebody of another agency changed something");
    assert!(counted[&true] >= 20 && counted[&false] >= 30, "{counted:?}");
}

/// The same addresses are there for their own agency: the test above looks at something.
#[tokio::test]
async fn its_own_people_find_the_same_records() {
    let world = World::new().await;
    let known = Known::of(&world).await;
    let person = world.colleague(&world.people.author, &loa_model::Role::ALL).await;
    let own = Browser::of(&world, &person).await;
    let author = Browser::of(&world, &world.people.author).await;
    for way in loa_web::ways() {
        let shared = SHARED.iter().any(|(path, _)| *path == way.path);
        let reads = way.method == Method::GET && way.path.contains('{');
        if way.access == Access::Anyone || shared || !reads || way.path.contains("/templates/") {
            continue;
        }
        let id = known.find(&way);
        let at = way.path.replace("{id}", id).replace("{name}", id).replace("{account}", id);
        let at = at.replace("{file}", "chart.svg").replace("{kind}", "infographic");
        // Their sessions are nobody else's.
        let who = if at.contains("/sessions/") { &author } else { &own };
        if at.ends_with("/tien-do") {
            let answer = who.raw("GET", &at, &[], String::new()).await;
            assert_eq!(answer.status(), StatusCode::OK, "{at}");
            continue;
        }
        let answer = who.get(&at).await;
        let there = answer.status == StatusCode::OK || answer.status.is_redirection();
        // A page may say that this record offers nothing of the kind; it is not that there is none.
        let fits = at.ends_with("/dinh-chinh") || at.ends_with("/chart.svg");
        assert!(there || fits, "{at}: {} {}", answer.status, answer.text());
    }
}
