//! Registration of code with `perf`: names remain valid.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::time::{Duration, SystemTime};

use hotloop_runtime::exec_memory::publish_named;
use hotloop_runtime::perf::Perf;

/// The code of `mov eax, value; ret`.
fn returns(value: u32) -> Vec<u8> {
    let mut code = vec![0xB8];
    code.extend(value.to_le_bytes());
    code.push(0xC3);
    code
}

/// The address, length and name of each line of this process's map.
fn lines() -> Vec<(usize, usize, String)> {
    let text = fs::read_to_string(format!("/tmp/perf-{}.map", std::process::id())).unwrap();
    let line = |line: &str| {
        let mut words = line.splitn(3, ' ');
        let mut hex = || usize::from_str_radix(words.next().unwrap(), 16).unwrap();
        (hex(), hex(), words.next().unwrap().to_string())
    };
    text.lines().map(line).collect()
}

struct Removed(String);

impl Drop for Removed {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

#[test]
fn a_map_names_code_and_no_address_twice() {
    let path = Removed(format!("/tmp/perf-{}.map", std::process::id()));
    // A file that an earlier process with the same number left is replaced.
    fs::write(&path.0, "1000 10 stale\n").unwrap();
    let past = SystemTime::now() - Duration::from_secs(1_000_000);
    File::options().append(true).open(&path.0).unwrap().set_modified(past).unwrap();

    let code = publish_named(&returns(7), Perf::Map, "seven").unwrap();
    // SAFETY: the code is a function without arguments that returns a number.
    let seven = unsafe { std::mem::transmute::<*const u8, extern "C" fn() -> u32>(code.as_ptr()) };
    assert_eq!(seven(), 7);
    assert_eq!(lines(), [(code.as_ptr().addr(), 6, "seven".to_string())]);
    let maps = fs::read_to_string("/proc/self/maps").unwrap();
    let holds = |line: &&str| {
        let (from, to) = line.split(' ').next().unwrap().split_once('-').unwrap();
        let hex = |text| usize::from_str_radix(text, 16).unwrap();
        (hex(from)..hex(to)).contains(&code.as_ptr().addr())
    };
    let mapping = maps.lines().find(holds).unwrap();
    assert!(mapping.contains(" r-xs ") && mapping.contains("/dev/zero"), "{mapping}");
    drop(code);

    // More code than fits one segment. Each piece is freed before the next, and takes 64 bytes of
    // address space.
    let mut seen = BTreeSet::new();
    let keep = publish_named(&returns(1), Perf::Map, "keep").unwrap();
    for i in 0..40_000 {
        let code = publish_named(&returns(i), Perf::Map, "again").unwrap();
        assert!(seen.insert(code.as_ptr().addr()), "piece {i} has the address of another");
    }
    assert_eq!(lines().len(), 40_002);
    assert!(!seen.contains(&keep.as_ptr().addr()));
    let status = fs::read_to_string("/proc/self/maps").unwrap();
    let mapped = status.lines().filter(|line| line.contains("/dev/zero")).count();
    assert!(mapped <= 4, "{mapped} mappings of what is freed");
}

#[test]
fn a_jitdump_holds_the_instructions() {
    let path = Removed(format!("/tmp/jit-{}.dump", std::process::id()));
    let first = publish_named(&returns(1), Perf::Jitdump, "first").unwrap();
    let second = publish_named(&returns(2), Perf::Jitdump, "the second").unwrap();
    let bytes = fs::read(&path.0).unwrap();
    let word = |at: usize| u32::from_ne_bytes(bytes[at..at + 4].try_into().unwrap());
    let long = |at: usize| u64::from_ne_bytes(bytes[at..at + 8].try_into().unwrap());
    assert_eq!((word(0), word(4), word(8), word(12)), (0x4A69_5444, 1, 40, 62));
    assert_eq!(word(20), std::process::id());
    let (mut at, mut last) = (40, long(24));
    for (index, (code, name, value)) in
        [(&first, "first", 1), (&second, "the second", 2)].into_iter().enumerate()
    {
        assert_eq!((word(at), word(at + 16)), (0, std::process::id()));
        assert!(long(at + 8) >= last, "time goes forward");
        last = long(at + 8);
        assert_eq!(long(at + 24), code.as_ptr().addr() as u64);
        assert_eq!((long(at + 40), long(at + 48)), (6, index as u64));
        let text = at + 56;
        assert_eq!(&bytes[text..=text + name.len()], [name.as_bytes(), &[0]].concat());
        assert_eq!(&bytes[text + name.len() + 1..][..6], returns(value));
        at += word(at + 4) as usize;
    }
    assert_eq!(at, bytes.len());
    let maps = fs::read_to_string("/proc/self/maps").unwrap();
    assert!(maps.lines().any(|line| line.contains("r-xp") && line.ends_with(&path.0)), "{maps}");
}
