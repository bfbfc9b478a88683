//! `hotloop functions`: lists the functions in groups.

use hotloop::ops::suggestions;
use hotloop::{DType, Error, ErrorKind, FunctionInfo, Result, functions};

use super::help::{entry, heading, wrap};
use super::input::is_word;
use super::repl::MAKERS;

/// The functions of the language, grouped by purpose.
const GROUPS: &[(&str, &str)] = &[
    (
        "Arithmetic",
        "add subtract multiply divide floor_divide mod divmod negative positive abs fabs sign \
         square reciprocal sqrt cbrt hypot power float_power fma fmod gcd lcm",
    ),
    (
        "Rounding and the parts of floats",
        "floor ceil trunc round rint modf frexp ldexp copysign nextafter spacing",
    ),
    (
        "Exponentials and logarithms",
        "exp exp2 expm1 log log2 log10 log1p logaddexp logaddexp2 sigmoid",
    ),
    (
        "Trigonometry",
        "sin cos tan arcsin arccos arctan arctan2 sinh cosh tanh arcsinh arccosh arctanh \
         degrees radians sinc",
    ),
    ("Special functions", "erf erfc normcdf gamma lgamma heaviside"),
    (
        "Comparisons and choices",
        "where minimum maximum fmin fmax clip isin isnan isinf isposinf isneginf isfinite isclose \
         signbit nan_to_num less less_equal greater greater_equal equal not_equal logical_and \
         logical_or logical_xor logical_not",
    ),
    ("Bits", "bitwise_and bitwise_or bitwise_xor bitwise_not left_shift right_shift bitwise_count"),
    (
        "Reductions, over all axes or axis=",
        "sum prod mean var std min max ptp argmin argmax median quantile average any all allclose array_equal \
         count_nonzero dot nansum nanprod nanmean nanvar nanstd nanmin nanmax nanargmin nanargmax",
    ),
    (
        "Running results, along axis=, the last one by default",
        "cumsum cumprod cummin cummax cumcount ffill expanding_sum expanding_mean expanding_min \
         expanding_max since count_while last any_within all_within sequence ewm_mean ewm_var \
         ewm_std ewm_cov ewm_corr",
    ),
    (
        "Other rows and windows, along axis=, the last one by default",
        "shift diff pct_change rolling_sum rolling_mean rolling_prod rolling_count rolling_min \
         rolling_max rolling_var rolling_std rolling_cov rolling_corr rolling_argmin \
         rolling_argmax rolling_skew rolling_kurt rolling_slope rolling_rsquared rolling_resid rolling_rank rolling_median rolling_quantile decay_linear",
    ),
    ("Against all others along axis=", "rank demean zscore scale"),
    ("Views, which cost nothing", "transpose expand_dims"),
    (
        "Copies, conversions and parts of numbers",
        "astype copy ones_like zeros_like full_like real imag conj",
    ),
];

/// The group of conversions.
const CONVERSIONS: &str = "Conversions";
const CONVERTED: &str =
    "The elements as that dtype: f32(x). Floats become integers by saturating, NaN by 0.";
/// The group of functions available only in a session.
const OF_SESSION: &str = "In a session (`hotloop repl`) also";

/// Examples: the function's name, a call, and its result if it is one number.
const EXAMPLES: &[(&str, &str, &str)] = &[
    ("arctan2", "arctan2(1, -1)", "2.356194490192345"),
    ("argmax", "argmax(x, axis=1)", ""),
    ("ceil", "ceil(-1.5)", "-1.0"),
    ("clip", "clip(1.5, 0, 1)", "1.0"),
    ("copysign", "copysign(3, -0.0)", "-3.0"),
    ("count_nonzero", "count_nonzero(x > 0)", ""),
    ("dot", "dot(x, x, axis=-1)", ""),
    ("expand_dims", "expand_dims(x, 0)", ""),
    ("floor", "floor(-1.5)", "-2.0"),
    ("fmax", "fmax(nan, 1)", "1.0"),
    ("fmod", "fmod(-7, 3)", "-1"),
    ("gamma", "gamma(5)", "24.0"),
    ("hypot", "hypot(3, 4)", "5.0"),
    ("isin", "isin(3, 1, 2, 3)", "True"),
    ("maximum", "maximum(1, 2)", "2"),
    ("mean", "mean(x, axis=0, keepdims=True)", ""),
    ("minimum", "minimum(1, nan)", "nan"),
    ("nan_to_num", "nan_to_num(nan)", "0.0"),
    ("nextafter", "nextafter(1, 2)", "1.0000000000000002"),
    ("normcdf", "normcdf(0)", "0.5"),
    ("round", "round(2.5)", "2.0"),
    ("sigmoid", "sigmoid(0)", "0.5"),
    ("sign", "sign(-2)", "-1"),
    ("std", "std(x, ddof=1)", ""),
    ("sum", "sum(x, axis=(0, -1))", ""),
    ("transpose", "transpose(x)", ""),
    ("trunc", "trunc(-1.5)", "-1.0"),
    ("where", "where(x > 0, x, 0)", ""),
];

