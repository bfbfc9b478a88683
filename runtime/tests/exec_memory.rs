//! Executable memory, and the floating-point environment.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

use std::sync::{Mutex, MutexGuard, PoisonError};

use hotloop_runtime::exec_memory::{Code, publish};
use hotloop_runtime::fpenv::FpEnv;

/// Runs one test at a time: tests count the mappings of the arena, which the process shares.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The code of `mov eax, value; ret`, padded with `nop` to a length.
fn returns(value: u32, len: usize) -> Vec<u8> {
    let mut code = vec![0xB8];
    code.extend(value.to_le_bytes());
    code.push(0xC3);
    code.resize(len.max(6), 0x90);
    code
}

fn call(code: &Code) -> u32 {
    assert!(code.len() >= 6);
    // SAFETY: the code is a function without arguments that returns a number.
    unsafe { std::mem::transmute::<*const u8, extern "C" fn() -> u32>(code.as_ptr())() }
}

/// The lines of the process's memory map, of which none may be both writable and executable.
fn maps() -> Vec<String> {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    let lines: Vec<String> = maps.lines().map(str::to_owned).collect();
    for line in &lines {
        let rights = line.split(' ').nth(1).unwrap();
        assert!(!(rights.contains('w') && rights.contains('x')), "{line}");
    }
    lines
}

fn ours() -> usize {
    maps().iter().filter(|line| line.contains("hotloop-code")).count()
}

fn resident_kib() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[test]
fn runs() {
    let _alone = alone();
    let code = publish(&returns(42, 0)).unwrap();
    assert_eq!(call(&code), 42);
    assert_eq!(code.len(), 6);
    assert_eq!(code.as_ptr().addr() % 64, 0);
    let others: Vec<Code> = (0..100).map(|i| publish(&returns(i, 1000)).unwrap()).collect();
    assert!(others.iter().enumerate().all(|(i, code)| call(code) == i as u32));
    assert_eq!(call(&code), 42);
    // Code that needs a segment of its own, called on another thread.
    let long = publish(&returns(7, 3 << 20)).unwrap();
    assert_eq!(std::thread::spawn(move || call(&long)).join().unwrap(), 7);
    assert!(publish(&[]).unwrap().is_empty());
    maps();
}

#[test]
fn freed_code_traps() {
    let _alone = alone();
    let keep = publish(&returns(1, 0)).unwrap();
    let code = publish(&returns(2, 200)).unwrap();
    let (start, len) = (code.as_ptr(), code.len());
    drop(code);
    // SAFETY: the segment is still mapped, because `keep` is in it or it is the last one; it is not
    // written meanwhile.
    let freed = unsafe { std::slice::from_raw_parts(start, len) };
    assert!(freed.iter().all(|byte| *byte == 0xCC));
    assert_eq!(call(&keep), 1);
}

#[test]
fn fifty_thousand_pieces_in_few_mappings() {
    let _alone = alone();
    let before = ours();
    let mut pieces: Vec<Code> =
        (0..50_000).map(|i| publish(&returns(i, 3900 + i as usize % 400)).unwrap()).collect();
    let with = ours();
    assert!(with <= 500, "{with} mappings");
    assert!((0..50_000).step_by(97).all(|i| call(&pieces[i]) == i as u32));
    // Freed ranges are used again.
    for i in (0..50_000).step_by(2) {
        pieces[i] = publish(&returns(1, 64)).unwrap();
    }
    for i in (0..50_000).step_by(2) {
        pieces[i] = publish(&returns(2, 3800)).unwrap();
    }
    assert!(ours() <= with + 50, "{} mappings", ours());
    assert!((0..50_000).all(|i| call(&pieces[i]) == if i % 2 == 0 { 2 } else { i as u32 }));
    drop(pieces);
    assert!(ours() <= before.max(2), "{} mappings are left", ours());
}

#[test]
fn free_neighbours_become_one() {
    let _alone = alone();
    // Pieces of more than half a mebibyte: no two share a segment.
    let large = || publish(&returns(5, 600 << 10)).unwrap();
    let _keep = large();
    let before = ours();
    let mut pieces: Vec<Code> = (0..6).map(|i| publish(&returns(i, 60 << 10)).unwrap()).collect();
    let around = ours();
    // In this order, freed ranges merge with no neighbour, the left one, the right one, and both.
    for i in [1, 4, 2, 3, 0] {
        pieces.remove(pieces.iter().position(|code| call(code) == i).unwrap());
    }
    drop(pieces);
    let again: Vec<Code> = (0..6).map(|i| publish(&returns(i, 60 << 10)).unwrap()).collect();
    assert_eq!(ours(), around);
    drop(again);
    let whole = publish(&returns(9, 400 << 10)).unwrap();
    assert_eq!((ours(), call(&whole)), (before, 9), "the holes did not join");
}

