//! Other words for a live post: written, signed by a second person, sent to the live post, never posted anew.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use axum::http::StatusCode;
use loa_delivery::Correction;
use loa_model::{Actor, Clock as _, Delivery, DeliveryState as S, Post, PostState, record::join};
use loa_store::{Changes, Store as _, StoreExt as _};
use serde_json::json;
use support::{World, browser::Browser};

async fn stored(world: &World, id: &str) -> Post {
    world.store.read::<Post>(id).await.unwrap().unwrap().record
}

#[tokio::test]
async fn a_live_post_gets_other_words_once_a_second_person_signed_them() {
    let world = World::new().await;
    let approver = Browser::of(&world, &world.people.approver).await;
    let author = Browser::of(&world, &world.people.author).await;
    let stranger = Browser::of(&world, &world.people.stranger).await;
    let live = world.in_state("facebook:cong-tin", S::Published).await;
    let path = format!("/bai-dang/{}/dinh-chinh", live.id);
    assert!(author.get(&format!("/bai-dang/{}", live.id)).await.text().contains(&path));
    let words = live.content.text.replace("Hỗ trợ", "Đính chính: hỗ trợ <b>");
    let form = [("text", words.as_str()), ("reason", "sai số ở câu đầu")];
    assert_eq!(stranger.post(&path, &form).await.status, StatusCode::NOT_FOUND);
    let blank = author.post(&path, &[form[0], ("reason", " ")]).await;
    assert_eq!(blank.status, StatusCode::CONFLICT);
    assert!(blank.text().contains("Đính chính: hỗ trợ &lt;b&gt;"), "what was written stays");
    let made = author.post(&path, &form).await;
    let to = made.header("location").to_owned();
    assert_eq!(made.status, StatusCode::SEE_OTHER, "{}", made.text());
    let id = to.strip_prefix("/bai-dang/").unwrap();
    let draft = stored(&world, id).await;
    assert_eq!((draft.state, draft.account.as_str()), (PostState::Draft, live.account.as_str()));
    assert_eq!(draft.content.media, live.content.media);
    let page = author.get(&to).await;
    assert!(
        page.text().contains("Đây là bản đính chính") && page.text().contains("sai số ở câu đầu")
    );
    let sent = author.post(&format!("{to}/gui-duyet"), &[]).await;
    assert_eq!(sent.status, StatusCode::SEE_OTHER, "{}", sent.text());
    // The approver sees word by word what is corrected, and signs it.
    let queue = approver.get(&format!("/duyet?bai={id}")).await;
    assert!(queue.text().contains("<ins>"), "{}", queue.text());
    for said in ["Phê duyệt là thay lời", "<q>sai số ở câu đầu</q>", "Phê duyệt đính chính"]
    {
        assert!(queue.text().contains(said), "{said}: {}", queue.text());
    }
    let of_queue = approver.get("/api/v1/approvals").await.value();
    assert_eq!(of_queue["items"][0]["correction"], json!(true), "{of_queue}");
    let digest = draft.digest().to_string();
    let signed = approver.post(&format!("{to}/duyet"), &[("digest", &digest)]).await;
    assert_eq!(signed.status, StatusCode::SEE_OTHER, "{}", signed.text());
    let d = world.delivery_of(&live).await;
    assert_eq!(d.state, S::Correcting);
    let order = world.store.read::<Correction>(&d.id.to_string()).await.unwrap().unwrap().record;
    assert_eq!((order.post, order.by), (draft.id, world.people.approver.id));
    assert_eq!(order.reason, "sai số ở câu đầu");
    let own = join(&[id, ""]);
    let none = world.store.list::<Delivery>("delivery_by_post", &own, 9).await.unwrap();
    assert!(none.is_empty(), "it is not posted a second time");
    let told = author.get(&format!("/api/v1/posts/{}/timeline", live.id)).await.value();
    let steps = told["steps"].as_array().unwrap();
    let of = |kind: &str| steps.iter().find(|step| step["kind"] == kind).unwrap();
    assert_eq!(
        (&of("correcting")["post"], &of("correction_drafted")["post"]),
        (&json!(id), &json!(id))
    );
    assert!(!author.get(&format!("/bai-dang/{}", live.id)).await.text().contains("timeline."));
    assert!(!approver.get(&to).await.text().contains("gui-dinh-chinh"), "it is on its way");
    // Once the live post took it, its page shows the new words, and the old ones behind them.
    let stale = world.store.read::<Correction>(&d.id.to_string()).await.unwrap().unwrap();
    let done = Correction { done_at: Some(world.clock.now()), ..stale.record };
    let row = world.store.read::<Delivery>(&d.id.to_string()).await.unwrap().unwrap();
    let now = Delivery { state: S::Published, ..row.record };
    let changes = Changes::by(Actor::Operator("test".into()), "fill");
    let changes = changes.update(&done, stale.version).update(&now, row.version);
    world.store.commit(changes).await.unwrap();
    let page = author.get(&format!("/bai-dang/{}", live.id)).await;
    for said in ["đã đính chính lúc", "Đính chính: hỗ trợ &lt;b&gt;", &digest, "Bản trước"]
    {
        assert!(page.text().contains(said), "{said}: {}", page.text());
    }
    let own = approver.get(&to).await;
    assert!(own.text().contains("đã áp dụng") && !own.text().contains("gui-dinh-chinh"));
    // What is corrected next begins with what the audience sees.
    assert!(author.get(&path).await.text().contains("Đính chính: hỗ trợ &lt;b&gt;"));
}

