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

/// A row of a stream: conditions of which some are NaN, a time, and what ends matches.
#[derive(Clone, Copy)]
struct Row {
    conditions: [f64; 4],
    time: f64,
    unless: bool,
}

/// Whether a match of the first `count` conditions ends in row `end`, by trying each beginning and, from
/// there, the first row for each of the others.
fn ends(
    rows: &[Row],
    count: usize,
    end: usize,
    (within, timed): (Option<f64>, bool),
    (strict, unless): (bool, bool),
) -> bool {
    let holds = |row: usize, j: usize| {
        let condition = rows[row].conditions[j];
        condition != 0.0 && !condition.is_nan()
    };
    let time = |row: usize| if timed { rows[row].time } else { row as f64 };
    (0..end).any(|begin| {
        if !holds(begin, 0) || !holds(end, count - 1) || time(begin).is_nan() {
            return false;
        }
        let in_order = if strict {
            end - begin == count - 1 && (1..count).all(|j| holds(begin + j, j))
        } else {
            let next = |row: Option<usize>, j| (row? + 1..end).find(|row| holds(*row, j));
            (1..count - 1).fold(Some(begin), next).is_some()
        };
        let near = within.is_none_or(|within| time(end) - time(begin) <= within);
        let goes_on = !unless || !(begin + 1..=end).any(|row| rows[row].unless);
        in_order && near && goes_on
    })
}

/// 100,000 random streams, each a row of a matrix.
#[test]
fn sequences_are_those_that_are_searched_for() {
    const STREAMS: usize = 2100;
    const LENGTH: usize = 14;
    let mut random = Rng(4711);
    for variant in 0..48 {
        let count = 2 + variant % 3;
        let (strict, unless) = (variant / 3 % 2 == 1, variant / 6 % 2 == 1);
        let (within, timed) = ([None, Some(5.0)][variant / 12 % 2], variant / 24 == 1);
        let every = 2 + random.next() % 4;
        let rows: Vec<Row> = (0..STREAMS * LENGTH)
            .map(|i| Row {
                conditions: std::array::from_fn(|_| match random.next() % (8 * every) {
                    0 => f64::NAN,
                    n if n % every == 0 => 1.0,
                    _ => 0.0,
                }),
                time: match random.next() % 20 {
                    0 => f64::NAN,
                    n => (i % LENGTH) as f64 * 1.5 + (n % 3) as f64 / 2.0,
                },
                unless: random.next().is_multiple_of(6),
            })
            .collect();
        let options = [
            within.map(|within| format!(", within={within}")),
            timed.then(|| ", t=t".to_string()),
            strict.then(|| ", strict=True".to_string()),
            unless.then(|| ", unless=u".to_string()),
        ];
        let conditions = ["a", "b", "c", "d"][..count].join(", ");
        let options: String = options.into_iter().flatten().collect();
        let text = format!("sequence({conditions}{options})");
        let program = compile(&text).unwrap_or_else(|error| panic!("{text}: {error}"));
        let shape = (STREAMS, LENGTH);
        let matrix = |value: &dyn Fn(&Row) -> f64| {
            ndarray::Array2::from_shape_vec(shape, rows.iter().map(value).collect()).unwrap()
        };
        let conditions = [0, 1, 2, 3].map(|j| matrix(&|row| row.conditions[j]));
        let (times, unlesses) = (matrix(&|row| row.time), matrix(&|row| f64::from(row.unless)));
        let all = ["a", "b", "c", "d", "t", "u"].into_iter();
        let all = all.zip(conditions.iter().chain([&times, &unlesses]));
        let args = all.filter(|(name, _)| program.inputs().any(|own| own == *name));
        let args: Vec<(&str, Arg)> = args.map(|(name, array)| (name, Arg::from(array))).collect();
        let outputs = program.eval(args).unwrap_or_else(|error| panic!("{text}: {error}"));
        let got = outputs[0].view::<bool>().unwrap();
        for (stream, rows) in rows.chunks_exact(LENGTH).enumerate() {
            for end in 0..LENGTH {
                let want = ends(rows, count, end, (within, timed), (strict, unless));
                assert_eq!(
                    got[[stream, end]],
                    want,
                    "{text}, stream {stream}, row {end}, seed 4711"
                );
            }
        }
    }
}

/// A small payment, then a large one within a minute, with nothing refused between.
#[test]
fn a_sequence_of_payments() {
    let amount = [1.0, 500.0, 2.0, 900.0, 3.0, 0.0, 800.0];
    let time = [0.0, 30.0, 100.0, 170.0, 200.0, 210.0, 220.0];
    let program = compile(
        "sequence(amount < 5, amount > 400, within=60, t=time), \
         sequence(amount < 5, amount > 400, unless=amount == 0), \
         sequence(amount < 5, amount > 400, strict=True)",
    );
    let args = [("amount", Arg::from(&amount[..])), ("time", Arg::from(&time[..]))];
    let outputs = program.unwrap().eval(args).unwrap();
    let found = |i: usize| -> Vec<usize> {
        let rows = outputs[i].view::<bool>().unwrap();
        (0..amount.len()).filter(|row| rows[[*row]]).collect()
    };
    // 2 and 900 are 70 apart; the 0 is small itself, and begins anew where it ends what was before.
    assert_eq!([found(0), found(1), found(2)], [vec![1, 6], vec![1, 3, 6], vec![1, 3, 6]]);
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
        ("sequence(x)", "'sequence' does not take 1 argument"),
        ("sequence(x, None)", "'sequence' takes no None"),
        ("sequence(x, x, after=3)", "unknown keyword 'after' for 'sequence'"),
        ("sequence(x, x, within=1, within=2)", "'within' is given twice"),
        ("sequence(x, x, strict=x)", "strict is True or False"),
        ("sequence(x, x, axis=None)", "sequence goes along one axis"),
        ("sequence(x, x, axis=1)", "axis 1"),
        (
            "sequence(x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x)",
            "'sequence' takes at most 16 conditions",
        ),
    ] {
        let run = compile(text).and_then(|program| program.eval([("x", Arg::from(&x[..]))]));
        let error = run.map(|_| ()).expect_err(text);
        assert!(error.to_string().contains(part), "{text}: {error}");
        assert!(error.span().is_some(), "{text}: {error}");
    }
}
