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
    // A young token is not asked about; then the platform refuses it, and it is renewed once.
    assert_eq!(log, ["begin", "kept"]);
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

/// What the platform's headers say is kept for the account and its app, and slows the posts that come after.
async fn heeds_the_usage_headers(which: Which, format: PostFormat, of_account: bool) {
    let room = Newsroom::open(which, format).await;
    let rule = FaultRule::once(room.site.name, "", "*", Fault::Usage { percent: 90 });
    room.site.fault(&FaultRule { method: None, ..rule }.times(10_000)).await;
    room.until(State::Published).await;
    is_live_once(&room, "usage at 90 %").await;
    let now = room.site.clock.now();
    let name = room.site.account.name.to_string();
    let rule = &room.site.channel.capability().pace;
    let app = room.site.account.settings.get(&rule.app_setting).map_or("", String::as_str);
    let percent = async |key: String| room.pace(&key).await.percent(now).map(|used| used.percent);
    assert_eq!(percent(format!("app/{}/{app}", room.site.name)).await, Some(90));
    assert_eq!(percent(name).await, of_account.then_some(90));
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
    #[tokio::test]
    async fn heeds_the_usage_headers() {
        super::heeds_the_usage_headers(POST.0, POST.1, true).await;
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

    /// Bucket and units of a request, by the quota calculator; bytes of an upload take none.
    fn price(seen: &SeenRequest) -> (&'static str, u64) {
        match (seen.method.as_str(), seen.path.as_str()) {
            ("POST", "/upload/youtube/v3/videos") => ("uploads", 1),
            ("PUT", path) if path.starts_with("/upload/") => ("units", 0),
            ("GET", "/youtube/v3/videos:batchGetStats") => ("statistics", 1),
            ("POST", "/upload/youtube/v3/captions") => ("units", 400),
            ("GET", path) if path.starts_with("/youtube/v3/") => ("units", 1),
            (_, path) if path.contains("/youtube/v3/") => ("units", 50),
            _ => ("units", 0),
        }
    }

    #[tokio::test]
    async fn its_ledger_is_never_below_the_platforms_own() {
        let room = Newsroom::open(POST.0, POST.1).await;
        let quotas = room.site.channel.capability().pace.quotas.clone();
        let project = room.site.account.settings["client_id"].clone();
        let counted = async |bucket: &str| {
            let seen = room.site.control.requests(room.site.name).await.unwrap();
            let of_bucket = seen.iter().map(price).filter(|(named, _)| *named == bucket);
            of_bucket.map(|(_, units)| units).sum::<u64>()
        };
        let spent = async |bucket: &str| {
            let quota = quotas.iter().find(|quota| quota.bucket == bucket).unwrap();
            let pace = room.pace(&format!("app/youtube/{project}")).await;
            pace.spent_of(quota, room.site.clock.now())
        };
        room.until(State::Published).await;
        // A post reserves what its chain takes.
        assert_eq!((spent("uploads").await, counted("uploads").await), (1, 1));
        let (reserved, used) = (spent("units").await, counted("units").await);
        assert!(reserved == 80 && (52..reserved).contains(&used), "{used} of {reserved}");
        // What comes after is counted call by call.
        let approver = room.approver().await;
        room.desk().retract(room.delivery, approver, "sai số liệu".into()).await.unwrap();
        room.until(State::Retracted).await;
        let after = counted("units").await - used;
        assert!(after >= 50, "{after}");
        assert_eq!(spent("units").await, reserved + after);
        assert_eq!(room.site.live(&room.content.link.code).await, []);
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
    #[tokio::test]
    async fn heeds_the_usage_headers() {
        super::heeds_the_usage_headers(POST.0, POST.1, false).await;
    }
}

mod zalo_video {
    use super::*;
    const POST: (Which, PostFormat) = (Which::Zalo, PostFormat::Video);

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
