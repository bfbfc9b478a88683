//! The measured errors, a line each in `math_errors.txt`: function, dtype, ULP, how.

use std::collections::BTreeMap;

use hotloop_runtime::dtype::DType;

/// A largest error in ULP, as it was found.
pub enum Measured {
    /// Over random arguments.
    Sampled(f64),
    /// Over all arguments that there are.
    Exhaustive(f64),
}

/// Writes a measured error into the file if `HOTLOOP_WRITE` is set. What holds for all arguments
/// is not replaced by what holds for some.
pub fn record(name: &str, dtype: DType, measured: Measured) {
    if std::env::var_os("HOTLOOP_WRITE").is_none() {
        return;
    }
    // Of the runtime's tests and of those above it.
    let path = match env!("CARGO_PKG_NAME") {
        "hotloop-runtime" => concat!(env!("CARGO_MANIFEST_DIR"), "/tests/math_errors.txt"),
        _ => concat!(env!("CARGO_MANIFEST_DIR"), "/runtime/tests/math_errors.txt"),
    };
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let mut lines: BTreeMap<String, String> = BTreeMap::new();
    for line in text.lines() {
        let mut words = line.splitn(3, ' ');
        let mut word = || words.next().unwrap_or_default();
        let key = format!("{} {}", word(), word());
        lines.insert(key, word().into());
    }
    let key = format!("{name} {dtype}");
    let (error, how) = match measured {
        Measured::Sampled(_) if lines.get(&key).is_some_and(|v| v.ends_with("all")) => return,
        Measured::Sampled(error) => (error, "sampled"),
        Measured::Exhaustive(error) => (error, "all"),
    };
    // Rounded up.
    let value = format!("{:.3} {how}", (error * 1e3).ceil() / 1e3);
    lines.insert(key, value);
    let text: String = lines.iter().map(|(k, v)| format!("{k} {v}\n")).collect();
    std::fs::write(path, text).unwrap();
}
