//! Figures drawn by `:plot` and `:hist`.

use std::fs;

use super::{errors, fails, ok, temporary};

#[test]
fn figures_are_drawn() {
    let dir = temporary();
    let lines =
        "x = linspace(0, 1, 101)\n:plot x sin(2*pi*x)\n:plot (x + 1)\n:hist x\n:plot x --hist\n";
    let out = ok(dir.path(), lines);
    assert!(out.contains('⠁') && out.contains('┤') && out.contains("└"), "{out}");
    assert_eq!(out.matches('└').count(), 4, "{out}");
    assert!(out.lines().all(|line| line.chars().count() < 80), "{out}");
    assert_eq!(ok(dir.path(), "x = linspace(0, 1, 101)\n:plot x x**2 -o p.svg\n"), "");
    let svg = fs::read_to_string(dir.path().join("p.svg")).expect("a figure");
    assert!(svg.starts_with("<svg") && svg.contains("<polyline"), "{svg}");
    // Integers, booleans and single numbers have no ticks between them.
    let lines = ":hist (arange(10) < 5)\n:hist full(3, 7)\n:plot zeros(1, dtype=u8)\n:plot (arange(2) > 0)\n\
                 :hist (u64(arange(3)) + u64(2)**53)\n:plot full(3, 2**60)\n:hist 3\n";
    let out = ok(dir.path(), lines);
    assert_eq!(out.matches('└').count(), 7, "{out}");
    for wrong in [".5", "0.0", "NaN", "inf", "-1"] {
        assert!(!out.replace("1.5e18", "").contains(wrong), "{wrong}: {out}");
    }
    assert_eq!(ok(dir.path(), "t = 1.7e18 + arange(5) * 1e9\n:plot t t -o t.svg\n"), "");
    let svg = fs::read_to_string(dir.path().join("t.svg")).expect("a figure");
    assert!(svg.contains("1.700000004e18"), "{svg}");
    let error = fails(
        dir.path(),
        ":plot\n:plot zeros(2) zeros(3)\n:plot full(3, nan)\n:hist 1, 2\n:plot zeros(2) -o a.pdf\n:plot nope\n",
    );
    assert_eq!(errors(&error), 6, "{error}");
}

#[test]
fn figures_have_words_and_several_lines() {
    let dir = temporary();
    let out = ok(
        dir.path(),
        "x = linspace(0, 1, 50)\n:plot x, x**2, 1 - x --title 'Two lines' --ylabel 'how high'\n:plot x x**2\n",
    );
    let (several, one) = out.split_at(out.find("1.0\n").map_or(0, |end| end + 4));
    for word in ["Two lines\n", "⠤⠤⠤⠤ x**2  ⠤⠄ ⠤ 1 - x\n", "\nhow high\n", " x\n"] {
        assert!(several.contains(word), "{word}: {out}");
    }
    assert!(one.contains(" x**2\n") && !one.contains("⠤⠤⠤⠤ x**2"), "{one}");
    assert!(out.lines().all(|line| line.chars().count() < 80), "{out}");
    let lines = "x = linspace(0, 1, 50)\n:plot x, sin(x), cos(x) -o 'a b.svg'\n:plot x, x -o p.PNG\n\
                 :hist x --xlabel 'x < 1' -o h.svg\n";
    assert_eq!(ok(dir.path(), lines), "");
    let svg = fs::read_to_string(dir.path().join("a b.svg")).expect("a figure");
    for word in ["\nsin(x), cos(x)\n", "\nsin(x)\n", "\ncos(x)\n", "\nx\n"] {
        assert!(svg.contains(word), "{word}: {svg}");
    }
    // Two lines, and the axes.
    assert_eq!(svg.matches("<polyline").count(), 3, "{svg}");
    let png = fs::read(dir.path().join("p.PNG")).expect("a figure");
    assert!(png.starts_with(b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\x06\x40\0\0\x03\xc0"));
    assert!(png.len() > 5000 && png.ends_with(b"IEND\xaeB`\x82"), "{}", png.len());
    let svg = fs::read_to_string(dir.path().join("h.svg")).expect("a figure");
    assert!(svg.contains("\nx &lt; 1\n") && svg.contains("\ncount\n"), "{svg}");
}

/// Lines over x values; names of lines are beside the axis if the title is another text.
#[test]
fn figures_of_lines_over_their_places() {
    let dir = temporary();
    let out = ok(
        dir.path(),
        "bid = arange(50)\nask = bid + 1\n:plot bid, ask --index --title Quotes\n\
         :plot bid, ask --index --title Quotes -o q.svg\n",
    );
    for word in ["Quotes\n", "⠤⠤⠤⠤ bid  ⠤⠄ ⠤ ask\n", "\nbid, ask\n", " 0 "] {
        assert!(out.contains(word), "{word}: {out}");
    }
    let svg = fs::read_to_string(dir.path().join("q.svg")).expect("a figure");
    assert!(svg.contains("rotate(270") && svg.contains("\nbid, ask\n"), "{svg}");
    assert_eq!(svg.matches("<polyline").count(), 3, "{svg}");
    let error = fails(dir.path(), ":plot bid; ask\n:hist bid; ask\n");
    assert_eq!(error.matches("separated by commas, not by ';'").count(), 2, "{error}");
}
