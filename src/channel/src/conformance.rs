//! What every adapter must do, one plain async function per clause. A clause panics with the reason when it does not hold.
//!
//! A clause gets a [`Bench`]: the adapter, its platform (a sandbox over its control API, or the memory platform), a fault
//! switch and counters kept *by the platform*. `conformance_tests!` turns the clauses into named tests.

use async_trait::async_trait;
use jiff::Timestamp;
use loa_model::{
    Account, Clock, DeliveryId, Gate, GateClosed, PostContent, Receipt, Secret, Ticket,
    capability::ReadBack, delivery::Effect, seams::OpenGate,
};

use crate::{
    Blobs, Channel, Cx, Deaf, Ear, Error, ErrorKind, Lookup, MediaUrls, Notes, Outgoing, Progress,
    Result, RetryAdvice, To, Usage,
    drive::{run_on, run_to_live},
};

/// A fault that a platform can be told to show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BenchFault {
    /// Do the next effectful request and cut the connection instead of answering.
    DropAfterCommit,
    /// Refuse the next effectful request as one too many; [`Bench::throttled`] says what the adapter must make of it.
    Throttle,
    /// Refuse the token of the next effectful request.
    ExpireToken,
    /// Refuse the content of the next effectful request for good; [`Bench::refusal_code`] is the code.
    Refuse,
    /// Answer the next measurement without numbers.
    OmitMetrics,
    /// Name an address of another origin wherever the next answers name one of the platform's own (uploads, next pages).
    PointElsewhere,
    /// Say in the next answers that [`LEVEL`] percent of the allowance are used.
    SayUsage,
}

/// Percent of [`BenchFault::SayUsage`].
pub const LEVEL: u8 = 77;

/// What the platform counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Requests of any kind.
    pub requests: u64,
    /// Requests that make, change or remove something, refused ones included.
    pub effects: u64,
    /// Requests that reached the other origin of [`BenchFault::PointElsewhere`].
    pub elsewhere: u64,
}

/// A post as the audience of the platform sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// Its id on the platform.
    pub remote_id: String,
    /// Its words.
    pub text: String,
}

/// An adapter on its platform.
#[async_trait]
pub trait Bench: Send + Sync {
    /// The adapter.
    fn channel(&self) -> &dyn Channel;
    /// An account on the platform that may post.
    fn account(&self) -> &Account;
    /// Its credentials.
    fn secret(&self) -> &Secret;
    /// Time, shared with the platform.
    fn clock(&self) -> &dyn Clock;
    /// Where the files of [`Self::contents`] are.
    fn blobs(&self) -> &dyn Blobs;
    /// Their public addresses.
    fn media(&self) -> &dyn MediaUrls;
    /// Posts that the channel takes, one per format, each with a marker never used before (at every call).
    fn contents(&self) -> Vec<PostContent>;
    /// Arms a fault once; false when the platform has nothing like it.
    async fn arm(&self, fault: BenchFault) -> bool;
    /// What the platform counted so far.
    async fn counts(&self) -> Counts;
    /// Posts with this marker that the audience sees now.
    async fn shown(&self, content: &PostContent) -> Vec<Shown>;
    /// What the adapter must advise after [`BenchFault::Throttle`]: the platform's own wait and scope.
    fn throttled(&self) -> RetryAdvice;
    /// The platform's code of [`BenchFault::Refuse`].
    fn refusal_code(&self) -> String;
}

/// One post on its way, with everything a call needs.
struct Run<'a> {
    bench: &'a dyn Bench,
    content: PostContent,
    gate: &'a dyn Gate,
    ear: &'a dyn Ear,
    since: Timestamp,
}

impl<'a> Run<'a> {
    fn new(bench: &'a dyn Bench, content: PostContent) -> Self {
        Self { bench, content, gate: &OpenGate, ear: &Deaf, since: bench.clock().now() }
    }

