//! Segments are longer on disk than what was appended to them: whoever opens one finds where it ends.

use std::{fs, io, path::Path, sync::Arc};

use super::{Desk, Engine, SEGMENT, changes, clock};
use crate::{
    ledger::{DiskFolder, Ledger, LogFile, LogFolder as _, segment_name},
    rows::MemoryRows,
};

const NAME: &str = "00000000000000000001.log";

fn on_disk(folder: &Path) -> Vec<u8> {
    fs::read(folder.join(NAME)).unwrap()
}

/// As a process leaves a file that is killed: nothing more is done to it.
fn killed(file: Box<dyn LogFile>) {
    std::mem::forget(file);
}

fn content(file: &dyn LogFile) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; 64];
    let read = file.read_at(0, &mut bytes)?;
    bytes.truncate(read);
    assert_eq!(file.len()?, bytes.len() as u64);
    Ok(bytes)
}

#[test]
fn a_file_ends_where_its_bytes_end_also_after_a_kill() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = DiskFolder::open(temporary.path()).unwrap();
    let mut file = folder.create(NAME).unwrap();
    file.append(b"mot").unwrap();
    let long = on_disk(temporary.path()).len();
    assert!(long > 3, "the file has room ahead");
    file.append(b"ha\0i").unwrap();
    assert_eq!(on_disk(temporary.path()).len(), long, "the second write makes it no longer");
    assert_eq!(content(file.as_ref()).unwrap(), b"motha\0i");
    killed(file);
    // A reader changes nothing.
    assert_eq!(content(folder.read(NAME).unwrap().as_ref()).unwrap(), b"motha\0i");
    assert_eq!(on_disk(temporary.path()).len(), long);
    let mut file = folder.open(NAME).unwrap();
    assert_eq!(content(file.as_ref()).unwrap(), b"motha\0i");
    file.append(b"ba").unwrap();
    assert_eq!(content(file.as_ref()).unwrap(), b"motha\0iba");
    file.truncate(3).unwrap();
    assert_eq!(content(file.as_ref()).unwrap(), b"mot");
    file.append(b"bon").unwrap();
    drop(file);
    assert_eq!(on_disk(temporary.path()), b"motbon", "what ends well gives its room back");
}

#[test]
fn the_end_is_found_wherever_a_step_of_the_search_meets_it() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = DiskFolder::open(temporary.path()).unwrap();
    let step = 16 * 1024;
    for length in [0, 1, step - 1, step, step + 1, 3 * step, 3 * step + 7] {
        for room in [0, 1, step - 1, step, step + 1, 20 * step] {
            let bytes = [vec![b'x'; length], vec![0; room]].concat();
            fs::write(temporary.path().join(NAME), bytes).unwrap();
            let file = folder.read(NAME).unwrap();
            assert_eq!(file.len().unwrap(), length as u64, "{length} and {room}");
        }
    }
}

#[test]
fn a_reader_finds_the_end_while_the_writer_gives_its_room_back() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = DiskFolder::open(temporary.path()).unwrap();
    let path = temporary.path().join(NAME);
    fs::write(&path, b"motha").unwrap();
    let writer = fs::OpenOptions::new().write(true).open(&path).unwrap();
    std::thread::scope(|threads| {
        threads.spawn(|| {
            for _ in 0..3000 {
                writer.set_len(5 + 256 * 1024).unwrap();
                writer.set_len(5).unwrap();
            }
        });
        for _ in 0..3000 {
            assert_eq!(content(folder.read(NAME).unwrap().as_ref()).unwrap(), b"motha");
        }
    });
}

#[test]
fn a_ledger_that_was_killed_goes_on_behind_its_last_record() {
    let temporary = tempfile::tempdir().unwrap();
    let open = || {
        let folder = Arc::new(DiskFolder::open(temporary.path()).unwrap());
        Ledger::open(folder, SEGMENT, None).unwrap()
    };
    let (mut ledger, mut all) = (open(), Vec::new());
    let mut engine = Engine::load(Arc::new(MemoryRows::default()), clock().now()).unwrap();
    for n in 1..30 {
        engine.commit(clock().now(), changes(n)).unwrap();
        ledger.append(engine.staged()).unwrap();
        all.extend(engine.apply(&mut || ()).unwrap());
        if n % 4 == 0 {
            std::mem::forget(std::mem::replace(&mut ledger, open()));
            assert_eq!((ledger.end().0, ledger.cut()), (n, 0), "zeros are no torn record");
        }
    }
    drop(ledger);
    let desk = Desk { ledger: open(), engine };
    assert_eq!(desk.entries(), all);
    // Sealed segments and the last one have given their room back, but for those that were killed.
    let lengths = desk.ledger.extent().segments;
    assert!(lengths.len() > 5);
    for (first, length) in lengths {
        let bytes = fs::read(temporary.path().join(segment_name(first))).unwrap();
        let end = usize::try_from(length).unwrap();
        assert!(bytes[end..].iter().all(|byte| *byte == 0) && bytes[end - 1] == b'}');
    }
}
