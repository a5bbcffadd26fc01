//! A disk in memory that loses power after a chosen operation, and with it what was not synced.

use std::{
    collections::BTreeMap,
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::file::{LogFile, LogFolder};

/// What is left of unsynced bytes after a power loss.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loss {
    /// Nothing.
    All,
    /// The first so many per mille.
    Tail(u64),
    /// Some blocks of 16 bytes here and there, zeros between, chosen by this number.
    Scattered(u64),
}

#[derive(Debug, Default, Clone)]
struct Content {
    bytes: Vec<u8>,
    synced: Vec<u8>,
}

#[derive(Debug, Default)]
struct State {
    files: BTreeMap<String, Content>,
    operations: u64,
    power_lost_at: Option<u64>,
    failing_syncs: u64,
    failing_appends: u64,
    /// Bytes the disk holds; no end when nothing is said.
    capacity: Option<u64>,
    ballast: u64,
}

impl State {
    fn free(&self) -> u64 {
        let used: u64 = self.files.values().map(|file| file.bytes.len() as u64).sum();
        self.capacity.unwrap_or(u64::MAX).saturating_sub(used + self.ballast)
    }
}

/// A disk in memory that loses power after a chosen operation, and with it what was not synced. Clones are the same disk.
#[derive(Debug, Default, Clone)]
pub struct Disk(Arc<Mutex<State>>);

impl Disk {
    /// Loses power in the middle of operation `n`, counted from 0.
    pub fn lose_power_at(&self, n: u64) {
        self.state().power_lost_at = Some(n);
    }

    /// Fails the next so many syncs, and works again afterwards.
    pub fn fail_syncs(&self, n: u64) {
        self.state().failing_syncs = n;
    }

    /// Fails the next so many appends half way, and works again afterwards.
    pub fn fail_appends(&self, n: u64) {
        self.state().failing_appends = n;
    }

    /// Whether the next append fails.
    pub fn fails_appends(&self) -> bool {
        self.state().failing_appends > 0
    }

    /// Lets the disk hold so many bytes.
    pub fn set_capacity(&self, bytes: u64) {
        self.state().capacity = Some(bytes);
    }

    /// Bytes that are kept for later.
    pub fn ballast(&self) -> u64 {
        self.state().ballast
    }

    /// Operations so far.
    pub fn operations(&self) -> u64 {
        self.state().operations
    }

    /// Whether power was lost: nothing can be written any more.
    pub fn is_dark(&self) -> bool {
        let state = self.state();
        state.power_lost_at.is_some_and(|lost| state.operations > lost)
    }

    /// The disk as the machine finds it when power comes back.
    #[must_use]
    pub fn power_cycle(&self, loss: Loss) -> Self {
        let after = |content: &Content| {
            let bytes = surviving(content, loss);
            Content { synced: bytes.clone(), bytes }
        };
        let before = self.state();
        let files = before.files.iter().map(|(name, file)| (name.clone(), after(file)));
        let state = State { files: files.collect(), ..State::default() };
        Self(Arc::new(Mutex::new(state)))
    }

    /// The disk as the next process finds it when this one was killed: nothing is lost, and nothing more is durable.
    #[must_use]
    pub fn next_process(&self) -> Self {
        let state = State { files: self.state().files.clone(), ..State::default() };
        Self(Arc::new(Mutex::new(state)))
    }

    /// The bytes of the files, in order of their names.
    pub fn files(&self) -> Vec<(String, Vec<u8>)> {
        let state = self.state();
        state.files.iter().map(|(name, file)| (name.clone(), file.bytes.clone())).collect()
    }

