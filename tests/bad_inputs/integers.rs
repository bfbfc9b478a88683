//! E. Integers: overflow, division by zero, shifts, powers.

use hotloop::{Arg, ErrorKind, compile, ndarray};

use super::{engines, eval, expect, same};

#[test]
fn e7_least_integers() {
    macro_rules! check {
        ($($t:ty),*) => {$({
            let a: Vec<$t> = vec![<$t>::MIN; 37];
            let m: Vec<$t> = vec![-1; 37];
            let args = [("a", Arg::from(&a)), ("m", Arg::from(&m))];
            for (expr, want) in [("a // m", <$t>::MIN), ("a % m", 0), ("fmod(a, m)", 0), ("abs(a)", <$t>::MIN), ("-a", <$t>::MIN), ("a * m", <$t>::MIN), ("a // -1", <$t>::MIN), ("a % -1", 0), ("a - 1", <$t>::MAX), ("a + m", <$t>::MAX), ("sign(a)", -1), ("a ** 2", 0)] {
                assert_eq!(eval::<$t>(expr, &args), vec![want; 37], "{expr} of {}", stringify!($t));
            }
            let want = <$t>::MIN as f64;
            assert_eq!(eval::<f64>("f64(a) / m", &args), vec![-want; 37]);
        })*};
    }
    check!(i8, i16, i32, i64);
}

#[test]
fn e8_integers_divided_by_zero() {
    let a = [7i32, -7, 0, i32::MIN, i32::MAX];
    let z = [0i32; 5];
    for (name, engine) in engines() {
        let outputs = |expr: &str| {
            let outputs = engine
                .compile(expr)
                .unwrap()
                .eval([("a", Arg::from(&a)), ("z", Arg::from(&z))])
                .unwrap();
            (
                outputs[0].view::<i32>().unwrap().iter().copied().collect::<Vec<_>>(),
                outputs.report().divided_by_zero,
            )
        };
        for expr in ["a // z", "a % z", "fmod(a, z)", "a // 0", "a % 0", "a * 0 // z"] {
            assert_eq!(outputs(expr), (vec![0; 5], true), "{expr} on {name}");
        }
        for expr in ["a * z // 1", "a // 1 * 0", "fmod(a, 1)"] {
            assert_eq!(outputs(expr), (vec![0; 5], false), "{expr} on {name}");
        }
        let flagged = |expr: &str| {
            engine
                .compile(expr)
                .unwrap()
                .eval([("a", Arg::from(&a))])
                .unwrap()
                .report()
                .divided_by_zero
        };
        assert!(!flagged("a / 0") && !flagged("f64(a) // 0"), "floats raise no flag, on {name}");
        assert!(flagged("a + 1 // 0"), "constants do, on {name}");
    }
    same(
        &eval::<f64>("a / z", &[("a", Arg::from(&a)), ("z", Arg::from(&z))]),
        &[f64::INFINITY, f64::NEG_INFINITY, f64::NAN, f64::NEG_INFINITY, f64::INFINITY],
    );
    assert_eq!(eval::<i64>("1 // 0 + 5 % 0", &[]), [0]);
}

#[test]
fn e9_shifts_out_of_range() {
    let a = [5i64, -5, i64::MIN, i64::MAX];
    for (count, left, right) in [
        (63i64, [1 << 63, i64::MIN, 0, i64::MIN], [0, -1, -1, 0]),
        (64, [0; 4], [0, -1, -1, 0]),
        (65, [0; 4], [0, -1, -1, 0]),
        (-1, [0; 4], [0, -1, -1, 0]),
        (i64::MIN, [0; 4], [0, -1, -1, 0]),
        (i64::MAX, [0; 4], [0, -1, -1, 0]),
        (0, a, a),
    ] {
        let counts = [count; 4];
        let args = [("a", Arg::from(&a)), ("n", Arg::from(&counts)), ("k", count.into())];
        for (expr, want) in
            [("a << n", left), ("a >> n", right), ("a << k", left), ("a >> k", right)]
        {
            assert_eq!(eval::<i64>(expr, &args), want, "{expr} with {count}");
        }
        // Literal counts, with an array and folded.
        assert_eq!(eval::<i64>(&format!("a << {count}"), &args[..1]), left, "literal {count}");
        assert_eq!(eval::<i64>(&format!("a >> {count}"), &args[..1]), right, "literal {count}");
        assert_eq!(eval::<i64>(&format!("-5 >> {count}"), &[]), [right[1]]);
        assert_eq!(eval::<i64>(&format!("i64(5) << {count}"), &[]), [left[0]]);
    }
    assert_eq!(eval::<u8>("a << 8", &[("a", Arg::from(&[255u8, 1]))]), [0, 0]);
    assert_eq!(
        eval::<u8>("a >> n", &[("a", Arg::from(&[255u8, 255])), ("n", Arg::from(&[7u8, 8]))]),
        [1, 0]
    );
}

