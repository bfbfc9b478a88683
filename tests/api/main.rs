//! The public interface: evaluation, binding, specialization; arguments, outputs, options.

mod allocations;
mod arguments;
mod kernels;
mod options;
mod outputs;
mod overlaps;

use hotloop::{ArgType, Backend, DType, Engine};

fn engines() -> [(&'static str, Engine); 3] {
    let builder = Engine::builder;
    [
        ("native on 1", builder().backend(Backend::Native).threads(1).build()),
        ("native on 2", builder().backend(Backend::Native).threads(2).eager().build()),
        ("interpreter", builder().backend(Backend::Interpreter).build()),
    ]
}

fn types(list: &[(&'static str, DType)]) -> Vec<(&'static str, ArgType)> {
    list.iter().map(|(name, dtype)| (*name, ArgType::array(*dtype))).collect()
}

/// The bytes of floats in the opposite byte order.
fn foreign(values: &[f64]) -> Vec<u8> {
    values.iter().flat_map(|v| v.to_bits().swap_bytes().to_ne_bytes()).collect()
}
