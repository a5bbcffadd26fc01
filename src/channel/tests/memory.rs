//! The memory channel under the whole conformance suite, in each of its shapes, and what it promises to delivery's tests.

use std::{
    future::{Ready, ready},
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use async_trait::async_trait;
use loa_channel::{
    Blobs, Channel, Cx, Deaf, ErrorKind, InboundEvent, MediaUrls, Outgoing, Progress, RetryAdvice,
    Scope, To, Usage,
    conformance::{Bench, BenchFault, Counts, LEVEL, Shown},
    drive::run_to_live,
    fixture::{FixedUrls, JumpClock, MemoryBlobs, account, sample},
    memory::{Chain, Fault, MemoryChannel, MemoryPlatform, Options, REFUSED, TOKEN, signature},
};
use loa_model::{
    Account, Clock, DeliveryId, Metric, PostContent, PostFormat, Secret, capability::ReadBack,
    seams::OpenGate,
};

const WAIT: Duration = Duration::from_secs(37);

struct MemoryBench {
    channel: MemoryChannel,
    account: Account,
    secret: Secret,
    clock: JumpClock,
    blobs: MemoryBlobs,
    media: FixedUrls,
    markers: AtomicU32,
}

impl MemoryBench {
    fn new(chain: Chain, read_back: ReadBack) -> Self {
        let platform = MemoryPlatform::new("s3cret-token");
        Self {
            channel: MemoryChannel::over(platform, Options { chain, read_back }),
            account: account("memory:cong-tin", "1", &[]),
            secret: Secret::new([(TOKEN.to_owned(), "s3cret-token".to_owned())]),
            clock: JumpClock::default(),
            blobs: MemoryBlobs::default(),
            media: FixedUrls::under("https://m.example/m/".parse().expect("a URL")),
            markers: AtomicU32::new(0),
        }
    }

    fn cx(&self) -> Cx<'_> {
        Cx {
            clock: &self.clock,
            blobs: &self.blobs,
            media: &self.media,
            gate: &OpenGate,
            ear: &Deaf,
        }
    }

    fn to(&self) -> To<'_> {
        To { account: &self.account, secret: &self.secret }
    }
}

#[async_trait]
impl Bench for MemoryBench {
    fn channel(&self) -> &dyn Channel {
        &self.channel
    }
    fn account(&self) -> &Account {
        &self.account
    }
    fn secret(&self) -> &Secret {
        &self.secret
    }
    fn clock(&self) -> &dyn Clock {
        &self.clock
    }
    fn blobs(&self) -> &dyn Blobs {
        &self.blobs
    }
    fn media(&self) -> &dyn MediaUrls {
        &self.media
    }
    fn contents(&self) -> Vec<PostContent> {
        let formats = self.channel.capability().formats.keys();
        let made = formats.map(|format| {
            let marker = format!("m{}", self.markers.fetch_add(1, Ordering::SeqCst));
            sample(*format, &marker, &self.blobs)
        });
        made.collect()
    }
    async fn arm(&self, fault: BenchFault) -> bool {
        let fault = match fault {
            BenchFault::DropAfterCommit => Fault::DropAfterCommit,
            BenchFault::Throttle => Fault::Throttle { wait: WAIT, scope: Scope::App },
            BenchFault::ExpireToken => Fault::ExpireToken,
            BenchFault::Refuse => Fault::Refuse,
            // Nothing is given until a test sets it.
            BenchFault::OmitMetrics => return true,
            BenchFault::PointElsewhere => return false,
            BenchFault::SayUsage => {
                let lasts = Duration::from_hours(1);
                let level = Usage::Level { scope: Scope::Account, percent: LEVEL, lasts };
                self.channel.platform().say_usage(Some(level));
                return true;
            }
        };
        self.channel.platform().arm(fault);
        true
    }
    async fn counts(&self) -> Counts {
        let platform = self.channel.platform();
        Counts { requests: platform.requests(), effects: platform.effects(), elsewhere: 0 }
    }
    async fn shown(&self, content: &PostContent) -> Vec<Shown> {
        let live = self.channel.platform().live(&content.link.code).into_iter();
        live.map(|post| Shown { remote_id: post.remote_id, text: post.content.text }).collect()
    }
    fn throttled(&self) -> RetryAdvice {
        RetryAdvice::Later { wait: WAIT, scope: Scope::App }
    }
    fn refusal_code(&self) -> String {
        REFUSED.to_owned()
    }
}

mod one_step {
    use super::*;
    fn bench() -> Ready<MemoryBench> {
        ready(MemoryBench::new(Chain::Public, ReadBack::ByMarker))
    }
    loa_channel::conformance_tests!(bench);
}