    fn cx(&self) -> Cx<'_> {
        Cx {
            clock: self.bench.clock(),
            blobs: self.bench.blobs(),
            media: self.bench.media(),
            gate: self.gate,
            ear: self.ear,
        }
    }

    fn to(&self) -> To<'_> {
        To { account: self.bench.account(), secret: self.bench.secret() }
    }

    fn outgoing(&self) -> Outgoing<'_> {
        Outgoing {
            delivery: self.delivery(),
            marker: &self.content.link.code,
            content: &self.content,
            since: self.since,
        }
    }

    /// One delivery per marker.
    fn delivery(&self) -> DeliveryId {
        let digest = loa_model::Digest::of(self.content.link.code.as_bytes()).to_string();
        let half = digest.get(..32).expect("a digest has 64 characters");
        half.parse().expect("32 hex characters are an id")
    }

    async fn advance(&self, at: Option<Ticket>) -> Result<Progress> {
        self.bench.channel().advance(&self.cx(), self.to(), self.outgoing(), at).await
    }

    async fn publish(&self) -> Receipt {
        let live = run_to_live(self.bench.channel(), &self.cx(), self.to(), self.outgoing()).await;
        live.unwrap_or_else(|error| panic!("{:?} does not go out: {error:?}", self.content.format))
    }

    async fn go_on(&self, from: Option<Ticket>) -> Result<Receipt> {
        run_on(self.bench.channel(), &self.cx(), self.to(), self.outgoing(), from).await
    }

    async fn find(&self, ticket: Option<&Ticket>) -> Result<Vec<Receipt>> {
        let what = Lookup {
            marker: &self.content.link.code,
            content: &self.content,
            ticket,
            since: self.since,
        };
        self.bench.channel().find(&self.cx(), self.to(), what).await
    }

    /// Read-back, waiting while the platform is still at work: that is a wait and never "absent".
    async fn find_settled(&self, ticket: Option<&Ticket>) -> Vec<Receipt> {
        for _ in 0..LONGEST {
            match self.find(ticket).await {
                Ok(found) => return found,
                Err(Error { advice: RetryAdvice::Later { wait, .. }, .. }) => {
                    self.bench.clock().sleep(wait).await;
                }
                Err(error) => panic!("read-back does not work: {error:?}"),
            }
        }
        panic!("read-back never settles");
    }

    /// Asks again after each wait that is asked for, as delivery does.
    async fn patiently<T>(&self, ask: impl AsyncFn() -> Result<T>) -> Result<T> {
        for _ in 0..PATIENCE {
            match ask().await {
                Err(Error { advice: RetryAdvice::Later { wait, .. }, .. }) => {
                    self.bench.clock().sleep(wait).await;
                }
                answer => return answer,
            }
        }
        ask().await
    }

    async fn shown(&self) -> Vec<Shown> {
        self.bench.shown(&self.content).await
    }

    /// Takes `steps` steps from the start; nothing when the post is live before.
    async fn walk(&self, steps: usize) -> Option<Option<Ticket>> {
        let mut at = None;
        for _ in 0..steps {
            let step = self.advance(at).await;
            match step.unwrap_or_else(|error| panic!("no way to step {steps}: {error:?}")) {
                Progress::Live(_) => return None,
                Progress::Again { ticket, wait } => {
                    self.bench.clock().sleep(wait).await;
                    at = Some(ticket);
                }
            }
        }
        Some(at)
    }

    fn effect(&self, at: Option<&Ticket>) -> Effect {
        self.bench.channel().effect(&self.content, at)
    }
}

/// A fresh run of the `index`th format.
fn fresh(bench: &dyn Bench, index: usize) -> Run<'_> {
    Run::new(bench, bench.contents().swap_remove(index))
}

/// Chains longer than this are not looked into step by step.
const DEEPEST: usize = 12;

/// Waits after which a platform must have come to an end.
const PATIENCE: usize = 40;

/// Waits of a read-back before it must have an answer.
const LONGEST: usize = 100;

