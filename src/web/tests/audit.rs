//! The log: whose rows it shows, what it never shows, that paging is whole, and that a changed ledger is found.

mod support;

use std::sync::atomic::Ordering;

use axum::http::StatusCode;
use loa_model::{Actor, Agency, Clock as _, Digest, Job, JobKind, Post, Role, User};
use loa_store::{Changes, Expect, Seq, Store as _, StoreExt as _};
use serde_json::json;
use support::{World, browser::Browser, records};

async fn reader<'a>(world: &'a World, roles: &[Role]) -> Browser<'a> {
    let person = world.colleague(&world.people.author, roles).await;
    Browser::of(world, &person).await
}

/// The numbers of all entries that paging backwards gives, with how many answers it took.
async fn all(browser: &Browser<'_>, query: &str) -> (Vec<Seq>, usize) {
    let (mut seqs, mut after, mut answers) = (Vec::new(), String::new(), 0);
    loop {
        let answer = browser.get(&format!("/api/v1/audit?{query}&after={after}")).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
        let told = answer.value();
        answers += 1;
        let entries = told["items"].as_array().expect("a list");
        assert!(entries.len() <= 50);
        seqs.extend(entries.iter().map(|entry| entry["seq"].as_u64().expect("a number")));
        match told["next"].as_str() {
            Some(next) => next.clone_into(&mut after),
            None => return (seqs, answers),
        }
    }
}

#[tokio::test]
async fn paging_backwards_gives_every_entry_once() {
    let world = World::new().await;
    for n in 0..130 {
        let mut post = world.posts.draft.clone();
        post.reason = format!("lần {n}");
        let changes = Changes::by(records::by(), "edit post").put(&post, Expect::Any);
        world.store.commit(changes).await.unwrap();
    }
    let admin = reader(&world, &[Role::Admin]).await;
    let (seqs, answers) = all(&admin, "").await;
    let mut expect = Vec::new();
    for entry in world.store.tail(0, 10_000).await.unwrap() {
        // The only rows of the other agency stand in a commit with rows of this one.
        expect.insert(0, entry.seq);
    }
    assert_eq!(seqs, expect);
    assert!(answers >= 3, "{answers}");
    let (edits, _) = all(&admin, "act=edit+post").await;
    assert_eq!(edits.len(), 130);
    let page = admin.get("/nhat-ky?who=all").await;
    let older = page.text().matches("rel=\"next\"").count();
    assert_eq!((page.status, older), (StatusCode::OK, 1));
    assert!(page.text().contains("Sửa bài đăng"));
}

#[tokio::test]
async fn another_agency_sees_nothing_of_it() {
    let world = World::new().await;
    let post = world.posts.draft.id.to_string();
    let own = reader(&world, &[Role::Analyst]).await;
    let (seqs, _) = all(&own, &format!("about={post}")).await;
    assert!(!seqs.is_empty());
    let stranger = Browser::of(&world, &world.people.stranger).await;
    for seq in &seqs {
        let answer = stranger.get(&format!("/api/v1/audit/{seq}")).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND);
    }
    assert!(all(&stranger, &format!("about={post}")).await.0.is_empty());
    let code = &world.posts.draft.content.link.code;
    assert_eq!(all(&own, &format!("about={code}")).await.0, seqs);
    assert!(all(&stranger, &format!("about={code}")).await.0.is_empty());
    for path in
        ["/nhat-ky", "/nhat-ky?act=add+people", "/api/v1/audit", "/api/v1/audit/nhat-ky.csv"]
    {
        let text = stranger.get(path).await.text().to_owned();
        for name in [&world.people.author.name, &world.people.approver.name, &post] {
            assert!(!text.contains(name.as_str()), "{path} tells {name}");
        }
    }
    // One commit wrote people of both: each sees their own.
    let text = stranger.get("/nhat-ky?act=add+people").await.text().to_owned();
    assert!(text.contains(&world.people.stranger.name));
    let text = own.get("/nhat-ky?act=add+people").await.text().to_owned();
    assert!(!text.contains(&world.people.stranger.name));
}

