//! A bar on the terminal for what takes longer than a second.

use std::io::IsTerminal;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// What takes less needs no bar.
const PATIENCE: Duration = Duration::from_secs(1);
/// Between two drawings.
const FRAME: Duration = Duration::from_millis(100);

/// Does work that counts the elements it has done, each pass over `elements` of them, and draws
/// the count. The work gets no counter where standard error is no terminal.
pub(crate) fn watched<T>(elements: u64, work: impl FnOnce(Option<&Arc<AtomicU64>>) -> T) -> T {
    if !std::io::stderr().is_terminal() {
        return work(None);
    }
    let counter = &Arc::new(AtomicU64::new(0));
    let (done, wait) = channel::<()>();
    std::thread::scope(move |scope| {
        // Dropped however the work ends, which ends the drawing.
        let _done = done;
        let draw = move || draw(elements.max(1), counter, &wait);
        let drawn = std::thread::Builder::new().spawn_scoped(scope, draw).is_ok();
        work(drawn.then_some(counter))
    })
}

/// Draws until the sender is gone.
fn draw(elements: u64, counter: &AtomicU64, wait: &Receiver<()>) {
    if wait.recv_timeout(PATIENCE) != Err(RecvTimeoutError::Timeout) {
        return;
    }
    let bar = ProgressBar::new(elements).with_elapsed(PATIENCE);
    let template = "pass {msg} [{bar:40}] {percent}% {elapsed}";
    bar.set_style(
        ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()),
    );
    loop {
        let count = counter.load(Ordering::Relaxed);
        bar.set_message((count / elements + 1).to_string());
        bar.set_position(count % elements);
        if wait.recv_timeout(FRAME) != Err(RecvTimeoutError::Timeout) {
            break;
        }
    }
    bar.finish_and_clear();
}
