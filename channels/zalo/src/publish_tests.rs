use loa_channel::{Channel as _, Lookup};
use serde_json::json;

use loa_net::Limits;

use super::*;
use crate::{
    Config, Zalo,
    scripted::{drive, start},
    testing::{Server, World, run, secret},
};

#[test]
fn an_article_is_created_hidden_then_shown_then_seen() {
    run(async {
        let mut world = World::new();
        let (_, server, zalo) = start(&world).await;
        let (receipt, steps) = drive(&zalo, &mut world, None).await;
        assert_eq!(
            steps,
            ["verify_create", "verify_create", "show", "verify_show", "verify_show", "confirm"]
        );
        assert_eq!(receipt.remote_id, "4402c73f7e7a9724ce00");
        assert_eq!(receipt.url, "https://post.oa.zalo.me/d?id=x");
        let created = server.last("/v2.0/article/create").json();
        assert_eq!(
            (created["status"].as_str(), created["comment"].as_str()),
            (Some("hide"), Some("show"))
        );
        assert_eq!(created["tracking_link"], "https://portal.example/l/k7f3q");
        assert_eq!(created["cover"]["cover_type"], "photo");
        assert_eq!(
            created["body"][0]["content"],
            "Từ 1/12, mức hỗ trợ &lt; 3 triệu &amp; không quá hai lần"
        );
        assert_eq!(
            created["body"][2]["content"],
            "<a href=\"https://portal.example/l/k7f3q\">https://portal.example/l/k7f3q</a>"
        );
        let shown = server.last("/v2.0/article/update").json();
        assert_eq!(
            (shown["status"].as_str(), shown["id"].as_str()),
            (Some("show"), Some("4402c73f7e7a9724ce00"))
        );
        assert_eq!(shown["body"], created["body"]);
    });
}

#[test]
fn a_lost_answer_at_any_effect_leaves_one_article() {
    for lost in ["create", "update"] {
        run(async {
            let mut world = World::new();
            let (platform, server, zalo) = start(&world).await;
            platform.lock().unwrap().lose = Some(lost);
            let (receipt, steps) = drive(&zalo, &mut world, None).await;
            assert!(steps.contains(&"lost".to_owned()), "{steps:?}");
            let articles = platform.lock().unwrap().articles.clone();
            assert_eq!(articles.len(), 1, "{lost}");
            assert_eq!(articles[0]["status"], "show");
            assert_eq!(receipt.remote_id, articles[0]["id"].as_str().unwrap());
            let creates = server.paths().iter().filter(|p| p.ends_with("/create")).count();
            assert_eq!(creates, 1, "{lost}");
        });
    }
}

#[test]
fn a_repeated_create_waits_for_a_lagging_list_before_it_creates_again() {
    run(async {
        let mut world = World::new();
        let (_, server, zalo) = start(&world).await;
        world.later(20);
        let progress = zalo.advance(&world.cx(), world.to(), world.post(), None).await.unwrap();
        let Progress::Again { ticket, wait } = progress else { panic!("not live yet") };
        assert_eq!((ticket.step.as_str(), wait.as_secs()), ("create", 40));
        assert!(!server.paths().iter().any(|path| path.ends_with("/create")));
        world.later(40);
        let (_, steps) = drive(&zalo, &mut world, Some(ticket)).await;
        assert_eq!(steps[0], "verify_create");
    });
}

#[test]
fn two_orphans_become_one_and_another_systems_article_is_left_alone() {
    run(async {
        let mut world = World::new();
        let (platform, _, zalo) = start(&world).await;
        let orphan = |id: &str, link: &str, created: i64| {
            json!({"id": id, "title": world.content.title, "status": "hide",
                "tracking_link": link, "create_date": created.to_string()})
        };
        let now = world.clock.0.as_millisecond();
        platform.lock().unwrap().articles = vec![
            orphan("old", "https://portal.example/l/k7f3q", now - 3_600_000),
            orphan("first", "https://portal.example/l/k7f3q", now - 30_000),
            orphan("other", "https://other.example/x", now - 20_000),
            orphan("second", "https://portal.example/l/k7f3q", now - 10_000),
        ];
        let (receipt, steps) = drive(&zalo, &mut world, None).await;
        assert_eq!(receipt.remote_id, "first");
        assert_eq!(steps[..2], ["create", "show"]);
        let left: Vec<_> =
            platform.lock().unwrap().articles.iter().map(|a| a["id"].clone()).collect();
        assert_eq!(left, ["old", "first", "other"]);
    });
}

