//! Statistics of a run, as a table.

use std::fmt;

use hotloop::explain::{PassStats, Stats};

use super::quantity::{size, time};

/// The table of `--stats`.
pub(crate) struct Table<'a>(pub &'a Stats);

impl fmt::Display for Table<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stats = self.0;
        let arrays = |count, bytes| match count {
            0 => "none".to_string(),
            1 => format!("1 array, {}", size(bytes)),
            _ => format!("{count} arrays, {}", size(bytes)),
        };
        writeln!(f, "compile      {}", time(stats.compile))?;
        writeln!(f, "run          {}", time(stats.run))?;
        writeln!(f, "read         {}", size(stats.bytes_read()))?;
        writeln!(f, "written      {}", size(stats.bytes_written()))?;
        writeln!(f, "copies       {}", arrays(stats.copied_arrays, stats.copied_bytes))?;
        writeln!(f, "temporaries  {}", arrays(stats.temporary_arrays, stats.temporary_bytes))?;
        write!(f, "peak memory  {}", stats.peak_memory.map_or("unknown".to_string(), size))?;
        if stats.passes.is_empty() {
            return Ok(());
        }
        let head = ["pass", "elements", "time", "ns/element", "read", "written", "GB/s"];
        let mut rows = vec![head.map(str::to_string)];
        rows.extend(stats.passes.iter().enumerate().map(|(number, pass)| row(number, pass)));
        let length = |row: &[String; 7], column: usize| row[column].chars().count();
        let width = |column| rows.iter().map(|row| length(row, column)).max().unwrap_or(0);
        let widths: [usize; 7] = std::array::from_fn(width);
        writeln!(f)?;
        let what = stats.passes.iter().map(|pass| pass.computes.as_str());
        for (row, what) in rows.iter().zip(std::iter::once("computes").chain(what)) {
            writeln!(f)?;
            for (cell, width) in row.iter().zip(widths) {
                write!(f, "{cell:>width$}  ")?;
            }
            f.write_str(what)?;
        }
        Ok(())
    }
}

fn row(number: usize, pass: &PassStats) -> [String; 7] {
    let each = pass.time.as_nanos() as f64 / pass.elements.max(1) as f64;
    [
        number.to_string(),
        pass.elements.to_string(),
        time(pass.time),
        format!("{each:.3}"),
        size(pass.bytes_read),
        size(pass.bytes_written),
        format!("{:.1}", pass.gb_per_s()),
    ]
}
