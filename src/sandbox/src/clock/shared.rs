//! The virtual clock of binary and sandboxes: a base clock plus an offset that lives in a file.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use loa_model::{
    Clock,
    seams::{BoxFuture, SharedClock},
};
use serde::{Deserialize, Serialize};

use super::{Advance, later};
use crate::error::{Error, Result};

/// How long a sleeper may miss a jump made by another process.
const POLL: Duration = Duration::from_millis(20);

/// A base clock moved on by an offset kept in a small file, so that several processes see one time.
///
/// The offset is read again whenever the time is asked for; it only grows, and so does the time.
#[derive(Debug)]
pub struct VirtualClock {
    path: PathBuf,
    base: SharedClock,
    /// Largest offset seen, milliseconds.
    offset_ms: AtomicI64,
    /// Latest time handed out, microseconds since the epoch.
    last_us: AtomicI64,
}

#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    offset_ms: i64,
}

impl VirtualClock {
    /// Opens the clock kept at `path`; a missing file is an offset of zero.
    ///
    /// # Errors
    /// [`Error::File`] when the folder cannot be written, [`Error::Damaged`] when the file holds no offset.
    pub fn open(path: &Path, base: SharedClock) -> Result<Arc<Self>> {
        let clock = Self {
            path: path.to_owned(),
            base,
            offset_ms: AtomicI64::new(0),
            last_us: AtomicI64::new(i64::MIN),
        };
        match read(path)? {
            Some(kept) => clock.offset_ms.store(kept.offset_ms, Ordering::SeqCst),
            None => clock.keep(0)?,
        }
        Ok(Arc::new(clock))
    }

    /// How far the clock is ahead of its base.
    pub fn offset(&self) -> Duration {
        let millis = match read(&self.path) {
            Ok(Some(kept)) => self.offset_ms.fetch_max(kept.offset_ms, Ordering::SeqCst),
            // A file that vanished or is being replaced: the offset we know still holds.
            Ok(None) | Err(_) => 0,
        };
        let millis = millis.max(self.offset_ms.load(Ordering::SeqCst));
        Duration::from_millis(u64::try_from(millis).unwrap_or(0))
    }

    /// Writes the offset so that a crash leaves the old or the new one, never half of one.
    fn keep(&self, offset_ms: i64) -> Result<()> {
        let tmp = self.path.with_extension("tmp");
        let text = serde_json::to_vec(&Kept { offset_ms }).expect("a number serialises");
        let write = || -> io::Result<()> {
            let mut file = File::create(&tmp)?;
            file.write_all(&text)?;
            file.sync_all()?;
            fs::rename(&tmp, &self.path)?;
            match self.path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
                Some(folder) => File::open(folder)?.sync_all(),
                None => Ok(()),
            }
        };
        write().map_err(Error::file("write", &self.path))
    }
}

impl Advance for VirtualClock {
    fn advance(&self, by: Duration) -> Result<()> {
        let by = i64::try_from(by.as_millis()).map_err(|_| Error::Clock("too far ahead".into()))?;
        // Two processes that move the clock at once must not lose one of the two moves.
        let lock_path = self.path.with_extension("lock");
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&lock_path)
            .map_err(Error::file("open", &lock_path))?;
        lock.lock().map_err(Error::file("lock", &lock_path))?;
        let kept = read(&self.path)?.map_or(0, |kept| kept.offset_ms);
        let known = self.offset_ms.load(Ordering::SeqCst).max(kept);
        let next = known.checked_add(by).ok_or_else(|| Error::Clock("too far ahead".to_owned()))?;
        self.keep(next)?;
        self.offset_ms.fetch_max(next, Ordering::SeqCst);
        Ok(())
    }
}

impl Clock for VirtualClock {
    fn now(&self) -> Timestamp {
        let now = later(self.base.now(), self.offset());
        // The base may be set back under us; what was handed out stays true.
        let last = self.last_us.fetch_max(now.as_microsecond(), Ordering::SeqCst);
        if last > now.as_microsecond() {
            return Timestamp::from_microsecond(last).unwrap_or(now);
        }
        now
    }

    fn sleep(&self, wait: Duration) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            let until = later(self.now(), wait);
            loop {
                let left: SignedDuration = until.duration_since(self.now());
                let Ok(left) = Duration::try_from(left) else { return };
                if left.is_zero() {
                    return;
                }
                tokio::time::sleep(left.min(POLL)).await;
            }
        })
    }
}

fn read(path: &Path) -> Result<Option<Kept>> {
    match fs::read(path) {
        Ok(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(|error| Error::Damaged {
            path: path.to_owned(),
            line: 1,
            why: error.to_string(),
        }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::file("read", path)(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::ManualClock;

    const START: &str = "2026-11-22T08:00:00Z";

    #[test]
    fn two_processes_see_one_time_and_a_restart_keeps_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("clock.json");
        let base = ManualClock::at(START.parse().unwrap());
        let here = VirtualClock::open(&path, base.clone()).unwrap();
        let there = VirtualClock::open(&path, base.clone()).unwrap();
        assert_eq!(here.now(), there.now());
        here.advance(Duration::from_hours(1)).unwrap();
        assert_eq!(there.now(), "2026-11-22T09:00:00Z".parse().unwrap());
        there.advance(Duration::from_hours(1)).unwrap();
        assert_eq!(here.now(), "2026-11-22T10:00:00Z".parse().unwrap());
        drop((here, there));
        let again = VirtualClock::open(&path, base).unwrap();
        assert_eq!(again.now(), "2026-11-22T10:00:00Z".parse().unwrap());
    }

    #[test]
    fn it_never_goes_back() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("clock.json");
        let base = ManualClock::at(START.parse().unwrap());
        let clock = VirtualClock::open(&path, base).unwrap();
        clock.advance(Duration::from_mins(1)).unwrap();
        let before = clock.now();
        std::fs::write(&path, br#"{"offset_ms":0}"#).unwrap();
        assert_eq!(clock.now(), before);
        std::fs::remove_file(&path).unwrap();
        assert_eq!(clock.now(), before);
    }

    #[test]
    fn a_damaged_file_is_not_taken_for_zero() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("clock.json");
        std::fs::write(&path, "không phải số").unwrap();
        let base = ManualClock::at(START.parse().unwrap());
        assert!(matches!(VirtualClock::open(&path, base), Err(Error::Damaged { .. })));
    }

    #[tokio::test(start_paused = true)]
    async fn a_jump_made_elsewhere_wakes_a_sleeper() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("clock.json");
        let base = ManualClock::at(START.parse().unwrap());
        let here = VirtualClock::open(&path, base.clone()).unwrap();
        let there = VirtualClock::open(&path, base).unwrap();
        let sleeper = tokio::spawn(async move { here.sleep(Duration::from_hours(24)).await });
        tokio::task::yield_now().await;
        assert!(!sleeper.is_finished());
        there.advance(Duration::from_hours(24)).unwrap();
        sleeper.await.unwrap();
    }
}
