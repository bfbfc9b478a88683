//! A bounded map from keys to values that are made once: whoever asks first makes the value,
//! others that ask meanwhile wait for it, and what was used least recently goes first.

use std::hash::Hash;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use rustc_hash::FxHashMap;

/// The cache. No lock is held while a value is made.
pub struct Cache<K, V> {
    capacity: usize,
    inner: Mutex<Inner<K, V>>,
}

struct Inner<K, V> {
    entries: FxHashMap<K, Entry<V>>,
    clock: u64,
}

struct Entry<V> {
    value: Arc<OnceLock<V>>,
    used: u64,
}

impl<K: Hash + Eq + Clone, V: Clone> Cache<K, V> {
    /// An empty cache that keeps at most `capacity` values, at least one.
    pub fn new(capacity: usize) -> Cache<K, V> {
        Cache {
            capacity: capacity.max(1),
            inner: Mutex::new(Inner { entries: FxHashMap::default(), clock: 0 }),
        }
    }

    /// The value of a key, made by `make` if there is none.
    ///
    /// A value that `keep` refuses is returned to those who wait, and forgotten.
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
            let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
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
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
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
    /// Drops the eighth that was used least recently, so that the search for it is rare.
    fn drop_oldest(&mut self) {
        let mut ages: Vec<u64> = self.entries.values().map(|e| e.used).collect();
        let count = ages.len().div_ceil(8);
        let (_, limit, _) = ages.select_nth_unstable(count - 1);
        let limit = *limit;
        self.entries.retain(|_, e| e.used > limit);
    }
}
