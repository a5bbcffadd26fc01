//! Digests: SHA-256 over named, length-prefixed fields, so that no two different inputs share an encoding.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest as _, Sha256};

/// A SHA-256 digest, written as 64 hex characters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(pub [u8; 32]);

/// The digest of a blob's bytes: its address in the blob store.
pub type BlobHash = Digest;

impl Digest {
    /// Digest of these bytes as they are.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// The first 12 hex characters: for people, never for comparing.
    pub fn short(&self) -> String {
        hex::encode(&self.0[..6])
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({})", self.short())
    }
}

impl FromStr for Digest {
    type Err = hex::FromHexError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut bytes = [0u8; 32];
        hex::decode_to_slice(text, &mut bytes)?;
        Ok(Self(bytes))
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// Builds a digest from named fields.
#[derive(Clone, Debug)]
pub struct DigestBuilder(Sha256);

impl DigestBuilder {
    /// Starts a digest of one kind; two kinds never collide.
    pub fn new(kind: &str) -> Self {
        let mut builder = Self(Sha256::new());
        builder.raw(kind.as_bytes());
        builder
    }

    /// Adds a field.
    #[must_use]
    pub fn field(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.raw(name.as_bytes());
        self.raw(value.as_ref());
        self
    }

    /// Adds a field as its JSON: for values whose serde form is their identity.
    #[must_use]
    pub fn json(self, name: &str, value: &impl Serialize) -> Self {
        let value = serde_json::to_vec(value).expect("model types serialize to JSON");
        self.field(name, value)
    }

    /// The digest.
    pub fn finish(self) -> Digest {
        Digest(self.0.finalize().into())
    }

    fn raw(&mut self, bytes: &[u8]) {
        self.0.update((bytes.len() as u64).to_le_bytes());
        self.0.update(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moving_a_boundary_changes_the_digest() {
        let one = DigestBuilder::new("t").field("a", "xy").field("b", "z").finish();
        let two = DigestBuilder::new("t").field("a", "x").field("b", "yz").finish();
        assert_ne!(one, two);
        assert_eq!(one.to_string().parse::<Digest>().unwrap(), one);
    }
}