    /// A disk with these files.
    pub fn with(files: impl IntoIterator<Item = (String, Vec<u8>)>) -> Self {
        let content = |bytes: Vec<u8>| Content { synced: bytes.clone(), bytes };
        let files = files.into_iter().map(|(name, bytes)| (name, content(bytes))).collect();
        Self(Arc::new(Mutex::new(State { files, ..State::default() })))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts an operation; says whether it is the one in which power is lost.
    fn operate(&self) -> io::Result<(MutexGuard<'_, State>, bool)> {
        let mut state = self.state();
        let number = state.operations;
        state.operations += 1;
        match state.power_lost_at {
            Some(lost) if number > lost => Err(io::Error::other("no power")),
            lost => Ok((state, lost == Some(number))),
        }
    }
}

fn surviving(content: &Content, loss: Loss) -> Vec<u8> {
    let Content { bytes, synced } = content;
    let Some(fresh) = bytes.strip_prefix(synced.as_slice()) else {
        // An unsynced cut: it happened or it did not.
        return if loss == Loss::All { synced.clone() } else { bytes.clone() };
    };
    let mut left = synced.clone();
    match loss {
        Loss::All => {}
        Loss::Tail(mille) => {
            let keep = fresh.len() as u64 * mille.min(1000) / 1000;
            left.extend(fresh.iter().take(index(keep)));
        }
        Loss::Scattered(seed) => {
            for (n, block) in fresh.chunks(16).enumerate() {
                let mixed = (seed + n as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
                let kept = mixed >> 63 == 1;
                left.extend(block.iter().map(|byte| if kept { *byte } else { 0 }));
            }
        }
    }
    left
}

fn index(offset: u64) -> usize {
    usize::try_from(offset).expect("it lies in memory")
}

impl LogFolder for Disk {
    fn list(&self) -> io::Result<Vec<String>> {
        Ok(self.state().files.keys().cloned().collect())
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn LogFile>> {
        if self.state().files.contains_key(name) {
            Ok(Box::new(File { disk: self.clone(), name: name.to_owned() }))
        } else {
            Err(io::ErrorKind::NotFound.into())
        }
    }

    fn read(&self, name: &str) -> io::Result<Box<dyn LogFile>> {
        self.open(name)
    }

    fn create(&self, name: &str) -> io::Result<Box<dyn LogFile>> {
        let (mut state, lost) = self.operate()?;
        state.files.insert(name.to_owned(), Content::default());
        if lost {
            return Err(io::Error::other("power lost"));
        }
        Ok(Box::new(File { disk: self.clone(), name: name.to_owned() }))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let (mut state, lost) = self.operate()?;
        state.files.remove(name);
        if lost { Err(io::Error::other("power lost")) } else { Ok(()) }
    }

    fn free(&self) -> io::Result<u64> {
        Ok(self.state().free())
    }

    fn set_ballast(&self, bytes: u64) -> io::Result<()> {
        let mut state = self.state();
        state.ballast = 0;
        if bytes > state.free() {
            return Err(io::ErrorKind::StorageFull.into());
        }
        state.ballast = bytes;
        Ok(())
    }
}

struct File {
    disk: Disk,
    name: String,
}

impl LogFile for File {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let (mut state, lost) = self.disk.operate()?;
        let fails = state.failing_appends > 0;
        state.failing_appends = state.failing_appends.saturating_sub(1);
        let fits = usize::try_from(state.free()).unwrap_or(usize::MAX).min(bytes.len());
        let content = state.files.get_mut(&self.name).expect("the file is there");
        if fails {
            content.bytes.extend_from_slice(&bytes[..bytes.len() / 2]);
            return Err(io::Error::other("the disk did not take it"));
        }
        if fits < bytes.len() {
            content.bytes.extend_from_slice(&bytes[..fits]);
            return Err(io::ErrorKind::StorageFull.into());
        }
        content.bytes.extend_from_slice(bytes);
        if lost { Err(io::Error::other("power lost")) } else { Ok(()) }
    }

    fn sync_data(&mut self) -> io::Result<()> {
        let (mut state, lost) = self.disk.operate()?;
        if state.failing_syncs > 0 {
            state.failing_syncs -= 1;
            return Err(io::Error::other("the disk answers no more"));
        }
        if lost {
            return Err(io::Error::other("power lost"));
        }
        let content = state.files.get_mut(&self.name).expect("the file is there");
        content.synced = content.bytes.clone();
        Ok(())
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.disk.state().files[&self.name].bytes.len() as u64)
    }

    fn truncate(&mut self, len: u64) -> io::Result<()> {
        let (mut state, lost) = self.disk.operate()?;
        let content = state.files.get_mut(&self.name).expect("the file is there");
        content.bytes.truncate(index(len));
        if lost { Err(io::Error::other("power lost")) } else { Ok(()) }
    }

    fn read_at(&self, offset: u64, bytes: &mut [u8]) -> io::Result<usize> {
        let state = self.disk.state();
        let content = &state.files[&self.name].bytes;
        let rest = content.get(index(offset)..).unwrap_or_default();
        let read = rest.len().min(bytes.len());
        bytes[..read].copy_from_slice(&rest[..read]);
        Ok(read)
    }
}
