//! From an approved post to the audience of every channel: the delivery worker, the real adapters and the stand-in platforms
//! in one process and on one clock. What counts is what the platform says its audience saw.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod platforms;

use jiff::SignedDuration;
use loa_channel::{RetryAdvice, conformance::Bench as _};
use loa_model::{
    AccountStatus, Clock as _, DeliveryState as State, PostFormat, Receipt, capability::ReadBack,
};
use loa_sandbox::{Fault, FaultRule, TokenAction, traffic::SeenRequest};
use platforms::{WAIT_MS, Which, newsroom::Newsroom, start};

/// The post is published: one receipt, one live post, made of the bytes we sent.
async fn is_live_once(room: &Newsroom, told: &str) {
    let d = room.delivery().await;
    assert_eq!(d.state, State::Published, "{told}: {}", d.reason);
    let receipt = d.receipt.expect("a published delivery has a receipt");
    let count = room.count().await;
    assert_eq!((count.live, count.hidden), (1, 0), "{told}: {count:?}");
    let shown = room.site.shown(&room.content).await;
    assert_eq!(shown.len(), 1, "{told}");
    assert!(receipt.remote_id.is_empty() || receipt.remote_id == shown[0].remote_id, "{told}");
    assert!(receipt.url.starts_with("http"), "{told}: {receipt:?}");
}

/// Every file of the post is on the platform, byte for byte. A platform that fetches does so after its answer.
async fn shows_our_bytes(room: &Newsroom) {
    let wanted: Vec<_> = room.content.media.iter().map(|file| file.blob.to_string()).collect();
    for _ in 0..200 {
        let live = room.site.live(&room.content.link.code).await;
        let there: Vec<_> =
            live.iter().flat_map(|post| &post.media).map(|file| file.sha256.clone()).collect();
        if wanted.iter().all(|hash| there.contains(hash)) {
            return;
        }
    }
    panic!("files are missing on the platform");
}

async fn goes_out_once(which: Which, format: PostFormat) {
    let room = Newsroom::open(which, format).await;
    room.until(State::Published).await;
    is_live_once(&room, "no fault").await;
    shows_our_bytes(&room).await;
    assert_eq!(room.count().await.creates, 1);
    assert_eq!(room.delivery().await.attempt, 1);
}

/// The rule that befalls exactly this request of an earlier, undisturbed run.
fn drop_after(name: &str, seen: &SeenRequest) -> FaultRule {
    let rule = FaultRule::once(name, &seen.method, &seen.path, Fault::DropAfterCommit);
    // Two phases of one upload share their path.
    match seen.fields.get("upload_phase") {
        Some(phase) => rule.containing(&format!("upload_phase={phase}")),
        None => rule,
    }
}

async fn survives_every_lost_reply(which: Which, format: PostFormat, effects: usize) {
    let calm = Newsroom::open(which, format).await;
    calm.until(State::Published).await;
    let committed = calm.committed().await;
    assert_eq!(committed.len(), effects, "{committed:?}");
    for seen in committed {
        let told = format!("reply to {} {} lost", seen.method, seen.path);
        let room = Newsroom::open(which, format).await;
        room.site.fault(&drop_after(room.site.name, &seen)).await;
        room.until(State::Published).await;
        let faults = room.site.control.faults().await.unwrap();
        assert_eq!(faults.iter().map(|fault| fault.fired).sum::<u32>(), 1, "{told}: not lost");
        if room.delivery().await.state == State::Uncertain {
            a_person_decides(&room, &told).await;
        }
        is_live_once(&room, &told).await;
    }
}

/// A platform without read-back: nothing is sent again, however long it takes, until a person has looked.
async fn a_person_decides(room: &Newsroom, told: &str) {
    let read_back = room.site.channel.capability().read_back;
    assert_eq!(read_back, ReadBack::None, "{told}: left to a person although it can be read back");
    room.pass(SignedDuration::from_hours(5));
    room.until(State::Published).await;
    let (d, count) = (room.delivery().await, room.count().await);
    assert_eq!((d.state, count.live, count.creates), (State::Uncertain, 1, 1), "{told}");
    let person = room.approver().await;
    let url = room.site.account.settings["channel_url"].clone();
    let receipt =
        Receipt { remote_id: String::new(), url, raw: serde_json::Value::Null, at: start() };
    room.desk().confirm_live(room.delivery, person, receipt).await.unwrap();
}

async fn keeps_the_platforms_wait(which: Which, format: PostFormat) {
    let room = Newsroom::open(which, format).await;
    room.site.fault(&room.site.first(Fault::Throttle { wait_ms: WAIT_MS }).times(2)).await;
    let refused = async |times: u32| {
        for _ in 0..100 {
            let faults = room.site.control.faults().await.unwrap();
            if faults[0].fired == times {
                return;
            }
            room.tick().await;
            let d = room.delivery().await;
            room.pass(d.not_before.duration_since(room.site.clock.now()));
        }
        panic!("not throttled {times} times");
    };
    for times in 1..=2 {
        // The wait of the refusal before is over when this one comes.
        let before = room.site.clock.now();
        refused(times).await;
        let RetryAdvice::Later { wait, .. } = (room.site.facts.throttled)(before) else {
            panic!("throttling is a wait");
        };
        let d = room.delivery().await;
        assert_eq!(d.state, State::Ready, "{}", d.reason);
        assert!(
            d.not_before >= before + SignedDuration::try_from(wait).unwrap(),
            "{} is sooner than {wait:?} after {before}",
            d.not_before
        );
        assert_eq!(room.count().await.creates, 0);
    }
    room.until(State::Published).await;
    is_live_once(&room, "throttled twice").await;
    assert_eq!(room.count().await.creates, 1);
}

