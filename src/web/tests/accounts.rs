//! Accounts of channels: connecting them in the browser, what is told of their credentials and allowances, and that nothing
//! secret ever comes back.

mod support;

use axum::http::StatusCode;
use loa_model::{Account, AccountStatus, Actor, DeliveryState, Kept, Lasts};
use loa_store::{Changes, Store as _, StoreExt as _};
use serde_json::{Value, json};
use support::{World, browser::Browser};

const TOKEN: &str = "EAAGm0PX4ZCpsBAKZB-rất-bí-mật";

fn new(secret: &str) -> Value {
    json!({
        "channel": "facebook", "remote_id": "1029384756",
        "settings": { "app_id": "77" }, "secrets": { "page_token": secret },
    })
}

async fn account(world: &World, name: &str) -> Account {
    world.store.read::<Account>(name).await.expect("a store in memory").expect("the account").record
}

/// Everything that the ledger holds, as text.
async fn ledger(world: &World, name: &str) -> String {
    let past = world.store.past::<Account>(name, 50).await.expect("a store in memory");
    let steps: Vec<String> = past.iter().map(|step| format!("{:?}", step.entry)).collect();
    steps.concat()
}

#[tokio::test]
async fn an_administrator_connects_an_account_and_it_posts_once_the_platform_says_yes() {
    let world = World::new().await;
    let admin = Browser::of(&world, &world.people.admin).await;
    let choose = admin.get("/kenh/them").await;
    for channel in support::CHANNELS {
        assert!(choose.text().contains(&format!("href=\"/kenh/them/{channel}\"")), "{channel}");
    }
    let form = admin.get("/kenh/them/facebook").await;
    assert!(
        form.text().contains("name=\"secret.page_token\" type=\"password\""),
        "{}",
        form.text()
    );
    assert!(form.text().contains("name=\"setting.app_id\" type=\"text\""));
    let filled = [
        ("remote_id", " 1029384756 "),
        ("title", ""),
        ("short", ""),
        ("setting.app_id", "77"),
        ("secret.page_token", TOKEN),
        ("secret.app_secret", ""),
        ("secret.valid_until", "2027-03-01"),
    ];
    let made = admin.post("/kenh/them/facebook", &filled).await;
    assert_eq!(
        (made.status, made.header("location")),
        (StatusCode::SEE_OTHER, "/kenh/facebook:demo")
    );
    let kept = account(&world, "facebook:demo").await;
    assert_eq!(kept.status, AccountStatus::Active);
    assert_eq!(kept.title, "Trang Cổng tin Minh Họa", "as the platform calls it");
    assert_eq!((kept.remote_id.as_str(), kept.agency.as_str()), ("1029384756", "demo"));
    assert_eq!(kept.settings["app_id"], "77");
    assert_eq!(world.vault.value("facebook:demo", "page_token").as_deref(), Some(TOKEN));
    let page = admin.get("/kenh/facebook:demo").await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text());
    for answer in [
        page,
        admin.get("/kenh").await,
        admin.get("/api/v1/accounts").await,
        admin.get("/api/v1/accounts/facebook:demo").await,
    ] {
        assert!(!answer.text().contains(TOKEN));
    }
    assert!(!ledger(&world, "facebook:demo").await.contains(TOKEN));
    let past = world.store.past::<Account>("facebook:demo", 10).await.unwrap();
    let said: Vec<&str> = past.iter().map(|step| step.entry.changes.what.as_str()).collect();
    assert_eq!(said, ["resume account", "name account", "add account"]);
    let by = Actor::User(world.people.admin.id);
    assert!(past.iter().all(|step| step.entry.changes.actor == by));
}

