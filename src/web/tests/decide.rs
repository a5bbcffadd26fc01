//! What people decide: every state says what it means and offers what this person can do, one press each.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use axum::http::StatusCode;
use jiff::SignedDuration;
use loa_delivery::{Act, IncidentKind, SetAside};
use loa_model::{AccountStatus, Clock as _, Delivery, DeliveryState as S, Post, User, Why};
use loa_store::{Changes, Store as _, StoreExt as _};
use support::{
    World,
    browser::{Answer, Browser},
    records,
};

/// The name of an act in forms.
fn name(act: Act) -> &'static str {
    match act {
        Act::ConfirmLive => "confirm_live",
        Act::ConfirmAbsent => "confirm_absent",
        Act::Hold => "hold",
        Act::Release => "release",
        Act::Cancel => "cancel",
        Act::Retry => "retry",
        Act::Retract => "retract",
        Act::Correct => "correct",
        Act::SetAside => "set_aside",
    }
}

/// Words as a page writes them.
fn html(words: &str) -> String {
    words.replace('\'', "&#x27;")
}

async fn press(
    browser: &Browser<'_>,
    post: &Post,
    delivery: &Delivery,
    act: &str,
    more: &[(&str, &str)],
) -> Answer {
    let id = delivery.id.to_string();
    let mut form = vec![("act", act), ("delivery", id.as_str())];
    form.extend(more);
    browser.post(&format!("/bai-dang/{}/quyet-dinh", post.id), &form).await
}

fn pressed(answer: &Answer, post: &Post) {
    let went = (answer.status, answer.header("location"));
    assert_eq!(went, (StatusCode::SEE_OTHER, format!("/bai-dang/{}", post.id).as_str()));
}

#[tokio::test]
async fn every_state_says_what_it_means_and_offers_what_this_person_can_do() {
    let world = World::new().await;
    let posts = world.every_state().await;
    let words = support::assets();
    let people: [&User; 2] = [&world.people.author, &world.people.approver];
    let mut offered = 0;
    for user in people {
        let mut browser = Browser::of(&world, user).await;
        for lang in ["vi", "en"] {
            browser.cookie = format!("loa=token-of-{}; lang={lang}", user.login);
            let list = browser.get("/bai-dang").await;
            for (state, post) in &posts {
                let d = world.delivery_of(post).await;
                let page = browser.get(&format!("/bai-dang/{}", post.id)).await;
                assert_eq!(page.status, StatusCode::OK, "{state:?}");
                let help = html(&words.word(lang, &format!("state_help.{}", state.name())));
                assert!(page.text().contains(&help), "{state:?} in {lang}: {help}");
                // What is live needs no sentence in a row.
                let told = list.text().contains(&help);
                assert_eq!(told, *state != S::Published, "{state:?} in {lang}: {help}");
                if let Some(why) = Why::of(&d.reason).0.filter(|_| *state != S::Missed) {
                    let said = html(&words.word(lang, &format!("why.{}", why.key())));
                    assert!(page.text().contains(&said), "{state:?} in {lang}: {said}");
                }
                // Corrections are made elsewhere; a retry is offered while the approval covers now.
                for act in Act::ALL.into_iter().filter(|act| *act != Act::Correct) {
                    let expired = act == Act::Retry && *state == S::Missed;
                    let open = act.is_open_to(user, &d) && !expired;
                    let button = format!("name=\"act\" value=\"{}\"", name(act));
                    assert_eq!(page.text().contains(&button), open, "{act:?} {state:?} {user:?}");
                    offered += usize::from(open);
                }
            }
        }
    }
    assert!(offered > 20, "{offered}");
}

#[tokio::test]
async fn words_of_a_platform_are_quoted_beside_ours() {
    let world = World::new().await;
    let post = world.in_state("facebook:cong-tin", S::Rejected).await;
    let approver = Browser::of(&world, &world.people.approver).await;
    let page = approver.get(&format!("/bai-dang/{}", post.id)).await;
    let said = "<q>(#100) Invalid parameter (platform code 100)</q>";
    assert!(page.text().contains(said), "{}", page.text());
}