#[test]
fn pictures_that_cannot_be_fetched_are_tried_again_twice_then_a_person_looks() {
    run(async {
        let mut world = World::new();
        let (platform, server, zalo) = start(&world).await;
        let failed = json!({"error": -200, "message": "Upload media failed"}).to_string();
        let mut at = None;
        let mut waits = Vec::new();
        let error = loop {
            match zalo.advance(&world.cx(), world.to(), world.post(), at.clone()).await {
                Ok(Progress::Again { ticket, wait }) => {
                    waits.push((ticket.step.clone(), wait.as_secs()));
                    // A failed verify means that no article exists.
                    let mut platform = platform.lock().unwrap();
                    platform.articles.clear();
                    platform.verify = vec![failed.clone()];
                    world.later(i64::try_from(wait.as_secs()).unwrap());
                    at = Some(ticket);
                }
                Ok(Progress::Live(_)) => panic!("nothing was made"),
                Err(error) => break error,
            }
        };
        assert_eq!((error.kind, error.advice), (ErrorKind::Media, RetryAdvice::Never));
        assert_eq!(waits.iter().filter(|(step, wait)| step == "create" && *wait == 600).count(), 2);
        assert_eq!(server.paths().iter().filter(|p| p.ends_with("/create")).count(), 3);
    });
}

#[test]
fn find_returns_what_is_shown_and_nothing_else() {
    run(async {
        let mut world = World::new();
        let (platform, _, zalo) = start(&world).await;
        let (receipt, _) = drive(&zalo, &mut world, None).await;
        let found = async |ticket: Option<&Ticket>| {
            let what =
                Lookup { marker: "k7f3q", content: &world.content, ticket, since: world.since };
            let found = zalo.find(&world.cx(), world.to(), what).await.unwrap();
            found.into_iter().map(|receipt| receipt.remote_id).collect::<Vec<_>>()
        };
        let Progress::Again { ticket, .. } =
            Step::Confirm { id: receipt.remote_id.clone(), polls: 0, video: None }.next()
        else {
            unreachable!()
        };
        let one = std::slice::from_ref(&receipt.remote_id);
        assert_eq!(found(None).await, one);
        assert_eq!(found(Some(&ticket)).await, one);
        platform.lock().unwrap().articles[0]["status"] = json!("hide");
        assert!(found(None).await.is_empty() && found(Some(&ticket)).await.is_empty());
    });
}

#[test]
fn the_same_title_is_refused_when_the_settings_say_so() {
    run(async {
        let world = World::new();
        let (platform, server, _) = start(&world).await;
        platform.lock().unwrap().articles =
            vec![json!({"id": "theirs", "title": world.content.title,
            "status": "show", "tracking_link": "", "create_date": 1})];
        let config =
            Config { api_base: server.base.clone(), refuse_same_title: true, ..Config::default() };
        let zalo = Zalo::new(config, Limits::default()).unwrap();
        let error = zalo.advance(&world.cx(), world.to(), world.post(), None).await.unwrap_err();
        assert_eq!(
            (error.advice, error.platform_code.as_str()),
            (RetryAdvice::Never, "same_title")
        );
        assert!(!server.paths().iter().any(|path| path.ends_with("/create")));
    });
}

#[test]
fn an_over_limit_post_makes_no_request() {
    run(async {
        let mut world = World::new();
        let (_, server, zalo) = start(&world).await;
        world.content.title = "ẫ".repeat(141);
        let error = zalo.advance(&world.cx(), world.to(), world.post(), None).await.unwrap_err();
        assert_eq!((error.kind, error.advice), (ErrorKind::Content, RetryAdvice::Never));
        assert!(server.paths().is_empty());
    });
}

