//! Events along an axis against plain loops over random conditions.

use hotloop::{Arg, compile, ndarray};
use hotloop_testing::generator::data::Rng;

/// The outputs of a text, each as numbers.
fn eval(text: &str, x: &[f64], c: &[bool]) -> Vec<Vec<f64>> {
    let text = text.split("; ").map(|part| format!("f64({part})")).collect::<Vec<_>>().join(", ");
    let program = compile(&text).unwrap_or_else(|error| panic!("{text}: {error}"));
    let args = [("x", Arg::from(x)), ("c", Arg::from(c))];
    let args = args.into_iter().filter(|(name, _)| program.inputs().any(|own| own == *name));
    let outputs = program.eval(args.collect::<Vec<_>>()).unwrap();
    outputs.iter().map(|y| y.view::<f64>().unwrap().iter().copied().collect()).collect()
}

fn same(got: &[f64], want: &[f64], what: &str) {
    for (i, (got, want)) in got.iter().zip(want).enumerate() {
        assert!(got == want || got.is_nan() && want.is_nan(), "{what}, row {i}: {got}, {want}");
    }
}

#[test]
fn events_are_those_of_plain_loops() {
    let mut random = Rng(77);
    for round in 0..60 {
        let n = (random.next() % 300) as usize;
        let every = 1 + random.next() % 9;
        let c: Vec<bool> = (0..n).map(|_| random.next().is_multiple_of(every)).collect();
        let mut x: Vec<f64> = (0..n).map(|i| i as f64 + 0.5).collect();
        (0..n).step_by(7).for_each(|i| x[i] = f64::NAN);
        let rows = 1 + (random.next() % 8) as usize;
        let got = eval(
            &format!(
                "since(c); count_while(c); any_within(c, {rows}); all_within(c, {rows}); \
                 last(x, c); last(x, c, 3); cumcount(c)"
            ),
            &x,
            &c,
        );
        let held = |i: usize| (0..=i).rev().filter(|j| c[*j]);
        let row = |f: &dyn Fn(usize) -> f64| (0..n).map(f).collect::<Vec<f64>>();
        let what = |name: &str| format!("{name} in round {round}");
        let since = row(&|i| held(i).next().map_or(-1.0, |j| (i - j) as f64));
        same(&got[0], &since, &what("since"));
        let run = |i: usize| (0..=i).rev().take_while(|j| c[*j]).count();
        same(&got[1], &row(&|i| run(i) as f64), &what("count_while"));
        let any = row(&|i| f64::from(u8::from(held(i).any(|j| i - j < rows))));
        same(&got[2], &any, &what("any_within"));
        let all = row(&|i| f64::from(u8::from(run(i) >= rows)));
        same(&got[3], &all, &what("all_within"));
        same(&got[4], &row(&|i| held(i).next().map_or(f64::NAN, |j| x[j])), &what("last"));
        same(&got[5], &row(&|i| held(i).nth(2).map_or(f64::NAN, |j| x[j])), &what("third last"));
        same(&got[6], &row(&|i| held(i).count() as f64), &what("cumcount"));
    }
}

/// Of every column by itself, and with a condition that has fewer axes.
#[test]
fn events_along_an_axis() {
    let x = ndarray::arr2(&[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]);
    let program = compile("last(x, x > 2 and x < 5, axis=0), since(x == 3, axis=0)").unwrap();
    let outputs = program.eval([("x", Arg::from(&x))]).unwrap();
    let text = format!("{:?}", outputs[0].view::<f64>().unwrap().iter().collect::<Vec<_>>());
    assert_eq!(text, "[NaN, NaN, 3.0, 4.0, 3.0, 4.0]");
    let since: Vec<i64> = outputs[1].view::<i64>().unwrap().iter().copied().collect();
    assert_eq!(since, [-1, -1, 0, -1, 1, -1]);
}

#[test]
fn errors_of_events() {
    let x = [1.0, 2.0];
    for (text, part) in [
        ("any_within(x, 0)", "`rows` is a constant integer from 1 to 4294967295"),
        ("all_within(x, x)", "`rows` is a constant integer"),
        ("last(x, x, 17)", "`nth` is a constant integer from 1 to 16"),
        ("last(x, True)", "`condition` is an array"),
        ("since(x, axis=1)", "axis 1"),
        ("last(x)", "last"),
    ] {
        let run = compile(text).and_then(|program| program.eval([("x", Arg::from(&x[..]))]));
        let error = run.map(|_| ()).expect_err(text);
        assert!(error.to_string().contains(part), "{text}: {error}");
        assert!(error.span().is_some(), "{text}: {error}");
    }
}
