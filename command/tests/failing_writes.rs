//! Failing writes: the k-th system call of an output fails, for all k. This process traces the
//! command and replaces the results of its system calls.

#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

mod runs;

use std::collections::HashMap;
use std::fs;
use std::io::{self, BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use libc::{c_int, c_long, c_void, pid_t};
use runs::names;

/// The replaced result of a system call.
#[derive(Clone, Copy, Debug)]
enum Answer {
    /// The call fails with this error.
    Fails(c_int),
    /// The call is interrupted, if it is a write.
    Interrupted,
    /// All writes accept at most this many bytes.
    Short(u64),
}

/// The result of a traced run.
struct Traced {
    code: c_int,
    /// The number of system calls of its outputs.
    calls: usize,
}

/// Whether processes can be traced here, which some containers forbid.
fn ptrace(request: libc::c_uint, pid: pid_t, data: *mut c_void) -> io::Result<()> {
    // SAFETY: the requests of this test access at most the registers that `data` points to.
    let result = unsafe { libc::ptrace(request, pid, std::ptr::null_mut::<c_void>(), data) };
    if result == -1 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Whether a request reached a stopped thread, which may have ended meanwhile with its process.
fn reached(request: io::Result<()>) -> bool {
    match request {
        Err(error) if error.raw_os_error() == Some(libc::ESRCH) => false,
        done => done.map(|()| true).unwrap(),
    }
}

/// The registers of a stopped thread; `None` if it has ended.
fn registers(tid: pid_t) -> Option<libc::user_regs_struct> {
    // SAFETY: the record consists of plain numbers.
    let mut registers: libc::user_regs_struct = unsafe { std::mem::zeroed() };
    reached(ptrace(libc::PTRACE_GETREGS, tid, (&raw mut registers).cast())).then_some(registers)
}

fn set_registers(tid: pid_t, mut registers: libc::user_regs_struct) {
    reached(ptrace(libc::PTRACE_SETREGS, tid, (&raw mut registers).cast()));
}

/// Waits for a thread of the command to stop or end, and not for children of other tests.
fn wait() -> (pid_t, c_int) {
    let mut status = 0;
    // SAFETY: the call writes the status.
    let tid = unsafe { libc::waitpid(-1, &raw mut status, libc::__WALL | libc::__WNOTHREAD) };
    assert!(tid > 0);
    (tid, status)
}

/// The system calls on files that are created for outputs, including those that rename them.
struct Calls {
    /// The descriptors of the files.
    files: Vec<u64>,
    count: usize,
}

impl Calls {
    /// Whether a system call is one of them.
    fn is_one(&self, call: &libc::user_regs_struct) -> bool {
        let on_file = self.files.contains(&call.rdi);
        match call.orig_rax as c_long {
            libc::SYS_openat => call.rdx & (libc::O_CREAT as u64 | NAMELESS) != 0,
            libc::SYS_rename | libc::SYS_renameat | libc::SYS_renameat2 => true,
            libc::SYS_linkat => true,
            libc::SYS_write | libc::SYS_pwrite64 | libc::SYS_writev | libc::SYS_lseek => on_file,
            libc::SYS_ftruncate | libc::SYS_fallocate | libc::SYS_fchmod => on_file,
            libc::SYS_flock => on_file,
            libc::SYS_fsync | libc::SYS_fdatasync => on_file,
            _ => false,
        }
    }
}

/// The state of a thread of the command.
#[derive(Default)]
struct Thread {
    /// Whether it is inside a system call.
    within: bool,
    /// Whether that call opens a file.
    opens: bool,
    /// The error with which the call is to fail.
    fails: Option<c_int>,
}

/// The bits of `O_TMPFILE` without `O_DIRECTORY`.
const NAMELESS: u64 = (libc::O_TMPFILE & !libc::O_DIRECTORY) as u64;

/// Runs the command and replaces the result of the call with a number, counted from 1. Unless
/// `nameless`, calls that create unnamed files fail and do not count. `None` if it cannot be
/// traced.
fn traced(
    dir: &Path,
    words: &[&str],
    nameless: bool,
    number: usize,
    answer: Answer,
) -> Option<Traced> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hotloop"));
    command.args(words).current_dir(dir).stdin(Stdio::null()).stderr(Stdio::null());
    // SAFETY: the closure makes one system call, which accesses no memory.
    unsafe { command.pre_exec(|| ptrace(libc::PTRACE_TRACEME, 0, std::ptr::null_mut())) };
    let child = match command.spawn() {
        Ok(child) => child,
        Err(error) => {
            println!("nothing may be traced here: {error}");
            return None;
        }
    };
    let pid = child.id() as pid_t;
    let (first, status) = wait();
    assert!(first == pid && libc::WIFSTOPPED(status));
    let options = libc::PTRACE_O_TRACESYSGOOD | libc::PTRACE_O_EXITKILL | libc::PTRACE_O_TRACECLONE;
    ptrace(libc::PTRACE_SETOPTIONS, pid, options as usize as *mut c_void).unwrap();
    let mut calls = Calls { files: Vec::new(), count: 0 };
    let mut threads: HashMap<pid_t, Thread> = HashMap::from([(pid, Thread::default())]);
    let (mut tid, mut signal) = (pid, 0);
    loop {
        // The thread may have ended with the process.
        let _ = ptrace(libc::PTRACE_SYSCALL, tid, signal as usize as *mut c_void);
        let status;
        (tid, status) = wait();
        signal = 0;
        if libc::WIFEXITED(status) && tid == pid {
            return Some(Traced { code: libc::WEXITSTATUS(status), calls: calls.count });
        }
        assert!(!libc::WIFSIGNALED(status), "the command ended by a signal");
        if !libc::WIFSTOPPED(status) {
            continue;
        }
        let stopped_by = libc::WSTOPSIG(status);
        if stopped_by != libc::SIGTRAP | 0x80 {
            // A new thread begins stopped.
            let begins = !threads.contains_key(&tid);
            threads.entry(tid).or_default();
            let own = stopped_by == libc::SIGTRAP || (begins && stopped_by == libc::SIGSTOP);
            signal = if own { 0 } else { stopped_by };
            continue;
        }
        let thread = threads.entry(tid).or_default();
        thread.within = !thread.within;
        let Some(mut call) = registers(tid) else { continue };
        if thread.within {
            let opens = call.orig_rax as c_long == libc::SYS_openat;
            if !nameless && opens && call.rdx & NAMELESS != 0 {
                thread.fails = Some(libc::EOPNOTSUPP);
            } else if calls.is_one(&call) {
                calls.count += 1;
                let number_of = call.orig_rax as c_long;
                thread.opens = opens;
                let write = matches!(number_of, libc::SYS_write | libc::SYS_pwrite64);
                thread.fails = match answer {
                    Answer::Fails(error) if calls.count == number => Some(error),
                    Answer::Interrupted if calls.count == number && write => Some(libc::EINTR),
                    _ => None,
                };
                if let Answer::Short(bytes) = answer
                    && write
                {
                    call.rdx = call.rdx.min(bytes);
                    set_registers(tid, call);
                }
            }
            if thread.fails.is_some() {
                // The call is replaced by one that does not exist, and its result by the error.
                call.orig_rax = u64::MAX;
                set_registers(tid, call);
            }
        } else if let Some(error) = thread.fails.take() {
            call.rax = -i64::from(error) as u64;
            set_registers(tid, call);
            thread.opens = false;
        } else if std::mem::take(&mut thread.opens) && (call.rax as i64) >= 0 {
            calls.files.push(call.rax);
        }
    }
}

/// Runs the command, stops it in its first sync of a file, as a busy disk would, and interrupts it
/// there. Returns its message, the time until the message, and the exit code after the sync
/// continues.
fn interrupted_while_syncing(dir: &Path, words: &[&str]) -> Option<(String, Duration, c_int)> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hotloop"));
    command.args(words).current_dir(dir).stdin(Stdio::null()).stderr(Stdio::piped());
    // SAFETY: the closure makes one system call, which accesses no memory.
    unsafe { command.pre_exec(|| ptrace(libc::PTRACE_TRACEME, 0, std::ptr::null_mut())) };
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(error) => {
            println!("nothing may be traced here: {error}");
            return None;
        }
    };
    let (sender, said) = channel();
    let mut errors = BufReader::new(child.stderr.take().unwrap());
    std::thread::spawn(move || {
        let mut line = String::new();
        errors.read_line(&mut line).unwrap();
        sender.send((line, Instant::now())).unwrap();
    });
    let pid = child.id() as pid_t;
    wait();
    let options = libc::PTRACE_O_TRACESYSGOOD | libc::PTRACE_O_EXITKILL | libc::PTRACE_O_TRACECLONE;
    ptrace(libc::PTRACE_SETOPTIONS, pid, options as usize as *mut c_void).unwrap();
    let mut within: HashMap<pid_t, bool> = HashMap::from([(pid, false)]);
    let (mut tid, mut signal) = (pid, 0);
    let (mut held, mut message) = (None, None);
    loop {
        let _ = ptrace(libc::PTRACE_SYSCALL, tid, signal as usize as *mut c_void);
        let status;
        (tid, status) = wait();
        signal = 0;
        if libc::WIFEXITED(status) && tid == pid {
            let (line, after) = message.unwrap();
            return Some((line, after, libc::WEXITSTATUS(status)));
        }
        if !libc::WIFSTOPPED(status) {
            // The thread that prints the message has ended.
            if let Some((syncing, since)) = held.take() {
                let (line, at) = said.recv_timeout(Duration::from_secs(20)).unwrap();
                message = Some((line, at.duration_since(since)));
                tid = syncing;
            }
            continue;
        }
        let stopped_by = libc::WSTOPSIG(status);
        if stopped_by != libc::SIGTRAP | 0x80 {
            let begins = !within.contains_key(&tid);
            within.entry(tid).or_default();
            let own = stopped_by == libc::SIGTRAP || (begins && stopped_by == libc::SIGSTOP);
            signal = if own { 0 } else { stopped_by };
            continue;
        }
        let within = within.entry(tid).or_default();
        *within = !*within;
        let syncs = *within
            && registers(tid).is_some_and(|call| call.orig_rax as c_long == libc::SYS_fsync);
        if syncs && message.is_none() && held.is_none() {
            held = Some((tid, Instant::now()));
            // SAFETY: the process is a child that has not been waited for.
            assert_eq!(unsafe { libc::kill(pid, libc::SIGINT) }, 0);
            // This thread stays stopped; the next event is another thread's.
            tid = 0;
        }
    }
}

