//! Nontemporal copies, compared byte by byte.

mod common;

use common::{Random, seed};
use hotloop_runtime::nontemporal::{Stream, fence, threshold};

#[test]
fn copies_what_is_asked_for() {
    let r = &mut Random(seed());
    for round in 0..2000 {
        let mut stream = Stream::new();
        let mut memory = vec![0xEE; 20_000];
        let mut want = memory.clone();
        let mut to = r.below(130);
        // Pieces that follow each other, and pieces that do not.
        for _ in 0..round % 4 {
            let bytes = if round % 3 == 0 { r.below(200) } else { r.below(5000) };
            let from = r.below(130);
            let source: Vec<u8> = (0..from + bytes).map(|_| r.next() as u8).collect();
            want[to..to + bytes].copy_from_slice(&source[from..]);
            // SAFETY: both have this many bytes.
            unsafe { stream.write(memory.as_mut_ptr().add(to), source.as_ptr().add(from), bytes) };
            to += bytes + if r.below(3) == 0 { r.below(100) } else { 0 };
        }
        // SAFETY: the memory is still there.
        unsafe { stream.finish() };
        fence();
        assert!(memory == want, "round {round}");
    }
}

#[test]
fn what_is_cleared_is_not_written() {
    let mut memory = vec![1; 100];
    let mut stream = Stream::new();
    // SAFETY: the memory has 30 bytes from there on.
    unsafe { stream.write(memory.as_mut_ptr().add(70), [2; 30].as_ptr(), 30) };
    stream.clear();
    let before = memory.clone();
    // SAFETY: as above.
    unsafe { stream.finish() };
    assert_eq!(memory, before);
}

#[test]
fn other_threads_see_it_after_a_fence() {
    let mut memory = vec![0_u8; 1 << 20];
    std::thread::scope(|scope| {
        for (i, part) in memory.chunks_mut(100_003).enumerate() {
            scope.spawn(move || {
                let source = vec![i as u8 + 1; part.len()];
                let mut stream = Stream::new();
                // SAFETY: the part and the source have the same length.
                unsafe {
                    stream.write(part.as_mut_ptr(), source.as_ptr(), part.len());
                    stream.finish();
                }
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
    assert!((1 << 10..1 << 34).contains(&threshold()));
}
