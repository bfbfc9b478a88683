//! A bounded cache whose values are made once: the first thread to ask for a key makes the value,
//! others wait for it. The least recently used values are evicted first.
//!
//! A forked process starts with an empty cache, because the threads that were making values do not
//! exist in it.

use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use hotloop_runtime::per_process::PerProcess;
use rustc_hash::FxHashMap;

/// The cache. No lock is held while a value is made.
pub struct Cache<K, V> {
    capacity: usize,
    inner: PerProcess<Mutex<Inner<K, V>>>,
}

struct Inner<K, V> {
    entries: FxHashMap<K, Entry<V>>,
    clock: u64,
}

struct Entry<V> {
    value: Arc<OnceLock<V>>,
    used: u64,
}

impl<K: Hash + Eq + Clone + Send, V: Clone + Send + Sync> Cache<K, V> {
    /// An empty cache that keeps at most `capacity` values, at least one.
    pub fn new(capacity: usize) -> Cache<K, V> {
        Cache { capacity: capacity.max(1), inner: PerProcess::new() }
    }

    fn lock(&self) -> MutexGuard<'_, Inner<K, V>> {
        let empty = || Mutex::new(Inner { entries: FxHashMap::default(), clock: 0 });
        self.inner.get_or_make(empty).lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the value of a key, made by `make` if there is none.
    ///
    /// A value that `keep` rejects is returned to all waiting threads but not cached.
    pub fn get<Q>(&self, key: &Q, make: impl FnOnce() -> V, keep: impl FnOnce(&V) -> bool) -> V
    where
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
        K: std::borrow::Borrow<Q>,
    {
        let value = self.entry(key);
        if let Some(value) = value.get() {
            return value.clone();
        }
        let made = value.get_or_init(make).clone();
        if !keep(&made) {
            let mut inner = self.lock();
            if inner.entries.get(key).is_some_and(|e| Arc::ptr_eq(&e.value, &value)) {
                inner.entries.remove(key);
            }
        }
        made
    }

    fn entry<Q>(&self, key: &Q) -> Arc<OnceLock<V>>
    where
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
        K: std::borrow::Borrow<Q>,
    {
        let mut inner = self.lock();
        inner.clock += 1;
        let clock = inner.clock;
        if let Some(entry) = inner.entries.get_mut(key) {
            entry.used = clock;
            return entry.value.clone();
        }
        if inner.entries.len() >= self.capacity {
            inner.drop_oldest();
        }
        let value = Arc::new(OnceLock::new());
        inner.entries.insert(key.to_owned(), Entry { value: value.clone(), used: clock });
        value
    }
}

impl<K: Hash + Eq, V> Inner<K, V> {
    /// Evicts the least recently used eighth, so that the search is rare.
    fn drop_oldest(&mut self) {
        let mut ages: Vec<u64> = self.entries.values().map(|e| e.used).collect();
        let count = ages.len().div_ceil(8);
        let (_, limit, _) = ages.select_nth_unstable(count - 1);
        let limit = *limit;
        self.entries.retain(|_, e| e.used > limit);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::Cache;

    #[test]
    fn g2_many_ask_and_one_makes() {
        let cache: Cache<u32, u32> = Cache::new(4);
        let (start, made) = (Barrier::new(64), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for _ in 0..64 {
                scope.spawn(|| {
                    start.wait();
                    let make = || {
                        std::thread::sleep(std::time::Duration::from_millis(20));
                        made.fetch_add(1, Ordering::Relaxed);
                        42
                    };
                    assert_eq!(cache.get(&7, make, |_| true), 42);
                });
            }
        });
        assert_eq!(made.into_inner(), 1);
    }
}
