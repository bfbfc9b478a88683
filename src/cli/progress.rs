//! A bar on the terminal for what takes longer than a second.

use std::io::IsTerminal;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use hotloop::Progress;
use indicatif::{ProgressBar, ProgressStyle};

/// What takes less needs no bar.
const PATIENCE: Duration = Duration::from_secs(1);
/// Between two drawings.
const FRAME: Duration = Duration::from_millis(100);

/// Does work that counts what it has done, and draws the count with the time that is left. The
/// work gets no counter where standard error is no terminal.
pub(crate) fn watched<T>(work: impl FnOnce(Option<&Arc<Progress>>) -> T) -> T {
    if !std::io::stderr().is_terminal() {
        return work(None);
    }
    let progress = &Arc::new(Progress::new());
    let (done, wait) = channel::<()>();
    std::thread::scope(move |scope| {
        // Dropped however the work ends, which ends the drawing.
        let _done = done;
        let draw = move || draw(progress, &wait);
        let drawn = std::thread::Builder::new().spawn_scoped(scope, draw).is_ok();
        work(drawn.then_some(progress))
    })
}

/// Draws until the sender is gone.
fn draw(progress: &Progress, wait: &Receiver<()>) {
    if wait.recv_timeout(PATIENCE) != Err(RecvTimeoutError::Timeout) {
        return;
    }
    let bar = ProgressBar::new(progress.total()).with_elapsed(PATIENCE);
    let template = "[{bar:40}] {percent}%  {elapsed} gone, {eta} left";
    bar.set_style(
        ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()),
    );
    loop {
        bar.set_length(progress.total());
        bar.set_position(progress.done());
        if wait.recv_timeout(FRAME) != Err(RecvTimeoutError::Timeout) {
            break;
        }
    }
    bar.finish_and_clear();
}