async fn renews_its_token(which: Which, format: PostFormat) {
    let room = Newsroom::open(which, format).await;
    let old = room.vault.token();
    let whose = &room.site.account.remote_id;
    room.site.control.tokens(room.site.name, whose, TokenAction::Expire).await.unwrap();
    room.until(State::Published).await;
    is_live_once(&room, "token expired").await;
    assert_ne!(room.vault.token(), old);
    let log = room.vault.log.lock().unwrap().clone();
    // A young token is asked about first and found young; then the platform refuses it, and it is renewed once.
    assert_eq!(log, ["begin", "nothing", "begin", "kept"]);
    assert_eq!(room.count().await.creates, 1);
    assert_eq!(room.account().await.status, AccountStatus::Active);
}

async fn asks_for_a_person_and_keeps_the_post(which: Which, format: PostFormat) {
    let room = Newsroom::open(which, format).await;
    let whose = &room.site.account.remote_id;
    room.site.control.tokens(room.site.name, whose, TokenAction::Expire).await.unwrap();
    room.until(State::Published).await;
    room.pass(SignedDuration::from_hours(3));
    room.until(State::Published).await;
    let status = room.account().await.status;
    assert!(matches!(status, AccountStatus::NeedsReauth { .. }), "{status:?}");
    let d = room.delivery().await;
    assert_eq!(d.state, State::Ready, "it waits for the account: {}", d.reason);
    assert_eq!(room.count().await.creates, 0);
}

mod facebook_photo {
    use super::*;
    const POST: (Which, PostFormat) = (Which::Facebook, PostFormat::Photo);

    #[tokio::test]
    async fn goes_out_once() {
        super::goes_out_once(POST.0, POST.1).await;
    }
    #[tokio::test]
    async fn survives_every_lost_reply() {
        super::survives_every_lost_reply(POST.0, POST.1, 2).await;
    }
    #[tokio::test]
    async fn keeps_the_platforms_wait() {
        super::keeps_the_platforms_wait(POST.0, POST.1).await;
    }
    #[tokio::test]
    async fn asks_for_a_person_and_keeps_the_post() {
        super::asks_for_a_person_and_keeps_the_post(POST.0, POST.1).await;
    }
}

mod facebook_reel {
    use super::*;
    const POST: (Which, PostFormat) = (Which::Facebook, PostFormat::ShortVideo);

    #[tokio::test]
    async fn goes_out_once() {
        super::goes_out_once(POST.0, POST.1).await;
    }
    #[tokio::test]
    async fn survives_every_lost_reply() {
        super::survives_every_lost_reply(POST.0, POST.1, 3).await;
    }
    #[tokio::test]
    async fn keeps_the_platforms_wait() {
        super::keeps_the_platforms_wait(POST.0, POST.1).await;
    }
    #[tokio::test]
    async fn asks_for_a_person_and_keeps_the_post() {
        super::asks_for_a_person_and_keeps_the_post(POST.0, POST.1).await;
    }
}

mod youtube_short {
    use super::*;
    const POST: (Which, PostFormat) = (Which::YouTube, PostFormat::ShortVideo);

    #[tokio::test]
    async fn goes_out_once() {
        super::goes_out_once(POST.0, POST.1).await;
    }
    #[tokio::test]
    async fn survives_every_lost_reply() {
        super::survives_every_lost_reply(POST.0, POST.1, 3).await;
    }
    #[tokio::test]
    async fn keeps_the_platforms_wait() {
        super::keeps_the_platforms_wait(POST.0, POST.1).await;
    }
    #[tokio::test]
    async fn renews_its_token() {
        super::renews_its_token(POST.0, POST.1).await;
    }
}

mod zalo_article {
    use super::*;
    const POST: (Which, PostFormat) = (Which::Zalo, PostFormat::Article);

    #[tokio::test]
    async fn goes_out_once() {
        super::goes_out_once(POST.0, POST.1).await;
    }
    #[tokio::test]
    async fn survives_every_lost_reply() {
        super::survives_every_lost_reply(POST.0, POST.1, 2).await;
    }
    #[tokio::test]
    async fn keeps_the_platforms_wait() {
        super::keeps_the_platforms_wait(POST.0, POST.1).await;
    }
    #[tokio::test]
    async fn renews_its_token() {
        super::renews_its_token(POST.0, POST.1).await;
    }
}

mod viber_picture {
    use super::*;
    const POST: (Which, PostFormat) = (Which::Viber, PostFormat::Photo);

    #[tokio::test]
    async fn goes_out_once() {
        super::goes_out_once(POST.0, POST.1).await;
    }
    #[tokio::test]
    async fn survives_every_lost_reply() {
        super::survives_every_lost_reply(POST.0, POST.1, 2).await;
    }
    #[tokio::test]
    async fn keeps_the_platforms_wait() {
        super::keeps_the_platforms_wait(POST.0, POST.1).await;
    }
    #[tokio::test]
    async fn asks_for_a_person_and_keeps_the_post() {
        super::asks_for_a_person_and_keeps_the_post(POST.0, POST.1).await;
    }
}
