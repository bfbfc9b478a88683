//! Files that cannot be written: the k-th call that an output takes fails, for all k. The command
//! runs under this process as under a debugger, which answers its system calls.

#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

use std::fs;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use libc::{c_int, c_long, c_void, pid_t};

/// What becomes of the call of this number that an output takes.
#[derive(Clone, Copy, Debug)]
enum Answer {
    /// It fails.
    Fails(c_int),
    /// It is interrupted, if it is a write.
    Interrupted,
    /// All writes take no more than so many bytes.
    Short(u64),
}

/// What a run under this process came to.
struct Traced {
    code: c_int,
    /// How many calls its outputs took.
    calls: usize,
}

/// Whether a process may be traced here, which some containers forbid.
fn ptrace(request: libc::c_uint, pid: pid_t, data: *mut c_void) -> io::Result<()> {
    // SAFETY: the requests made here read or write at most the registers that `data` points to.
    let result = unsafe { libc::ptrace(request, pid, std::ptr::null_mut::<c_void>(), data) };
    if result == -1 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

fn registers(pid: pid_t) -> libc::user_regs_struct {
    // SAFETY: plain numbers.
    let mut registers: libc::user_regs_struct = unsafe { std::mem::zeroed() };
    ptrace(libc::PTRACE_GETREGS, pid, (&raw mut registers).cast()).unwrap();
    registers
}

fn set_registers(pid: pid_t, mut registers: libc::user_regs_struct) {
    ptrace(libc::PTRACE_SETREGS, pid, (&raw mut registers).cast()).unwrap();
}

fn wait(pid: pid_t) -> c_int {
    let mut status = 0;
    // SAFETY: the status is written, and the process is a child.
    assert_eq!(unsafe { libc::waitpid(pid, &raw mut status, libc::__WALL) }, pid);
    status
}

/// The calls on the file that is made for an output, and those that put it in its place.
struct Calls {
    /// Its descriptors.
    files: Vec<u64>,
    count: usize,
}

impl Calls {
    /// Whether a call is one of them.
    fn is_one(&self, call: &libc::user_regs_struct) -> bool {
        let on_file = self.files.contains(&call.rdi);
        match call.orig_rax as c_long {
            libc::SYS_openat => call.rdx & libc::O_CREAT as u64 != 0,
            libc::SYS_rename | libc::SYS_renameat | libc::SYS_renameat2 => true,
            libc::SYS_write | libc::SYS_pwrite64 | libc::SYS_writev | libc::SYS_lseek => on_file,
            libc::SYS_ftruncate | libc::SYS_fallocate | libc::SYS_fchmod => on_file,
            libc::SYS_fsync | libc::SYS_fdatasync => on_file,
            _ => false,
        }
    }
}

/// Runs the command and answers the call of a number, counted from 1. `None`: it may not be traced.
fn traced(dir: &Path, words: &[&str], number: usize, answer: Answer) -> Option<Traced> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hotloop"));
    command.args(words).current_dir(dir).stdin(Stdio::null()).stderr(Stdio::null());
    // SAFETY: one system call, which touches no memory.
    unsafe { command.pre_exec(|| ptrace(libc::PTRACE_TRACEME, 0, std::ptr::null_mut())) };
    let child = match command.spawn() {
        Ok(child) => child,
        Err(error) => {
            println!("nothing may be traced here: {error}");
            return None;
        }
    };
    let pid = child.id() as pid_t;
    assert!(libc::WIFSTOPPED(wait(pid)));
    let options = libc::PTRACE_O_TRACESYSGOOD | libc::PTRACE_O_EXITKILL;
    ptrace(libc::PTRACE_SETOPTIONS, pid, options as usize as *mut c_void).unwrap();
    let mut calls = Calls { files: Vec::new(), count: 0 };
    let (mut entering, mut signal) = (true, 0);
    let (mut opens, mut fails) = (false, None);
    loop {
        ptrace(libc::PTRACE_SYSCALL, pid, signal as usize as *mut c_void).unwrap();
        let status = wait(pid);
        if libc::WIFEXITED(status) {
            return Some(Traced { code: libc::WEXITSTATUS(status), calls: calls.count });
        }
        assert!(libc::WIFSTOPPED(status), "the command ended by a signal");
        signal = libc::WSTOPSIG(status);
        if signal != libc::SIGTRAP | 0x80 {
            signal = if signal == libc::SIGTRAP { 0 } else { signal };
            continue;
        }
        signal = 0;
        let mut call = registers(pid);
        if entering {
            if calls.is_one(&call) {
                calls.count += 1;
                let number_of = call.orig_rax as c_long;
                opens = number_of == libc::SYS_openat;
                let write = matches!(number_of, libc::SYS_write | libc::SYS_pwrite64);
                fails = match answer {
                    Answer::Fails(error) if calls.count == number => Some(error),
                    Answer::Interrupted if calls.count == number && write => Some(libc::EINTR),
                    _ => None,
                };
                if fails.is_some() {
                    // A call that does not exist, whose answer is then replaced.
                    call.orig_rax = u64::MAX;
                    set_registers(pid, call);
                } else if let Answer::Short(bytes) = answer
                    && write
                {
                    call.rdx = call.rdx.min(bytes);
                    set_registers(pid, call);
                }
            }
        } else if let Some(error) = fails.take() {
            call.rax = -i64::from(error) as u64;
            set_registers(pid, call);
            opens = false;
        } else if std::mem::take(&mut opens) && (call.rax as i64) >= 0 {
            calls.files.push(call.rax);
        }
        entering = !entering;
    }
}