#[tokio::test]
async fn an_unclear_outcome_shows_its_evidence_and_a_person_settles_it() {
    let world = World::new().await;
    let approver = Browser::of(&world, &world.people.approver).await;
    let post = world.in_state("facebook:cong-tin", S::Uncertain).await;
    let d = world.delivery_of(&post).await;
    let path = format!("/bai-dang/{}", post.id);
    let page = approver.get(&path).await;
    for seen in [
        "16:15 16&#x2f;11&#x2f;2026",
        "(lần thử 1&#x2f;5, bước đầu tiên)",
        &d.digest.to_string(),
        &post.content.link.url.replace('/', "&#x2f;"),
        "Đã tìm trên kênh lúc 16:29 16&#x2f;11&#x2f;2026: không thấy · tìm tiếp lúc 16:31 16&#x2f;11&#x2f;2026",
        "Kênh không trả lời trong thời gian cho phép.",
    ] {
        let slashed = seen.replace("&#x2f;", "/");
        let shown = page.text().contains(seen) || page.text().contains(&slashed);
        assert!(shown, "{seen}: {}", page.text());
    }
    let url = "https://www.facebook.com/1022/posts/77";
    let seen = [("url", url)];
    pressed(&press(&approver, &post, &d, "confirm_live", &seen).await, &post);
    let now = world.delivery_of(&post).await;
    let receipt = now.receipt.unwrap();
    assert_eq!((now.state, receipt.url.as_str()), (S::Published, url));
    let page = approver.get(&path).await;
    assert!(page.text().contains(&url.replace('/', "&#x2f;")), "the page leads there");
    assert!(receipt.remote_id.ends_with("_77"), "{receipt:?}: the id is the channel's own");
    assert!(page.text().contains("Đã lên kênh, có biên nhận"), "{}", page.text());

    let post = world.in_state("facebook:cong-tin", S::Uncertain).await;
    let d = world.delivery_of(&post).await;
    let answer = press(&approver, &post, &d, "confirm_absent", &[("reason", "không có")]).await;
    pressed(&answer, &post);
    let now = world.delivery_of(&post).await;
    assert_eq!((now.state, now.attempt), (S::Ready, 1));
    // An address that is no web address is not kept as a link.
    let post = world.in_state("viber:cong-tin", S::Uncertain).await;
    let d = world.delivery_of(&post).await;
    let page = approver.get(&format!("/bai-dang/{}", post.id)).await;
    assert!(page.text().contains("kênh này không cho máy tìm lại bài"), "a person must look");
    let bad = [("url", "javascript:alert(1)")];
    pressed(&press(&approver, &post, &d, "confirm_live", &bad).await, &post);
    assert_eq!(world.delivery_of(&post).await.receipt.unwrap().url, "");
    // Without an id it is a person's word, nothing is asked of the platform, and it is taken back by hand.
    let page = approver.get(&format!("/bai-dang/{}", post.id)).await;
    for said in ["chưa có biên nhận của kênh", "người phụ trách gỡ bằng tay"] {
        assert!(page.text().contains(said), "{said}: {}", page.text());
    }
    assert!(!page.text().contains("Đã lên kênh, có biên nhận"));
}

/// Settled without an address where the channel can be read: the search goes on, nobody is asked, and the numbers follow.
#[tokio::test]
async fn what_a_person_saw_is_searched_for_on_and_asks_nobody() {
    let world = World::new().await;
    let approver = Browser::of(&world, &world.people.approver).await;
    let post = world.in_state("facebook:cong-tin", S::Uncertain).await;
    let d = world.delivery_of(&post).await;
    let id = d.id.to_string();
    let form = [("act", "confirm_live"), ("delivery", id.as_str()), ("url", "")];
    let headers = [
        ("hx-request", "true"),
        ("sec-fetch-site", "same-origin"),
        ("hx-current-url", "https://loa.example/can-xu-ly"),
    ];
    let path = format!("/bai-dang/{}/quyet-dinh", post.id);
    let answer = approver.send("POST", &path, &headers, &form).await;
    assert_eq!(answer.status, StatusCode::OK);
    for said in [
        format!("<p class=\"card decided\" id=\"post-{}\"", post.id),
        "Người phụ trách đã thấy bài trên kênh".to_owned(),
        // The newsroom has an unclear post of its own.
        "<h2 id=\"g-uncertain\" hx-swap-oob=\"true\">Chưa rõ đã lên hay chưa <span class=\"count\">1<".to_owned(),
        "<h2 id=\"g-held\" hx-swap-oob=\"true\" hidden>".to_owned(),
        "<span id=\"attention\" class=\"count\" hx-swap-oob=\"true\"".to_owned(),
    ] {
        assert!(answer.text().contains(&said), "{said}: {}", answer.text());
    }
    let now = world.delivery_of(&post).await;
    assert_eq!((now.state, now.seen_live.is_some()), (S::Uncertain, true));
    let left = approver.get("/can-xu-ly").await;
    assert!(!left.text().contains(&format!("id=\"post-{}\"", post.id)), "nobody is asked");
    // Its page says who saw it, by name, and still takes an address.
    let page = approver.get(&format!("/bai-dang/{}", post.id)).await;
    let who = format!("{} cho biết bài đã lên.", world.people.approver.name);
    for said in [who.as_str(), "Người xác nhận: đã lên; máy tìm biên nhận", "confirm_live"]
    {
        assert!(page.text().contains(said), "{said}: {}", page.text());
    }
    assert!(!page.text().contains("says it is live"), "{}", page.text());
    let url = [("url", "https://m.facebook.com/1022/posts/78")];
    pressed(&press(&approver, &post, &now, "confirm_live", &url).await, &post);
    assert_eq!(world.delivery_of(&post).await.state, S::Published);
    // The address of one post is not taken for another.
    let other = world.in_state("facebook:cong-tin", S::Uncertain).await;
    let d = world.delivery_of(&other).await;
    let taken = press(&approver, &other, &d, "confirm_live", &url).await;
    assert_eq!(taken.status, StatusCode::CONFLICT);
    assert!(taken.text().contains("Địa chỉ này đã là của một bài đăng khác"), "{}", taken.text());
}

