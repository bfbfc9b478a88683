//! Times, sizes and counts, as people read and write them.

use std::time::Duration;

/// `1 thread`, `2 threads`.
pub(crate) fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// `25 ns`, `1.23 µs`, `12.0 s`.
pub(crate) fn time(time: Duration) -> String {
    scaled(time.as_nanos(), &["ns", "µs", "ms", "s"])
}

/// `999 B`, `1.50 kB`, `18.4 EB`.
pub(crate) fn size(bytes: u64) -> String {
    scaled(bytes.into(), &["B", "kB", "MB", "GB", "TB", "PB", "EB"])
}

/// A limit as it is given on the command line, in the largest unit that says it exactly, such as
/// `64MiB` or `2GB`; else as a size.
pub(crate) fn limit(bytes: u64) -> String {
    let exact = LIMITS.iter().filter(|(_, size)| bytes >= *size && bytes.is_multiple_of(*size));
    match exact.min_by_key(|(_, size)| bytes / size) {
        // Large numbers are easier to read with a unit.
        Some((unit, size)) if bytes / size < 100_000 => format!("{}{unit}", bytes / size),
        _ => size(bytes),
    }
}

/// Formats a limit as on the command line, rounded up to about three digits.
pub(crate) fn limit_of(bytes: u64) -> String {
    let binary = LIMITS.iter().filter(|(unit, _)| unit.ends_with("iB"));
    match binary.rev().find(|(_, size)| bytes > 4 * size) {
        Some((unit, size)) => format!("{}{unit}", bytes.div_ceil(*size)),
        None => format!("{bytes}B"),
    }
}

/// Units of limits.
const LIMITS: [(&str, u64); 8] = [
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
    ("kB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("TB", 1_000_000_000_000),
];

/// The first unit, and the most digits after the point, with which it is rounded to three digits;
/// a whole number of the smallest unit, or of the largest where no other is left.
fn scaled(amount: u128, units: &[&str]) -> String {
    let mut size = 1;
    for (number, unit) in units.iter().enumerate() {
        let digits = if number == 0 { 0..1 } else { 0..3 };
        for digits in digits.rev() {
            let parts = 10u128.pow(digits);
            let rounded = (amount * parts + size / 2) / size;
            if rounded < 1000 || (number + 1 == units.len() && digits == 0) {
                let (whole, part, digits) = (rounded / parts, rounded % parts, digits as usize);
                return match digits {
                    0 => format!("{whole} {unit}"),
                    _ => format!("{whole}.{part:0digits$} {unit}"),
                };
            }
        }
        size *= 1000;
    }
    amount.to_string()
}

/// A count as people write it: `10000000`, `10_000_000` or `1e7`.
pub(crate) fn count(word: &str) -> Option<usize> {
    let plain = word.replace('_', "");
    let value = plain.parse::<f64>().ok().filter(|x| x.fract() == 0.0 && (1.0..=1e15).contains(x));
    value.map(|x| x as usize)
}

/// A number of bytes as people write it: `64MiB`, `2GB`, `1.5G`, `1000000`.
pub(crate) fn bytes(word: &str) -> Option<usize> {
    let digits = word.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let factor: f64 = match &*word[digits.len()..].to_ascii_lowercase() {
        "" | "b" => 1.0,
        "k" | "kib" => 1024.0,
        "m" | "mib" => 1048576.0,
        "g" | "gib" => 1073741824.0,
        "t" | "tib" => 1099511627776.0,
        "kb" => 1e3,
        "mb" => 1e6,
        "gb" => 1e9,
        "tb" => 1e12,
        _ => return None,
    };
    let bytes = digits.parse::<f64>().ok()? * factor;
    (1.0..=1e15).contains(&bytes).then_some(bytes as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts() {
        assert_eq!(
            (counted(1, "thread"), counted(2, "thread")),
            ("1 thread".into(), "2 threads".into())
        );
        assert_eq!(
            (count("1e7"), count("1_000"), count("0.5"), count("-1")),
            (Some(10_000_000), Some(1000), None, None)
        );
    }

    #[test]
    fn bytes_as_they_are_written() {
        for (word, want) in [
            ("64MiB", Some(64 << 20)),
            ("1.5G", Some(3 << 29)),
            ("2GB", Some(2_000_000_000)),
            ("100", Some(100)),
            ("1kib", Some(1024)),
            ("0.1", None),
            ("0", None),
            ("-1", None),
            ("MiB", None),
            ("1XB", None),
        ] {
            assert_eq!(bytes(word), want, "{word}");
        }
    }

    #[test]
    fn times() {
        for (nanoseconds, text) in [
            (0, "0 ns"),
            (25, "25 ns"),
            (999, "999 ns"),
            (1_000, "1.00 µs"),
            (1_004, "1.00 µs"),
            (1_005, "1.01 µs"),
            (9_994, "9.99 µs"),
            (9_995, "10.0 µs"),
            (9_999, "10.0 µs"),
            (99_949, "99.9 µs"),
            (99_950, "100 µs"),
            (999_499, "999 µs"),
            (999_500, "1.00 ms"),
            (999_700, "1.00 ms"),
            (2_345_678, "2.35 ms"),
            (999_500_000, "1.00 s"),
            (12_000_000_000, "12.0 s"),
            (999_500_000_000, "1000 s"),
            (86_400_400_000_000, "86400 s"),
        ] {
            assert_eq!(time(Duration::from_nanos(nanoseconds)), text);
        }
        assert_eq!(time(Duration::MAX), "18446744073709551616 s");
    }

    #[test]
    fn limits() {
        for (bytes, exact, at_least) in [
            (1, "1 B", "1B"),
            (100, "100 B", "100B"),
            (1 << 30, "1GiB", "1024MiB"),
            (64 << 20, "64MiB", "64MiB"),
            (2_000_000_000, "2GB", "1908MiB"),
            (1_500_001, "1.50 MB", "1465KiB"),
            (320_000_128, "320 MB", "306MiB"),
        ] {
            assert_eq!((&*limit(bytes), &*limit_of(bytes)), (exact, at_least));
        }
    }

    #[test]
    fn sizes() {
        for (bytes, text) in [
            (0, "0 B"),
            (8, "8 B"),
            (999, "999 B"),
            (1_500, "1.50 kB"),
            (80_000_000, "80.0 MB"),
            (999_499_999, "999 MB"),
            (999_500_000, "1.00 GB"),
            (8_000_000_000_000, "8.00 TB"),
            (u64::MAX, "18.4 EB"),
        ] {
            assert_eq!(size(bytes), text);
        }
    }
}
