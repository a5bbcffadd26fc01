//! What the ledger asks of a disk: so little that a simulated one can lose power after every call.

use std::{
    fmt, fs, io,
    os::unix::fs::{FileExt as _, MetadataExt as _},
    path::{Path, PathBuf},
};

/// A file that only grows, but for its torn tail.
pub(crate) trait LogFile: Send {
    /// Writes behind the end. The last byte is not zero.
    fn append(&mut self, bytes: &[u8]) -> io::Result<()>;
    /// Returns when all that was appended survives a power loss.
    fn sync_data(&mut self) -> io::Result<()>;
    /// Bytes in the file.
    fn len(&self) -> io::Result<u64>;
    /// Cuts the file.
    fn truncate(&mut self, len: u64) -> io::Result<()>;
    /// Reads some bytes; 0 at the end.
    fn read_at(&self, offset: u64, bytes: &mut [u8]) -> io::Result<usize>;
}

/// A folder of such files.
pub(crate) trait LogFolder: fmt::Debug + Send + Sync {
    /// Names of the files, in any order.
    fn list(&self) -> io::Result<Vec<String>>;
    /// Opens a file that is there.
    fn open(&self, name: &str) -> io::Result<Box<dyn LogFile>>;
    /// Opens a file that is there for reading only.
    fn read(&self, name: &str) -> io::Result<Box<dyn LogFile>>;
    /// Makes an empty file whose name survives a power loss.
    fn create(&self, name: &str) -> io::Result<Box<dyn LogFile>>;
    /// Removes a file for good, if it is there.
    fn remove(&self, name: &str) -> io::Result<()>;
    /// Bytes that this process may still write to the disk.
    fn free(&self) -> io::Result<u64>;
    /// Takes so many bytes of the disk for later, instead of what was taken before.
    fn set_ballast(&self, bytes: u64) -> io::Result<()>;
}

/// A folder on the disk of this machine. Its ballast lies beside it.
#[derive(Debug)]
pub(crate) struct DiskFolder {
    path: PathBuf,
    ballast: PathBuf,
}

impl DiskFolder {
    /// The folder, made when it is not there.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        make_folder(path)?;
        // What a killed process made may not be durable yet.
        sync_folder(path)?;
        path.parent().map_or(Ok(()), sync_folder)?;
        Ok(Self::there(path))
    }

    /// A folder that is there already, for reading.
    pub(crate) fn there(path: &Path) -> Self {
        Self { path: path.to_owned(), ballast: path.with_file_name("ballast") }
    }
}

