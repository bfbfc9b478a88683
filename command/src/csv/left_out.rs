//! Classification of columns that are not numbers.

use hotloop::Error;

use super::row::Row;
use super::{shown, wrong};

/// Why a column is left out.
pub(super) struct LeftOut {
    /// The message if the column is requested.
    pub error: Error,
    /// Whether it is a column of text.
    pub is_text: bool,
}

impl LeftOut {
    /// Classifies a column of text by its first field.
    pub(super) fn text(
        row: &Row<'_>,
        name: &str,
        field: &[u8],
        line: u64,
        numbers: &str,
    ) -> LeftOut {
        let dates = is_date(field);
        let what = if dates { "dates" } else { "text" };
        let what = format!("column \"{name}\" holds {what}: \"{}\" in line {line}", shown(field));
        let error = match numbers {
            "" => wrong(row.file, what),
            numbers => wrong(row.file, what).hint(format!("columns of numbers: {numbers}")),
        };
        // As a Python program writes it.
        let column = format!("df[\"{name}\"]");
        let error = error.hint(match dates {
            true => format!("in pandas: {column} = pd.to_datetime({column}).astype(\"int64\")"),
            false => format!(
                "if it names categories, in pandas: {column} = \
                 {column}.astype(\"category\").cat.codes"
            ),
        });
        LeftOut { error, is_text: true }
    }
}

/// Whether a text looks like a date or a time: `2024-01-02T08:30:00Z`, `02.01.24`, `8:30`.
fn is_date(text: &[u8]) -> bool {
    let digits = text.iter().filter(|byte| byte.is_ascii_digit()).count();
    let between = text.iter().filter(|byte| b"-/.:".contains(byte)).count();
    let known = |byte: &u8| byte.is_ascii_digit() || b"-/.:+ TZ".contains(byte);
    text.iter().all(known)
        && text.first().is_some_and(u8::is_ascii_digit)
        && (digits >= 4 && between >= 2 || digits >= 3 && between == 1 && text.contains(&b':'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates() {
        for text in [
            "2024-01-02",
            "2024-01-02 08:30:00",
            "2024-01-02T08:30:00.123+01:00",
            "2024-01-02T08:30:00Z",
            "1/2/2024",
            "02.01.2024",
            "8:30",
            "08:30:00",
        ] {
            assert!(is_date(text.as_bytes()), "{text}");
        }
        for text in ["", "noon", "1-2", "-1.5", "v1.2.3", "1.2.3", "10.0.0.x", "T", "+1 555 0100"] {
            assert!(!is_date(text.as_bytes()), "{text}");
        }
    }
}