#[tokio::test]
async fn what_the_live_post_cannot_take_now_is_said_and_sent_later() {
    let world = World::new().await;
    let approver = Browser::of(&world, &world.people.approver).await;
    let author = Browser::of(&world, &world.people.author).await;
    let live = world.in_state("facebook:cong-tin", S::Published).await;
    let api = |id: &str, act: &str| format!("/api/v1/posts/{id}/{act}");
    let text = format!("Bản mới {}", live.content.link.url);
    let ask = json!({ "text": text, "reason": "sai tên xã" });
    let wrong = json!({ "text": text, "reason": "x", "paragraphs": ["thừa"] });
    let live_id = live.id.to_string();
    let answer = author.json(&api(&live_id, "correct"), &wrong).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    let made = author.json(&api(&live_id, "correct"), &ask).await.value();
    let second = author.json(&api(&live_id, "correct"), &ask).await.value();
    assert_eq!((&made["corrects"], &made["state"]), (&json!(live.id), &json!("draft")));
    for draft in [&made, &second] {
        let id = draft["id"].as_str().unwrap();
        author.post(&format!("/bai-dang/{id}/gui-duyet"), &[]).await;
    }
    let sign = async |draft: &serde_json::Value| {
        let path = api(draft["id"].as_str().unwrap(), "approve");
        approver.json(&path, &json!({ "digest": draft["digest"] })).await
    };
    assert_eq!(sign(&made).await.status, StatusCode::OK);
    // One is on its way: the other is signed, and waits for a person to send it.
    let busy = sign(&second).await;
    assert_eq!(busy.status, StatusCode::CONFLICT, "{}", busy.text());
    assert!(busy.text().contains("chưa gửi được"), "{}", busy.text());
    let id = second["id"].as_str().unwrap();
    assert_eq!(stored(&world, id).await.state, PostState::Approved);
    let page = approver.get(&format!("/bai-dang/{id}")).await;
    let send = format!("/bai-dang/{id}/gui-dinh-chinh");
    assert!(page.text().contains(&send), "{}", page.text());
    assert_eq!(approver.post(&send, &[]).await.status, StatusCode::CONFLICT);
    assert_eq!(author.post(&send, &[]).await.status, StatusCode::FORBIDDEN);
    // Nothing that is no correction is sent so, and what a channel cannot change is not offered.
    let other = format!("/bai-dang/{live_id}/gui-dinh-chinh");
    assert_eq!(approver.post(&other, &[]).await.status, StatusCode::NOT_FOUND);
    let viber = world.in_state("viber:cong-tin", S::Published).await;
    let page = author.get(&format!("/bai-dang/{}", viber.id)).await;
    assert!(!page.text().contains("dinh-chinh"));
    assert!(page.text().contains("Kênh này không cho sửa bài đã đăng."), "it says why");
}