#[tokio::test]
async fn what_is_of_no_agency_is_for_admins() {
    let world = World::new().await;
    let job = Job::new(
        world.ids.make(),
        "khac",
        JobKind::Ingest { source: "x".into(), agency: "khac".into() },
        world.clock.now(),
    );
    world.store.commit(Changes::by(records::by(), "of the other").enqueue(job)).await.unwrap();
    world.store.commit(Changes::by(records::by(), "of nobody")).await.unwrap();
    let admin = reader(&world, &[Role::Admin]).await;
    let analyst = reader(&world, &[Role::Analyst]).await;
    assert_eq!(all(&admin, "act=of+nobody").await.0.len(), 1);
    assert!(all(&analyst, "act=of+nobody").await.0.is_empty());
    assert!(all(&admin, "act=of+the+other").await.0.is_empty());
}

#[tokio::test]
async fn secrets_are_in_no_page_and_no_file() {
    let world = World::new().await;
    let id = world.people.author.id.to_string();
    let row = world.store.read::<User>(&id).await.unwrap().unwrap();
    let mut user = row.record;
    user.name = "Nguyễn Thị Mẫn Mới".into();
    user.password_hash = "$argon2id$mới-tinh".into();
    let changes = Changes::by(Actor::User(user.id), "set user").update(&user, row.version);
    let seq = world.store.commit(changes).await.unwrap();
    let admin = reader(&world, &[Role::Admin]).await;
    let page = admin.get(&format!("/nhat-ky?open={seq}")).await;
    assert!(
        page.text().contains("password_hash")
            && page.text().contains("đã thay đổi, không hiển thị")
    );
    assert!(page.text().contains("Nguyễn Thị Mẫn Mới") && page.text().contains(">Nguyễn Thị Mẫn<"));
    let one = admin.get(&format!("/api/v1/audit/{seq}")).await;
    assert_eq!(one.value()["changes"][0]["how"], "changed");
    let session = Digest::of(admin.cookie.trim_start_matches("loa=").as_bytes()).to_string();
    let mut texts = vec![one.text().to_owned(), page.text().to_owned()];
    for entry in world.store.tail(0, 10_000).await.unwrap() {
        let seq = entry.seq;
        texts.push(
            admin.get(&format!("/nhat-ky?before={}&open={seq}", seq + 1)).await.text().to_owned(),
        );
    }
    texts.push(admin.get("/api/v1/audit/nhat-ky.csv").await.text().to_owned());
    for text in &texts {
        assert!(!text.contains("argon2id"), "a password hash");
        assert!(!text.contains(&session), "the key of a session");
    }
    assert!(texts.iter().any(|text| text.contains("phiên đăng nhập")));
}

#[tokio::test]
async fn the_log_is_searched_by_person_act_and_day() {
    let world = World::new().await;
    world.clock.set("2026-11-18T02:00:00Z");
    let mut post = world.posts.draft.clone();
    post.reason = "hôm khác".into();
    let by = Actor::User(world.people.author.id);
    world.store.commit(Changes::by(by, "edit post").put(&post, Expect::Any)).await.unwrap();
    let admin = reader(&world, &[Role::Admin]).await;
    let author = world.people.author.id;
    let (found, _) =
        all(&admin, &format!("who={author}&act=edit+post&from=2026-11-18&to=2026-11-18")).await;
    assert_eq!(found.len(), 1);
    assert!(all(&admin, "act=edit+post&to=2026-11-17").await.0.is_empty());
    let before = all(&admin, "to=2026-11-17").await.0;
    assert_eq!(before.first().copied(), Some(found[0] - 1), "the day ends before the edit");
    assert!(all(&admin, "who=operators").await.0.is_empty());
    let page = admin.get(&format!("/nhat-ky?who={author}&act=edit+post")).await;
    assert!(page.text().contains("Nguyễn Thị Mẫn <span aria-hidden"), "a chip by name");
    let whole = all(&admin, "to=9999-12-31").await.0;
    assert_eq!(whole, all(&admin, "").await.0, "nothing is after the last day that there is");
    for bad in ["who=ai", "before=x", "open=-1", "from=2026-11-02&to=2026-11-01"] {
        for path in ["/nhat-ky", "/api/v1/audit"] {
            let status = admin.get(&format!("{path}?{bad}")).await.status;
            assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{path}?{bad}");
        }
    }
    for none in ["x", "0", "999999", "18446744073709551615"] {
        let status = admin.get(&format!("/api/v1/audit/{none}")).await.status;
        assert_eq!(status, StatusCode::NOT_FOUND, "{none}");
    }
}