#[tokio::test]
async fn while_the_request_may_still_arrive_nobody_says_that_it_is_not_there() {
    let world = World::new().await;
    let approver = Browser::of(&world, &world.people.approver).await;
    let post = world.in_state("facebook:cong-tin", S::Uncertain).await;
    let row = world.store.read::<Delivery>(&world.delivery_of(&post).await.id.to_string()).await;
    let row = row.unwrap().unwrap();
    let mut d = row.record;
    d.intent.as_mut().unwrap().send_deadline = world.clock.now();
    let changes = Changes::by(records::by(), "arrange").update(&d, row.version);
    world.store.commit(changes).await.unwrap();
    let page = approver.get(&format!("/bai-dang/{}", post.id)).await;
    assert!(page.text().contains("value=\"confirm_absent\" disabled"), "{}", page.text());
    let early = press(&approver, &post, &d, "confirm_absent", &[("reason", "vội")]).await;
    assert_eq!(early.status, StatusCode::CONFLICT);
    assert!(early.text().contains("Hãy xem lại sau một phút"), "{}", early.text());
    assert_eq!(world.delivery_of(&post).await, d);
}

#[tokio::test]
async fn one_press_holds_releases_calls_off_and_takes_back() {
    let world = World::new().await;
    let approver = Browser::of(&world, &world.people.approver).await;
    let why = [("reason", "chờ số liệu mới")];
    for (from, act, to) in [
        (S::Scheduled, "hold", S::Held),
        (S::Ready, "hold", S::Held),
        (S::Held, "release", S::Ready),
        (S::Scheduled, "cancel", S::Cancelled),
        (S::Leased, "cancel", S::Cancelled),
        (S::Held, "cancel", S::Cancelled),
        (S::Intent, "cancel", S::Intent),
        (S::Uncertain, "cancel", S::Uncertain),
        (S::Published, "retract", S::Retracting),
    ] {
        let post = world.in_state("facebook:cong-tin", from).await;
        let d = world.delivery_of(&post).await;
        pressed(&press(&approver, &post, &d, act, &why).await, &post);
        let now = world.delivery_of(&post).await;
        assert_eq!((now.id, now.state), (d.id, to), "{act} {from:?}");
        assert_eq!(now.cancel_requested, matches!(from, S::Intent | S::Uncertain), "{from:?}");
        if act != "release" {
            assert_eq!(now.reason, "chờ số liệu mới", "{act} {from:?}");
        }
        let page = approver.get(&format!("/bai-dang/{}", post.id)).await;
        assert_eq!(page.text().contains("Đã có yêu cầu hủy"), now.cancel_requested, "{from:?}");
        let trail = world.store.tail(world.store.last_seq() - 1, 1).await.unwrap().remove(0);
        assert_eq!(trail.changes.actor, loa_model::Actor::User(world.people.approver.id));
    }
}