#[test]
fn retract_and_amend_and_measure() {
    run(async {
        let mut world = World::new();
        let (platform, server, zalo) = start(&world).await;
        let (receipt, _) = drive(&zalo, &mut world, None).await;
        world.content.title = "Đính chính: nghị quyết mới về đường bộ".into();
        let amend = async || zalo.amend(&world.cx(), world.to(), &receipt, world.post()).await;
        let mut looks = 0;
        while let Err(error) = amend().await {
            assert!(matches!(error.advice, RetryAdvice::Later { .. }), "{error:?}");
            looks += 1;
            assert!(looks < 10, "{error:?}");
        }
        assert!(looks > 0, "it is worked off later");
        assert_eq!(server.count("/v2.0/article/update"), 2, "shown once, changed once");
        let amended = server.last("/v2.0/article/update").json();
        assert_eq!(amended["title"], "Đính chính: nghị quyết mới về đường bộ");
        assert_eq!(amended["status"], "show");

        platform.lock().unwrap().articles[0]["total_view"] = json!("1204");
        let gone = Receipt { remote_id: "gone".into(), ..receipt.clone() };
        let measured =
            zalo.measure(&world.cx(), world.to(), &[receipt.clone(), gone.clone()]).await.unwrap();
        assert_eq!(measured[0].values.len(), 1, "a share count that was not given is absent");
        assert_eq!((measured[0].values[0].value, measured[0].alive), (1204, Some(true)));
        assert_eq!(measured[0].values[0].definition, "zalo total_view");
        assert_eq!((measured[1].alive, measured[1].values.len()), (Some(false), 0));

        zalo.retract(&world.cx(), world.to(), &receipt).await.unwrap();
        zalo.retract(&world.cx(), world.to(), &gone).await.unwrap();
        assert!(platform.lock().unwrap().articles.is_empty());
    });
}

#[test]
fn tokens_are_renewed_when_old_or_refused_and_kept_when_young() {
    run(async {
        let mut world = World::new();
        let server = Server::start(|seen| {
            Some(match seen.path() {
                "/v4/oa/access_token" => {
                    assert_eq!(seen.headers["secret_key"], "APPSECRETsandbox");
                    let form = String::from_utf8(seen.body.clone()).unwrap();
                    assert_eq!(form, "refresh_token=REFRESHsandbox&app_id=360846&grant_type=refresh_token");
                    (200, r#"{"access_token":"A2secret","refresh_token":"R2secret","expires_in":"90000"}"#.into())
                }
                _ => (200, r#"{"error":-216,"message":"Access token ACCESSTOKENsandbox is invalid"}"#.into()),
            })
        })
        .await;
        let oauth_base = server.base.join("v4/oa").unwrap();
        let zalo = Zalo::new(
            Config { api_base: server.base.clone(), oauth_base, ..Config::default() },
            Limits::default(),
        )
        .unwrap();
        assert!(!zalo.ages(world.to(), world.cx().clock.now()), "two hours old");
        assert!(zalo.refresh(&world.cx(), world.to()).await.unwrap().is_none(), "two hours old");

        let error = zalo.health(&world.cx(), world.to()).await.unwrap_err();
        assert_eq!(error.advice, RetryAdvice::Reauthorize);
        assert!(!error.to_string().contains("ACCESSTOKEN"), "{error}");
        assert!(zalo.ages(world.to(), world.cx().clock.now()), "refused");
        let new =
            zalo.refresh(&world.cx(), world.to()).await.unwrap().expect("refused, so renewed");
        assert_eq!(
            (new.get("access_token"), new.get("refresh_token")),
            (Some("A2secret"), Some("R2secret"))
        );
        assert_eq!(new.get("expires_at"), Some("2026-11-23T03:00:00Z"));
        let shown = format!("{new:?}{zalo:?}");
        assert!(!shown.contains("A2secret") && !shown.contains("R2secret"));

        let other = Zalo::new(
            Config {
                api_base: server.base.clone(),
                oauth_base: server.base.join("v4/oa").unwrap(),
                ..Config::default()
            },
            Limits::default(),
        )
        .unwrap();
        world.later(18 * 3600);
        assert!(other.ages(world.to(), world.cx().clock.now()), "twenty hours old");
        assert!(
            other.refresh(&world.cx(), world.to()).await.unwrap().is_some(),
            "twenty hours old"
        );
        world.secret = secret(&[("access_token", "x")]);
        let error = other.refresh(&world.cx(), world.to()).await.unwrap_err();
        assert_eq!(error.advice, RetryAdvice::Reauthorize, "no refresh token");
    });
}

#[test]
fn the_frame_shows_words_pictures_and_link_escaped() {
    let world = World::new();
    let mut env = minijinja::Environment::new();
    env.add_template("frame.html", crate::FRAME).unwrap();
    let html = env
        .get_template("frame.html")
        .unwrap()
        .render(minijinja::value::Serde(json!({
            "account": world.account, "content": world.content,
            "media_urls": ["/blob/cover.jpg", "/blob/photo.jpg"],
        })))
        .unwrap();
    for wanted in [
        "Cổng thông tin mẫu",
        "những điểm cần biết",
        "mức hỗ trợ &lt; 3 triệu &amp; không",
        "cover.jpg",
        "photo.jpg",
        "k7f3q",
    ] {
        assert!(html.contains(wanted), "{wanted} is missing in\n{html}");
    }
}