#[test]
fn publishing_and_dropping_does_not_grow() {
    let _alone = alone();
    let round = |count: u32| {
        for i in 0..count {
            let code = publish(&returns(i, 100 + i as usize % 9000)).unwrap();
            assert_eq!(call(&code), i);
        }
    };
    round(1000);
    let (mappings, resident) = (ours(), resident_kib());
    round(200_000);
    assert_eq!(ours(), mappings);
    let grown = resident_kib().saturating_sub(resident);
    assert!(grown < 10_000, "{grown} KiB");
}

#[test]
fn threads_publish_and_drop_at_once() {
    let _alone = alone();
    std::thread::scope(|scope| {
        for thread in 0..4_u32 {
            scope.spawn(move || {
                let mut live = Vec::new();
                for i in 0..2000 {
                    live.push((
                        thread * 10_000 + i,
                        publish(&returns(thread * 10_000 + i, 300)).unwrap(),
                    ));
                    if i % 3 == 0 {
                        live.swap_remove(i as usize * 7 % live.len());
                    }
                }
                assert!(live.iter().all(|(value, code)| call(code) == *value));
            });
        }
    });
}

/// After a fork, each process can still execute the code of the common segments, whatever the other
/// frees.
#[test]
fn forks_do_not_share_later_changes() {
    let _alone = alone();
    let kept = publish(&returns(1, 0)).unwrap();
    let dropped = publish(&returns(2, 0)).unwrap();
    let address = dropped.as_ptr();
    let mut pipe = [0; 2];
    // SAFETY: the array has room for two descriptors.
    assert_eq!(unsafe { libc::pipe(pipe.as_mut_ptr()) }, 0);
    // SAFETY: the child only publishes, calls and frees code, and makes plain system calls.
    let child = unsafe { libc::fork() };
    assert!(child >= 0);
    if child == 0 {
        let mut byte = 0_u8;
        // SAFETY: the descriptors are open. The call waits until the parent has dropped its code or
        // has ended.
        unsafe {
            libc::close(pipe[1]);
            libc::read(pipe[0], (&raw mut byte).cast(), 1);
        }
        let mut right = call(&kept) == 1 && call(&dropped) == 2;
        let new = publish(&returns(3, 0)).unwrap();
        right &= call(&new) == 3;
        drop(kept);
        // SAFETY: ends the child without running the test harness.
        unsafe { libc::_exit(if right { 0 } else { 1 }) };
    }
    drop(dropped);
    let new = publish(&returns(4, 0)).unwrap();
    assert_ne!(new.as_ptr(), address, "the child still has code there");
    let mut status = 0;
    // SAFETY: the descriptor is open, and the child is this process's.
    unsafe {
        libc::write(pipe[1], [0_u8].as_ptr().cast(), 1);
        libc::waitpid(child, &raw mut status, 0);
    }
    assert!(libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 0, "status {status}");
    // Code that the child has freed still runs in the parent.
    assert_eq!((call(&kept), call(&new)), (1, 4));
}

fn mxcsr() -> u32 {
    let mut value = 0_u32;
    // SAFETY: the instruction stores four bytes to the local.
    unsafe { std::arch::asm!("stmxcsr [{}]", in(reg) &raw mut value) };
    value
}

fn set_mxcsr(value: u32) {
    // SAFETY: the instruction reads four bytes of the local; only defined bits are set.
    unsafe { std::arch::asm!("ldmxcsr [{}]", in(reg) &raw const value) };
}

/// A product whose result is subnormal.
#[inline(never)]
fn tiny() -> f64 {
    std::hint::black_box(1e-300) * std::hint::black_box(1e-10)
}

#[test]
fn the_hosts_floating_point_environment() {
    const FLUSH_AND_ROUND_UP: u32 = 0x1F80 | 0x8040 | 0x4000;
    std::thread::spawn(|| {
        set_mxcsr(FLUSH_AND_ROUND_UP);
        let flushed = tiny();
        let guard = FpEnv::enter();
        let inside = (mxcsr() & !0x3F, tiny());
        drop(guard);
        let after = mxcsr();
        // Unwinding also restores the environment.
        let _ = std::panic::catch_unwind(|| {
            let _guard = FpEnv::enter();
            std::panic::resume_unwind(Box::new(()));
        });
        let unwound = mxcsr();
        set_mxcsr(0x1F80);
        assert_eq!(flushed, 0.0, "the test's own premise");
        assert_eq!(inside, (0x1F80, 1e-310));
        assert_eq!((after & !0x3F, unwound & !0x3F), (FLUSH_AND_ROUND_UP, FLUSH_AND_ROUND_UP));

        // The register is not written if it does not differ.
        set_mxcsr(0x1F80 | 1);
        drop(FpEnv::enter());
        assert_eq!(mxcsr(), 0x1F81);
    })
    .join()
    .unwrap();
}
