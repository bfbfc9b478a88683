//! Names that are close to a wrong one.

/// Up to three known names similar to a wrong one, ignoring case, nearest first. For names of at
/// most three letters, only a permutation of the letters is similar.
pub fn suggestions<'a>(wrong: &str, known: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let reach = (wrong.len() / 3).clamp(1, 3);
    let lower = |name: &str| name.to_ascii_lowercase().into_bytes();
    let sorted = |mut letters: Vec<u8>| {
        letters.sort_unstable();
        letters
    };
    let wrong = lower(wrong);
    let mut near: Vec<(usize, &str)> = known
        .filter(|k| k.len().abs_diff(wrong.len()) <= reach)
        .map(|k| (edit_distance(&wrong, &lower(k)), k))
        .filter(|(d, k)| {
            *d <= reach && (wrong.len() > 3 || sorted(lower(k)) == sorted(wrong.clone()))
        })
        .collect();
    near.sort_unstable();
    near.dedup();
    near.into_iter().take(3).map(|(_, k)| k).collect()
}

/// The optimal string alignment distance: insertions, deletions, substitutions and transpositions.
fn edit_distance(a: &[u8], b: &[u8]) -> usize {
    let mut rows = [vec![0; b.len() + 1], (0..=b.len()).collect(), vec![0; b.len() + 1]];
    for i in 1..=a.len() {
        let [before, last, row] = &mut rows;
        row[0] = i;
        for j in 1..=b.len() {
            let replace = last[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            row[j] = replace.min(last[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                row[j] = row[j].min(before[j - 2] + 1);
            }
        }
        rows.rotate_left(1);
    }
    rows[1][b.len()]
}
