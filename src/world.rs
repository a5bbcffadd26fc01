//! The real world: wall clock, the machine's randomness, embedded assets. Nobody else reads them.

use std::{collections::BTreeMap, path::Path, time::Duration};

use anyhow::Context as _;
use jiff::Timestamp;
use loa_model::{
    Clock, Entropy,
    seams::BoxFuture,
};

include!(concat!(env!("OUT_DIR"), "/assets.rs"));

/// The machine's clock.
#[derive(Debug, Clone, Copy)]
pub(crate) struct WallClock;

impl Clock for WallClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one clock that the others are made of")]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn sleep(&self, wait: Duration) -> BoxFuture<'_, ()> {
        Box::pin(tokio::time::sleep(wait))
    }
}

/// The machine's randomness.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OsEntropy;

impl Entropy for OsEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        // Without randomness no id and no token is safe: stopping is the only right answer.
        getrandom::fill(bytes).expect("the machine gives random bytes");
    }
}

/// Assets by path relative to `assets/`: embedded, with a folder laid over them while templates are being written.
pub(crate) fn assets(overlay: Option<&Path>) -> anyhow::Result<BTreeMap<String, Vec<u8>>> {
    let mut all: BTreeMap<String, Vec<u8>> =
        FILES.iter().map(|(name, bytes)| ((*name).to_owned(), bytes.to_vec())).collect();
    if let Some(folder) = overlay {
        overlay_folder(folder, folder, &mut all)?;
    }
    Ok(all)
}

fn overlay_folder(base: &Path, folder: &Path, all: &mut BTreeMap<String, Vec<u8>>) -> anyhow::Result<()> {
    let entries = std::fs::read_dir(folder).with_context(|| format!("cannot read assets in {}", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() {
            overlay_folder(base, &path, all)?;
        } else {
            let name = path.strip_prefix(base).unwrap_or(&path).to_string_lossy().into_owned();
            all.insert(name, std::fs::read(&path)?);
        }
    }
    Ok(())
}

/// Files of one asset folder, without its name.
pub(crate) fn under<'a>(all: &'a BTreeMap<String, Vec<u8>>, folder: &str) -> impl Iterator<Item = (&'a str, &'a [u8])> {
    let prefix = format!("{folder}/");
    all.iter().filter_map(move |(name, bytes)| name.strip_prefix(&prefix).map(|rest| (rest, bytes.as_slice())))
}
