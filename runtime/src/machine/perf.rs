//! Registration of generated machine code with the profiler `perf`.
//!
//! There are two formats, both documented in the Linux sources (`tools/perf/Documentation`): the
//! *map* (`jit-interface.txt`), a line of text per function, and the *jitdump*
//! (`jitdump-specification.txt`), a binary record with a timestamp and the instructions. `perf
//! report` reads the first directly, the second after `perf inject --jit`.
//!
//! Failure to write a file is ignored: profiles then lack names.

use std::fs::File;
use std::io::Write;
use std::sync::{Mutex, PoisonError};

use crate::disk;
use crate::per_process::PerProcess;

/// The registration of kernels with the profiler `perf`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Perf {
    /// No registration.
    #[default]
    Off,
    /// In the file `/tmp/perf-PID.map`, which `perf report` reads. Addresses of freed code are not
    /// reused, so that names stay valid.
    Map,
    /// In the file `/tmp/jit-PID.dump`, which also has the instructions, for `perf annotate`; use
    /// it with `perf record -k mono` and `perf inject --jit`.
    Jitdump,
}

impl Perf {
    /// Parses `off`, `map` or `jitdump`.
    pub fn from_name(name: &str) -> Option<Perf> {
        Some(match name {
            "off" => Perf::Off,
            "map" => Perf::Map,
            "jitdump" => Perf::Jitdump,
            _ => return None,
        })
    }
}

/// A file of this process, opened at the first write.
#[derive(Default)]
enum Log {
    #[default]
    Unopened,
    Open(File),
    Refused,
}

#[derive(Default)]
struct Logs {
    map: Mutex<Log>,
    dump: Mutex<Dump>,
}

#[derive(Default)]
struct Dump {
    log: Log,
    /// The number of functions so far.
    count: u64,
}

static LOGS: PerProcess<Logs> = PerProcess::new();

/// Registers the code at an address.
pub(crate) fn announce(perf: Perf, start: *const u8, code: &[u8], name: &str) {
    let logs = || LOGS.get_or_make(Logs::default);
    match perf {
        Perf::Off => {}
        Perf::Map => {
            let mut log = logs().map.lock().unwrap_or_else(PoisonError::into_inner);
            let line = format!("{:x} {:x} {name}\n", start.addr(), code.len());
            log.write(os::open_map, || line.into_bytes());
        }
        Perf::Jitdump => {
            let mut dump = logs().dump.lock().unwrap_or_else(PoisonError::into_inner);
            let index = dump.count;
            dump.count += 1;
            dump.log.write(os::open_dump, || load_record(index, start, code, name));
        }
    }
}

impl Log {
    fn write(&mut self, open: fn() -> Option<File>, record: impl FnOnce() -> Vec<u8>) {
        if let Log::Unopened = self {
            *self = open().map_or(Log::Refused, Log::Open);
        }
        // After a partial record, further records would be misread.
        if let Log::Open(file) = self
            && disk::within_limit(|| file.write_all(&record())).is_err()
        {
            *self = Log::Refused;
        }
    }
}

/// The architecture's number in ELF files, `EM_X86_64`.
const MACHINE: u32 = 62;

/// The header of a jitdump: magic number, version, length, machine, process, time.
#[cfg_attr(not(target_os = "linux"), allow(dead_code))]
fn dump_head() -> Vec<u8> {
    let mut head = Vec::with_capacity(40);
    for word in [0x4A69_5444, 1, 40, MACHINE, 0, std::process::id()] {
        head.extend(word.to_ne_bytes());
    }
    head.extend(os::monotonic().to_ne_bytes());
    head.extend(0u64.to_ne_bytes());
    head
}

/// The record `JIT_CODE_LOAD`.
fn load_record(index: u64, start: *const u8, code: &[u8], name: &str) -> Vec<u8> {
    const HEAD: usize = 16 + 8 + 4 * 8;
    let size = HEAD + name.len() + 1 + code.len();
    let mut record = Vec::with_capacity(size);
    record.extend(0u32.to_ne_bytes());
    record.extend((size as u32).to_ne_bytes());
    record.extend(os::monotonic().to_ne_bytes());
    record.extend(std::process::id().to_ne_bytes());
    record.extend(os::thread().to_ne_bytes());
    let address = start.addr() as u64;
    for word in [address, address, code.len() as u64, index] {
        record.extend(word.to_ne_bytes());
    }
    record.extend(name.as_bytes());
    record.push(0);
    record.extend(code);
    record
}