/// An interrupted place of a chain: a fresh run of one format, standing before a step that is not a pure read.
struct Place<'a> {
    run: Run<'a>,
    at: Option<Ticket>,
    effect: Effect,
}

/// The `step`th place of the `index`th format; nothing when the chain is shorter or the step only reads.
async fn place(bench: &dyn Bench, index: usize, step: usize) -> Option<Place<'_>> {
    let run = fresh(bench, index);
    let at = run.walk(step).await?;
    let effect = run.effect(at.as_ref());
    (effect != Effect::Read).then_some(Place { run, at, effect })
}

/// A post that breaks a limit makes no request.
pub async fn over_limit_makes_no_request(bench: &dyn Bench) {
    for mut content in bench.contents() {
        let rule = bench.channel().capability().formats.get(&content.format);
        let rule = rule.unwrap_or_else(|| panic!("{:?} is not in the capability", content.format));
        content.text.push_str(&"ẫ".repeat(rule.text.max + 1));
        let run = Run::new(bench, content);
        let before = bench.counts().await;
        let error = run.advance(None).await.expect_err("an over-long text was taken");
        assert_eq!(error.advice, RetryAdvice::Never, "{error:?}");
        assert_eq!(bench.counts().await, before, "a request was made for {error:?}");
    }
}

/// A post within the limits goes out, once, with its words.
pub async fn a_post_goes_out_once(bench: &dyn Bench) {
    for index in 0..bench.contents().len() {
        let run = fresh(bench, index);
        assert_eq!(bench.channel().capability().check(&run.content), [], "a bad sample");
        let receipt = run.publish().await;
        let shown = run.shown().await;
        assert_eq!(shown.len(), 1, "{:?}: {shown:?}", run.content.format);
        let known = receipt.remote_id.is_empty() || receipt.remote_id == shown[0].remote_id;
        assert!(known, "{receipt:?} is not {shown:?}");
    }
}

/// One `advance` makes at most one effectful request, and none when its effect is a read; people have a word for every step.
pub async fn one_advance_one_effectful_request(bench: &dyn Bench) {
    for index in 0..bench.contents().len() {
        let run = fresh(bench, index);
        let mut at = None;
        loop {
            let allowed = u64::from(run.effect(at.as_ref()) != Effect::Read);
            let before = bench.counts().await.effects;
            let step = at.as_ref().map_or("first", |ticket: &Ticket| &ticket.step).to_owned();
            let progress = run.advance(at).await.unwrap_or_else(|error| panic!("{error:?}"));
            let made = bench.counts().await.effects - before;
            assert!(made <= allowed, "step {step} made {made} effectful requests of {allowed}");
            match progress {
                Progress::Live(_) => break,
                Progress::Again { ticket, wait } => {
                    let named = bench.channel().capability().steps.contains_key(&ticket.step);
                    assert!(named, "step {} has no words in the capability", ticket.step);
                    bench.clock().sleep(wait).await;
                    at = Some(ticket);
                }
            }
        }
    }
}

/// A connection cut after the request was sent is `Verify` at a public step, harmless at any other, and never a second post.
pub async fn cut_after_send_is_verified(bench: &dyn Bench) {
    let read_back = bench.channel().capability().read_back;
    for index in 0..bench.contents().len() {
        for step in 0..DEEPEST {
            let Some(Place { run, at, effect }) = place(bench, index, step).await else { continue };
            if !bench.arm(BenchFault::DropAfterCommit).await {
                return;
            }
            let error = run.advance(at.clone()).await.expect_err("the answer was lost");
            if effect == Effect::Public {
                assert_eq!(error.advice, RetryAdvice::Verify, "{error:?}");
                if read_back != ReadBack::None {
                    let found = run.find_settled(at.as_ref()).await;
                    assert_eq!(found.len(), 1, "the lost post is not found: {found:?}");
                }
            } else {
                let harmless =
                    matches!(error.advice, RetryAdvice::Verify | RetryAdvice::Later { .. });
                assert!(harmless, "{effect:?} step: {error:?}");
                let live = run.go_on(at).await;
                live.unwrap_or_else(|error| panic!("no way on after a harmless cut: {error:?}"));
            }
            assert_eq!(run.shown().await.len(), 1, "{:?} step {step}", run.content.format);
        }
    }
}

