//! The limits of a child, set by the child itself before it reads its request.

use std::{collections::BTreeMap, path::PathBuf};

use landlock::{
    ABI, Access, AccessFs, Ruleset, RulesetAttr, RulesetCreatedAttr, RulesetStatus,
    path_beneath_rules,
};
use rustix::process::{Resource, Rlimit, setrlimit};
use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, TargetArch};
use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// What a child may use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Address space, in bytes.
    pub memory_bytes: u64,
    /// Processor time over all threads, in seconds.
    pub cpu_s: u64,
    /// Longest file it may write, in bytes.
    pub file_bytes: u64,
    /// Open files.
    pub open_files: u64,
    /// Files and folders it may read.
    pub read: Vec<PathBuf>,
    /// Folders it may read and write.
    pub write: Vec<PathBuf>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory_bytes: 2 << 30,
            cpu_s: 15 * 60,
            file_bytes: 1 << 30,
            open_files: 64,
            read: Vec::new(),
            write: Vec::new(),
        }
    }
}

/// How far the kernel holds the child to its folders.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Landlock {
    /// Every access asked for is under control.
    Full,
    /// An older kernel controls a part.
    Partial,
    /// The kernel has no landlock: the folders are not enforced, everything else is.
    Absent,
}

/// What holds the child.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confinement {
    /// Its folders.
    pub landlock: Landlock,
    /// Whether sockets and other programs are refused by the kernel.
    pub seccomp: bool,
}

/// Puts the calling thread, and every thread it starts from now on, under these limits. There is no way back.
///
/// Call it while the process has one thread: threads that already run stay free of the folder and socket rules.
///
/// # Errors
/// [`Error::Limit`] when the kernel refuses a limit. A kernel without landlock is not an error, see [`Confinement`].
pub fn enter(limits: &Limits) -> Result<Confinement> {
    for (what, resource, value) in [
        ("address space", Resource::As, limits.memory_bytes),
        ("processor time", Resource::Cpu, limits.cpu_s),
        ("file size", Resource::Fsize, limits.file_bytes),
        ("open files", Resource::Nofile, limits.open_files),
        ("core dumps", Resource::Core, 0),
    ] {
        let limit = Rlimit { current: Some(value), maximum: Some(value) };
        setrlimit(resource, limit).map_err(refused(what))?;
    }
    rustix::thread::set_no_new_privs(true).map_err(refused("no new privileges"))?;
    let landlock = folders(limits)?;
    let seccomp = system_calls()?;
    Ok(Confinement { landlock, seccomp })
}

fn folders(limits: &Limits) -> Result<Landlock> {
    const VERSION: ABI = ABI::V5;
    let made = || -> std::result::Result<RulesetStatus, landlock::RulesetError> {
        let status = Ruleset::default()
            .handle_access(AccessFs::from_all(VERSION))?
            .create()?
            .add_rules(path_beneath_rules(&limits.read, AccessFs::from_read(VERSION)))?
            .add_rules(path_beneath_rules(&limits.write, AccessFs::from_all(VERSION)))?
            .restrict_self()?;
        Ok(status.ruleset)
    };
    Ok(match made().map_err(refused("folders"))? {
        RulesetStatus::FullyEnforced => Landlock::Full,
        RulesetStatus::PartiallyEnforced => Landlock::Partial,
        RulesetStatus::NotEnforced => Landlock::Absent,
    })
}

/// Refuses sockets, and the ways around that: another program, a ring of system calls, another process's memory.
fn system_calls() -> Result<bool> {
    let denied = [
        libc::SYS_socket,
        libc::SYS_socketpair,
        libc::SYS_io_uring_setup,
        libc::SYS_execve,
        libc::SYS_execveat,
        libc::SYS_ptrace,
        libc::SYS_process_vm_readv,
        libc::SYS_process_vm_writev,
        libc::SYS_bpf,
        libc::SYS_userfaultfd,
        libc::SYS_mount,
        libc::SYS_unshare,
        libc::SYS_setns,
        libc::SYS_keyctl,
    ];
    let rules: BTreeMap<i64, Vec<_>> = denied.into_iter().map(|call| (call, vec![])).collect();
    let arch = TargetArch::try_from(std::env::consts::ARCH).map_err(refused("architecture"))?;
    let filter = SeccompFilter::new(
        rules,
        SeccompAction::Allow,
        SeccompAction::Errno(libc::EPERM.cast_unsigned()),
        arch,
    )
    .map_err(refused("filter"))?;
    let program = BpfProgram::try_from(filter).map_err(refused("filter"))?;
    seccompiler::apply_filter(&program).map_err(refused("filter"))?;
    Ok(true)
}

fn refused<E: std::fmt::Display>(what: &'static str) -> impl FnOnce(E) -> Error {
    move |source| Error::Limit { what, reason: source.to_string() }
}