#[cfg(target_os = "linux")]
mod os {
    use std::fs::{File, Metadata, OpenOptions, remove_file, symlink_metadata};
    use std::io::Write;
    use std::os::fd::AsRawFd;
    use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
    use std::ptr;
    use std::time::{Duration, SystemTime};

    use crate::disk;

    /// Opens the map for appending, because another compiler of this process may write it too.
    pub(super) fn open_map() -> Option<File> {
        let path = format!("/tmp/perf-{}.map", std::process::id());
        remove_stale(&path);
        let mut options = OpenOptions::new();
        options.append(true).create(true);
        let file = open(options, &path)?;
        // `perf` accepts only files of this user. SAFETY: the call has no arguments.
        let own = |m: &Metadata| m.is_file() && m.uid() == unsafe { libc::geteuid() };
        file.metadata().is_ok_and(|m| own(&m)).then_some(file)
    }

    /// Starts a jitdump. It is mapped so that `perf record` notices it.
    pub(super) fn open_dump() -> Option<File> {
        let path = format!("/tmp/jit-{}.dump", std::process::id());
        remove_stale(&path);
        let mut options = OpenOptions::new();
        options.read(true).write(true).create_new(true);
        let mut file = open(options, &path)?;
        disk::within_limit(|| file.write_all(&super::dump_head())).ok()?;
        let rights = libc::PROT_READ | libc::PROT_EXEC;
        // SAFETY: the descriptor is open. The mapping replaces no other, is never accessed, and
        // lasts until the process ends.
        let mapped = unsafe {
            libc::mmap(ptr::null_mut(), 4096, rights, libc::MAP_PRIVATE, file.as_raw_fd(), 0)
        };
        (mapped != libc::MAP_FAILED).then_some(file)
    }

    /// Opens a file. Symbolic links are not followed, because every user can write to the folder.
    fn open(mut options: OpenOptions, path: &str) -> Option<File> {
        options.mode(0o600).custom_flags(libc::O_NOFOLLOW | libc::O_CLOEXEC).open(path).ok()
    }

    /// Removes the file of an earlier process with the same id.
    fn remove_stale(path: &str) {
        let age = |m: Metadata| SystemTime::now().duration_since(m.modified().ok()?).ok();
        let file = symlink_metadata(path).ok().and_then(age);
        if let (Some(file), Some(process)) = (file, process_age())
            && file > process + Duration::from_secs(1)
        {
            // A file of another user cannot be removed, and is rejected later.
            let _ = remove_file(path);
        }
    }

    /// The age of this process.
    fn process_age() -> Option<Duration> {
        let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
        // The second word is a name in parentheses, the 22nd the start time in clock ticks.
        let ticks: f64 = stat.rsplit_once(')')?.1.split_whitespace().nth(19)?.parse().ok()?;
        // SAFETY: the call accesses no memory.
        let a_second = unsafe { libc::sysconf(libc::_SC_CLK_TCK) } as f64;
        let uptime = std::fs::read_to_string("/proc/uptime").ok()?;
        let uptime: f64 = uptime.split_whitespace().next()?.parse().ok()?;
        Duration::try_from_secs_f64(uptime - ticks / a_second).ok()
    }

    /// The time in nanoseconds, by the clock that `perf record -k mono` uses.
    pub(super) fn monotonic() -> u64 {
        let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: the call writes only `now`.
        unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &mut now) };
        now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
    }

    pub(super) fn thread() -> u32 {
        // SAFETY: the call has no arguments.
        unsafe { libc::gettid() as u32 }
    }
}

/// The functions for systems without `perf`.
#[cfg(not(target_os = "linux"))]
mod os {
    use std::fs::File;

    pub(super) fn open_map() -> Option<File> {
        None
    }

    pub(super) fn open_dump() -> Option<File> {
        None
    }

    pub(super) fn monotonic() -> u64 {
        0
    }

    pub(super) fn thread() -> u32 {
        0
    }
}