impl LogFolder for DiskFolder {
    fn list(&self) -> io::Result<Vec<String>> {
        let names = fs::read_dir(&self.path)?.map(|entry| entry.map(|entry| entry.file_name()));
        names.map(|name| Ok(name?.to_string_lossy().into_owned())).collect()
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn LogFile>> {
        let file = fs::OpenOptions::new().read(true).write(true).open(self.path.join(name))?;
        Ok(Box::new(DiskFile::of(file)?))
    }

    fn read(&self, name: &str) -> io::Result<Box<dyn LogFile>> {
        let mut file = DiskFile::of(fs::File::open(self.path.join(name))?)?;
        // What lies behind the end belongs to whoever writes.
        file.room = file.end;
        Ok(Box::new(file))
    }

    fn create(&self, name: &str) -> io::Result<Box<dyn LogFile>> {
        let path = self.path.join(name);
        let file = fs::OpenOptions::new().read(true).write(true).create_new(true).open(path)?;
        file.sync_all()?;
        sync_folder(&self.path)?;
        Ok(Box::new(DiskFile { file, end: 0, room: 0 }))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        remove_if_there(&self.path.join(name))?;
        sync_folder(&self.path)
    }

    fn free(&self) -> io::Result<u64> {
        let disk = rustix::fs::statvfs(&self.path)?;
        Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
    }

    fn set_ballast(&self, bytes: u64) -> io::Result<()> {
        // The one of the last run does as well, unless it is a hole.
        let same = |there: fs::Metadata| there.len() == bytes && there.blocks() * 512 >= bytes;
        if bytes > 0 && fs::metadata(&self.ballast).is_ok_and(same) {
            return Ok(());
        }
        remove_if_there(&self.ballast)?;
        if bytes > 0 {
            let file = fs::File::create(&self.ballast)?;
            // Blocks of its own, not a hole: only those come back when it is removed.
            rustix::fs::fallocate(&file, rustix::fs::FallocateFlags::empty(), 0, bytes)?;
        }
        Ok(())
    }
}

fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Makes a folder and those it lies in, as far as they are not there. Their names survive a power loss.
pub(crate) fn make_folder(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    let parent = match path.parent() {
        Some(parent) if parent.as_os_str().is_empty() => Path::new("."),
        Some(parent) => parent,
        None => return Ok(()),
    };
    make_folder(parent)?;
    match fs::create_dir(path) {
        // Somebody else made it at the same moment.
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists || !path.is_dir() => Err(error),
        _ => sync_folder(parent),
    }
}

/// Makes the names in a folder survive a power loss.
pub(crate) fn sync_folder(path: &Path) -> io::Result<()> {
    fs::File::open(path)?.sync_all()
}

/// A file that is longer than what was appended to it: a sync of bytes that make a file longer takes the disk half as long
/// again as one of bytes that do not. What it is longer by is a hole that reads as zeros. Nothing that is appended ends with
/// a zero, so the end is behind the last byte that is none, also after a kill.
struct DiskFile {
    file: fs::File,
    /// Behind the last byte that was appended.
    end: u64,
    /// Length of the file on disk, `end` or more.
    room: u64,
}

/// A file is made longer by so much at a time: some hundred records.
const AHEAD: u64 = 256 * 1024;
/// Bytes that are read at a time to find the end.
const STEP: usize = 16 * 1024;

impl DiskFile {
    fn of(file: fs::File) -> io::Result<Self> {
        loop {
            let room = file.metadata()?.len();
            match end_of(&file, room) {
                // Whoever writes gave back the room just now, as it does with a segment that is full: the end is where it was.
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {}
                end => return Ok(Self { file, end: end?, room }),
            }
        }
    }
}

/// Behind the last byte of a file that is not zero.
fn end_of(file: &fs::File, room: u64) -> io::Result<u64> {
    let (mut bytes, mut end) = ([0; STEP], room);
    while end > 0 {
        let from = (end - 1) / STEP as u64 * STEP as u64;
        let part = usize::try_from(end - from).map_err(io::Error::other)?;
        let part = bytes.split_at_mut(part).0;
        file.read_exact_at(part, from)?;
        if let Some(last) = part.iter().rposition(|byte| *byte != 0) {
            return Ok(from + last as u64 + 1);
        }
        end = from;
    }
    Ok(0)
}

impl Drop for DiskFile {
    fn drop(&mut self) {
        if self.room > self.end
            && let Err(error) = self.file.set_len(self.end)
        {
            // Nothing is wrong with the file: the next who opens it finds its end.
            tracing::warn!("The ledger keeps room it does not need: {error}");
        }
    }
}

impl LogFile for DiskFile {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let end = self.end + bytes.len() as u64;
        if end > self.room {
            // Where no room is to be had, the bytes make the file longer and say themselves what is wrong.
            self.room = self.file.set_len(end + AHEAD).map_or(end, |()| end + AHEAD);
        }
        self.file.write_all_at(bytes, self.end)?;
        self.end = end;
        Ok(())
    }

    fn sync_data(&mut self) -> io::Result<()> {
        self.file.sync_data()
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.end)
    }

    fn truncate(&mut self, len: u64) -> io::Result<()> {
        self.file.set_len(len)?;
        (self.end, self.room) = (len, len);
        Ok(())
    }

    fn read_at(&self, offset: u64, bytes: &mut [u8]) -> io::Result<usize> {
        let there = usize::try_from(self.end.saturating_sub(offset)).unwrap_or(usize::MAX);
        let wanted = bytes.len().min(there);
        self.file.read_at(bytes.split_at_mut(wanted).0, offset)
    }
}