/// The names of all functions, of a session's too.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    let dtypes = DType::ALL.into_iter().map(|dtype| dtype.name());
    let makers = MAKERS.iter().map(|(name, ..)| *name);
    let own = functions().flat_map(|function| function.names().collect::<Vec<_>>());
    own.chain(dtypes).chain(makers)
}

/// A function: how it is called, and one line about it.
struct Line {
    names: Vec<&'static str>,
    call: String,
    about: String,
}

impl Line {
    fn of(function: &FunctionInfo) -> Line {
        let (names, call) = (function.names().collect(), function.signature.clone());
        Line { names, call, about: function.about.to_string() }
    }

    /// The functions of the language, without conversions.
    fn all() -> impl Iterator<Item = Line> {
        functions().map(|function| Line::of(&function))
    }

    fn makers() -> impl Iterator<Item = Line> {
        MAKERS.iter().map(|(name, call, about)| Line {
            names: vec![*name],
            call: call.to_string(),
            about: format!("An array of {about}."),
        })
    }

    fn conversions() -> Line {
        let names: Vec<&str> = DType::ALL.iter().map(|dtype| dtype.name()).collect();
        Line { call: names.join(" "), names, about: CONVERTED.to_string() }
    }

    fn text(&self) -> String {
        let other = self.names.get(1..).unwrap_or_default();
        let also = match other {
            [] => String::new(),
            other => format!(" Also: {}.", other.join(", ")),
        };
        entry(&self.call, &format!("{}{also}", self.about))
    }
}

/// The lines in groups, in order.
fn grouped() -> Vec<(&'static str, Vec<Line>)> {
    let mut groups: Vec<(&str, Vec<Line>)> =
        GROUPS.iter().map(|(title, _)| (*title, Vec::new())).collect();
    let place = |line: &Line| {
        let place =
            |list: &str| list.split_whitespace().position(|name| line.names.contains(&name));
        GROUPS.iter().enumerate().find_map(|(group, (_, list))| Some((group, place(list)?)))
    };
    // A function of no group would come last; a test finds it.
    let mut lines: Vec<(Option<(usize, usize)>, Line)> =
        Line::all().map(|line| (place(&line), line)).collect();
    lines.sort_by_key(|(place, _)| place.unwrap_or((usize::MAX, 0)));
    for (place, line) in lines {
        let group = place.map_or(groups.len() - 1, |(group, _)| group);
        groups[group].1.push(line);
    }
    groups.push((CONVERSIONS, vec![Line { names: Vec::new(), ..Line::conversions() }]));
    groups.push((OF_SESSION, Line::makers().collect()));
    groups
}

/// All functions, and how one says that it wants to know more of one.
pub(crate) fn table(more: &str) -> String {
    let group = |(title, lines): (&str, Vec<Line>)| {
        let lines: String = lines.iter().map(Line::text).collect();
        format!("{}\n{lines}", heading(title))
    };
    let groups: Vec<String> = grouped().into_iter().map(group).collect();
    format!("{}\n{more} says more of one.\n", groups.join("\n"))
}

/// One function, or those that a pattern fits.
///
/// # Errors
/// `Name`, with names like it.
pub(crate) fn detail(name: &str) -> Result<String> {
    let prefixes = ["np.", "numpy.", "math."];
    let name = prefixes.iter().find_map(|prefix| name.strip_prefix(prefix)).unwrap_or(name);
    if name.contains(['*', '?']) {
        let fits = |line: &Line| line.names.iter().any(|own| fits(own, name));
        let lines = Line::all().chain(Line::makers()).filter(fits);
        let mut lines: Vec<String> = lines.map(|line| line.text()).collect();
        lines.sort();
        return match lines.is_empty() {
            true => Err(unknown(name)),
            false => Ok(lines.concat()),
        };
    }
    if let Some(function) = functions().find(|function| function.names().any(|n| n == name)) {
        return Ok(describe(&Line::of(&function), function.ulp));
    }
    if let Some(line) = Line::makers().find(|line| line.names.contains(&name)) {
        let only = "  only in a session: `hotloop repl`\n";
        return Ok(describe(&line, None) + only);
    }
    if let Some(dtype) = DType::from_name(name) {
        let call = format!("{name}(x)");
        let names = vec![dtype.name()];
        return Ok(describe(&Line { names, call, about: CONVERTED.to_string() }, None));
    }
    Err(unknown(name))
}

