//! Memory of dropped outputs, kept for the next ones.
//!
//! A fresh large array costs about as much as computing its elements: the system clears each page
//! when it is first touched. Memory that was an output before has its pages already.

use std::any::Any;
use std::collections::VecDeque;
use std::sync::Mutex;

use hotloop_runtime::dtype::Element;

/// Bytes below which memory is not kept: the allocator has small blocks at hand.
const LEAST: usize = 256 << 10;

/// A bounded pool of dropped outputs.
///
/// A lock that is taken is not waited for: after a fork it may never be free again.
pub(crate) struct Spare {
    limit: usize,
    blocks: Mutex<Blocks>,
}

#[derive(Default)]
struct Blocks {
    bytes: usize,
    /// The oldest first.
    list: VecDeque<Block>,
}

/// A `Vec` of elements, and its bytes.
struct Block {
    data: Box<dyn Any + Send + Sync>,
    bytes: usize,
}

impl Spare {
    /// A pool of at most `limit` bytes; none if that is too little for a block.
    pub(crate) fn new(limit: usize) -> Option<Spare> {
        (limit >= LEAST).then(|| Spare { limit, blocks: Mutex::default() })
    }

    /// A kept block of exactly `n` elements, with whatever elements it had.
    pub(crate) fn take<T: Element>(&self, n: usize) -> Option<Vec<T>> {
        let mut blocks = self.blocks.try_lock().ok()?;
        let fits = |block: &Block| block.data.downcast_ref().is_some_and(|v: &Vec<T>| v.len() == n);
        let at = blocks.list.iter().rposition(fits)?;
        let Block { data, bytes } = blocks.list.remove(at)?;
        blocks.bytes -= bytes;
        data.downcast().ok().map(|data| *data)
    }

    /// Keeps a block, and drops the oldest ones beyond the limit.
    pub(crate) fn put<T: Element>(&self, data: Vec<T>) {
        let bytes = size_of_val(&data[..]);
        if !(LEAST..=self.limit).contains(&bytes) {
            return;
        }
        let Ok(mut blocks) = self.blocks.try_lock() else { return };
        while blocks.bytes + bytes > self.limit
            && let Some(oldest) = blocks.list.pop_front()
        {
            blocks.bytes -= oldest.bytes;
        }
        blocks.bytes += bytes;
        blocks.list.push_back(Block { data: Box::new(data), bytes });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const N: usize = LEAST / 8;

    #[test]
    fn the_oldest_blocks_go_first() {
        let spare = Spare::new(2 * LEAST).expect("a pool");
        for i in 0..3 {
            spare.put(vec![i as f64; N]);
        }
        assert_eq!(spare.take::<f64>(N).map(|v| v[0]), Some(2.0));
        assert_eq!(spare.take::<f64>(N).map(|v| v[0]), Some(1.0));
        assert_eq!(spare.take::<f64>(N), None);
    }

    #[test]
    fn only_blocks_of_the_same_elements_fit() {
        let spare = Spare::new(8 * LEAST).expect("a pool");
        spare.put(vec![1.0_f64; N]);
        assert_eq!(spare.take::<i64>(N), None);
        assert_eq!(spare.take::<f64>(N + 1), None);
        assert!(spare.take::<f64>(N).is_some());
        spare.put(vec![1_u8; LEAST - 1]);
        assert_eq!(spare.take::<u8>(LEAST - 1), None);
        spare.put(vec![1_u8; 8 * LEAST + 1]);
        assert_eq!(spare.take::<u8>(8 * LEAST + 1), None);
        assert!(Spare::new(LEAST - 1).is_none());
    }
}
