//! A figure as an SVG document.

use plotters_svg::SVGBackend;

use super::figure::Figure;
use super::labels::Labels;
use super::page;

/// The document.
///
/// # Errors
/// `Cancelled`.
pub(crate) fn document(figure: &Figure<'_>, labels: &Labels) -> hotloop::Result<String> {
    let mut text = String::new();
    page::draw(&mut SVGBackend::with_string(&mut text, page::SIZE), figure, labels)?;
    let (width, height) = page::SIZE;
    let (across, down) = page::DOTS;
    // A screen pixel has two dots. Round joins avoid spikes where a line turns back.
    let whole = format!("<svg width=\"{width}\" height=\"{height}\" ");
    let half =
        format!("<svg width=\"{}\" height=\"{}\" stroke-linejoin=\"round\" ", across / 2, down / 2);
    Ok(text.replacen(&whole, &half, 1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plot::figure::Figure;
    use crate::plot::font;

    fn points(y: &[f64]) -> String {
        let figure = Figure::points(None, vec![y.into()]).unwrap();
        document(&figure, &Labels::default()).unwrap()
    }

    /// The coordinates of each line.
    fn lines(text: &str) -> Vec<Vec<(i32, i32)>> {
        let line = |part: &str| {
            let points = part.split_once("points=\"").unwrap().1.split('"').next().unwrap();
            let pair = |pair: &str| {
                let (x, y) = pair.split_once(',').unwrap();
                (x.parse().unwrap(), y.parse().unwrap())
            };
            points.split_whitespace().map(pair).collect()
        };
        text.split("<polyline").skip(1).map(line).collect()
    }

    #[test]
    fn documents() {
        let text = points(&[0.0, 1.0, 0.5]);
        assert!(text.starts_with("<svg width=\"800\" height=\"480\" stroke-linejoin="), "{text}");
        assert!(text.contains("viewBox=\"0 0 16000 9600\""), "{text}");
        assert!(text.trim_end().ends_with("</svg>"), "{text}");
        let figure = Figure::histogram(&(&[1, 2, 2][..]).into(), page::MOST_BARS).unwrap();
        let text = document(&figure, &Labels::default()).unwrap();
        assert_eq!(text.matches("#1F77B4").count(), 2, "{text}");
    }

    /// A curve is smooth: its points are not rounded to half pixels.
    #[test]
    fn curves_have_no_kinks() {
        let y: Vec<f64> = (0..200).map(|i| (f64::from(i) / 30.0).sin()).collect();
        let lines = lines(&points(&y));
        let angle = |pair: &[(i32, i32)]| {
            let (dx, dy) = (pair[1].0 - pair[0].0, pair[1].1 - pair[0].1);
            f64::from(dy).atan2(f64::from(dx))
        };
        let angles: Vec<f64> = lines[0].windows(2).map(angle).collect();
        let turn = angles.windows(2).map(|pair| (pair[1] - pair[0]).abs()).fold(0.0, f64::max);
        assert!(angles.len() == 199 && turn < 0.11, "{turn}");
    }

    /// No line touches the axes or the edges, and the tallest bar ends below the top.
    #[test]
    fn there_is_room_around_the_figure() {
        for y in [&[0.0, 1.0, 0.5][..], &[7.0; 3], &[1e300; 2], &[1e-300, 2e-300], &[-1e300, 1e300]]
        {
            let lines = lines(&points(y));
            let [line, frame] = &lines[..] else { panic!("{lines:?}") };
            let [(left, top), (_, bottom), (right, _)] = frame[..] else { panic!("{frame:?}") };
            for (x, y) in line {
                assert!((left + 200..=right - 200).contains(x), "{line:?} {frame:?}");
                assert!((top + 200..=bottom - 200).contains(y), "{line:?} {frame:?}");
            }
        }
        let figure = Figure::histogram(&(&[1.0, 2.0, 2.0][..]).into(), page::MOST_BARS).unwrap();
        let text = document(&figure, &Labels::default()).unwrap();
        let top = lines(&text)[0][0].1;
        let bars = text.split("<rect").filter(|part| part.contains("#1F77B4"));
        let value = |part: &str, name: &str| -> i32 {
            part.split_once(name).unwrap().1.split('"').next().unwrap().parse().unwrap()
        };
        let highest = bars.map(|bar| value(bar, " y=\"")).min().unwrap();
        assert!(highest >= top + 200, "{highest} {top}");
    }

    #[test]
    fn words_are_on_the_page() {
        let (a, b) = ([0.0, 1.0], [1.0, 0.0]);
        let figure = Figure::points(None, vec![(&a[..]).into(), (&b[..]).into()]).unwrap();
        let labels = Labels {
            title: "a < b & c".into(),
            x: "time".into(),
            y: "height".into(),
            lines: vec!["first".into(), "second".into()],
        };
        let text = document(&figure, &labels).unwrap();
        for word in ["a &lt; b &amp; c", "time", "height", "first", "second"] {
            assert!(text.contains(&format!("\n{word}\n")), "{word}: {text}");
        }
        assert!(text.contains("rotate(270, "), "{text}");
        // A sample in the legend, and the line.
        for color in ["#1F77B4", "#FF7F0E"] {
            assert_eq!(text.matches(color).count(), 2, "{color}: {text}");
        }
    }

    /// The left and the right end of each text.
    fn ends(text: &str) -> Vec<(f64, f64)> {
        let label = |part: &str| {
            let (attributes, rest) = part.split_once('>').unwrap();
            let value =
                |name: &str| attributes.split_once(name).unwrap().1.split('"').next().unwrap();
            let x: f64 = value(" x=\"").parse().unwrap();
            let size: f64 = value("font-size=\"").parse().unwrap();
            let width = font::width(rest.split('<').next().unwrap().trim(), size);
            match value("text-anchor=\"") {
                "end" => (x - width, x),
                "start" => (x, x + width),
                _ => (x - width / 2.0, x + width / 2.0),
            }
        };
        text.split("<text").skip(1).map(label).collect()
    }

    #[test]
    fn texts_are_on_the_page() {
        let times = |x: f64| [1.7e18 + x, 1.7e18 + 2.0 * x, 1.7e18 + 3.0 * x];
        let long = || "long ".repeat(200);
        let labels =
            Labels { title: long(), x: long(), lines: vec![long(); 30], ..Labels::default() };
        for y in [times(1e15), times(1e9), times(256.0), [1.0, -1e300, 1e-300], [0.1, 1e6, 0.2]] {
            let numbers = || (&y[..]).into();
            let over =
                Figure::points(Some(numbers()), (0..30).map(|_| numbers()).collect()).unwrap();
            for text in [points(&y), document(&over, &labels).unwrap()] {
                let ends = ends(&text);
                assert!(ends.len() >= 2, "{text}");
                assert!(ends.iter().all(|(from, to)| *from >= 0.0 && *to <= 16_000.0), "{ends:?}");
            }
        }
    }
}