#[tokio::test]
async fn an_account_that_the_platform_refuses_is_there_posts_nothing_and_is_connected_again() {
    let world = World::new().await;
    let admin = Browser::of(&world, &world.people.admin).await;
    for (token, kind) in
        [("refused", "auth"), ("away", "unavailable"), ("of-another", "other_account")]
    {
        let mut new = new(token);
        new["name"] = token.into();
        let made = admin.json("/api/v1/accounts", &new).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.text());
        let told = made.value();
        assert_eq!(
            (&told["status"], &told["test"]["works"]),
            (&json!("unconnected"), &json!(false))
        );
        assert_eq!(told["test"]["kind"], kind);
        let name = format!("facebook:{token}");
        let kept = account(&world, &name).await;
        assert!(matches!(kept.status, AccountStatus::NeedsReauth { .. }), "{:?}", kept.status);
        let page = admin.post(&format!("/kenh/{name}/thu"), &[]).await;
        assert!(page.text().contains("role=\"alert\""), "{}", page.text());
        assert!(!page.text().contains("<b>"), "what a platform says is no markup");
        let again = [("secret.page_token", TOKEN), ("secret.app_secret", "")];
        let page = admin.post(&format!("/kenh/{name}/ket-noi"), &again).await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.text());
        assert!(page.text().contains("note good") && !page.text().contains(TOKEN));
        assert_eq!(account(&world, &name).await.status, AccountStatus::Active);
    }
}

#[tokio::test]
async fn an_account_that_never_worked_bothers_nobody_and_is_corrected_or_removed() {
    let world = World::new().await;
    let admin = Browser::of(&world, &world.people.admin).await;
    let author = Browser::of(&world, &world.people.author).await;
    let article = format!("/bai-viet/{}", world.article.id);
    let before = author.get("/").await.text().matches("class=\"stops\"").count();
    let form =
        [("remote_id", "1029384756"), ("short", "hong"), ("secret.page_token", "of-another")];
    let made = admin.post("/kenh/them/facebook", &form).await;
    assert_eq!(made.status, StatusCode::OK, "{}", made.text());
    let page = admin.get("/kenh/facebook:hong").await.text().replace("&#x2f;", "/");
    assert!(
        page.contains("chưa nối được") && page.contains("action=\"/kenh/facebook:hong/bo\""),
        "{page}"
    );
    assert!(!page.contains("chưa có lỗi"), "beside the answer of the platform it would be false");
    // No banner, no box to tick, and nothing is composed for it.
    assert_eq!(author.get("/").await.text().matches("class=\"stops\"").count(), before);
    assert!(!author.get(&article).await.text().contains("value=\"facebook:hong\""));
    let compose = [("accounts", "facebook:hong")];
    let refused = author.post(&format!("{article}/soan"), &compose).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", refused.text());
    let go = admin.post("/kenh/chay-lai", &[("scope", "facebook:hong")]).await;
    assert_eq!(go.status, StatusCode::CONFLICT, "only a test of it lets it post");
    // Its id is corrected, and the platform asked again.
    for wrong in ["not an id!", ""] {
        let form = [("title", "Trang"), ("remote_id", wrong)];
        let answer = admin.post("/kenh/facebook:hong/sua", &form).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{wrong}");
    }
    let form = [("title", "Trang <của> tôi"), ("remote_id", "999"), ("setting.app_id", "78")];
    let answer = admin.post("/kenh/facebook:hong/sua", &form).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    let kept = account(&world, "facebook:hong").await;
    assert_eq!((kept.status, kept.remote_id.as_str()), (AccountStatus::Active, "999"));
    assert_eq!((kept.title.as_str(), kept.settings["app_id"].as_str()), ("Trang <của> tôi", "78"));
    // From here on its id stays: posts would go to another audience. Name and settings are still changed.
    let of = "/api/v1/accounts/facebook:hong";
    let moved = admin.json_as("PATCH", of, &json!({ "remote_id": "1000" })).await;
    assert_eq!(moved.status, StatusCode::UNPROCESSABLE_ENTITY);
    let named = admin.json_as("PATCH", of, &json!({ "title": "Trang" })).await;
    assert_eq!((named.status, &named.value()["test"]), (StatusCode::OK, &Value::Null));
    assert_eq!(account(&world, "facebook:hong").await.title, "Trang");
    assert_eq!(admin.json_as("DELETE", of, &json!({})).await.status, StatusCode::CONFLICT);

    let mut bad = new("refused");
    bad["name"] = "sai".into();
    assert_eq!(admin.json("/api/v1/accounts", &bad).await.status, StatusCode::CREATED);
    let strange = Browser::of(&world, &world.people.stranger).await;
    let theirs = strange.post("/kenh/facebook:sai/bo", &[]).await;
    assert!(theirs.status.is_client_error());
    assert_eq!(admin.post("/kenh/facebook:sai/bo", &[]).await.header("location"), "/kenh");
    assert!(world.store.read::<Account>("facebook:sai").await.unwrap().is_none());
    assert_eq!(world.vault.value("facebook:sai", "page_token"), None);
}

