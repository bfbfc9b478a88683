//! How much memory there is to have.

use std::fs;

use hotloop::{Error, ErrorKind, Result};

/// Less is not asked for.
const SMALL: u64 = 1 << 20;

/// Bytes that this process could still get without another being pushed out; `None` where the
/// system does not say. The least of what the machine has and what the process's control group
/// leaves.
pub(crate) fn available() -> Option<u64> {
    let machine = fs::read_to_string("/proc/meminfo").ok().and_then(|text| field(&text));
    let number = |path: &str| fs::read_to_string(path).ok()?.trim().parse::<u64>().ok();
    let group = number("/sys/fs/cgroup/memory.max")
        .zip(number("/sys/fs/cgroup/memory.current"))
        .map(|(most, used)| most.saturating_sub(used));
    machine.into_iter().chain(group).min()
}

/// That there is memory for so many bytes, where the system says how much there is: what is only
/// reserved may cost another process its life later on.
///
/// # Errors
/// `OutOfMemory`.
pub(crate) fn check(bytes: u64) -> Result<()> {
    match (bytes > SMALL).then(available).flatten() {
        Some(free) if bytes > free => {
            let message =
                format!("{} are needed, but only {} of memory are free", shown(bytes), shown(free));
            Err(Error::new(ErrorKind::OutOfMemory, message))
        }
        _ => Ok(()),
    }
}

/// The bytes of `MemAvailable`.
fn field(text: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

/// A number of bytes as people read it.
pub(crate) fn shown(bytes: u64) -> String {
    let units = ["bytes", "kB", "MB", "GB", "TB", "PB", "EB"];
    let (mut value, mut unit) = (bytes as f64, 0);
    while value >= 1000.0 {
        value /= 1000.0;
        unit += 1;
    }
    let digits = if unit == 0 || value >= 100.0 { 0 } else { 1 };
    format!("{value:.digits$} {}", units[unit])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_bytes() {
        assert_eq!(field("MemFree: 1 kB\nMemAvailable:   12 kB\n"), Some(12 << 10));
        assert_eq!(field("MemFree: 1 kB\n"), None);
        let cases = [(999, "999 bytes"), (1500, "1.5 kB"), (8_000_000_000_000, "8.0 TB")];
        for (bytes, text) in cases {
            assert_eq!(shown(bytes), text);
        }
        assert_eq!(shown(u64::MAX), "18.4 EB");
    }
}