/// Too many requests: the platform's own wait and scope are kept, and nothing was made.
pub async fn throttle_keeps_wait_and_scope(bench: &dyn Bench) {
    for index in 0..bench.contents().len() {
        if !bench.arm(BenchFault::Throttle).await {
            return;
        }
        let run = fresh(bench, index);
        let error = run.go_on(None).await.expect_err("a throttled request went through");
        assert_eq!(error.kind, ErrorKind::Throttled, "{error:?}");
        assert_eq!(error.advice, bench.throttled(), "{error:?}");
        assert_eq!(run.shown().await, [], "throttled and yet live");
        if let RetryAdvice::Later { wait, .. } = error.advice {
            bench.clock().sleep(wait).await;
        }
        run.publish().await;
        assert_eq!(run.shown().await.len(), 1);
    }
}

/// A refused token asks a person to connect the account again, and nothing was made.
pub async fn expired_token_reauthorizes(bench: &dyn Bench) {
    for index in 0..bench.contents().len() {
        if !bench.arm(BenchFault::ExpireToken).await {
            return;
        }
        let run = fresh(bench, index);
        let error = run.go_on(None).await.expect_err("an expired token went through");
        assert_eq!((error.kind, error.advice), (ErrorKind::Auth, RetryAdvice::Reauthorize));
        assert_eq!(run.shown().await, []);
    }
}

/// Refused content is `Never`, with the platform's own code kept.
pub async fn refusal_keeps_the_platform_code(bench: &dyn Bench) {
    for index in 0..bench.contents().len() {
        if !bench.arm(BenchFault::Refuse).await {
            return;
        }
        let run = fresh(bench, index);
        let error = run.go_on(None).await.expect_err("refused content went through");
        assert_eq!(error.advice, RetryAdvice::Never, "{error:?}");
        assert_eq!(error.platform_code, bench.refusal_code(), "{error:?}");
        assert_eq!(run.shown().await, []);
    }
}

/// A chain killed after any step, before its ticket was committed, goes on from the ticket before and posts once.
pub async fn a_ticket_resumes_after_a_kill(bench: &dyn Bench) {
    let read_back = bench.channel().capability().read_back;
    for index in 0..bench.contents().len() {
        for step in 0..DEEPEST {
            let Some(Place { run, at, effect }) = place(bench, index, step).await else { continue };
            let kept = at.map(|ticket| {
                let text = serde_json::to_string(&ticket).expect("a ticket is JSON");
                serde_json::from_str::<Ticket>(&text).expect("and comes back")
            });
            run.advance(kept.clone()).await.unwrap_or_else(|error| panic!("{error:?}"));
            if effect != Effect::Public {
                let live = run.go_on(kept).await;
                live.unwrap_or_else(|error| panic!("cannot go on: {error:?}"));
            } else if read_back != ReadBack::None {
                let found = run.find_settled(kept.as_ref()).await;
                assert_eq!(found.len(), 1, "the post of a killed worker is not found: {found:?}");
            }
            assert_eq!(run.shown().await.len(), 1, "{:?} step {step}", run.content.format);
        }
    }
}

/// `find` returns what publishing made and nothing else, or says that there is no read-back.
pub async fn find_returns_what_was_published(bench: &dyn Bench) {
    for index in 0..bench.contents().len() {
        let run = fresh(bench, index);
        if bench.channel().capability().read_back == ReadBack::None {
            let error = run.find(None).await.expect_err("no read-back, yet an answer");
            assert_eq!(error.kind, ErrorKind::Unsupported, "{error:?}");
            continue;
        }
        let nothing = run.find_settled(None).await;
        assert_eq!(nothing, [], "found before it was published");
        let receipt = run.publish().await;
        // A video whose chain is over is found by its marker too, without its ticket.
        let found = run.find_settled(None).await;
        let ids: Vec<_> = found.iter().map(|receipt| &receipt.remote_id).collect();
        assert_eq!(ids, [&receipt.remote_id], "{:?}", run.content.format);
    }
}

