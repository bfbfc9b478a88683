//! State that a forked process must not share with its parent.
//!
//! The child of a fork has only the forking thread. A lock that another thread held stays locked, a
//! value that another thread was making stays unfinished, and the worker threads do not exist.

use std::marker::PhantomData;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, Ordering};

static FORKS: AtomicU32 = AtomicU32::new(0);

/// The number of forks between the process of the first call and this one.
fn generation() -> u32 {
    #[cfg(unix)]
    {
        extern "C" fn child() {
            FORKS.fetch_add(1, Ordering::Relaxed);
        }
        static REGISTERED: AtomicBool = AtomicBool::new(false);
        if !REGISTERED.load(Ordering::Acquire) {
            // Not under a lock, which a thread that the child does not have could hold; registering
            // twice does no harm. SAFETY: the handler only adds to an atomic. If registration fails
            // for lack of memory, forks are not noticed.
            unsafe { libc::pthread_atfork(None, None, Some(child)) };
            REGISTERED.store(true, Ordering::Release);
        }
    }
    FORKS.load(Ordering::Relaxed)
}

/// A per-process value: a forked child makes its own at first use.
///
/// The parent's value is leaked in the child, because another thread may have been changing it.
#[derive(Debug, Default)]
pub struct PerProcess<T> {
    made: AtomicPtr<Made<T>>,
    owned: PhantomData<Made<T>>,
}

#[derive(Debug)]
struct Made<T> {
    generation: u32,
    value: T,
}

impl<T: Send + Sync> PerProcess<T> {
    /// No value yet.
    pub const fn new() -> PerProcess<T> {
        PerProcess { made: AtomicPtr::new(ptr::null_mut()), owned: PhantomData }
    }

    /// Returns this process's value, made by `make` at first use. `make` should be cheap:
    /// concurrent first uses may call it several times.
    pub fn get_or_make(&self, make: impl FnOnce() -> T) -> &T {
        let generation = generation();
        let seen = self.made.load(Ordering::Acquire);
        // SAFETY: a stored value is freed only when `self` is dropped.
        if let Some(made) = unsafe { seen.as_ref() }
            && made.generation == generation
        {
            return &made.value;
        }
        let own = Box::into_raw(Box::new(Made { generation, value: make() }));
        match self.made.compare_exchange(seen, own, Ordering::AcqRel, Ordering::Acquire) {
            // SAFETY: as above; `own` is now stored.
            Ok(_) => unsafe { &(*own).value },
            Err(other) => {
                // SAFETY: no other thread has seen `own`, which was made by `Box` above; `other` is
                // stored, by a thread of this process.
                unsafe {
                    drop(Box::from_raw(own));
                    &(*other).value
                }
            }
        }
    }
}

impl<T> Drop for PerProcess<T> {
    fn drop(&mut self) {
        let made = *self.made.get_mut();
        // SAFETY: the value was made by `Box`, and no borrow of it is left. A parent's value is
        // leaked.
        unsafe {
            if made.as_ref().is_some_and(|made| made.generation == generation()) {
                drop(Box::from_raw(made));
            }
        }
    }
}