#[test]
fn e10_overflow_wraps() {
    let a = [i32::MAX, i32::MIN, 1 << 30];
    let args = [("a", Arg::from(&a))];
    assert_eq!(eval::<i32>("a + 1", &args), [i32::MIN, i32::MIN + 1, (1 << 30) + 1]);
    assert_eq!(eval::<i32>("a - 2", &args), [i32::MAX - 2, i32::MAX - 1, (1 << 30) - 2]);
    assert_eq!(eval::<i32>("a * 4", &args), [-4, 0, 0]);
    assert_eq!(eval::<i32>("a ** 3", &args), a.map(|v| v.wrapping_pow(3)));
    assert_eq!(eval::<i64>("sum(a)", &args), [a.iter().map(|v| i64::from(*v)).sum::<i64>()]);
    assert_eq!(eval::<u64>("sum(u)", &[("u", Arg::from(&[u64::MAX, 2]))]), [1]);
}

#[test]
fn e10_overflow_wraps_along_axes() {
    let a = ndarray::array![[i32::MAX, i32::MAX, 1], [i32::MAX, i32::MIN, 2], [5, i32::MIN, -3]];
    let args = [("a", Arg::from(&a))];
    let (most, least) = (i64::from(i32::MAX), i64::from(i32::MIN));
    assert_eq!(eval::<i64>("sum(a, axis=0)", &args), [2 * most + 5, most + 2 * least, 0]);
    let across = [2 * most + 1, most + least + 2, least + 2];
    assert_eq!(eval::<i64>("sum(a, axis=1)", &args), across);
    assert_eq!(
        eval::<i64>("prod(a, axis=0)", &args),
        [(most * most).wrapping_mul(5), (most * least).wrapping_mul(least), -6]
    );
    // The sum of elements that have wrapped: `a + a` is i32.
    let twice: Vec<i64> = a
        .rows()
        .into_iter()
        .map(|row| row.iter().map(|v| i64::from(v.wrapping_add(*v))).sum())
        .collect();
    assert_eq!(eval::<i64>("sum(a + a, axis=1)", &args), twice);
    assert_eq!(eval::<i64>("dot(a, a)", &args).len(), 1);
    // Sums of 64 bits wrap, along both axes, for any length.
    let wide = ndarray::Array2::from_elem((300, 70), i64::MAX);
    let args = [("w", Arg::from(&wide))];
    assert_eq!(eval::<i64>("sum(w, axis=0)", &args), vec![-300; 70]);
    assert_eq!(eval::<i64>("sum(w, axis=1)", &args), vec![-70; 300]);
    assert_eq!(eval::<i64>("sum(w)", &args), [-21_000]);
    let bytes = ndarray::Array2::from_elem((70_000, 3), 255u8);
    let args = [("b", Arg::from(&bytes))];
    assert_eq!(eval::<u64>("sum(b, axis=0)", &args), [255 * 70_000; 3]);
    assert_eq!(eval::<u64>("sum(b + b, axis=0)", &args), [254 * 70_000; 3]);
    assert_eq!(eval::<i64>("count_nonzero(b, axis=0)", &args), [70_000; 3]);
}

#[test]
fn e11_integer_powers() {
    same(&eval::<f64>("2 ** -1", &[]), &[0.5]);
    let error = compile("a ** -1").unwrap().eval([Arg::from(&[2i64])]).unwrap_err();
    expect(&error, ErrorKind::Type, "negative integer power");
    let (a, b) = ([2i64, 0, 0, 1, -1, -1, 3, i64::MIN], [-1i64, 0, -1, -7, -3, -4, 41, 1]);
    let want = [0, 1, 0, 1, -1, 1, 3i64.wrapping_pow(41), i64::MIN];
    assert_eq!(eval::<i64>("a ** b", &[("a", (&a).into()), ("b", (&b).into())]), want);
    assert_eq!(eval::<i64>("0 ** 0", &[]), [1]);
    assert_eq!(
        eval::<u8>("a ** b", &[("a", Arg::from(&[2u8, 2, 3])), ("b", Arg::from(&[7u8, 8, 255]))]),
        [128, 0, 3u8.wrapping_pow(255)]
    );
}