#[tokio::test]
async fn a_decision_without_a_reason_or_a_role_is_refused_in_words() {
    let world = World::new().await;
    let approver = Browser::of(&world, &world.people.approver).await;
    let author = Browser::of(&world, &world.people.author).await;
    let post = world.in_state("facebook:cong-tin", S::Published).await;
    let d = world.delivery_of(&post).await;
    let blank = press(&approver, &post, &d, "retract", &[("reason", "  ")]).await;
    assert_eq!(blank.status, StatusCode::CONFLICT);
    assert!(blank.text().contains("Hãy ghi lý do."), "{}", blank.text());
    let refused = press(&author, &post, &d, "retract", &[("reason", "sai")]).await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
    assert!(refused.text().contains("chưa được giao quyền"), "{}", refused.text());
    // With htmx the refusal stands in the card.
    let id = d.id.to_string();
    let form = [("act", "release"), ("delivery", id.as_str())];
    let headers = [("hx-request", "true"), ("sec-fetch-site", "same-origin")];
    let path = format!("/bai-dang/{}/quyet-dinh", post.id);
    let card = approver.send("POST", &path, &headers, &form).await;
    assert_eq!(card.status, StatusCode::CONFLICT);
    assert!(card.text().starts_with("<article class=\"card post\""), "{}", card.text());
    assert!(card.text().contains("role=\"alert\"") && card.text().contains("Hãy xem lại"));
    assert!(card.text().contains("class=\"shown\""), "in its frame");
    let listed = [&headers[..], &[("hx-current-url", "https://loa.example/can-xu-ly")]].concat();
    let card = approver.send("POST", &path, &listed, &form).await;
    assert!(!card.text().contains("class=\"shown\""), "as the list shows it");
    assert_eq!(world.delivery_of(&post).await, d);
}

#[tokio::test]
async fn what_is_over_is_tried_again_with_one_press_or_approved_anew() {
    let world = World::new().await;
    let approver = Browser::of(&world, &world.people.approver).await;
    for state in [S::Dead, S::Rejected, S::Cancelled] {
        let post = world.in_state("facebook:cong-tin", state).await;
        let old = world.delivery_of(&post).await;
        pressed(&press(&approver, &post, &old, "retry", &[]).await, &post);
        let new = world.delivery_of(&post).await;
        assert_eq!((new.state, new.retry_of, new.attempt), (S::Scheduled, Some(old.id), 0));
        let page = approver.get(&format!("/bai-dang/{}", post.id)).await;
        assert!(page.text().contains("Những lần đăng trước"), "{state:?}: the old one is shown");
        // Pressed twice, posted once.
        let twice = press(&approver, &post, &old, "retry", &[]).await;
        assert_eq!(twice.status, StatusCode::CONFLICT);
        assert!(twice.text().contains("đang được đăng lại"), "{}", twice.text());
    }
    let post = world.in_state("facebook:cong-tin", S::Missed).await;
    let old = world.delivery_of(&post).await;
    let late = press(&approver, &post, &old, "retry", &[]).await;
    assert_eq!(late.status, StatusCode::CONFLICT);
    assert!(late.text().contains("Hãy duyệt lại cho khung giờ mới"), "{}", late.text());
    // Whoever wrote it is told that somebody else must; an approver signs exactly what is on the screen.
    let author = Browser::of(&world, &world.people.author).await;
    let page = author.get(&format!("/bai-dang/{}", post.id)).await;
    assert!(page.text().contains("cần một người duyệt, không phải người soạn"));
    assert!(!page.text().contains("approve_again"));
    let page = approver.get(&format!("/bai-dang/{}", post.id)).await;
    assert!(page.text().contains("Phê duyệt lại và đăng"));
    let other = world.posts.draft.digest().to_string();
    let changed = press(&approver, &post, &old, "approve_again", &[("digest", &other)]).await;
    assert_eq!(changed.status, StatusCode::CONFLICT);
    let digest = post.digest().to_string();
    let by_author = press(&author, &post, &old, "approve_again", &[("digest", &digest)]).await;
    assert_eq!(by_author.status, StatusCode::CONFLICT);
    pressed(&press(&approver, &post, &old, "approve_again", &[("digest", &digest)]).await, &post);
    let new = world.delivery_of(&post).await;
    assert_eq!((new.state, new.retry_of, new.digest), (S::Scheduled, Some(old.id), post.digest()));
    assert!(new.not_after > world.clock.now() + SignedDuration::from_hours(20));
}

