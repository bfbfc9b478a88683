//! Unified diffs that are applied by what they say, not by where they say it.

/// The lines of one place, before and after.
#[derive(Default)]
struct Hunk<'a> {
    /// The number of its first line, roughly.
    at: usize,
    right: Vec<&'a str>,
    wrong: Vec<&'a str>,
}

/// Applies a unified diff to a text. A hunk belongs where its lines are, nearest to the place that it
/// had among those before; so it may have moved.
///
/// # Errors
/// What is wrong: a hunk whose lines are not in the text, or a text that is no diff.
pub fn apply(text: &str, diff: &str) -> Result<String, String> {
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let mut out = String::with_capacity(text.len() + diff.len());
    let (mut taken, mut moved) = (0, 0);
    for Hunk { at, right, wrong } in hunks(diff)? {
        let expected = at.saturating_add_signed(moved);
        let found = (taken..lines.len()).filter(|from| lines[*from..].starts_with(&right));
        let Some(found) = found.min_by_key(|from| from.abs_diff(expected)) else {
            return Err(format!("these lines are not there any more:\n{}", right.concat()));
        };
        out.extend(lines[taken..found].iter().copied());
        out.extend(wrong);
        taken = found + right.len();
        moved = found as isize - at as isize;
    }
    out.extend(lines[taken..].iter().copied());
    Ok(out)
}

fn hunks(diff: &str) -> Result<Vec<Hunk<'_>>, String> {
    let mut hunks: Vec<Hunk<'_>> = Vec::new();
    for line in diff.split_inclusive('\n') {
        if let Some(header) = line.strip_prefix("@@ -") {
            let number = header.split([',', ' ']).next().and_then(|n| n.parse::<usize>().ok());
            let number = number.ok_or_else(|| format!("a header without a number: {line}"))?;
            hunks.push(Hunk { at: number.saturating_sub(1), ..Hunk::default() });
            continue;
        }
        let Some(hunk) = hunks.last_mut() else { continue };
        let (sign, rest) = line.split_at_checked(1).unwrap_or((line, ""));
        match sign {
            " " => {
                hunk.right.push(rest);
                hunk.wrong.push(rest);
            }
            "-" => hunk.right.push(rest),
            "+" => hunk.wrong.push(rest),
            _ => return Err(format!("neither a line before nor one after: {line}")),
        }
    }
    match hunks.iter().find(|hunk| hunk.right.is_empty()) {
        Some(_) => Err("an edit without a line that says where it belongs".to_string()),
        None => Ok(hunks),
    }
}

#[cfg(test)]
mod tests {
    use super::apply;

    const TEXT: &str = "a\nb\nc\nd\nb\nc\ne\n";

    #[test]
    fn an_edit_moves_with_its_lines() {
        let diff = "@@ -5,2 +5,2 @@\n b\n-c\n+x\n";
        assert_eq!(apply(TEXT, diff).as_deref(), Ok("a\nb\nc\nd\nb\nx\ne\n"));
        assert_eq!(
            apply(&format!("new\n{TEXT}"), diff).as_deref(),
            Ok("new\na\nb\nc\nd\nb\nx\ne\n")
        );
        assert_eq!(apply(TEXT, &diff.replace("-5", "-1")).as_deref(), Ok("a\nb\nx\nd\nb\nc\ne\n"));
    }

    #[test]
    fn several_edits_stay_in_order() {
        let diff = "@@ -1,1 +1,2 @@\n a\n+1\n@@ -6,1 +7,0 @@\n-c\n";
        assert_eq!(apply(TEXT, diff).as_deref(), Ok("a\n1\nb\nc\nd\nb\ne\n"));
    }

    #[test]
    fn an_edit_whose_place_is_gone_is_an_error() {
        let gone = apply(TEXT, "@@ -1 +1 @@\n-z\n+y\n").expect_err("there is no z");
        assert!(gone.contains("not there any more:\nz\n"), "{gone}");
        apply(TEXT, "@@ -1 +1 @@\n+y\n").expect_err("nowhere");
        apply(TEXT, "@@ -1 +1 @@\n*y\n").expect_err("no diff");
    }
}