#[tokio::test]
async fn an_account_without_a_name_takes_a_free_one_and_the_title_of_its_platform() {
    let world = World::new().await;
    let admin = Browser::of(&world, &world.people.admin).await;
    let first = admin.json("/api/v1/accounts", &new("away")).await.value();
    assert_eq!(first["account"], "facebook:demo");
    let second = admin.json("/api/v1/accounts", &new(TOKEN)).await.value();
    assert_eq!(second["account"], "facebook:demo-2", "nobody gave a name that could be taken");
    assert_eq!(account(&world, "facebook:demo").await.title, "facebook:demo");
    let again = [("secret.page_token", TOKEN)];
    admin.post("/kenh/facebook:demo/ket-noi", &again).await;
    let kept = account(&world, "facebook:demo").await;
    assert_eq!(
        kept.title, "Trang Cổng tin Minh Họa",
        "the first answer names it, whenever it comes"
    );
}

#[tokio::test]
async fn a_test_of_an_account_that_posts_changes_nothing_and_is_not_repeated_for_ever() {
    let world = World::new().await;
    let admin = Browser::of(&world, &world.people.admin).await;
    world.vault.put("facebook:cong-tin", &[("page_token", "refused")]);
    let before = account(&world, "facebook:cong-tin").await;
    let at = "/api/v1/accounts/facebook:cong-tin/test";
    let told = admin.json(at, &json!({})).await;
    assert_eq!((told.status, &told.value()["test"]["works"]), (StatusCode::OK, &json!(false)));
    assert_eq!(account(&world, "facebook:cong-tin").await, before);
    let paused = AccountStatus::Paused {
        reason: "thử".into(),
        since: "2026-11-16T00:00:00Z".parse().unwrap(),
        by: None,
    };
    let row = world.store.read::<Account>("facebook:cong-tin").await.unwrap().unwrap();
    let stopped = Account { status: paused, ..row.record };
    let by = Changes::by(Actor::Operator("test".into()), "pause account");
    world.store.commit(by.update(&stopped, row.version)).await.unwrap();
    world.vault.put("facebook:cong-tin", &[("page_token", "good")]);
    assert_eq!(admin.json(at, &json!({})).await.value()["test"]["works"], true);
    assert_eq!(account(&world, "facebook:cong-tin").await, stopped, "who paused it lets it go");
    for _ in 0..8 {
        assert_eq!(admin.json(at, &json!({})).await.status, StatusCode::OK);
    }
    assert_eq!(admin.json(at, &json!({})).await.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(*world.vault.asked.lock().unwrap(), 10);
}

#[tokio::test]
async fn what_cannot_be_is_refused_without_repeating_a_secret() {
    let world = World::new().await;
    let admin = Browser::of(&world, &world.people.admin).await;
    for (change, code) in [
        (json!({ "channel": "mastodon" }), 422),
        (json!({ "remote_id": " " }), 422),
        (json!({ "remote_id": "a\nb" }), 422),
        (json!({ "remote_id": "not an id!" }), 422),
        (json!({ "channel": "youtube", "remote_id": "1029384756" }), 422),
        (json!({ "name": "Tên" }), 422),
        (json!({ "name": "a:b" }), 422),
        (json!({ "secrets": {} }), 422),
        (json!({ "secrets": { "page_token": TOKEN, "password": TOKEN } }), 422),
        (json!({ "settings": { "page_token": TOKEN } }), 422),
        (json!({ "secrets": { "page_token": format!("{TOKEN}\n") , "valid_until": "mai" } }), 422),
        (json!({ "name": "cong-tin" }), 409),
    ] {
        let mut new = new(TOKEN);
        for (name, value) in change.as_object().unwrap() {
            new[name] = value.clone();
        }
        let answer = admin.json("/api/v1/accounts", &new).await;
        assert_eq!(answer.status.as_u16(), code, "{change} {}", answer.text());
        assert!(!answer.text().contains(TOKEN), "{change}");
    }
    let answer = admin
        .json("/api/v1/accounts/facebook:cong-tin/credentials", &json!({ "secrets": {} }))
        .await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    let form = admin
        .post(
            "/kenh/them/facebook",
            &[("remote_id", "x<b>"), ("short", "Á"), ("secret.page_token", TOKEN)],
        )
        .await;
    assert_eq!(form.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(form.text().contains("value=\"x&lt;b&gt;\"") && !form.text().contains(TOKEN));
    assert_eq!(admin.get("/kenh/them/mastodon").await.status, StatusCode::NOT_FOUND);
    assert_eq!(world.store.all::<Account>(50).await.unwrap().len(), 4, "nothing was added");
    assert_eq!(*world.vault.asked.lock().unwrap(), 0);
    assert!(world.vault.kept.lock().unwrap().is_empty());
}

#[tokio::test]
async fn accounts_of_another_agency_are_not_there_and_their_names_are_taken() {
    let world = World::new().await;
    let stranger = Browser::of(&world, &world.people.stranger).await;
    world.vault.put("facebook:cong-tin", &[("page_token", "ours")]);
    let own = "facebook:cong-tin";
    assert_eq!(stranger.get(&format!("/kenh/{own}")).await.status, StatusCode::NOT_FOUND);
    assert_eq!(
        stranger.get(&format!("/api/v1/accounts/{own}")).await.status,
        StatusCode::NOT_FOUND
    );
    let secrets = json!({ "secrets": { "page_token": TOKEN } });
    for (path, body) in [("test", json!({})), ("credentials", secrets)] {
        let answer = stranger.json(&format!("/api/v1/accounts/{own}/{path}"), &body).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
    }
    assert_eq!(stranger.get("/api/v1/accounts").await.value()["items"], json!([]));
    // Their own try under this name must not lay a token over ours.
    let mut new = new(TOKEN);
    new["name"] = "cong-tin".into();
    assert_eq!(stranger.json("/api/v1/accounts", &new).await.status, StatusCode::CONFLICT);
    assert_eq!(world.vault.value(own, "page_token").as_deref(), Some("ours"));
    // Others of the agency see the account and are told who connects.
    let author = Browser::of(&world, &world.people.author).await;
    let page = author.get(&format!("/kenh/{own}")).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(!page.text().contains("name=\"secret."), "{}", page.text());
    assert_eq!(author.get("/kenh/them").await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn everybody_sees_how_an_account_does() {
    let world = World::new().await;
    let author = Browser::of(&world, &world.people.author).await;
    world.in_state("facebook:cong-tin", DeliveryState::Rejected).await;
    let next = world.in_state("facebook:cong-tin", DeliveryState::Scheduled).await;
    let told = author.get("/api/v1/accounts/facebook:cong-tin").await.value();
    assert_eq!(told["last_live"]["post"], json!(world.posts.published.id));
    assert_eq!(told["last_failure"]["state"], "rejected");
    assert_eq!(told["next_due"]["post"], json!(next.id));
    let reels = &told["quota_left"][0];
    assert_eq!((&reels["bucket"], &reels["limit"]), (&json!("reels"), &json!(30)));
    assert_eq!(reels["window"], json!({ "rolling_h": 24 }));
    let page = author.get("/kenh").await;
    for words in ["Đăng được gần nhất", "Lỗi gần nhất", "Bài kế tiếp", "Hạn mức còn lại", "Reels"]
    {
        assert!(page.text().contains(words), "{words}");
    }
    let empty = World::with(support::Pictures::smallest(), false).await;
    let page = Browser::of(&empty, &empty.people.author).await.get("/kenh").await;
    assert!(page.text().contains("nhờ quản trị viên") && !page.text().contains("/kenh/them"));
    let page = Browser::of(&empty, &empty.people.admin).await.get("/kenh").await;
    assert!(page.text().contains("href=\"/kenh/them\""));
}

#[tokio::test]
async fn credentials_that_end_are_told_in_time_and_wait_for_a_person() {
    let world = World::new().await;
    let admin = Browser::of(&world, &world.people.admin).await;
    let before = admin.get("/can-xu-ly").await;
    assert!(!before.text().contains("h-ending"));
    world.vault.put("facebook:cong-tin", &[("page_token", "x"), ("valid_until", "2026-11-27")]);
    world
        .vault
        .put("zalo:cong-tin", &[("access_token", "x"), ("rotated_at", "2026-08-20T00:00:00Z")]);
    world.vault.put("viber:cong-tin", &[("auth_token", "x")]);
    let listed = admin.get("/api/v1/accounts").await.value();
    let of = |name: &str| {
        let all = listed["items"].as_array().unwrap();
        all.iter().find(|one| one["name"] == name).unwrap()["credentials"].clone()
    };
    let page = of("facebook:cong-tin");
    assert_eq!((&page["urgency"], &page["days_left"]), (&json!("soon"), &json!(10)));
    assert_eq!(page["ends_at"], "2026-11-27T00:00:00Z");
    let oa = of("zalo:cong-tin");
    assert_eq!((&oa["urgency"], &oa["days_left"]), (&json!("urgent"), &json!(1)));
    assert_eq!(oa["renewed_at"], "2026-08-20T00:00:00Z");
    let bot = of("viber:cong-tin");
    assert_eq!((&bot["lasts"], &bot["ends_at"]), (&json!("ageless"), &Value::Null));
    assert_eq!(of("youtube:cong-tin")["kept"], false);
    // The count is taken anew though nothing was committed: credentials end by themselves.
    world.clock.set("2026-11-16T09:31:00Z");
    let after = admin.get("/can-xu-ly").await;
    let (_, section) = after.text().split_once("h-ending").expect("a section of its own");
    let (oa_at, page_at) =
        (section.find("/kenh/zalo:cong-tin"), section.find("/kenh/facebook:cong-tin"));
    assert!(oa_at.is_some() && oa_at < page_at, "the next one first");
    let count = |text: &str| {
        let (_, rest) = text.split_once("href=\"/can-xu-ly\"").unwrap();
        let (_, rest) = rest.split_once("class=\"count\">").unwrap();
        rest.split('<').next().unwrap().parse::<usize>().unwrap()
    };
    assert_eq!(count(after.text()), count(before.text()) + 2);
    // New credentials whose day nobody gave: the old day says nothing of them.
    let new = json!({ "secrets": { "page_token": "fresh" } });
    let done = admin.json("/api/v1/accounts/facebook:cong-tin/credentials", &new).await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.text());
    let told = admin.get("/api/v1/accounts/facebook:cong-tin").await.value();
    assert_eq!(told["credentials"]["ends_at"], Value::Null);
}

#[tokio::test]
async fn every_channel_says_what_it_asks_in_both_languages() {
    let world = World::new().await;
    for (channel, capability) in &world.capabilities {
        let connect = &capability.connect;
        let said = [&connect.how, &connect.remote_id]
            .into_iter()
            .chain(connect.fields.iter().map(|field| &field.label));
        for words in said {
            assert!(!words.vi.is_empty() && !words.en.is_empty(), "{channel} {words:?}");
        }
        for field in &connect.fields {
            assert_eq!(
                field.help.vi.is_empty(),
                field.help.en.is_empty(),
                "{channel} {}",
                field.name
            );
        }
        assert!(connect.kept_in(Kept::Secret).any(|field| field.required), "{channel}");
        let secrets: Vec<_> =
            connect.kept_in(Kept::Secret).map(|field| field.name.as_str()).collect();
        match &connect.lasts {
            Lasts::Until { day } => assert!(secrets.contains(&day.as_str()), "{channel}"),
            Lasts::Unknown => panic!("{channel} says nothing of its credentials"),
            Lasts::Ageless | Lasts::Renewed { .. } => {}
        }
        for quota in &capability.pace.quotas {
            for lang in ["vi", "en"] {
                let key = format!("account_quota.{}", quota.bucket);
                assert_ne!(support::assets().word(lang, &key), key, "{channel}");
            }
        }
    }
    let admin = Browser::of(&world, &world.people.admin).await;
    let told = admin.get("/api/v1/channels").await.value();
    assert_eq!(told["channels"].as_array().unwrap().len(), world.capabilities.len());
}
