//! What protects the protocol, one name for each thing that can be taken away.

macro_rules! guards {
    ($($(#[doc = $doc:literal])* $name:ident),* $(,)?) => {
        /// A guard of the protocol, and the code that has it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Guard {
            $($(#[doc = $doc])* $name),*
        }

        impl Guard {
            pub const EVERY: &[Self] = &[$(Self::$name),*];

            /// What it does and where, a sentence.
            pub fn words(self) -> &'static str {
                match self {
                    $(Self::$name => concat!($($doc),*).trim_ascii()),*
                }
            }
        }
    };
}

guards! {
    /// An intent is committed before a request with an effect: `At::intend`.
    DurableIntent,
    /// The adapter says truly what its next step does: `Channel::effect`.
    TrueEffect,
    /// A client writes a request once: `net::Client::send`.
    ClientNeverRepeats,
    /// A post that is not approved any more is not sent: `checked`.
    ApprovalAtStep,
    /// Words that are not the approved ones are not sent: `checked`.
    WordsAtStep,
    /// An intent of other words is refused: `Event::Intend`.
    WordsAtIntent,
    /// Words that are not the approved ones do not pass the gate.
    WordsAtGate,
    /// What is late is missed: `At::step`.
    WindowAtStep,
    /// What is late is not claimed: `Event::Claim`.
    WindowAtClaim,
    /// No intent is written late: `Event::Intend`.
    WindowAtIntent,
    /// Nothing passes the gate late.
    WindowAtGate,
    /// A stopped account's posts are not begun: `Worker::errand`.
    StopAtRound,
    /// Whoever looks whether people stopped the account reads the kill switches: `At::stopped`.
    KillIsRead,
    /// Whoever looks whether people stopped the account reads its pause: `At::stopped`.
    PauseIsRead,
    /// People's stops are looked at before every step: `At::step`.
    StopAtStep,
    /// People's stops are looked at once more behind the intent: `At::step`.
    StopBehindIntent,
    /// A kill switch this process has heard of shuts the gate.
    KillAtGate,
    /// The gate compares the account's lease and its end with those of the sender.
    FenceAtGate,
    /// The gate shuts at the intent's deadline.
    DeadlineAtGate,
    /// The gate stays shut for a step that was declared a pure read.
    EffectAtGate,
    /// The gate lets one public request through for one intent.
    OneRequest,
    /// A gate that shuts after it let a request go proves nothing: `SendGate::judge`.
    ShutAfterSent,
    /// No answer to a public request is uncertain: `At::failed`.
    UnknownIsUncertain,
    /// A sender lost during a public step is uncertain: `Event::LeaseLost`.
    LostIsUncertain,
    /// No answer to the last try of making it public is uncertain: `At::failed`.
    UnknownShowIsUncertain,
    /// A sender lost during that last try is uncertain: `Event::LeaseLost`.
    LostShowIsUncertain,
    /// What may be live is remembered so: `Delivery::public_since`.
    MayBeLive,
    /// The worker finds out about what may be live before it puts it aside: `Mover::in_doubt`.
    DoubtIsSettled,
    /// Nobody asks before the quarantine is over: `read_back::next`.
    QuarantineAtAsk,
    /// No read-back counts before the quarantine is over: `Event::Absent`.
    Quarantine,
    /// The quarantine begins at the send deadline when that is later: `Worker::quarantine`.
    QuarantineFromDeadline,
    /// An earlier quarantine is kept when the outcome becomes unclear again: `Delivery::unclear`.
    LongestQuarantine,
    /// One negative read-back is not enough: `Event::Absent`.
    TwoNegatives,
    /// Nobody asks again at the same moment: `read_back::next`.
    ApartAtAsk,
    /// Two at one moment are not two: `Event::Absent`.
    Apart,
    /// An answer counts for the doubt it was asked in: `At::read_back`.
    FreshAnswers,
    /// A platform without read-back is not asked: `read_back::next`.
    OnlyWhereReadable,
    /// A person cannot say "not there" while a request may be on its way: `Desk::confirm_absent`.
    PersonWaits,
    /// A receipt after the lease was lost is kept: `Mover::late_receipt`.
    LateReceipt,
    /// A cancel while it is sent is a wish: `Event::Cancel`.
    CancelIsWish,
    /// The wish is obeyed once it is live: `Mover::changes`.
    WishRetracts,
    /// The wish is obeyed once it is known not to be live: `Mover::changes`, `Worker::errand`.
    WishCancels,
    /// Nothing more is sent against a wish: `At::allowed`.
    WishAtStep,
    /// Making public is not tried again against a wish: `Mover::in_doubt`.
    WishIsDoubt,
    /// An account is leased to one worker: `Queue::lease`.
    OneOwner,
    /// A worker changes only what is still under its lease: `chain::same`.
    SameLease,
    /// A change is written over what it was made from: versions in `Store::commit`.
    Versions,
    /// No claim under an older fence: `Event::Claim`.
    FenceAtClaim,
    /// No intent under another fence: `Event::Intend`.
    FenceAtIntent,
    /// A worker does not take from a newer owner: `Worker::recover`.
    FenceAtRecover,
    /// A lost lease raises the fence: `Event::LeaseLost`.
    LostRaisesFence,
    /// An attempt is counted with its first intent: `Event::Intend`.
    AttemptCounted,
    /// A chain that was snoozed goes on without costing another: `Delivery::paid`.
    SnoozeIsFree,
    /// What has no attempt left is given up: `At::intend`.
    LimitAtStep,
    /// No intent beyond the attempts that are allowed: `Event::Intend`.
    LimitAtIntent,
    /// What is live keeps its proof: `Event::Live`.
    ReceiptKept,
    /// What the platform asked to wait is not begun: `Worker::errand`.
    WaitAtRound,
    /// What the platform asked to wait is not claimed: `Event::Claim`.
    WaitAtClaim,
}

/// The guards that stand.
#[derive(Debug, Clone, Copy)]
pub struct Guards(u64);

impl Guards {
    pub const ALL: Self = Self(u64::MAX);

    pub fn without(removed: &[Guard]) -> Self {
        Self(removed.iter().fold(u64::MAX, |all, guard| all & !bit(*guard)))
    }

    pub fn has(self, guard: Guard) -> bool {
        self.0 & bit(guard) != 0
    }
}

fn bit(guard: Guard) -> u64 {
    1 << guard as u32
}
