//! Messages about written files.

use std::fs;
use std::path::Path;

use hotloop::OutputShape;

use super::place::{descriptor, is_standard};
use super::quantity::{counted, size};
use super::save::{Destination, own_names};
use super::{complaint, show};

/// More files are counted rather than listed.
const MOST: usize = 20;

/// Reports written outputs, a line per file: on a terminal, or if requested.
pub(crate) fn tell(
    destination: &Destination,
    names: &[Option<Box<str>>],
    shapes: &[OutputShape],
    asked: bool,
) {
    if !(asked || complaint::is_watched()) {
        return;
    }
    let names = own_names(names.iter().map(Option::as_deref));
    let what = names.iter().zip(shapes);
    match destination {
        Destination::Npy(path) => {
            let all: Vec<String> = shapes.iter().map(described).collect();
            line(path, &all.join(", "));
        }
        Destination::Npz(path) | Destination::Csv(path) if shapes.len() > MOST => {
            line(path, &counted(shapes.len(), "array"));
        }
        Destination::Npz(path) | Destination::Csv(path) => {
            let all: Vec<String> =
                what.map(|(name, shape)| format!("{name} {}", described(shape))).collect();
            line(path, &all.join(", "));
        }
        Destination::StandardOutput => {}
        Destination::Directory(path) if shapes.len() > MOST => {
            let files = counted(shapes.len(), "file");
            complaint::complain(&format_args!("wrote {files} to {}", path.display()));
        }
        Destination::Directory(path) => {
            what.for_each(|(name, s)| line(&path.join(format!("{name}.npy")), &described(s)));
        }
    }
}

fn described(output: &OutputShape) -> String {
    format!("{} {}", output.dtype, show::shape(&output.shape))
}

fn line(path: &Path, what: &str) {
    // Standard output is not reported.
    if is_standard(path) || descriptor(path).is_some() {
        return;
    }
    let length = fs::metadata(path).ok().filter(|file| file.is_file()).map(|file| file.len());
    let length = length.map(|length| format!(", {}", size(length))).unwrap_or_default();
    complaint::complain(&format_args!("wrote {}: {what}{length}", path.display()));
}
