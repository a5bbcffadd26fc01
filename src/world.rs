//! The real world: wall clock, the machine's randomness, embedded assets. Nobody else reads them.

use std::{collections::BTreeMap, path::Path, time::Duration};

use anyhow::Context as _;
use bytes::Bytes;
use jiff::Timestamp;
use loa_model::{Clock, Entropy, seams::BoxFuture};

include!(concat!(env!("OUT_DIR"), "/assets.rs"));

/// The machine's clock.
#[derive(Debug, Clone, Copy)]
pub(crate) struct WallClock;

impl Clock for WallClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one clock that the others are made of"
    )]
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
pub(crate) fn assets(overlay: Option<&Path>) -> anyhow::Result<BTreeMap<String, Bytes>> {
    let embedded =
        |&(name, bytes): &(&str, &'static [u8])| (name.to_owned(), Bytes::from_static(bytes));
    let mut all: BTreeMap<String, Bytes> = FILES.iter().map(embedded).collect();
    if let Some(folder) = overlay {
        overlay_folder(folder, folder, &mut all)?;
    }
    Ok(all)
}

fn overlay_folder(
    base: &Path,
    folder: &Path,
    all: &mut BTreeMap<String, Bytes>,
) -> anyhow::Result<()> {
    let entries = std::fs::read_dir(folder)
        .with_context(|| format!("cannot read assets in {}", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() {
            overlay_folder(base, &path, all)?;
        } else {
            let name = path.strip_prefix(base).unwrap_or(&path).to_string_lossy().into_owned();
            all.insert(name, std::fs::read(&path)?.into());
        }
    }
    Ok(())
}

/// A number that changes with any file of a folder: with its name, its length or the time it was written.
pub(crate) fn stamp(folder: &Path) -> u64 {
    fn add(folder: &Path, hash: &mut impl std::hash::Hasher) {
        use std::hash::Hash as _;
        let mut entries: Vec<_> =
            std::fs::read_dir(folder).into_iter().flatten().flatten().collect();
        entries.sort_by_key(std::fs::DirEntry::file_name);
        for entry in entries {
            entry.file_name().hash(hash);
            match entry.metadata() {
                Ok(facts) if facts.is_dir() => add(&entry.path(), hash),
                Ok(facts) => (facts.len(), facts.modified().ok()).hash(hash),
                Err(_) => {}
            }
        }
    }
    let mut hash = std::hash::DefaultHasher::new();
    add(folder, &mut hash);
    std::hash::Hasher::finish(&hash)
}

/// Files of one asset folder, without its name.
pub(crate) fn under<'a>(
    all: &'a BTreeMap<String, Bytes>,
    folder: &str,
) -> impl Iterator<Item = (&'a str, &'a Bytes)> {
    let prefix = format!("{folder}/");
    all.iter().filter_map(move |(name, bytes)| Some((name.strip_prefix(&prefix)?, bytes)))
}

/// Whether an address is on this machine.
pub(crate) fn is_loopback(url: &url::Url) -> bool {
    match url.host() {
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

/// Id of this boot of the machine, where it has one.
pub(crate) fn boot_id() -> Option<String> {
    std::fs::read_to_string("/proc/sys/kernel/random/boot_id")
        .ok()
        .map(|text| text.trim().to_owned())
}

/// Name of the machine, for owner names; any constant would do on one machine.
pub(crate) fn host_name() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname")
        .map_or_else(|_| "machine".to_owned(), |text| text.trim().to_owned())
}

/// Path of the running binary.
pub(crate) fn own_path() -> std::io::Result<std::path::PathBuf> {
    std::env::current_exe()
}

/// Writes a file that only its owner may read.
pub(crate) fn write_private(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    use std::{io::Write as _, os::unix::fs::OpenOptionsExt as _};
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    let mut file =
        options.open(path).with_context(|| format!("cannot write {}", path.display()))?;
    file.write_all(bytes)?;
    file.sync_all()?;
    Ok(())
}

/// Whether a folder can be made and written to.
pub(crate) fn can_write(folder: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)?;
    let probe = folder.join(".loa-probe");
    std::fs::write(&probe, b"loa")?;
    std::fs::remove_file(&probe)
}

/// Folder of temporary files.
pub(crate) fn temporary() -> std::path::PathBuf {
    std::env::temp_dir()
}
