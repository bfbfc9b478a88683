//! E. Conversions.

use hotloop::Arg;

use super::eval;

#[test]
fn e13_floats_to_integers_saturate() {
    let values = [
        f64::NAN,
        f64::INFINITY,
        f64::NEG_INFINITY,
        1e300,
        -1.0,
        9.223372036854776e18,
        -9.3e18,
        2.9,
        -2.9,
        255.5,
        4294967296.0,
        2147483647.5,
        -128.9,
    ];
    let floats: Vec<f64> = values.iter().cycle().take(200).copied().collect();
    let narrow: Vec<f32> = floats.iter().map(|v| *v as f32).collect();
    macro_rules! check {
        ($($t:ty),*) => {$(
            // The rule of Rust's `as`: toward zero, saturating, NaN is 0.
            let cast = concat!(stringify!($t), "(a)");
            assert_eq!(eval::<$t>(cast, &[("a", (&floats).into())]), floats.iter().map(|v| *v as $t).collect::<Vec<_>>(), "{cast}");
            assert_eq!(eval::<$t>(cast, &[("a", (&narrow).into())]), narrow.iter().map(|v| *v as $t).collect::<Vec<_>>(), "{cast} of f32");
            for v in values {
                assert_eq!(eval::<$t>(cast, &[("a", Arg::typed(v))]), [v as $t], "{cast} of a scalar");
            }
        )*};
    }
    check!(i8, i16, i32, i64, u8, u16, u32, u64);
    assert_eq!(eval::<u8>("u8(1e300) + u8(nan)", &[]), [255]);
}

#[test]
fn e14_integers_to_floats_round_once() {
    let signed = [
        (1i64 << 53) + 1,
        -(1 << 53) - 1,
        i64::MAX,
        i64::MIN,
        (1 << 62) + (1 << 38),
        (1 << 62) + (1 << 38) + 1,
        (1 << 54) + 2,
        16777217,
        (1 << 60) + (1 << 36) - 1,
    ];
    let a: Vec<i64> = signed.iter().cycle().take(77).copied().collect();
    assert_eq!(
        eval::<f64>("f64(a)", &[("a", (&a).into())]),
        a.iter().map(|v| *v as f64).collect::<Vec<_>>()
    );
    assert_eq!(
        eval::<f32>("f32(a)", &[("a", (&a).into())]),
        a.iter().map(|v| *v as f32).collect::<Vec<_>>()
    );
    let u: Vec<u64> = a
        .iter()
        .map(|v| (*v as u64).wrapping_mul(3))
        .chain([u64::MAX, u64::MAX - 1024, (1 << 63) + (1 << 39) + 1])
        .collect();
    assert_eq!(
        eval::<f64>("f64(a)", &[("a", (&u).into())]),
        u.iter().map(|v| *v as f64).collect::<Vec<_>>()
    );
    assert_eq!(
        eval::<f32>("f32(a)", &[("a", (&u).into())]),
        u.iter().map(|v| *v as f32).collect::<Vec<_>>()
    );
    let w: Vec<u32> = (0..77).map(|i| u32::MAX - 37 * i).collect();
    assert_eq!(
        eval::<f32>("f32(a)", &[("a", (&w).into())]),
        w.iter().map(|v| *v as f32).collect::<Vec<_>>()
    );
}

#[test]
fn e15_f64_to_f32_rounds_once() {
    let hard = [
        1e39,
        -1e39,
        3.4028235677973366e38,
        3.4028235677973362e38,
        1e-45,
        7e-46,
        7.006492321624085e-46,
        7.006492321624087e-46,
        1.0000000596046448,
        1.00000005960464479,
        1.0000000596046450,
        f64::NAN,
        -0.0,
        1.1754943508222875e-38,
        16777217.0,
        16777219.0,
    ];
    let a: Vec<f64> = hard.iter().cycle().take(99).copied().collect();
    let got = eval::<f32>("f32(a)", &[("a", (&a).into())]);
    for (got, x) in got.iter().zip(&a) {
        assert!(
            got.to_bits() == (*x as f32).to_bits() || x.is_nan() && got.is_nan(),
            "{x:e} gives {got:e}"
        );
    }
}
