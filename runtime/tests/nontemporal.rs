//! Nontemporal copies, compared byte by byte.

mod common;

use common::{Random, seed};
use hotloop_runtime::nontemporal::{fence, last_level_cache, stream};

#[test]
fn copies_what_is_asked_for() {
    let r = &mut Random(seed());
    for round in 0..2000 {
        let bytes = if round % 2 == 0 { r.below(200) } else { r.below(5000) };
        let (to, from) = (r.below(130), r.below(130));
        let source: Vec<u8> = (0..from + bytes).map(|_| r.next() as u8).collect();
        let mut memory = vec![0xEE; to + bytes + 130];
        let mut want = memory.clone();
        want[to..to + bytes].copy_from_slice(&source[from..]);
        // SAFETY: both have this many bytes.
        unsafe { stream(memory.as_mut_ptr().add(to), source.as_ptr().add(from), bytes) };
        fence();
        assert!(memory == want, "{bytes} bytes from {from} to {to}");
    }
}

#[test]
fn other_threads_see_it_after_a_fence() {
    let mut memory = vec![0_u8; 1 << 20];
    std::thread::scope(|scope| {
        for (i, part) in memory.chunks_mut(100_003).enumerate() {
            scope.spawn(move || {
                let source = vec![i as u8 + 1; part.len()];
                // SAFETY: the part and the source have the same length.
                unsafe { stream(part.as_mut_ptr(), source.as_ptr(), part.len()) };
                fence();
            });
        }
    });
    for (i, part) in memory.chunks(100_003).enumerate() {
        assert!(part.iter().all(|b| *b == i as u8 + 1), "part {i}");
    }
}

#[test]
fn the_cache_has_a_size() {
    assert!((1 << 10..1 << 34).contains(&last_level_cache()));
}