mod hidden_then_public {
    use super::*;
    fn bench() -> Ready<MemoryBench> {
        ready(MemoryBench::new(Chain::HiddenThenPublic, ReadBack::ByMarker))
    }
    loa_channel::conformance_tests!(bench);
}

mod processed {
    use super::*;
    fn bench() -> Ready<MemoryBench> {
        ready(MemoryBench::new(Chain::Processed, ReadBack::ByMarker))
    }
    loa_channel::conformance_tests!(bench);
}

mod without_read_back {
    use super::*;
    fn bench() -> Ready<MemoryBench> {
        ready(MemoryBench::new(Chain::Public, ReadBack::None))
    }
    loa_channel::conformance_tests!(bench);
}

/// Publishes once under `fault`; the error's advice and how often the platform made the post public.
async fn under(fault: Fault) -> (RetryAdvice, u32) {
    let bench = MemoryBench::new(Chain::Public, ReadBack::ByMarker);
    bench.channel.platform().arm(fault);
    let content = sample(PostFormat::Photo, "x7", &bench.blobs);
    let post = outgoing(&bench, &content);
    let error =
        run_to_live(&bench.channel, &bench.cx(), bench.to(), post).await.expect_err("a fault");
    (error.advice, bench.channel.platform().creates("x7"))
}

fn outgoing<'a>(bench: &MemoryBench, content: &'a PostContent) -> Outgoing<'a> {
    let delivery: DeliveryId = "018f0000-0000-7000-8000-000000000001".parse().expect("an id");
    Outgoing { delivery, marker: &content.link.code, content, since: bench.clock.now() }
}

#[tokio::test]
async fn both_lost_answers_look_the_same_and_only_the_platform_knows() {
    assert_eq!(under(Fault::DropAfterCommit).await, (RetryAdvice::Verify, 1));
    assert_eq!(under(Fault::DropBeforeCommit).await, (RetryAdvice::Verify, 0));
    let (advice, made) = under(Fault::Unreachable).await;
    assert!(matches!(advice, RetryAdvice::Later { .. }));
    assert_eq!(made, 0);
}

#[tokio::test]
async fn the_platform_counts_double_posts_and_keeps_bytes_and_lags() {
    let bench = MemoryBench::new(Chain::Public, ReadBack::ByMarker);
    let platform = bench.channel.platform().clone();
    let content = sample(PostFormat::Album, "x8", &bench.blobs);
    platform.arm_after(1, Fault::Refuse);
    let post = outgoing(&bench, &content);
    for step in ["made", "refused", "made again"] {
        let outcome = bench.channel.advance(&bench.cx(), bench.to(), post, None).await;
        assert_eq!(matches!(outcome, Ok(Progress::Live(_))), step != "refused", "{step}");
    }
    assert_eq!(platform.creates("x8"), 2, "a double post is counted by the platform");
    let sent: Vec<_> = content.media.iter().map(|media| media.blob).collect();
    assert_eq!(platform.live("x8")[0].received, sent);
    platform.lag(1);
    let what = loa_channel::Lookup {
        marker: "x8",
        content: &content,
        ticket: None,
        since: bench.clock.now(),
    };
    assert_eq!(bench.channel.find(&bench.cx(), bench.to(), what).await.unwrap().len(), 0);
    assert_eq!(bench.channel.find(&bench.cx(), bench.to(), what).await.unwrap().len(), 2);
}

#[tokio::test]
async fn numbers_are_those_given() {
    let bench = MemoryBench::new(Chain::Public, ReadBack::ByMarker);
    let content = sample(PostFormat::Text, "x9", &bench.blobs);
    let post = outgoing(&bench, &content);
    let receipt = run_to_live(&bench.channel, &bench.cx(), bench.to(), post).await.unwrap();
    bench.channel.platform().set_metrics(&receipt.remote_id, &[(Metric::Views, 12)]);
    let measured = bench.channel.measure(&bench.cx(), bench.to(), &[receipt]).await.unwrap();
    let values: Vec<_> = measured[0].values.iter().map(|v| (v.metric, v.value)).collect();
    assert_eq!((values, measured[0].alive), (vec![(Metric::Views, 12)], Some(true)));
}

#[test]
fn a_message_is_verified_before_it_is_read() {
    let bench = MemoryBench::new(Chain::Public, ReadBack::ByMarker);
    let body = r#"{"posted":"17"}"#.as_bytes();
    let signed = [("X-Signature".to_owned(), signature("s3cret-token", body))];
    let events = bench.channel.inbound(bench.to(), &signed, body).unwrap();
    assert!(matches!(&events[..], [InboundEvent::Posted { remote_id, .. }] if remote_id == "17"));
    for (headers, body) in [(&signed[..], &b"{}"[..]), (&[], body), (&signed[..], b"not json")] {
        let error = bench.channel.inbound(bench.to(), headers, body).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Forged, "{error}");
    }
}
