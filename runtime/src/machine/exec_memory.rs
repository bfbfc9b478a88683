//! Executable memory.
//!
//! Machine code is in segments of a mebibyte, shared by the whole process: shared memory that is
//! mapped twice, once writable and once executable, at different addresses. So no mapping is ever
//! both, tens of thousands of functions need only a few hundred mappings, and publishing one
//! changes no protection.
//!
//! # After a fork
//!
//! Parent and child share the existing segments: each would execute what the other writes. So a
//! fork freezes them: both processes can still execute their code, and new code goes to new
//! segments.
//!
//! # Under a profiler
//!
//! `perf` uses its map only for memory that is not backed by a file. Code listed in the map goes to
//! *lasting* segments, which are shared memory without a file whose addresses are never reused,
//! because a line of the map cannot be removed.

#[cfg(not(all(target_os = "linux", target_arch = "x86_64")))]
use refused as arena;

use std::fmt;
use std::io;

use crate::perf::{Perf, announce};

/// Machine code in executable memory, freed on drop.
///
/// Callers of the code must keep it alive until the call returns.
pub struct Code {
    start: *const u8,
    len: usize,
}

// SAFETY: the bytes are never written between `publish` and `drop`, and the arena's own state is
// behind a lock.
unsafe impl Send for Code {}
// SAFETY: as above; a shared `Code` gives nothing but the address and the length.
unsafe impl Sync for Code {}

impl Code {
    /// The address of the first byte, a multiple of 64.
    pub fn as_ptr(&self) -> *const u8 {
        self.start
    }

    /// The size of the code in bytes.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether the code is empty.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Code({} bytes at {:p})", self.len, self.start)
    }
}

impl Drop for Code {
    fn drop(&mut self) {
        arena::free(self.start, self.len);
    }
}

/// The error that executable memory was refused.
#[derive(Debug)]
pub struct CodeError(Option<io::Error>);

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
impl CodeError {
    /// Whether the limit on file sizes is the cause.
    fn is_of_file_size(&self) -> bool {
        self.0.as_ref().is_some_and(|cause| cause.raw_os_error() == Some(libc::EFBIG))
    }
}

impl fmt::Display for CodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(cause) => write!(f, "executable memory refused: {cause}"),
            None => f.write_str("executable memory refused: not supported on this platform"),
        }
    }
}

impl std::error::Error for CodeError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.as_ref().map(|cause| cause as _)
    }
}

/// Copies machine code to executable memory.
///
/// The code must be position independent, because it is not relocated.
pub fn publish(code: &[u8]) -> Result<Code, CodeError> {
    let start = arena::publish(code, false)?;
    Ok(Code { start, len: code.len() })
}

/// Copies machine code as [`publish`] does, and registers it with `perf`.
pub fn publish_named(code: &[u8], perf: Perf, name: &str) -> Result<Code, CodeError> {
    let lasting = perf == Perf::Map;
    match arena::publish(code, lasting) {
        Ok(start) => {
            announce(perf, start, code, name);
            Ok(Code { start, len: code.len() })
        }
        // If addresses cannot be reserved, the code runs without a name.
        Err(_) if lasting => publish(code),
        Err(refused) => Err(refused),
    }
}

/// The functions for platforms without executable memory.
#[cfg(not(all(target_os = "linux", target_arch = "x86_64")))]
mod refused {
    use super::CodeError;

    pub(super) fn publish(_code: &[u8], _lasting: bool) -> Result<*const u8, CodeError> {
        Err(CodeError(None))
    }

