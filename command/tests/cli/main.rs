//! The command `hotloop`, run as by a shell: arguments, files and streams in; files, text and exit
//! codes out.

#[path = "../runs/mod.rs"]
mod runs;

mod bench;
mod errors;
mod evaluation;
mod explain;
mod inputs;
mod outputs;
mod stream;
#[cfg(unix)]
mod unix;

use std::fs;
use std::path::Path;

use runs::{with_header, write};

fn header(descr: &str, fortran: bool, shape: &str) -> String {
    let fortran = if fortran { "True" } else { "False" };
    format!("{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': {shape}, }}\n")
}

/// Writes a one-dimensional array of `f64`.
fn write_f64(dir: &Path, name: &str, values: &[f64]) {
    let data: Vec<u8> = values.iter().flat_map(|x| x.to_le_bytes()).collect();
    write(dir, name, with_header(&header("<f8", false, &format!("({},)", values.len())), &data));
}

/// The header and the data of a file that the command wrote.
fn split(bytes: &[u8]) -> (String, &[u8]) {
    assert_eq!(&bytes[..8], b"\x93NUMPY\x01\x00");
    let start = 10 + usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    assert_eq!(start % 64, 0, "the data is aligned");
    let text = String::from_utf8(bytes[10..start].to_vec()).expect("text");
    assert!(text.ends_with('\n'));
    (text.trim_end().to_string(), &bytes[start..])
}

fn f64s(bytes: &[u8], shape: &str) -> Vec<f64> {
    let (text, data) = split(bytes);
    assert_eq!(text, format!("{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}"));
    data.chunks_exact(8).map(|x| f64::from_le_bytes(x.try_into().expect("eight bytes"))).collect()
}

fn read_f64s(dir: &Path, name: &str, shape: &str) -> Vec<f64> {
    f64s(&fs::read(dir.join(name)).expect("the file is there"), shape)
}