/// A directory with the old file, and an input.
fn prepared() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let header = "{'descr': '<f8', 'fortran_order': False, 'shape': (3000,), }";
    let mut input = b"\x93NUMPY\x01\x00".to_vec();
    input.extend((header.len() as u16).to_le_bytes());
    input.extend(header.bytes());
    input.extend((0..3000).flat_map(|i| f64::from(i).to_le_bytes()));
    fs::write(dir.path().join("a.npy"), input).unwrap();
    dir
}

fn names(dir: &Path) -> Vec<String> {
    let list = fs::read_dir(dir).unwrap();
    let mut names: Vec<String> =
        list.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

const OUTPUTS: [(&str, &str); 2] = [("a + 1", "y.npy"), ("y = a + 1; z = sum(a)", "y.npz")];

#[test]
fn h4_the_kth_call_fails() {
    for (text, name) in OUTPUTS {
        for error in [libc::ENOSPC, libc::EIO] {
            let mut failed = 0;
            for k in 1.. {
                let dir = prepared();
                let place = dir.path().join(name);
                fs::write(&place, b"old").unwrap();
                let words = [text, "a=a.npy", "-o", name];
                let Some(ran) = traced(dir.path(), &words, k, Answer::Fails(error)) else { return };
                let what = format!("{name}: call {k} of {} fails with {error}", ran.calls);
                assert_eq!(names(dir.path()), ["a.npy", name], "{what}");
                let left = fs::read(&place).unwrap();
                match ran.code {
                    0 => assert!(left.len() > 24_000, "{what}: {} bytes", left.len()),
                    1 => assert!(left == b"old", "{what}: {} bytes", left.len()),
                    code => panic!("{what}: the command ended with {code}"),
                }
                failed += usize::from(ran.code == 1);
                if ran.calls < k {
                    assert_eq!(ran.code, 0, "{what}");
                    break;
                }
            }
            // Made, written twice, given its length and its rights, synced, renamed.
            assert!(failed >= 6, "{name}: {failed} calls failed with {error}");
        }
    }
}

#[test]
fn h4_interrupted_and_short_writes() {
    for (text, name) in OUTPUTS {
        let run = |number, answer| {
            let dir = prepared();
            let ran = traced(dir.path(), &[text, "a=a.npy", "-o", name], number, answer)?;
            assert_eq!(ran.code, 0, "{name}: call {number}, {answer:?}");
            Some((ran.calls, fs::read(dir.path().join(name)).unwrap()))
        };
        let Some((calls, whole)) = run(0, Answer::Interrupted) else { return };
        let interrupted = (1..=calls).map(|k| (k, Answer::Interrupted));
        for (k, answer) in interrupted.chain([(0, Answer::Short(1)), (0, Answer::Short(1000))]) {
            let Some((_, got)) = run(k, answer) else { return };
            assert!(got == whole, "{name}: call {k}, {answer:?}");
        }
    }
}