    pub(super) fn free(_start: *const u8, _len: usize) {}
}

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod arena {
    use std::cell::RefCell;
    use std::collections::{BTreeMap, BTreeSet};
    use std::io;
    use std::ptr;
    use std::sync::{Mutex, MutexGuard, Once, PoisonError};

    use super::CodeError;
    use crate::disk;

    /// The size of a segment, unless one function needs more.
    const SEGMENT: usize = 1 << 20;

    /// The alignment of functions.
    const ALIGN: usize = 64;

    /// The byte that fills free memory, `int3`, so that a call of freed code traps at once.
    const TRAP: u8 = 0xCC;

    static ARENA: Mutex<Arena> = Mutex::new(Arena { segments: BTreeMap::new(), forks: 0 });

    struct Arena {
        /// The segments, by address of the executable view.
        segments: BTreeMap<usize, Segment>,
        /// The number of forks of the process and its ancestors since the first segment.
        forks: u64,
    }

    struct Segment {
        writable: *mut u8,
        executable: *mut u8,
        len: usize,
        /// The number of bytes in use.
        used: usize,
        /// The lengths of the free ranges by offset; no two are adjacent.
        free: BTreeMap<usize, usize>,
        /// The free ranges as `(length, offset)`.
        by_len: BTreeSet<(usize, usize)>,
        /// [`Arena::forks`] when the segment was made. It may be written only while they are equal.
        forks: u64,
        /// Whether the segment's addresses are never reused.
        lasting: bool,
    }

    // SAFETY: the segment owns the mappings that the pointers refer to, and threads access it only
    // under the lock of the arena.
    unsafe impl Send for Segment {}

    pub(super) fn publish(code: &[u8], lasting: bool) -> Result<*const u8, CodeError> {
        if code.is_empty() {
            return Ok(ptr::without_provenance(ALIGN));
        }
        let len = rounded(code.len()).ok_or_else(too_long)?;
        on_fork();
        let mut arena = lock();
        let forks = arena.forks;
        let fits = |segment: &Segment| {
            segment.forks == forks && segment.lasting == lasting && segment.largest() >= len
        };
        let place = arena.segments.iter().find(|(_, segment)| fits(segment)).map(|(&at, _)| at);
        let place = match place {
            Some(place) => place,
            None => {
                let segment = Segment::map(len, forks, lasting)?;
                let place = segment.executable.addr();
                arena.segments.insert(place, segment);
                place
            }
        };
        let segment = arena.segments.get_mut(&place);
        let taken = segment.and_then(|segment| Some((segment.take(len)?, segment)));
        let Some((offset, segment)) = taken else { unreachable!("a segment has room for a piece") };
        // SAFETY: the range `offset..offset + len` of the segment was free, so nothing executes or
        // reads it, and the lock excludes other writers. `code` is other memory, because no pointer
        // to the writable view leaves this module.
        unsafe {
            let to = segment.writable.add(offset);
            to.copy_from_nonoverlapping(code.as_ptr(), code.len());
            Ok(segment.executable.add(offset))
        }
    }

    pub(super) fn free(start: *const u8, len: usize) {
        if len == 0 {
            return;
        }
        let Some(len) = rounded(len) else { return };
        let mut arena = lock();
        let Arena { segments, forks } = &mut *arena;
        let Some((&place, segment)) = segments.range_mut(..=start.addr()).next_back() else {
            return;
        };
        let offset = start.addr() - place;
        if segment.forks == *forks {
            // SAFETY: the range is a piece of this segment that is in use. The owner of the code
            // has dropped it and guarantees that no thread executes it; the lock excludes other
            // writers.
            unsafe { segment.writable.add(offset).write_bytes(TRAP, len) };
        }
        segment.give_back(offset, len);
        // Dropping a segment unmaps it. The last writable one of its kind is kept.
        let (frozen, lasting) = (segment.forks != *forks, segment.lasting);
        let alike = |other: &&Segment| other.forks == *forks && other.lasting == lasting;
        if segment.used == 0 && (frozen || segments.values().filter(alike).count() > 1) {
            segments.remove(&place);
        }
    }

    /// The size of a function, rounded up to the alignment.
    fn rounded(len: usize) -> Option<usize> {
        len.checked_next_multiple_of(ALIGN)
    }

    fn too_long() -> CodeError {
        CodeError(Some(io::ErrorKind::OutOfMemory.into()))
    }

    fn lock() -> MutexGuard<'static, Arena> {
        // A lock can only be poisoned by an assertion of this module, before any change.
        ARENA.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Registers the fork handlers that freeze the segments.
    fn on_fork() {
        thread_local! {
            static HELD: RefCell<Option<MutexGuard<'static, Arena>>> = const { RefCell::new(None) };
        }
        // The lock is held across the fork, so that the child finds a consistent arena and a free
        // lock. All three handlers run on the forking thread; if its thread locals are destroyed,
        // the segments are frozen without keeping the lock.
        extern "C" fn prepare() {
            let mut arena = lock();
            arena.forks += 1;
            let _ = HELD.try_with(|held| *held.borrow_mut() = Some(arena));
        }
        extern "C" fn release() {
            let _ = HELD.try_with(|held| held.borrow_mut().take());
        }
        static REGISTERED: Once = Once::new();
        // SAFETY: the handlers are functions of this program, and never unwind: a poisoned lock is
        // taken, and the cell is not borrowed elsewhere. If registration fails for lack of memory,
        // forks are not noticed; then publishing code fails too.
        REGISTERED.call_once(|| unsafe {
            libc::pthread_atfork(Some(prepare), Some(release), Some(release));
        });
    }

    impl Segment {
        /// Maps a segment for a function of `len` bytes.
        fn map(len: usize, forks: u64, lasting: bool) -> Result<Segment, CodeError> {
            let len = len.checked_next_multiple_of(SEGMENT).ok_or_else(too_long)?;
            let mapped = if lasting { nameless(len) } else { named(len) };
            let (writable, executable) = match mapped {
                // The limit on file sizes applies to files in memory, but not to memory without
                // file.
                Err(refused) if refused.is_of_file_size() => nameless(len)?,
                mapped => mapped?,
            };
            Ok(Segment {
                writable,
                executable,
                len,
                used: 0,
                free: BTreeMap::from([(0, len)]),
                by_len: BTreeSet::from([(len, 0)]),
                forks,
                lasting,
            })
        }

        /// The length of the largest free range.
        fn largest(&self) -> usize {
            self.by_len.last().map_or(0, |&(len, _)| len)
        }

        /// Allocates `len` bytes in the smallest free range that fits.
        fn take(&mut self, len: usize) -> Option<usize> {
            let &(have, offset) = self.by_len.range((len, 0)..).next()?;
            self.remove(offset, have);
            if have > len {
                self.insert(offset + len, have - len);
            }
            self.used += len;
            Some(offset)
        }

        /// Frees a range.
        fn give_back(&mut self, offset: usize, len: usize) {
            self.used -= len;
            if self.lasting {
                return;
            }
            let (mut start, mut end) = (offset, offset + len);
            if let Some((&before, &have)) = self.free.range(..start).next_back()
                && before + have == start
            {
                self.remove(before, have);
                start = before;
            }
            if let Some(&have) = self.free.get(&end) {
                self.remove(end, have);
                end += have;
            }
            self.insert(start, end - start);
        }

        fn insert(&mut self, offset: usize, len: usize) {
            self.free.insert(offset, len);
            self.by_len.insert((len, offset));
        }

        fn remove(&mut self, offset: usize, len: usize) {
            self.free.remove(&offset);
            self.by_len.remove(&(len, offset));
        }
    }

    impl Drop for Segment {
        fn drop(&mut self) {
            // SAFETY: the segment owns both mappings, which have this length; no piece of it is in
            // use, or it would not be dropped.
            unsafe {
                libc::munmap(self.writable.cast(), self.len);
                if self.lasting {
                    reserve(self.executable, self.len);
                } else {
                    libc::munmap(self.executable.cast(), self.len);
                }
            }
        }
    }

    /// The writable and the executable view of `len` bytes of a file in memory.
    fn named(len: usize) -> Result<(*mut u8, *mut u8), CodeError> {
        let length = libc::off_t::try_from(len).map_err(|_| too_long())?;
        let file = memory_file()?;
        // SAFETY: the descriptor is open, and the call accesses no memory.
        let grown = disk::within_limit(|| match unsafe { libc::ftruncate(file, length) } {
            0 => Ok(()),
            _ => Err(io::Error::last_os_error()),
        });
        // SAFETY: as above; the file has the length of its views.
        let mapped = grown.map_err(|cause| CodeError(Some(cause))).and_then(|()| unsafe {
            let writable = view(file, len, libc::PROT_READ | libc::PROT_WRITE)?;
            match view(file, len, libc::PROT_READ | libc::PROT_EXEC) {
                Ok(executable) => Ok((writable, executable)),
                Err(refused) => {
                    libc::munmap(writable.cast(), len);
                    Err(refused)
                }
            }
        });
        // SAFETY: this function owns the descriptor; mappings do not need it.
        unsafe { libc::close(file) };
        mapped
    }

    /// The writable and the executable view of `len` bytes of shared memory without a file.
    /// `mremap` makes the second one: given an old length of 0, it maps shared pages again.
    fn nameless(len: usize) -> Result<(*mut u8, *mut u8), CodeError> {
        let (writable, executable) =
            (libc::PROT_READ | libc::PROT_WRITE, libc::PROT_READ | libc::PROT_EXEC);
        let flags = libc::MAP_SHARED | libc::MAP_ANONYMOUS;
        // SAFETY: neither mapping replaces another; both are unmapped after an error.
        unsafe {
            let first = libc::mmap(ptr::null_mut(), len, writable, flags, -1, 0);
            if first == libc::MAP_FAILED {
                return Err(last_error());
            }
            let second = libc::mremap(first, 0, len, libc::MREMAP_MAYMOVE);
            if second != libc::MAP_FAILED && libc::mprotect(second, len, executable) == 0 {
                return Ok((first.cast(), second.cast()));
            }
            let refused = last_error();
            if second != libc::MAP_FAILED {
                libc::munmap(second, len);
            }
            libc::munmap(first, len);
            Err(refused)
        }
    }

    /// Frees the memory of a mapping, and reserves its addresses.
    ///
    /// # Safety
    /// The mapping belongs to this module, has this length, and is not in use.
    unsafe fn reserve(at: *mut u8, len: usize) {
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE | libc::MAP_FIXED;
        // SAFETY: the new mapping replaces exactly that one; after an error the old one stays.
        unsafe { libc::mmap(at.cast(), len, libc::PROT_NONE, flags, -1, 0) };
    }

    /// An anonymous file in memory.
    fn memory_file() -> Result<libc::c_int, CodeError> {
        // The file itself need not be executable, and some systems refuse executable ones; Linux
        // before 6.3 rejects the flag.
        for flags in [libc::MFD_CLOEXEC | libc::MFD_NOEXEC_SEAL, libc::MFD_CLOEXEC] {
            // SAFETY: the name is a C string.
            let file = unsafe { libc::memfd_create(c"hotloop-code".as_ptr(), flags) };
            if file >= 0 {
                return Ok(file);
            }
        }
        Err(last_error())
    }

    /// A mapping of a file, at an address of the system's choice.
    ///
    /// # Safety
    /// `file` is an open descriptor of a file of at least `len` bytes.
    unsafe fn view(
        file: libc::c_int,
        len: usize,
        protection: libc::c_int,
    ) -> Result<*mut u8, CodeError> {
        // SAFETY: no address is requested, so the mapping replaces no other.
        let at = unsafe { libc::mmap(ptr::null_mut(), len, protection, libc::MAP_SHARED, file, 0) };
        if at == libc::MAP_FAILED { Err(last_error()) } else { Ok(at.cast()) }
    }

    fn last_error() -> CodeError {
        CodeError(Some(io::Error::last_os_error()))
    }
}
