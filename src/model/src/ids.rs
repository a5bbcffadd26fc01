//! Identifiers: UUIDv7 newtypes, sortable by time of making and unguessable where they are public.

use std::{fmt, str::FromStr, sync::Arc};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::seams::{Entropy, SharedClock};

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}", self.0.as_hyphenated())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.0.as_hyphenated())
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::parse_str(text).map(Self)
            }
        }

        impl From<Uuid> for $name {
            fn from(id: Uuid) -> Self {
                Self(id)
            }
        }
    )*};
}

ids! {
    /// A published article of a portal, over all its revisions.
    ArticleId,
    /// One extraction of one revision.
    BriefId,
    /// One editorial form of one revision.
    VariantId,
    /// One message for one account.
    PostId,
    /// One approved post on its way to its account.
    DeliveryId,
    /// One piece of work in the queue.
    JobId,
    /// One measurement of one post.
    SampleId,
    /// A person of an agency.
    UserId,
    /// A feed that an agency watches.
    FeedId,
}

/// Makes ids and tokens from the clock and the randomness handed down by `main`.
#[derive(Clone, Debug)]
pub struct Ids {
    clock: SharedClock,
    entropy: Arc<dyn Entropy>,
}

impl Ids {
    /// Ids from this clock and this randomness.
    pub fn new(clock: SharedClock, entropy: Arc<dyn Entropy>) -> Self {
        Self { clock, entropy }
    }

    /// A new id, later ones sort after earlier ones of another millisecond.
    pub fn make<T: From<Uuid>>(&self) -> T {
        let mut random = [0u8; 10];
        self.entropy.fill(&mut random);
        let millis = u64::try_from(self.clock.now().as_millisecond()).unwrap_or(0);
        T::from(uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid())
    }

    /// The randomness they are made from, for what is neither id nor token: the salt of a password.
    pub fn entropy(&self) -> &dyn Entropy {
        &*self.entropy
    }

    /// A number in 0..=1, for jitter.
    pub fn chance(&self) -> f64 {
        let mut random = [0u8; 4];
        self.entropy.fill(&mut random);
        f64::from(u32::from_le_bytes(random)) / f64::from(u32::MAX)
    }

    /// A token of `len` characters from an alphabet without look-alikes (no `0`, `1`, `i`, `l`, `o`, `u`).
    ///
    /// Five bits a character: 26 characters hold the 128 bits of a public media address.
    pub fn token(&self, len: usize) -> String {
        const ALPHABET: &[u8; 32] = b"23456789abcdefghjkmnpqrstvwxyzAB";
        let mut random = vec![0u8; len];
        self.entropy.fill(&mut random);
        random.iter().map(|byte| char::from(ALPHABET[usize::from(byte & 31)])).collect()
    }
}
