//! A session at a pseudo-terminal, to which the tests write and from which they read.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use super::{names, temporary};

/// A timeout, far longer than anything takes.
const PATIENCE: Duration = Duration::from_secs(60);

struct Terminal {
    child: Child,
    keys: File,
    screen: Receiver<Vec<u8>>,
    seen: String,
}

/// The ends of a pseudo-terminal; `None` if the system has none.
fn pair() -> Option<(OwnedFd, OwnedFd)> {
    let (mut own, mut other) = (-1, -1);
    let size = libc::winsize { ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 };
    // SAFETY: the pointers point at live values or are null, which means the defaults.
    let result = unsafe {
        libc::openpty(&mut own, &mut other, std::ptr::null_mut(), std::ptr::null(), &size)
    };
    if result != 0 {
        return None;
    }
    // SAFETY: both descriptors were just opened, and have no other owner.
    Some(unsafe { (OwnedFd::from_raw_fd(own), OwnedFd::from_raw_fd(other)) })
}

impl Terminal {
    /// Starts a session; `None` if there is no pseudo-terminal.
    fn start(dir: &Path, history: &Path) -> Option<Terminal> {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hotloop"));
        command.env("HOTLOOP_HISTORY", history);
        Terminal::run(dir, command)
    }

    fn run(dir: &Path, mut command: Command) -> Option<Terminal> {
        hotloop_testing::dispositions::as_ever();
        let Some((own, other)) = pair() else {
            eprintln!("skipped: there is no pseudo-terminal to have");
            return None;
        };
        let end = || other.try_clone().expect("a descriptor");
        command.current_dir(dir);
        if !command.get_envs().any(|(name, _)| name == "TERM") {
            command.env("TERM", "xterm");
        }
        // Without colours, output is easier to match.
        if !command.get_envs().any(|(name, _)| name == "NO_COLOR") {
            command.env("NO_COLOR", "1");
        }
        command.stdin(Stdio::from(end())).stdout(Stdio::from(end())).stderr(Stdio::from(end()));
        // SAFETY: the closure makes only these two system calls, which are allowed between fork and
        // exec.
        unsafe {
            command.pre_exec(|| {
                // The child is a session leader whose terminal is its standard input, so that
                // Ctrl-C reaches it.
                if libc::setsid() < 0 || libc::ioctl(0, libc::TIOCSCTTY, 0) < 0 {
                    return Err(std::io::Error::last_os_error());
                }
                Ok(())
            });
        }
        let child = command.spawn().expect("the command starts");
        drop((command, other));
        let keys = File::from(own);
        let mut reader = keys.try_clone().expect("a descriptor");
        let (sender, screen) = channel();
        // The thread ends when the session ends, because then the terminal is closed.
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(count @ 1..) = reader.read(&mut buffer) {
                if sender.send(buffer[..count].to_vec()).is_err() {
                    return;
                }
            }
        });
        Some(Terminal { child, keys, screen, seen: String::new() })
    }

    fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).expect("a terminal");
    }

    /// The terminal's local modes.
    fn modes(&self) -> libc::tcflag_t {
        // SAFETY: the record consists of plain numbers, which the call writes.
        let mut modes: libc::termios = unsafe { std::mem::zeroed() };
        // SAFETY: the pointer points at a live value.
        let known = unsafe { libc::tcgetattr(self.keys.as_raw_fd(), &mut modes) };
        assert_eq!(known, 0);
        modes.c_lflag
    }

    /// Appends the output that has arrived.
    fn shown(&mut self) -> &str {
        self.screen.try_iter().for_each(|bytes| self.seen += &String::from_utf8_lossy(&bytes));
        &self.seen
    }

    /// Waits for a text, and drops the output up to its end.
    fn wait(&mut self, text: &str) {
        self.up_to(text);
    }

    /// The output up to a text, which is dropped with the text.
    fn up_to(&mut self, text: &str) -> String {
        let end = Instant::now() + PATIENCE;
        loop {
            if let Some(at) = self.seen.find(text) {
                let before = self.seen[..at].to_string();
                self.seen.drain(..at + text.len());
                return before;
            }
            let left = end.saturating_duration_since(Instant::now());
            match self.screen.recv_timeout(left) {
                Ok(bytes) => self.seen += &String::from_utf8_lossy(&bytes),
                Err(_) => panic!("{text:?} does not come: {:?}", self.seen),
            }
        }
    }

    /// Waits for a new prompt, not a redrawn one: only editing enables bracketed paste.
    fn prompt(&mut self) {
        self.wait("\x1b[?2004h");
        self.wait("> ");
    }

    /// Types a line and waits for its output.
    fn line(&mut self, line: &str, printed: &str) {
        self.press(line);
        self.press("\r");
        self.wait(printed);
        self.wait("> ");
    }

    /// The exit code once the session has ended.
    fn end(mut self) -> Option<i32> {
        let end = Instant::now() + PATIENCE;
        while Instant::now() < end {
            if let Some(status) = self.child.try_wait().expect("a child") {
                return status.code();
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("the session does not end: {:?}", self.seen)
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // For a test that fails; a child that has ended cannot be killed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_person_types() {
    let dir = temporary();
    let history = dir.path().join("history");
    let Some(mut terminal) = Terminal::start(dir.path(), &history) else { return };
    terminal.wait("Ctrl-D to end");
    terminal.wait("> ");
    terminal.line("x = linspace(0, 1, 3)", "\n");
    terminal.line("x * 2", "[0. 1. 2.]");
    terminal.line("sine(x)", "did you mean 'sin', 'sinc' or 'since'?");
    // All names with a prefix, and a single one.
    terminal.press("sq\t\t");
    terminal.wait("sqrt(");
    terminal.wait("square(");
    terminal.press("r\t");
    terminal.line("16)", "4.0");
    // A text of several lines.
    terminal.press("def f(a) =\r");
    terminal.line("a + 1", "\n");
    terminal.line("f(\r41)", "42");
    // Ctrl-C clears the typed line.
    terminal.press("1 + nonsense\x03");
    terminal.wait("> ");
    terminal.line("6 * 7", "42");
    terminal.press("\x04");
    assert_eq!(terminal.end(), Some(0));

    // Another session has the history of the last one.
    let Some(mut terminal) = Terminal::start(dir.path(), &history) else { return };
    terminal.wait("> ");
    terminal.press("\x1b[A");
    terminal.wait("6 * 7");
    terminal.line("", "42");
    terminal.press(":quit\r");
    assert_eq!(terminal.end(), Some(0));
    let kept = fs::read_to_string(&history).expect("a history");
    assert!(kept.contains("x = linspace(0, 1, 3)\n") && !kept.contains("nonsense"), "{kept}");
}

#[test]
fn lines_that_come_at_once_are_all_evaluated() {
    let dir = temporary();
    let Some(mut terminal) = Terminal::start(dir.path(), Path::new("")) else { return };
    terminal.prompt();
    terminal.press("x = 40\ry = 2\rx + y\r");
    terminal.wait("42");
    terminal.prompt();
    terminal.press("\x04");
    assert_eq!(terminal.end(), Some(0));
}

/// Lines pasted in one piece, some of them commands.
#[test]
fn commands_in_what_is_pasted_are_lines_of_their_own() {
    let dir = temporary();
    let Some(mut terminal) = Terminal::start(dir.path(), Path::new("")) else { return };
    terminal.prompt();
    let paste = |lines: &str| format!("\x1b[200~{lines}\x1b[201~\r");
    terminal.press(&paste("x = arange(5)\n:save x x.npy\n:load y=x.npy\nsum(y[1\n:3])"));
    terminal.wait("y: i64 (5,)");
    terminal.wait("3");
    terminal.prompt();
    // Each complete line is a text, as in a script.
    terminal.press(&paste("def f(a) = a + 1\nf(6)\nf(\n7)"));
    terminal.wait("7");
    terminal.wait("8");
    terminal.prompt();
    // After an error, the rest of the paste is not executed.
    terminal.press(&paste("x = nope\n:save x x.npy\n:vars"));
    terminal.wait("there is no variable 'nope'");
    terminal.prompt();
    assert!(!terminal.seen.contains("y: i64"), "{}", terminal.seen);
    terminal.press(&paste("1 + 1\n:quit\n2 + 2"));
    terminal.wait("2");
    assert_eq!(terminal.end(), Some(0));
}

#[test]
fn one_blank_line_ends_a_text() {
    let dir = temporary();
    let Some(mut terminal) = Terminal::start(dir.path(), Path::new("")) else { return };
    terminal.prompt();
    terminal.press("sin(\r");
    std::thread::sleep(Duration::from_millis(200));
    terminal.press("\r");
    terminal.wait("`(` is never closed");
    terminal.prompt();
    terminal.line("exit = 3", "\n");
    terminal.line("exit", "3");
    terminal.press("quit\r");
    assert_eq!(terminal.end(), Some(0));
}

#[test]
fn ctrl_c_stops_the_evaluation_and_not_the_session() {
    let dir = temporary();
    let Some(mut terminal) = Terminal::start(dir.path(), Path::new("")) else { return };
    terminal.wait("> ");
    terminal.line("x = ones((4000, 1)); y = ones(200000)", "\n");
    // Work for minutes, which Ctrl-C stops.
    let start = Instant::now();
    terminal.press("sum(arctan2(gamma(x + y), gamma(x - y)))\r");
    terminal.wait("\n");
    std::thread::sleep(Duration::from_millis(700));
    terminal.press("\x03");
    terminal.wait("stopped by Ctrl-C");
    assert!(start.elapsed() < Duration::from_secs(30), "{:?}", start.elapsed());
    terminal.wait("> ");
    terminal.line("6 * 7", "42");
    terminal.press("\x04");
    assert_eq!(terminal.end(), Some(0));
    assert_eq!(names(dir.path()), [""; 0], "no history was asked for");
}

#[test]
fn a_signal_ends_a_session_at_its_prompt() {
    for (signal, code) in [(libc::SIGTERM, 143), (libc::SIGHUP, 129)] {
        let dir = temporary();
        let Some(mut terminal) = Terminal::start(dir.path(), Path::new("")) else { return };
        terminal.prompt();
        terminal.line("6 * 7", "42");
        // An interrupt from another process does not stop it.
        let id = terminal.child.id() as libc::pid_t;
        // SAFETY: the process is a child that has not been waited for.
        assert_eq!(unsafe { libc::kill(id, libc::SIGINT) }, 0);
        // It stops what runs when it arrives, which may be the next line.
        terminal.press("6 * 8\r");
        terminal.prompt();
        terminal.line("6 * 9", "54");
        // SAFETY: as above.
        assert_eq!(unsafe { libc::kill(id, signal) }, 0);
        terminal.wait("\x1b[?2004l");
        let cooked = libc::ECHO | libc::ICANON | libc::ISIG;
        assert_eq!(terminal.modes() & cooked, cooked, "the terminal is as it was");
        assert_eq!(terminal.end(), Some(code));
    }
}

#[test]
fn ctrl_c_stops_what_no_program_does() {
    let dir = temporary();
    let Some(mut terminal) = Terminal::start(dir.path(), Path::new("")) else { return };
    terminal.prompt();
    for command in [
        ":plot zeros(COUNT, dtype=i8)",
        ":plot full(COUNT, -1, dtype=i8) zeros(COUNT, dtype=i8)",
        ":hist zeros(COUNT, dtype=i8)",
        "random(COUNT, dtype=f32)",
        "normal(COUNT)",
    ] {
        // Larger counts for faster machines.
        let stopped = [5_000_000, 20_000_000, 80_000_000].into_iter().any(|count: u32| {
            terminal.press(&command.replace("COUNT", &count.to_string()));
            terminal.press("\r");
            terminal.wait("\x1b[?2004l");
            std::thread::sleep(Duration::from_millis(200));
            // The work may have ended already.
            let working = !terminal.shown().contains("\x1b[?2004h");
            if working {
                terminal.press("\x03");
            }
            let shown = terminal.up_to("\x1b[?2004h");
            terminal.wait("> ");
            assert!(!shown.contains("cancelled"), "{shown}");
            shown.contains("stopped by Ctrl-C")
        });
        assert!(stopped, "{command} goes on");
    }
    terminal.line("6 * 7", "42");
    terminal.press("\x04");
    assert_eq!(terminal.end(), Some(0));
}

#[test]
fn h7_a_home_that_cannot_be_written_costs_one_warning() {
    let dir = temporary();
    fs::write(dir.path().join("file"), "").expect("a file");
    for home in ["file", "file/none", ""] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hotloop"));
        command.env_remove("HOTLOOP_HISTORY").env_remove("XDG_STATE_HOME");
        command.env("HOME", if home.is_empty() { home.into() } else { dir.path().join(home) });
        let Some(mut terminal) = Terminal::run(dir.path(), command) else { return };
        if !home.is_empty() {
            terminal.wait("warning: no history is kept");
        }
        terminal.wait("> ");
        terminal.line("6 * 7", "42");
        terminal.line("2 + 2", "4");
        assert!(!terminal.seen.contains("warning"), "{}", terminal.seen);
        terminal.press("\x04");
        assert_eq!(terminal.end(), Some(0));
    }
}

#[test]
fn nothing_that_is_typed_ends_the_session() {
    let dir = temporary();
    let Some(mut terminal) = Terminal::start(dir.path(), Path::new("")) else { return };
    terminal.prompt();
    terminal.keys.write_all(b"\xff\xfe\x80\r").expect("a terminal");
    terminal.wait("the line is not UTF-8");
    terminal.prompt();
    terminal.press("\u{e9}\u{202e}\u{1f600}\r");
    terminal.wait("identifiers are ASCII");
    terminal.prompt();
    terminal.press(&"(".repeat(300));
    // Waits until the line is drawn: input after Ctrl-C would be discarded until then.
    std::thread::sleep(Duration::from_millis(300));
    terminal.press("\x03");
    terminal.prompt();
    for (rows, columns) in [(500, 1000), (1, 1), (0, 0), (24, 80)] {
        let size = libc::winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        // SAFETY: the descriptor is open and the size a live value.
        let set = unsafe { libc::ioctl(terminal.keys.as_raw_fd(), libc::TIOCSWINSZ, &size) };
        assert_eq!(set, 0);
        terminal.press(":plot arange(9)\r");
        terminal.wait("\u{2514}");
        terminal.prompt();
    }
    terminal.press("17 * 3\r");
    terminal.wait("51");
    terminal.prompt();
    terminal.press("\x04");
    assert_eq!(terminal.end(), Some(0));
}

#[test]
fn errors_stand_out_unless_nobody_wants_it() {
    let dir = temporary();
    for (variable, value, coloured) in
        [("TERM", "xterm", true), ("TERM", "dumb", false), ("NO_COLOR", "1", false)]
    {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hotloop"));
        command.env("HOTLOOP_HISTORY", "").env_remove("NO_COLOR").env(variable, value);
        let Some(mut terminal) = Terminal::run(dir.path(), command) else { return };
        terminal.wait("> ");
        terminal.press("sine(1)\r");
        let before = terminal.up_to("unknown function 'sine'");
        let red = "\u{1b}[31m\u{1b}[1merror:\u{1b}[0m";
        assert_eq!(before.contains(red), coloured, "{variable}={value}: {before:?}");
        terminal.press("q\r");
    }
}