/// The error for an unknown function, with the compiler's advice.
fn unknown(name: &str) -> Error {
    let error = Error::new(ErrorKind::Name, format!("there is no function {name:?}"));
    let called = match is_word(name) {
        true => hotloop::compile(&format!("{name}(x)")).err(),
        false => None,
    };
    if let Some(called) = called.filter(|called| called.kind() == ErrorKind::Name) {
        return called.hints().iter().fold(error, |error, hint| error.hint(hint));
    }
    let near = suggestions(name, names());
    let near: Vec<String> = near.iter().map(|n| format!("'{n}'")).collect();
    match near.split_last() {
        None => error.hint("`hotloop functions` lists them all"),
        Some((only, [])) => error.hint(format!("did you mean {only}?")),
        Some((last, others)) => {
            error.hint(format!("did you mean {} or {last}?", others.join(", ")))
        }
    }
}

/// Whether a name matches a pattern with `*` and `?`.
fn fits(name: &str, pattern: &str) -> bool {
    let (name, pattern) = (name.as_bytes(), pattern.as_bytes());
    // The position of the last star, and how much of the name it matches.
    let (mut at, mut in_pattern, mut star) = (0, 0, None);
    while at < name.len() {
        match pattern.get(in_pattern) {
            Some(b'*') => {
                star = Some((in_pattern, at));
                in_pattern += 1;
            }
            Some(c) if *c == b'?' || *c == name[at] => {
                at += 1;
                in_pattern += 1;
            }
            _ => {
                let Some((place, taken)) = star else { return false };
                star = Some((place, taken + 1));
                (at, in_pattern) = (taken + 1, place + 1);
            }
        }
    }
    pattern[in_pattern..].iter().all(|c| *c == b'*')
}

fn describe(line: &Line, ulp: Option<f32>) -> String {
    let mut text = wrap(&line.call, 0, 4) + &wrap(&line.about, 2, 2);
    if let Some(other) = line.names.get(1..).filter(|other| !other.is_empty()) {
        text += &format!("  also called: {}\n", other.join(", "));
    }
    for (name, call, gives) in EXAMPLES {
        if line.names.first() == Some(name) {
            text += &match gives.is_empty() {
                true => format!("  for example: {call}\n"),
                false => format!("  for example: {call} is {gives}\n"),
            };
        }
    }
    match ulp {
        Some(ulp) => text + &error(ulp),
        None => text,
    }
}

fn error(ulp: f32) -> String {
    match ulp {
        0.0 => "  error of floats: none\n".to_string(),
        0.5 => {
            "  error of floats: at most half a unit in the last place (correctly rounded)\n".into()
        }
        1.0 => "  error of floats: at most 1 unit in the last place\n".to_string(),
        ulp => format!("  error of floats: at most {ulp} units in the last place\n"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::show::{Shown, Style};

    /// Every function must be in a group of `GROUPS`.
    #[test]
    fn every_function_has_a_group() {
        for line in Line::all() {
            let groups = GROUPS
                .iter()
                .filter(|(_, list)| list.split_whitespace().any(|n| line.names.contains(&n)));
            assert_eq!(groups.count(), 1, "{}", line.call);
        }
    }

    #[test]
    fn examples_are_true() {
        for (name, call, gives) in EXAMPLES {
            assert!(detail(name).unwrap().contains(call), "{name}");
            let program = hotloop::compile(call).unwrap_or_else(|e| panic!("{e}"));
            if gives.is_empty() {
                continue;
            }
            let outputs = program.eval(()).unwrap();
            let mut text = String::new();
            Style::default()
                .show_all(&mut text, outputs.iter().map(|o| Shown::of(None, o)))
                .unwrap();
            assert_eq!(text.trim_end(), *gives, "{call}");
        }
    }

    #[test]
    fn lines_fit_a_terminal() {
        let table = table("`hotloop functions NAME`");
        let long = table.lines().find(|line| line.chars().count() > 80);
        assert_eq!(long, None);
        for name in names() {
            assert!(detail(name).is_ok(), "{name}");
        }
    }

    #[test]
    fn patterns() {
        for (name, pattern, want) in [
            ("arctan", "arc*", true),
            ("arctan", "*", true),
            ("arctan", "a*t*n", true),
            ("arctan2", "arctan?", true),
            ("arctan", "arctan?", false),
            ("arctan", "*sin", false),
            ("arctan", "arctan", true),
            ("", "*", true),
            ("a", "", false),
        ] {
            assert_eq!(fits(name, pattern), want, "{name} {pattern}");
        }
        let found = detail("arc*2").unwrap();
        assert!(found.starts_with("  arctan2(y, x)") && found.lines().count() < 4, "{found}");
        assert!(detail("qq*").is_err());
    }

    #[test]
    fn descriptions() {
        let sin = detail("sin").unwrap();
        assert!(sin.ends_with("  error of floats: at most 1 unit in the last place\n"), "{sin}");
        assert!(detail("random").unwrap().contains("only in a session"));
        assert!(detail("f32").unwrap().starts_with("f32(x)\n"));
        assert!(detail("clip").unwrap().contains("for example: clip(1.5, 0, 1) is 1.0\n"));
        let error = detail("flor").unwrap_err();
        assert_eq!(error.hints(), ["did you mean 'floor'?"]);
    }
}