/// `amend` does what the capability says, and says so only when the audience sees it.
pub async fn amend_agrees_with_capability(bench: &dyn Bench) {
    for index in 0..bench.contents().len() {
        let mut run = fresh(bench, index);
        let receipt = run.publish().await;
        run.content.text = run.content.text.replace("Xem thêm", "Đính chính");
        let channel = bench.channel();
        let amend = async || channel.amend(&run.cx(), run.to(), &receipt, run.outgoing()).await;
        let outcome = run.patiently(amend).await;
        if channel.capability().edit {
            outcome.unwrap_or_else(|error| panic!("cannot amend: {error:?}"));
            let shown = run.shown().await;
            assert!(shown[0].text.contains("Đính chính"), "{shown:?}");
        } else {
            assert_eq!(outcome.map_err(|error| error.kind), Err(ErrorKind::Unsupported));
        }
        assert_eq!(run.shown().await.len(), 1);
    }
}

/// `retract` does what the capability says; gone already is success.
pub async fn retract_agrees_with_capability(bench: &dyn Bench) {
    for index in 0..bench.contents().len() {
        let run = fresh(bench, index);
        let receipt = run.publish().await;
        let channel = bench.channel();
        let outcome = channel.retract(&run.cx(), run.to(), &receipt).await;
        if channel.capability().delete {
            outcome.unwrap_or_else(|error| panic!("cannot retract: {error:?}"));
            assert_eq!(run.shown().await, [], "retracted and yet live");
            let again = channel.retract(&run.cx(), run.to(), &receipt).await;
            again.unwrap_or_else(|error| panic!("gone already is an error: {error:?}"));
        } else {
            assert_eq!(outcome.map_err(|error| error.kind), Err(ErrorKind::Unsupported));
            assert_eq!(run.shown().await.len(), 1);
        }
    }
}

/// A number the platform does not give is absent, not 0.
pub async fn a_metric_not_given_is_absent(bench: &dyn Bench) {
    for index in 0..bench.contents().len() {
        let run = fresh(bench, index);
        let receipt = run.publish().await;
        let omitted = bench.arm(BenchFault::OmitMetrics).await;
        let channel = bench.channel();
        let measured = channel.measure(&run.cx(), run.to(), &[receipt]).await;
        if !channel.capability().insights {
            let told = measured.map(|all| all.iter().map(|one| one.values.len()).sum::<usize>());
            assert!(matches!(told, Ok(0) | Err(Error { kind: ErrorKind::Unsupported, .. })));
        } else if omitted {
            let measured = measured.unwrap_or_else(|error| panic!("cannot measure: {error:?}"));
            assert_eq!(measured.len(), 1, "{measured:?}");
            assert_eq!(measured[0].values, [], "a number came from nowhere");
        }
    }
}

struct Shut;

impl Gate for Shut {
    fn open(&self) -> Result<(), GateClosed> {
        Err(GateClosed("the lease is lost".to_owned()))
    }
}

/// A gate that stays shut lets no effectful request out, at any step.
pub async fn a_shut_gate_stops_every_effect(bench: &dyn Bench) {
    for index in 0..bench.contents().len() {
        for step in 0..DEEPEST {
            let Some(Place { mut run, at, .. }) = place(bench, index, step).await else { continue };
            let before = bench.counts().await.effects;
            run.gate = &Shut;
            let error = run.advance(at).await.expect_err("it passed a shut gate");
            assert_eq!(error.kind, ErrorKind::Gate, "{error:?}");
            assert!(matches!(error.advice, RetryAdvice::Later { .. }), "{error:?}");
            assert_eq!(bench.counts().await.effects, before, "step {step}");
        }
    }
}

