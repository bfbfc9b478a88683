//! Signal dispositions for the children of a test.

/// Children have default signal handling, also if the test runs behind `nohup` or a script's `&`,
/// which have them ignored, or by Python, which ignores the one of the limit on the size of files.
pub fn as_ever() {
    #[cfg(unix)]
    for signal in [libc::SIGINT, libc::SIGTERM, libc::SIGHUP, libc::SIGXFSZ] {
        // SAFETY: no handler is given, only the system's own way asked for.
        unsafe { libc::signal(signal, libc::SIG_DFL) };
    }
}
