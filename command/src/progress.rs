//! A progress bar on the terminal for work longer than a second, or as the command line says.

use std::fmt;
use std::io::IsTerminal;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use console::Term;
use hotloop::explain::Progress;
use indicatif::{HumanDuration, ProgressBar, ProgressState, ProgressStyle};

/// When to show the bar.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Bar {
    /// For long work.
    #[default]
    InTime,
    /// From the start.
    AtOnce,
    /// Not at all.
    Never,
}

static BAR: OnceLock<Bar> = OnceLock::new();

/// Sets when to show the bar, for the whole process.
pub(crate) fn set(bar: Bar) {
    // Set once, by the command line.
    let _ = BAR.set(bar);
}

/// Shorter work has no bar.
const PATIENCE: Duration = Duration::from_secs(1);
/// The interval of redrawing.
const FRAME: Duration = Duration::from_millis(100);

/// Whether there is a bar on the terminal.
static DRAWN: AtomicBool = AtomicBool::new(false);

/// Clears the bar, if there is one, before a message.
pub(crate) fn clear() {
    if DRAWN.load(Ordering::SeqCst) {
        let _ = Term::stderr().clear_line();
    }
}

/// Runs work that counts its progress, and draws the progress with the remaining time. The work
/// gets no counter if standard error is not a terminal.
pub(crate) fn watched<T>(work: impl FnOnce(Option<&Arc<Progress>>) -> T) -> T {
    let patience = match BAR.get().copied().unwrap_or_default() {
        Bar::InTime => PATIENCE,
        Bar::AtOnce => Duration::ZERO,
        Bar::Never => return work(None),
    };
    if !std::io::stderr().is_terminal() {
        return work(None);
    }
    let progress = &Arc::new(Progress::new());
    let (done, wait) = channel::<()>();
    std::thread::scope(move |scope| {
        // Dropped however the work ends, which ends the drawing.
        let _done = done;
        let draw = move || draw(progress, &wait, patience);
        let drawn = std::thread::Builder::new().spawn_scoped(scope, draw).is_ok();
        work(drawn.then_some(progress))
    })
}

/// Draws until the sender is gone.
fn draw(progress: &Progress, wait: &Receiver<()>, patience: Duration) {
    if wait.recv_timeout(patience) != Err(RecvTimeoutError::Timeout) {
        return;
    }
    let bar =
        ProgressBar::new(progress.total()).with_position(progress.done()).with_elapsed(patience);
    let template = "[{bar:40}] {percent}%  {elapsed} gone, {rest} left";
    let style =
        ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    bar.set_style(style.with_key("rest", |state: &ProgressState, text: &mut dyn fmt::Write| {
        // Drawing to memory cannot fail.
        let _ = match rest(state.elapsed(), state.pos(), state.len().unwrap_or(0)) {
            Some(rest) => write!(text, "{:#}", HumanDuration(rest)),
            None => write!(text, "?"),
        };
    }));
    DRAWN.store(true, Ordering::SeqCst);
    loop {
        bar.set_length(progress.total());
        bar.set_position(progress.done());
        if wait.recv_timeout(FRAME) != Err(RecvTimeoutError::Timeout) {
            break;
        }
    }
    bar.finish_and_clear();
    DRAWN.store(false, Ordering::SeqCst);
}

/// The remaining time at the average speed since the start. The bar's own estimate would start when
/// the bar appears, and be too low.
fn rest(elapsed: Duration, done: u64, total: u64) -> Option<Duration> {
    let rest = total.saturating_sub(done) as f64 / done as f64;
    Duration::try_from_secs_f64(elapsed.as_secs_f64() * rest).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rest_goes_on_as_before() {
        let seconds = Duration::from_secs;
        assert_eq!(rest(seconds(1), 1 << 20, 10 << 20), Some(seconds(9)));
        assert_eq!(rest(seconds(60), 3, 4), Some(seconds(20)));
        assert_eq!(rest(seconds(5), 7, 7), Some(seconds(0)));
        assert_eq!(rest(seconds(5), 8, 7), Some(seconds(0)));
        for (elapsed, done, total) in
            [(seconds(2), 0, 100), (seconds(2), 0, 0), (Duration::MAX, 1, u64::MAX)]
        {
            assert_eq!(rest(elapsed, done, total), None);
        }
    }
}