#[tokio::test]
async fn what_is_left_as_it_is_is_not_asked_about_again() {
    let world = World::new().await;
    let author = Browser::of(&world, &world.people.author).await;
    let asked = async |post: &Post| {
        let page = author.get("/can-xu-ly").await;
        page.text().contains(&format!("/bai-dang/{}/quyet-dinh", post.id))
    };
    for state in [S::Dead, S::Rejected, S::Missed, S::Gone] {
        let post = world.in_state("facebook:cong-tin", state).await;
        let d = world.delivery_of(&post).await;
        assert!(asked(&post).await, "{state:?}");
        let blank = press(&author, &post, &d, "set_aside", &[("reason", " ")]).await;
        assert_eq!(blank.status, StatusCode::CONFLICT, "{state:?}");
        pressed(&press(&author, &post, &d, "set_aside", &[("reason", "hết thời sự")]).await, &post);
        assert!(!asked(&post).await, "{state:?}");
        assert_eq!(world.delivery_of(&post).await, d, "{state:?} stays as it is");
        let left = world.store.read::<SetAside>(&d.id.to_string()).await.unwrap().unwrap().record;
        assert_eq!((left.by, left.reason.as_str()), (world.people.author.id, "hết thời sự"));
    }
    let live = world.in_state("facebook:cong-tin", S::Published).await;
    let d = world.delivery_of(&live).await;
    let refused = press(&author, &live, &d, "set_aside", &[("reason", "x")]).await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
}

#[tokio::test]
async fn everything_that_waits_for_a_person_is_on_one_page_and_counted_on_all() {
    let world = World::new().await;
    let posts = world.every_state().await;
    world.dead_letter("demo").await;
    world.dead_letter("khac").await;
    let incidents = world.incidents_about(&posts[&S::Published]).await.len();
    let approver = Browser::of(&world, &world.people.approver).await;
    let page = approver.get("/can-xu-ly").await;
    let mut listed = 0;
    for (state, post) in &posts {
        let here = page.text().contains(&format!("id=\"post-{}\"", post.id));
        let waits =
            [S::Uncertain, S::Held, S::Missed, S::Rejected, S::Dead, S::Gone].contains(state);
        assert_eq!(here, waits, "{state:?}");
        listed += usize::from(here);
    }
    // The newsroom has an unclear post and a dead letter of its own.
    let all = listed + 1 + incidents + 2;
    for path in ["/", "/duyet", "/bai-dang", "/can-xu-ly", "/bao-cao", "/kenh"] {
        let page = approver.get(path).await;
        let badge = format!("<span id=\"attention\" class=\"count\">{all}<span");
        assert!(page.text().contains(&badge), "{path}: {all}");
    }
    // One that was tried again is the newer delivery's business.
    let dead = &posts[&S::Dead];
    let old = world.delivery_of(dead).await;
    pressed(&press(&approver, dead, &old, "retry", &[]).await, dead);
    let page = approver.get("/can-xu-ly").await;
    assert!(!page.text().contains(&format!("id=\"post-{}\"", dead.id)));
    let empty = Browser::of(&world, &world.people.stranger).await;
    let page = empty.get("/can-xu-ly").await;
    assert!(!page.text().contains("id=\"post-"), "nothing of another agency");
}

#[tokio::test]
async fn where_a_channel_takes_nothing_back_the_page_says_what_happens() {
    let world = World::new().await;
    let approver = Browser::of(&world, &world.people.approver).await;
    for (account, by_hand) in [("facebook:cong-tin", false), ("viber:cong-tin", true)] {
        let post = world.in_state(account, S::Published).await;
        let page = approver.get(&format!("/bai-dang/{}", post.id)).await;
        let said = page.text().contains("người phụ trách gỡ bằng tay trên kênh");
        assert_eq!(said, by_hand, "{account}");
    }
}

