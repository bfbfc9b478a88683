//! File formats by extension.

use std::path::Path;

/// The formats that arrays are read from and written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Npy,
    Npz,
    Csv,
    Tsv,
}

impl Format {
    /// By the extension; `None` for another, or none.
    pub(crate) fn named(path: &Path) -> Option<Format> {
        let formats = [
            ("npy", Format::Npy),
            ("npz", Format::Npz),
            ("csv", Format::Csv),
            ("tsv", Format::Tsv),
        ];
        let extension = path.extension()?;
        formats.into_iter().find(|(e, _)| extension.eq_ignore_ascii_case(e)).map(|(_, f)| f)
    }

    /// The readable formats; a file with any other extension should hold one array.
    pub(crate) fn of(path: &Path) -> Format {
        Format::named(path).unwrap_or(Format::Npy)
    }
}

/// How a file of a kind that is not read, by its extension, becomes one that is.
pub(crate) fn remedy(path: &Path) -> Option<String> {
    let extension = path.extension()?.to_str()?.to_ascii_lowercase();
    Some(match &*extension {
        "gz" => format!("unpack it first: gunzip -k {path:?}"),
        "bz2" => format!("unpack it first: bunzip2 -k {path:?}"),
        "xz" => format!("unpack it first: unxz -k {path:?}"),
        "zst" => format!("unpack it first: unzstd {path:?}"),
        "zip" => format!("unpack it first: unzip {path:?}"),
        "parquet" | "feather" | "arrow" | "orc" | "xls" | "xlsx" | "json" | "pkl" | "pickle" => {
            let reader = match &*extension {
                "arrow" => "feather",
                "xls" | "xlsx" => "excel",
                "pkl" => "pickle",
                own => own,
            };
            format!("save it as a table, with pandas: pd.read_{reader}({path:?}).to_csv(\"x.csv\")")
        }
        "h5" | "hdf5" | "mat" => "save its arrays as .npy files".to_string(),
        _ => return None,
    })
}
