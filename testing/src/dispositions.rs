//! Signal dispositions for the children of a test.

/// Gives children default signal handling, even if the test runs behind `nohup` or a script's `&`,
/// which ignore some signals, or under Python, which ignores `SIGXFSZ`.
pub fn as_ever() {
    #[cfg(unix)]
    for signal in [libc::SIGINT, libc::SIGTERM, libc::SIGHUP, libc::SIGXFSZ] {
        // SAFETY: no handler is installed; the default action is restored.
        unsafe { libc::signal(signal, libc::SIG_DFL) };
    }
}
