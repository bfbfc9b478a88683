//! Stack space: runs work that needs more stack than is left on a helper thread.

use std::io;
use std::thread;

/// The stack size of helper threads.
const ROOMY: usize = 4 << 20;

/// Runs `work` with at least `bytes` of stack: on this thread, or on a helper thread.
///
/// # Errors
/// If a helper thread is needed and cannot be started.
///
/// # Panics
/// Only if `work` does.
pub fn with_room<R: Send>(bytes: usize, work: impl FnOnce() -> R + Send) -> io::Result<R> {
    if left().is_none_or(|left| left >= bytes) {
        return Ok(work());
    }
    thread::scope(|scope| {
        let helper = thread::Builder::new().name("hotloop-compile".to_string());
        let handle = helper.stack_size(ROOMY).spawn_scoped(scope, work)?;
        handle.join().or_else(|panic| std::panic::resume_unwind(panic))
    })
}

/// The bytes left on this thread's stack, if the system reports them.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn left() -> Option<usize> {
    thread_local! {
        static LOWEST: Option<usize> = lowest_address();
    }
    let local = 0u8;
    let here = std::ptr::from_ref(&local).addr();
    LOWEST.try_with(|lowest| *lowest).ok()?.map(|lowest| here.saturating_sub(lowest))
}

/// The lowest address of this thread's stack.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn lowest_address() -> Option<usize> {
    let mut attributes = std::mem::MaybeUninit::<libc::pthread_attr_t>::uninit();
    // SAFETY: as POSIX requires, the attributes are read and destroyed only if the first call has
    // initialised them.
    unsafe {
        if libc::pthread_getattr_np(libc::pthread_self(), attributes.as_mut_ptr()) != 0 {
            return None;
        }
        let (mut lowest, mut size) = (std::ptr::null_mut(), 0);
        let known = libc::pthread_attr_getstack(attributes.as_ptr(), &mut lowest, &mut size) == 0;
        libc::pthread_attr_destroy(attributes.as_mut_ptr());
        known.then(|| lowest.addr())
    }
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn left() -> Option<usize> {
    None
}

#[cfg(test)]
mod tests {
    use super::with_room;

    /// Uses about 512 bytes of stack for each of `n` calls.
    fn deep(n: usize) -> usize {
        let frame = std::hint::black_box([n; 64]);
        if n == 0 { 0 } else { deep(n - 1) + frame[63] / n }
    }

    #[test]
    fn a_small_thread_gets_room() {
        let small = std::thread::Builder::new().stack_size(64 << 10);
        let result = small.spawn(|| with_room(2 << 20, || deep(1000)).ok()).map(|t| t.join());
        assert_eq!(result.ok().and_then(Result::ok), Some(Some(1000)));
    }

    #[test]
    fn where_there_is_room_no_thread_is_made() {
        let here = std::thread::current().id();
        assert_eq!(with_room(1024, || std::thread::current().id()).ok(), Some(here));
    }
}
