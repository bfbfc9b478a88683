//! Measured errors, one a line in `math_errors.txt`: function, dtype, ULP, method.

use std::collections::BTreeMap;

use hotloop_runtime::dtype::DType;

/// A measured maximum error in ULP.
pub enum Measured {
    /// The maximum over random arguments.
    Sampled(f64),
    /// The maximum over all arguments.
    Exhaustive(f64),
}

/// Writes a measured error into the file if `HOTLOOP_WRITE` is set. A maximum over all arguments is
/// not replaced by one over random arguments.
pub fn record(name: &str, dtype: DType, measured: Measured) {
    if std::env::var_os("HOTLOOP_WRITE").is_none() {
        return;
    }
    // The tests of the runtime and those of the compiler both use this file.
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
    // Errors are rounded up.
    let value = format!("{:.3} {how}", (error * 1e3).ceil() / 1e3);
    lines.insert(key, value);
    let text: String = lines.iter().map(|(k, v)| format!("{k} {v}\n")).collect();
    std::fs::write(path, text).unwrap();
}