#[tokio::test]
async fn a_ledger_that_was_changed_is_found() {
    let world = World::new().await;
    let admin = reader(&world, &[Role::Admin]).await;
    let last = world.store.last_seq();
    let head = world.store.links(last - 1, 1).await.unwrap()[0].hash.to_string();
    let whole = admin.json("/api/v1/audit/verify", &json!({})).await.value();
    assert_eq!(
        (&whole["whole"], &whole["upto"], &whole["head"]),
        (&json!(true), &json!(last), &json!(head))
    );
    let on = admin.json("/api/v1/audit/verify", &json!({ "after": 3 })).await.value();
    assert_eq!((&on["after"], &on["head"]), (&json!(3), &json!(head)));
    let page = admin.post("/nhat-ky/kiem-tra?act=decisions&from=2026-11-01", &[]).await;
    assert!(page.text().contains("Chuỗi nguyên vẹn") && page.text().contains(&head));
    // What was looked for is still what is shown.
    assert!(page.text().contains("value=\"decisions\" selected"), "{}", page.text());
    assert!(page.text().contains("value=\"2026-11-01\""));
    world.changed.store(5, Ordering::Relaxed);
    let broken = admin.json("/api/v1/audit/verify", &json!({})).await.value();
    assert_eq!(
        (&broken["whole"], &broken["broken"], &broken["upto"]),
        (&json!(false), &json!(6), &json!(5))
    );
    let page = admin.post("/nhat-ky/kiem-tra", &[]).await;
    assert!(page.text().contains("Chuỗi đứt ở bản ghi 6"), "{}", page.text());
    let analyst = reader(&world, &[Role::Analyst]).await;
    let refused = analyst.post("/nhat-ky/kiem-tra", &[]).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn the_file_runs_nothing() {
    let world = World::new().await;
    let agency = Agency {
        name: "demo".into(),
        title: "=HYPERLINK(\"http://x\")".into(),
        brand: "demo".into(),
        zone: "Asia/Ho_Chi_Minh".into(),
        urgent_alone: false,
    };
    let by = Actor::Operator("=cmd|x".into());
    world.store.commit(Changes::by(by, "set agency").put(&agency, Expect::Any)).await.unwrap();
    let admin = reader(&world, &[Role::Admin]).await;
    let csv = admin.get("/api/v1/audit/nhat-ky.csv?act=set+agency&who=operators").await;
    assert!(csv.text().starts_with("\u{feff}Bản ghi,Lúc,Loại,Ai,Việc,Đụng đến,Mã băm\r\n"));
    assert!(csv.text().contains("2026-11-16 16:30:00,người vận hành,"), "{}", csv.text());
    assert!(csv.text().contains(",'=cmd|x,"), "{}", csv.text());
    assert!(!csv.text().contains(",=") && !csv.text().contains("\n="));
    assert_eq!(csv.text().lines().count(), 2);
    assert_eq!(csv.header("content-type"), "text/csv; charset=utf-8");
}

#[tokio::test]
async fn the_way_to_the_log_is_shown_to_those_who_may_read_it() {
    let world = World::new().await;
    for (roles, shown) in [(vec![Role::Author], false), (vec![Role::Analyst], true)] {
        let browser = reader(&world, &roles).await;
        let page = browser.get("/kenh").await;
        assert_eq!(page.text().contains("href=\"/nhat-ky\""), shown, "{roles:?}");
    }
}

/// The phrases that the code makes commits with, where they are written out.
fn phrases(folder: &std::path::Path, into: &mut std::collections::BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("it can be read").path();
        let name = path.file_name().expect("it has a name").to_string_lossy().into_owned();
        if path.is_dir() && !["tests", "examples", "conformance"].contains(&name.as_str()) {
            phrases(&path, into);
        } else if path.extension().is_some_and(|end| end == "rs")
            && !["tests.rs", "conformance.rs"].contains(&name.as_str())
        {
            let text = std::fs::read_to_string(&path).expect("it is text");
            let code = text.split("#[cfg(test)]").next().expect("a split has a beginning");
            for call in code.split("Changes::by(").skip(1) {
                let mut depth = 1;
                let inside = |c: &char| {
                    depth += i32::from(*c == '(') - i32::from(*c == ')');
                    depth > 0
                };
                let call: String = call.chars().take_while(inside).collect();
                let last = call.rsplit_once(", \"").map(|(_, last)| last);
                let one = last.and_then(|last| last.trim().strip_suffix('"'));
                // A phrase with a comma in it is cut by the split: its beginning is in front.
                let first = call.find('"').map(|at| call.get(at + 1..).unwrap_or_default());
                let whole = first.filter(|rest| rest.matches('"').count() == 1);
                let whole = whole.and_then(|rest| rest.strip_suffix('"'));
                into.extend(whole.or(one).map(str::to_owned));
            }
        }
    }
}

