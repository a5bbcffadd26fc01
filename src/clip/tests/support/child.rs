//! The child of a test as others on the machine see it.

#![allow(dead_code, unreachable_pub, missing_docs, reason = "each user takes a part of it")]

use std::fs;

use loa_clip::Runner;

use super::film::runner;

/// The runner of tests with a name among its arguments by which its process is found.
pub fn named(name: &str) -> Runner {
    Runner { args: vec![name.into()], ..runner() }
}

/// The process with this argument, when it runs: only a test that runs alone may ask for a name that others use.
pub fn process(name: &str) -> Option<u32> {
    let there = fs::read_dir("/proc").expect("Linux tells its processes");
    there.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok()).find(|id: &u32| {
        // Others end while they are looked at.
        let said = fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default();
        said.split(|byte| *byte == 0).skip(1).eq([name.as_bytes(), b""])
    })
}

/// Memory of a process at its highest so far, KiB; nothing once it has ended.
pub fn highest_kib(process: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().trim_end_matches("kB").trim().parse().ok()
}