/// A directory with an old output and an input.
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

const OUTPUTS: [(&str, &str); 2] = [("a + 1", "y.npy"), ("y = a + 1; z = sum(a)", "y.npz")];

#[test]
fn h4_the_kth_call_fails() {
    for (text, name) in OUTPUTS {
        for (error, nameless) in [(libc::ENOSPC, true), (libc::EIO, true), (libc::EIO, false)] {
            let mut failed = 0;
            for k in 1.. {
                let dir = prepared();
                let place = dir.path().join(name);
                fs::write(&place, b"old").unwrap();
                let words = [text, "a=a.npy", "-o", name];
                let answer = Answer::Fails(error);
                let Some(ran) = traced(dir.path(), &words, nameless, k, answer) else { return };
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
            // The calls open the file, write twice, set its length and its permissions, sync it and
            // rename it.
            assert!(failed >= 6, "{name}: {failed} calls failed with {error}");
        }
    }
}

#[test]
fn h4_interrupted_and_short_writes() {
    for (text, name) in OUTPUTS {
        let run = |number, answer| {
            let dir = prepared();
            let words = [text, "a=a.npy", "-o", name];
            let ran = traced(dir.path(), &words, true, number, answer)?;
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

/// A sync on a busy disk cannot be interrupted, but the message must not wait for it.
#[test]
fn a_signal_is_answered_while_the_disk_is_busy() {
    for name in ["y.npy", "y.npz", "y.csv"] {
        let dir = prepared();
        fs::write(dir.path().join(name), b"old").unwrap();
        let words = ["a + 1", "a=a.npy", "-o", name, "--threads", "1"];
        let Some((line, after, code)) = interrupted_while_syncing(dir.path(), &words) else {
            return;
        };
        println!("{name}: said after {after:?}");
        assert_eq!((&*line, code), ("error: stopped by Ctrl-C\n", 130), "{name}");
        assert!(after < Duration::from_millis(300), "{name}: {after:?}");
        assert_eq!(fs::read(dir.path().join(name)).unwrap(), b"old");
        assert_eq!(names(dir.path()), ["a.npy", name]);
    }
}
