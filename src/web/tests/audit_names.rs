//! The log tells records by what people call them, and what changed in words.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::collections::BTreeSet;

use axum::http::StatusCode;
use loa_delivery::{Correction, KillSwitch, SetAside};
use loa_model::{
    AccountName, Actor, ClickCount, Clock as _, DeliveryState, Membership, Plan, PostState, Role,
    Timetable, User, schedule::SlotTaken,
};
use loa_review::{Corrects, SecondLook};
use loa_store::{Changes, Expect, Store as _, StoreExt as _};
use serde_json::Value;
use support::{World, browser::Browser, records};

const PAGE: &str = "facebook:cong-tin";

/// The newsroom with everything that is kept in it.
async fn everything() -> World {
    let world = World::new().await;
    world.fill_queue().await;
    world.two_agencies().await;
    let posts = world.every_state().await;
    let live = &posts[&DeliveryState::Published];
    world.incidents_about(live).await;
    world.dead_letter("demo").await;
    world.refuse_credentials("zalo:cong-tin").await;
    let (by, at) = (world.people.approver.id, world.clock.now());
    let (delivery, account) = (world.delivery_of(live).await.id, live.account.clone());
    let reason = String::from("Sai số liệu");
    let agency = String::from("demo");
    let draft = records::post(
        &world.ids,
        &world.article,
        PAGE,
        loa_model::PostFormat::Text,
        PostState::Draft,
        &world.people.author,
        vec![],
    );
    let settled = None;
    let (digest, due_at) = (live.digest(), at);
    let changes = Changes::by(Actor::User(by), "fill")
        .insert(&draft)
        .insert(&Correction {
            delivery,
            post: live.id,
            reason: reason.clone(),
            by,
            at,
            done_at: None,
            earlier: vec![],
        })
        .insert(&SetAside { delivery, agency: agency.clone(), reason: reason.clone(), by, at })
        .insert(&Corrects {
            draft: draft.id,
            live: live.id,
            agency: agency.clone(),
            reason: reason.clone(),
            by,
            at,
        })
        .put(
            &SecondLook {
                post: live.id,
                agency,
                digest,
                reason: reason.clone(),
                by,
                at,
                due_at,
                settled,
            },
            Expect::Any,
        )
        .insert(&SlotTaken { account: account.clone(), at, post: live.id })
        .insert(&Timetable { account, plan: Plan::default() })
        .insert(&ClickCount {
            code: live.content.link.code.clone(),
            day: "2026-11-17".parse().unwrap(),
            people: 3,
            robots: 1,
        });
    world.store.commit(changes).await.unwrap();
    for scope in ["agency/demo", "channel/facebook", "all"] {
        let reason = reason.clone();
        let switch = KillSwitch { scope: scope.into(), on: true, reason, by, at };
        let changes = Changes::by(Actor::User(by), "throw kill switch").insert(&switch);
        world.store.commit(changes).await.unwrap();
    }
    world
}

/// Whether a text holds the id of a record or a digest.
fn holds_key(text: &str) -> bool {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '-');
    let key = |word: &str| {
        let uuid = word.len() == 36 && word.matches('-').count() == 4;
        let digest = word.len() == 64 && word.bytes().all(|b| b.is_ascii_hexdigit());
        uuid || digest
    };
    words.into_iter().any(key)
        || text
            .parse::<AccountName>()
            .is_ok_and(|name| name.as_str() == text && text.starts_with("facebook:"))
}

#[tokio::test]
async fn no_record_is_called_by_its_key_and_no_field_by_its_name_in_the_code() {
    /// What platforms, templates and programs call things is theirs.
    const FREE: [&str; 10] = [
        "settings",
        "provenance",
        "raw",
        "choices",
        "chosen",
        "files",
        "work",
        "plan",
        "data",
        "evidence",
    ];
    let world = everything().await;
    let all = world.colleague(&world.people.author, &Role::ALL).await;
    let browser = Browser::of(&world, &all).await;
    let (mut kinds, mut bare, mut unsaid) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    let mut keyed = BTreeSet::new();
    for seq in 1..=world.store.last_seq() {
        let answer = browser.get(&format!("/api/v1/audit/{seq}")).await;
        // Rows of the other agency only.
        if answer.status == StatusCode::NOT_FOUND {
            continue;
        }
        let told = answer.value();
        let records = told["records"].as_array().unwrap();
        let changes = told["changes"].as_array().unwrap();
        for record in records.iter().chain(changes) {
            let (kind, name) = (record["kind"].as_str().unwrap(), record["name"].as_str().unwrap());
            kinds.insert(kind.to_owned());
            if name.is_empty() || name == record["id"] || holds_key(name) {
                bare.insert(format!("{kind}: {name:?} ({})", told["act"]));
            }
        }
        for change in changes {
            for field in change["fields"].as_array().unwrap() {
                let path = field["name"].as_str().unwrap();
                let words = field["words"].as_str().unwrap();
                for (part, word) in path.split('.').zip(words.split(" › ")) {
                    if part == word {
                        unsaid.insert(format!("{} {path}", change["kind"]));
                    }
                    if FREE.contains(&part) {
                        break;
                    }
                }
                let last = path.rsplit('.').next().unwrap();
                // What an account is called in addresses and settings is a field of its own.
                let free = path.split('.').any(|part| FREE.contains(&part))
                    || (change["kind"] == "account" && path == "name");
                for value in ["before_words", "after_words"] {
                    let value = field[value].as_str().unwrap_or_default();
                    let listed = value.starts_with(['[', '{']);
                    if !free
                        && !listed
                        && !["id", "url", "marker"].contains(&last)
                        && holds_key(value)
                    {
                        keyed.insert(format!("{} {path}: {value}", change["kind"]));
                    }
                }
            }
        }
    }
    assert!(kinds.len() >= 20, "{kinds:?}");
    let none = BTreeSet::new();
    let found =
        [("a name for", bare), ("a word in [audit_field] for", unsaid), ("a name in", keyed)];
    assert_eq!(found.clone().map(|(_, all)| all == none), [true; 3], "{found:#?}");
}