#[tokio::test]
async fn posts_of_another_agency_or_of_another_post_are_not_found() {
    let world = World::new().await;
    let stranger = Browser::of(&world, &world.people.stranger).await;
    let approver = Browser::of(&world, &world.people.approver).await;
    let post = world.in_state("facebook:cong-tin", S::Uncertain).await;
    let d = world.delivery_of(&post).await;
    let page = stranger.get(&format!("/bai-dang/{}", post.id)).await;
    assert_eq!(page.status, StatusCode::NOT_FOUND);
    let digest = post.digest().to_string();
    let form = [("reason", "x"), ("digest", digest.as_str())];
    for act in Act::ALL.map(name).into_iter().chain(["approve_again", "anything"]) {
        let answer = press(&stranger, &post, &d, act, &form).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{act}");
        // The delivery of one post under the address of another.
        let crossed = press(&approver, &world.posts.draft, &d, act, &form).await;
        assert!(
            matches!(crossed.status, StatusCode::NOT_FOUND | StatusCode::CONFLICT),
            "{act}: {}",
            crossed.status
        );
    }
    assert_eq!(world.delivery_of(&post).await, d);
    let nonsense = press(&approver, &post, &d, "anything", &[]).await;
    assert_eq!(nonsense.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn other_sites_cannot_decide() {
    let world = World::new().await;
    let approver = Browser::of(&world, &world.people.approver).await;
    let post = world.in_state("facebook:cong-tin", S::Published).await;
    let id = world.delivery_of(&post).await.id.to_string();
    let form = [("act", "retract"), ("delivery", id.as_str()), ("reason", "x")];
    let foreign = [("sec-fetch-site", "cross-site")];
    let paths = [
        format!("/bai-dang/{}/quyet-dinh", post.id),
        "/kenh/tam-dung".to_owned(),
        "/kenh/chay-lai".to_owned(),
        "/su-co/x/dong".to_owned(),
        format!("/viec/{}/thu-lai", world.job),
    ];
    for path in paths {
        let answer = approver.send("POST", &path, &foreign, &form).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path}");
    }
    assert_eq!(world.delivery_of(&post).await.state, S::Published);
}

#[tokio::test]
async fn incidents_say_what_to_do_and_are_closed_by_name() {
    let world = World::new().await;
    let post = world.in_state("facebook:cong-tin", S::Published).await;
    let all = world.incidents_about(&post).await;
    let mut approver = Browser::of(&world, &world.people.approver).await;
    let stranger = Browser::of(&world, &world.people.stranger).await;
    for lang in ["vi", "en"] {
        approver.cookie = format!("loa=token-of-duyet; lang={lang}");
        let page = approver.get("/can-xu-ly").await;
        for kind in IncidentKind::ALL {
            let what = html(kind.say(lang));
            assert!(page.text().contains(&what), "{kind:?} in {lang}");
        }
        assert!(page.text().contains(&format!("href=\"/bai-dang/{}\"", post.id)));
        assert!(page.text().contains("1022_9001"));
    }
    approver.cookie = "loa=token-of-duyet".into();
    let path = format!("/su-co/{}/dong", all[0].id);
    assert_eq!(stranger.post(&path, &[]).await.status, StatusCode::NOT_FOUND);
    assert!(!stranger.get("/can-xu-ly").await.text().contains("1022_9001"));
    assert_eq!(approver.post("/su-co/khong-co/dong", &[]).await.status, StatusCode::NOT_FOUND);
    let answer = approver.post(&path, &[]).await;
    assert_eq!((answer.status, answer.header("location")), (StatusCode::SEE_OTHER, "/can-xu-ly"));
    let page = approver.get("/can-xu-ly").await;
    assert!(!page.text().contains(&format!("action=\"{path}\"")));
    assert!(page.text().contains("· Trần Đình Hộ</span>"), "{}", page.text());
    assert_eq!(world.desk.open_incidents("demo", 99).await.unwrap().len(), all.len() - 1);
}

#[tokio::test]
async fn what_is_stopped_is_told_on_every_page_with_who_when_and_why() {
    let world = World::new().await;
    let approver = Browser::of(&world, &world.people.approver).await;
    let author = Browser::of(&world, &world.people.author).await;
    let pages = ["/", "/duyet", "/bai-dang", "/bao-cao", "/can-xu-ly", "/kenh"];
    for path in pages {
        assert!(!author.get(path).await.text().contains("Đang dừng đăng"), "{path}");
    }
    for (scope, told) in [
        ("all", "Toàn bộ hệ thống"),
        ("agency/demo", "Cơ quan: demo"),
        ("channel/zalo", "Kênh: Zalo OA"),
        ("facebook:cong-tin", "Tài khoản: Cổng Thông tin Minh Họa (Facebook)"),
    ] {
        let form = [("scope", scope), ("reason", "bão số 5 <b>")];
        let refused = author.post("/kenh/tam-dung", &form).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{scope}");
        assert!(!author.get("/kenh").await.text().contains("action=\"/kenh/tam-dung\""));
        let blank = approver.post("/kenh/tam-dung", &[("scope", scope), ("reason", "")]).await;
        assert_eq!(blank.status, StatusCode::CONFLICT, "{scope}");
        let answer = approver.post("/kenh/tam-dung", &form).await;
        assert_eq!(answer.header("location"), "/kenh", "{scope}: {}", answer.text());
        for path in pages {
            let page = author.get(path).await;
            for word in [told, "bão số 5 &lt;b&gt;", "Trần Đình Hộ", "16:30 16"] {
                assert!(page.text().contains(word), "{scope} on {path}: {word}");
            }
        }
        let answer = approver.post("/kenh/chay-lai", &[("scope", scope)]).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{scope}");
        assert!(!author.get("/").await.text().contains("Đang dừng đăng"), "{scope}");
    }
    let typo = approver.post("/kenh/tam-dung", &[("scope", "channel/zlo"), ("reason", "x")]).await;
    assert_eq!(typo.status, StatusCode::CONFLICT);
    let stranger = Browser::of(&world, &world.people.stranger).await;
    let theirs = [("scope", "facebook:cong-tin"), ("reason", "x")];
    let answer = stranger.post("/kenh/tam-dung", &theirs).await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    let ours = [("scope", "agency/demo"), ("reason", "x")];
    assert_eq!(stranger.post("/kenh/tam-dung", &ours).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_stop_is_thrown_and_lifted_from_every_page_and_accounts_show_it() {
    let world = World::new().await;
    let approver = Browser::of(&world, &world.people.approver).await;
    let author = Browser::of(&world, &world.people.author).await;
    let halt = "href=\"/kenh/dung\"";
    assert!(approver.get("/bai-dang").await.text().contains(halt));
    assert!(!author.get("/bai-dang").await.text().contains(halt));
    assert_eq!(author.get("/kenh/dung").await.status, StatusCode::FORBIDDEN);
    let sure = approver.get("/kenh/dung").await.text().replace("&#x2f;", "/");
    assert!(sure.contains("value=\"agency/demo\"") && sure.contains("Hiện không có bài"), "{sure}");
    world.in_state("zalo:cong-tin", S::Scheduled).await;
    world.in_state("facebook:cong-tin", S::Ready).await;
    assert!(approver.get("/kenh/dung").await.text().contains("<strong>2</strong>"));
    let form = [("scope", "agency/demo"), ("reason", "sai số liệu")];
    approver.post("/kenh/tam-dung", &form).await;
    let page = author.get("/kenh").await;
    assert!(!page.text().contains("đang hoạt động"), "{}", page.text());
    assert!(page.text().contains("đang dừng (cơ quan)") && page.text().contains("đang giữ 2 bài"));
    assert!(!author.get("/bai-dang").await.text().contains("action=\"/kenh/chay-lai\""));
    assert!(approver.get("/bai-dang").await.text().contains("action=\"/kenh/chay-lai\""));
    let from =
        [("referer", "https://loa.example/bai-dang?trang=2"), ("sec-fetch-site", "same-origin")];
    let scope = [("scope", "agency/demo")];
    let lifted = approver.send("POST", "/kenh/chay-lai", &from, &scope).await;
    assert_eq!(lifted.header("location"), "/bai-dang?trang=2");
    assert!(author.get("/kenh").await.text().contains("đang hoạt động"));
}

#[tokio::test]
async fn an_account_without_credentials_says_how_it_is_connected_again() {
    let world = World::new().await;
    world.refuse_credentials("zalo:cong-tin").await;
    let approver = Browser::of(&world, &world.people.approver).await;
    let page = approver.get("/kenh").await;
    assert!(page.text().contains("Tài khoản cần được kết nối lại"), "{}", page.text());
    assert!(page.text().contains("(#190) Error validating access token"));
    // A post of it waits, rightly, and says why.
    let post = world.in_state("zalo:cong-tin", S::Ready).await;
    let page = approver.get(&format!("/bai-dang/{}", post.id)).await;
    assert!(page.text().contains("Đang chờ:</span> Tài khoản cần được kết nối lại."));
    approver.post("/kenh/chay-lai", &[("scope", "zalo:cong-tin")]).await;
    let account = world.store.read::<loa_model::Account>("zalo:cong-tin").await.unwrap();
    assert_eq!(account.unwrap().record.status, AccountStatus::Active);
}