#[tokio::test]
async fn everything_that_is_done_has_words_in_both_languages() {
    let world = World::new().await;
    let mut found = std::collections::BTreeSet::new();
    phrases(&support::root().join("src"), &mut found);
    assert!(found.len() > 40, "{found:?}");
    let admin = reader(&world, &[Role::Admin]).await;
    for lang in ["vi", "en"] {
        let cookie = format!("{}; lang={lang}", admin.cookie);
        let page = Browser { world: &world, cookie }.get("/nhat-ky").await;
        for phrase in &found {
            let option = format!("<option value=\"{}\">", phrase.replace('\'', "&#x27;"));
            let words = page.text().split(&option).nth(1).and_then(|rest| rest.split('<').next());
            assert!(words.is_some_and(|words| words != phrase.as_str()), "{lang}: {phrase}");
        }
    }
}

#[tokio::test]
async fn the_page_begins_with_what_people_did_and_names_no_path_of_a_machine() {
    let world = World::new().await;
    let by = Actor::Worker("vm@/tmp/data#1".to_owned());
    let note = world.posts.draft.clone();
    let row = world.store.read::<Post>(&note.id.to_string()).await.unwrap().unwrap();
    let changes = Changes::by(by, "compose posts").update(&row.record, row.version);
    world.store.commit(changes).await.unwrap();
    let admin = reader(&world, &[Role::Admin]).await;
    let seen = async |path: &str| {
        let page = admin.get(path).await;
        (page.text().contains("class=\"by muted\" title=\"vm@"), page.text().to_owned())
    };
    assert!(!seen("/nhat-ky").await.0);
    for path in ["/nhat-ky?who=all", "/nhat-ky?who=machines"] {
        let (shown, text) = seen(path).await;
        assert!(shown && text.contains(">máy Loa<"), "{path}: {text}");
    }
    // Whoever looks for something finds whoever did it, and programs are told everything.
    assert!(seen(&format!("/nhat-ky?about={}", note.id)).await.0);
    assert!(!all(&admin, "who=machines").await.0.is_empty());
    let (humans, everybody) = (all(&admin, "who=humans").await.0, all(&admin, "").await.0);
    assert!(!humans.is_empty() && humans.len() < everybody.len());
}