#[tokio::test]
async fn what_changed_is_told_with_names_and_in_the_readers_language() {
    let world = everything().await;
    let post = &world.posts.draft;
    let row = world.store.read::<loa_model::Post>(&post.id.to_string()).await.unwrap().unwrap();
    let mut edited = row.record.clone();
    edited.editors = vec![world.people.approver.id];
    edited.scheduled_at = "2026-11-20T00:30:00Z".parse().unwrap();
    let by = Actor::User(world.people.approver.id);
    let changes = Changes::by(by, "edit post").update(&edited, row.version);
    let seq = world.store.commit(changes).await.unwrap();
    let all = world.colleague(&world.people.author, &Role::ALL).await;
    let browser = Browser::of(&world, &all).await;
    let told = browser.get(&format!("/api/v1/audit/{seq}")).await.value();
    let title = world.article.title();
    assert_eq!(told["records"][0]["name"], format!("{title} · Minh Họa Official (Zalo OA)"));
    let field = |name: &str| {
        let fields = told["changes"][0]["fields"].as_array().unwrap();
        fields.iter().find(|field| field["name"] == name).unwrap().clone()
    };
    let words = |field: &Value| (field["words"].clone(), field["after_words"].clone());
    assert_eq!(words(&field("editors")), ("Người sửa".into(), "Trần Đình Hộ".into()));
    let (name, after) = words(&field("scheduled_at"));
    assert_eq!((name, after), ("Giờ đăng".into(), "07:30 20/11/2026".into()));
    let page = browser.get(&format!("/nhat-ky?open={seq}")).await;
    assert!(
        page.text().contains(">Giờ đăng</span>")
            && page.text().contains("07:30 20&#x2f;11&#x2f;2026")
    );
    let cookie = format!("{}; lang=en", browser.cookie);
    let english = Browser { world: &world, cookie }.get(&format!("/nhat-ky?open={seq}")).await;
    assert!(english.text().contains(">Scheduled at</span>"));
}

/// A guest is a colleague where they work, and the roles they have elsewhere are nobody's business there.
#[tokio::test]
async fn an_agency_sees_what_it_did_with_a_guest_and_not_what_others_did() {
    let world = World::new().await;
    let admin = Browser::of(&world, &world.people.stranger).await;
    let form = [("login", "duyet"), ("editor", "1")];
    assert_eq!(admin.post("/quan-tri/moi", &form).await.status, StatusCode::SEE_OTHER);
    let invited = world.store.last_seq();
    let told = async |browser: &Browser<'_>, seq: u64| {
        let answer = browser.get(&format!("/api/v1/audit/{seq}")).await;
        (answer.status, answer.status.is_success().then(|| answer.value()))
    };
    let (_, theirs) = told(&admin, invited).await;
    let theirs = theirs.unwrap();
    let text = theirs.to_string();
    assert!(text.contains("Trần Đình Hộ") && text.contains("editor"), "{text}");
    assert!(!text.contains("approver") && !text.contains("demo"), "{text}");
    let home = Browser::of(&world, &world.people.admin).await;
    let (_, ours) = told(&home, invited).await;
    let text = ours.unwrap().to_string();
    assert!(text.contains("khac") && !text.contains("editor"), "{text}");
    // What their own agency changes tells the other one that something changed, and no role.
    let id = world.people.approver.id.to_string();
    let row = world.store.read::<User>(&id).await.unwrap().unwrap();
    let user = User { roles: vec![Role::Analyst], ..row.record };
    let by = Actor::User(world.people.admin.id);
    let changes = Changes::by(by, "change person").update(&user, row.version);
    let seq = world.store.commit(changes).await.unwrap();
    let text = told(&admin, seq).await.1.unwrap().to_string();
    assert!(!text.contains("analyst") && !text.contains("approver"), "{text}");
    // Taken out they are nobody's here, and that they were taken out is told.
    let path = format!("/quan-tri/nguoi/{id}/dua-ra");
    assert_eq!(admin.post(&path, &[]).await.status, StatusCode::SEE_OTHER);
    assert_eq!(told(&admin, world.store.last_seq()).await.0, StatusCode::OK);
    let row = world.store.read::<User>(&id).await.unwrap().unwrap();
    let also = vec![Membership { agency: "thu-ba".into(), roles: vec![] }];
    let user = User { also, ..row.record };
    let by = Actor::User(world.people.admin.id);
    let changes = Changes::by(by, "let person in").update(&user, row.version);
    let seq = world.store.commit(changes).await.unwrap();
    assert_eq!(told(&admin, seq).await.0, StatusCode::NOT_FOUND);
}