/// No secret shows in an error, a receipt, a ticket or a raw answer.
pub async fn no_secret_shows(bench: &dyn Bench) {
    let check = |shown: String| {
        for secret in bench.secret().values() {
            assert!(!shown.contains(secret), "a secret shows in {shown}");
        }
    };
    for index in 0..bench.contents().len() {
        let run = fresh(bench, index);
        if let Some(Some(ticket)) = run.walk(1).await {
            check(format!("{ticket:?}"));
        }
        for fault in [
            BenchFault::DropAfterCommit,
            BenchFault::Throttle,
            BenchFault::Refuse,
            BenchFault::ExpireToken,
        ] {
            if bench.arm(fault).await {
                let error = fresh(bench, index).go_on(None).await.expect_err("a fault was armed");
                check(format!("{error} {error:?}"));
                if let RetryAdvice::Later { wait, .. } = error.advice {
                    bench.clock().sleep(wait).await;
                }
            }
        }
        let run = fresh(bench, index);
        let receipt = run.publish().await;
        check(format!("{receipt:?}"));
        let measured = bench.channel().measure(&run.cx(), run.to(), &[receipt]).await;
        check(format!("{measured:?} {:?}", bench.secret()));
    }
}

/// It speaks only to the addresses it was given, whatever the platform answers.
pub async fn speaks_only_to_its_platform(bench: &dyn Bench) {
    for index in 0..bench.contents().len() {
        if !bench.arm(BenchFault::PointElsewhere).await {
            return;
        }
        let run = fresh(bench, index);
        // Whether it fails or finds another way is its own business; where it goes is not.
        let outcome = run.go_on(None).await;
        let receipts = outcome.map(|receipt| vec![receipt]).unwrap_or_default();
        drop(run.find(None).await);
        drop(bench.channel().measure(&run.cx(), run.to(), &receipts).await);
        assert_eq!(bench.counts().await.elsewhere, 0, "a request went to another origin");
    }
}

/// What an answer says about the allowance is handed on; what no answer says is not made up.
pub async fn usage_is_handed_on(bench: &dyn Bench) {
    let told = async || {
        let notes = Notes::default();
        for index in 0..bench.contents().len() {
            let run = Run { ear: &notes, ..fresh(bench, index) };
            run.publish().await;
        }
        notes.take()
    };
    let level = |usage: &Usage| match usage {
        Usage::Level { percent: LEVEL, lasts, .. } => Some(!lasts.is_zero()),
        _ => None,
    };
    assert!(!told().await.iter().any(|usage| level(usage).is_some()), "from nowhere");
    if bench.arm(BenchFault::SayUsage).await {
        let told = told().await;
        let levels: Vec<_> = told.iter().filter_map(level).collect();
        assert!(!levels.is_empty() && levels.iter().all(|lasts| *lasts), "{told:?}");
    }
}

/// One named test per clause. `$bench` is an async function that makes a fresh bench (anything that is a [`Bench`]).
#[macro_export]
macro_rules! conformance_tests {
    ($bench:path) => {
        $crate::conformance_tests!(
            $bench,
            over_limit_makes_no_request,
            a_post_goes_out_once,
            one_advance_one_effectful_request,
            cut_after_send_is_verified,
            throttle_keeps_wait_and_scope,
            expired_token_reauthorizes,
            refusal_keeps_the_platform_code,
            a_ticket_resumes_after_a_kill,
            find_returns_what_was_published,
            amend_agrees_with_capability,
            retract_agrees_with_capability,
            a_metric_not_given_is_absent,
            a_shut_gate_stops_every_effect,
            no_secret_shows,
            speaks_only_to_its_platform,
            usage_is_handed_on
        );
    };
    ($bench:path, $($clause:ident),+) => {
        $(#[tokio::test]
        async fn $clause() {
            let bench = $bench().await;
            $crate::conformance::$clause(&bench).await;
        })+
    };
}
