//! Every entry of the table: each primitive operation on each dtype, each reduction and each cast,
//! natively on every instruction set, against the interpreter, on special and random values.

use hotloop::graph::Op;
use hotloop::ops::{Lowering, Row, Rule, TABLE};
use hotloop::threads::{Isa, forms};
use hotloop::{Arg, ArgType, Backend, DType, Engine, Mode};
use hotloop_testing::generator::Case;
use hotloop_testing::generator::check::{AllEngines, check};
use hotloop_testing::generator::data::{Array, Flavour, Input, Rng, Value, element, specials};

fn natives(mode: Mode) -> Vec<(Isa, Engine)> {
    let make =
        |isa| Engine::builder().backend(Backend::Native).mode(mode).isa(isa).threads(1).build();
    Isa::available().map(|isa| (isa, make(isa))).collect()
}

fn strict(text: &str, inputs: Vec<Input>) -> Case {
    Case { text: text.to_string(), mode: Mode::Strict, inputs, ops: Vec::new(), seed: 1 }
}

/// The operand dtypes that an operation's typing rule can give.
fn dtypes(row: &Row) -> Vec<DType> {
    let all = DType::ALL.into_iter();
    let number = |d: &DType| *d != DType::Bool;
    match row.rule {
        _ if matches!(row.op, Op::IntegerPower | Op::SetBits) => {
            all.filter(|d| d.is_int()).collect()
        }
        Rule::Arithmetic | Rule::Comparison => all.filter(number).collect(),
        Rule::Divide | Rule::Real | Rule::Scaled | Rule::Rounding | Rule::Predicate => {
            all.filter(|d| d.is_float()).collect()
        }
        Rule::Bitwise => all.filter(|d| !d.is_float()).collect(),
        Rule::Integers => all.filter(|d| d.is_int()).collect(),
        Rule::Select => all.collect(),
        _ => Vec::new(),
    }
}

/// The operation that a variant for the `fast` mode replaces.
fn plain(row: &Row) -> Option<&'static Row> {
    TABLE.iter().find(|r| r.op.fast() == Some(row.op))
}

/// The operation applied to the inputs `a`, `b`, `c`.
fn spelled(row: &Row) -> String {
    let row = plain(row).unwrap_or(row);
    match (row.op, row.parameters.len()) {
        (Op::IntegerPower | Op::RealPower, _) => "a ** b".to_string(),
        (Op::SetBits, _) => "bitwise_count(a)".to_string(),
        (Op::Ldexp, _) => "ldexp(a, i32(b))".to_string(),
        (Op::Fraction, _) => "f, w = modf(a); f".to_string(),
        (Op::Mantissa, _) => "m, e = frexp(a); m".to_string(),
        (Op::BinaryExponent, _) => "m, e = frexp(a); e".to_string(),
        (Op::Select, _) => "where(c, a, b)".to_string(),
        (_, 1) if !row.is_function() => format!("{}a", row.name),
        (_, 2) if !row.is_function() => format!("a {} b", row.name),
        (_, 1) => format!("{}(a)", row.name),
        (_, 2) => format!("{}(a, b)", row.name),
        _ => format!("{}(a, b, c)", row.name),
    }
}

/// All pairs of special values, then random ones: enough for whole vectors and tails.
fn columns(dtype: DType, third: DType) -> [Vec<u64>; 3] {
    let list = specials(dtype);
    let others = specials(third);
    let mut columns = [Vec::new(), Vec::new(), Vec::new()];
    for (i, x) in list.iter().enumerate() {
        for (j, y) in list.iter().enumerate() {
            columns[0].push(*x);
            columns[1].push(*y);
            columns[2].push(others[(i * 7 + j * 3) % others.len()]);
        }
    }
    let mut rng = Rng(dtype as u64);
    for flavour in [Flavour::Tame, Flavour::Wide, Flavour::Wild] {
        for _ in 0..333 {
            columns[0].push(element(dtype, &mut rng, flavour));
            columns[1].push(element(dtype, &mut rng, flavour));
            columns[2].push(element(third, &mut rng, flavour));
        }
    }
    columns
}

fn array(name: &'static str, dtype: DType, elements: &[u64]) -> Input {
    let mut array = Array::contiguous(dtype, &[elements.len()], 0);
    array.set(elements);
    Input { name, value: Value::Array(array) }
}

#[test]
fn every_operation_on_every_dtype() {
    let engines = AllEngines::new();
    let natives = [Mode::Strict, Mode::Fast].map(|mode| (mode, natives(mode)));
    let (mut fused, mut block) = (0, 0);
    for row in TABLE.iter().filter(|r| matches!(r.lowering, Lowering::Kernel(_))) {
        let wanted = dtypes(row);
        assert!(!wanted.is_empty(), "{}", row.name);
        for dtype in DType::ALL {
            for isa in Isa::available() {
                let kernel = row.op.kernel(dtype, isa).is_some();
                assert_eq!(
                    kernel,
                    wanted.contains(&dtype),
                    "the kernel of {} on {dtype}",
                    row.name
                );
            }
        }
        let text = spelled(row);
        let (mode, natives) = &natives[usize::from(plain(row).is_some())];
        for dtype in wanted {
            let third = if row.op == Op::Select { DType::Bool } else { dtype };
            let [a, b, c] = columns(dtype, third);
            let inputs = vec![array("a", dtype, &a), array("b", dtype, &b), array("c", third, &c)];
            let case = Case { mode: *mode, ..strict(&text, inputs) };
            assert_eq!(check(&engines, &case), Ok(Ok(())), "{text} of {dtype}");

            // The plan shows the form of the step.
            let types =
                [("a", dtype), ("b", dtype), ("c", third)].map(|(n, d)| (n, ArgType::array(d)));
            for (isa, engine) in natives {
                let program = engine.compile(&text).expect("it compiled before");
                let read = |(name, _): &&(&str, ArgType)| program.inputs().any(|i| i == *name);
                let types: Vec<_> = types.iter().filter(read).copied().collect();
                let kernel = program.specialize(&types).expect("it was specialised before");
                assert!(kernel.is_native(), "{text} of {dtype} on {}", isa.name());
                let plan = kernel.explain();
                let is_fused = plan.contains(&format!(" = {}.{dtype} ", row.name));
                let is_block = plan.contains(&format!("block {}.{dtype} ", row.name));
                let vector = match *isa {
                    Isa::Baseline => forms::narrow(row.op, dtype, *isa),
                    _ => forms::wide(row.op, dtype, *isa),
                };
                assert_eq!(
                    (is_fused, is_block),
                    (vector, !vector),
                    "{text} of {dtype} on {}\n{plan}",
                    isa.name()
                );
                fused += usize::from(is_fused);
                block += usize::from(is_block);
            }
        }
    }
    assert!(fused > 300 && block > 150, "{fused} cells with a vector form, {block} without");
}

/// Two functions of one operand with a common kernel.
#[test]
fn every_pair() {
    let engines = AllEngines::new();
    let pairs = TABLE.iter().filter_map(|r| r.op.pair().filter(|pair| pair[0] == r.op));
    let mut count = 0;
    for pair in pairs {
        let [f, g] = pair.map(|op| op.row().name);
        for dtype in [DType::F32, DType::F64] {
            let [a, b, _] = columns(dtype, dtype);
            // The results are stored, used again, read from memory and follow a loop; and one
            // function is alone.
            for text in [
                format!("{g}(a), {f}(a)"),
                format!("{f}(a) * {g}(a) + {f}(b)"),
                format!("{f}(a - b) + b, {g}(a - b), {g}({f}(a - b))"),
            ] {
                let inputs = || vec![array("a", dtype, &a), array("b", dtype, &b)];
                let mut inputs = inputs();
                inputs.truncate(if text.contains('b') { 2 } else { 1 });
                assert_eq!(check(&engines, &strict(&text, inputs)), Ok(Ok(())), "{text}");
                for (_, engine) in natives(Mode::Strict) {
                    let program = engine.compile(&text).expect("it compiled before");
                    let types: Vec<_> =
                        program.inputs().map(|n| (n, ArgType::array(dtype))).collect();
                    let plan = program.specialize(&types).expect("it was specialised").explain();
                    assert!(plan.contains(&format!("block {f}, {g}.{dtype} ")), "{text}\n{plan}");
                }
                count += 1;
            }
        }
    }
    assert!(count >= 6, "{count} programs");
}

#[test]
fn every_reduction_of_every_dtype() {
    let engines = AllEngines::new();
    for row in TABLE.iter().filter(|r| r.op.is_reduction() && r.op.is_public()) {
        for dtype in DType::ALL {
            // A difference of bools is not defined.
            if row.op == Op::Ptp && dtype == DType::Bool {
                continue;
            }
            for flavour in [Flavour::Unit, Flavour::Spiced, Flavour::Wide] {
                for n in [0, 1, 2, 9, 31, 32, 33, 64, 65, 105, 4095, 4096, 4097, 10_000] {
                    let mut rng = Rng(n);
                    let elements: Vec<u64> =
                        (0..n).map(|_| element(dtype, &mut rng, flavour)).collect();
                    // The operand comes from memory, or from a fused loop.
                    let second = match row.rule {
                        Rule::Products | Rule::Agreement => ", a",
                        _ if row.op == Op::WeightedMean => ", a",
                        _ if row.op == Op::Quantile => ", 0.3",
                        _ => "",
                    };
                    for text in ["X(aY)", "X(a & aY), X(aY)", "X(a & aY, axis=0)"] {
                        let text = text.replace('X', row.name).replace('Y', second);
                        let text =
                            if dtype.is_float() { text.replace(" & a", " * a") } else { text };
                        let case = strict(&text, vec![array("a", dtype, &elements)]);
                        let got = check(&engines, &case).unwrap_or_else(|e| panic!("{text}: {e}"));
                        let empty = n == 0 && matches!(row.rule, Rule::Extreme | Rule::Position);
                        assert_eq!(got.is_err(), empty, "{text} of {n} {dtype}: {got:?}");
                    }
                }
            }
        }
    }
}

#[test]
fn every_cast() {
    let engines = AllEngines::new();
    for from in DType::ALL {
        let [a, _, _] = columns(from, from);
        for to in DType::ALL {
            for text in [format!("{to}(a)"), format!("a, {}(a)", to.numpy_name())] {
                let case = strict(&text, vec![array("a", from, &a)]);
                assert_eq!(check(&engines, &case), Ok(Ok(())), "{text} of {from}");
            }
            // In a mask and in a fused loop of another width, besides from memory to memory.
            let text = format!("{to}(a) if a != {from}(1) else {to}({to}(a) == {to}(0))");
            let case = strict(&text, vec![array("a", from, &a)]);
            assert_eq!(check(&engines, &case), Ok(Ok(())), "{text} of {from}");
        }
    }
}

/// Loops at the machine's width convert in registers; narrow work that would wait for wide lanes has a
/// loop of its own.
#[test]
fn widths_share_a_loop() {
    use DType::{Bool, F32, F64, I16, I32, I64, U8};
    let engines = AllEngines::new();
    let narrow = (0..12).fold("b".to_string(), |x, i| format!("(({x}) ^ {i}) + b"));
    let mixed = [
        ("i * f + a", vec![("i", I32), ("f", F32), ("a", F64)], 1),
        ("u8(f32(0.5) * f32(b) + f32(0.5) * f32(c))", vec![("b", U8), ("c", U8)], 1),
        ("n = f32(x); r = f32(y); (n - r) / (n + r)", vec![("x", I16), ("y", I16)], 1),
        (
            "where(m, a, f) > i, where(~m, f, 1)",
            vec![("m", Bool), ("a", F64), ("f", F32), ("i", I64)],
            1,
        ),
        (
            "sum(i * f), count_nonzero(i * f > b), mean(b)",
            vec![("i", I32), ("f", F32), ("b", U8)],
            1,
        ),
        ("i16(sin(f32(x)) * 100) + x", vec![("x", I16)], 2),
        (&format!("f64({narrow}) * a"), vec![("b", U8), ("a", F64)], 2),
    ];
    for (text, inputs, loops) in mixed {
        let types: Vec<_> = inputs.iter().map(|(n, d)| (*n, ArgType::array(*d))).collect();
        for (isa, engine) in natives(Mode::Strict) {
            let program = engine.compile(text).expect("a program");
            let plan = program.specialize(&types).expect("a kernel").explain();
            let count = |start: &str| plan.lines().filter(|line| line.starts_with(start)).count();
            let (own, kernels) = (count("    fused "), count("    convert "));
            match isa {
                Isa::Baseline => assert!(kernels > 0, "{text}\n{plan}"),
                _ => {
                    let apart = usize::from(text.contains('^'));
                    assert_eq!((own, kernels), (loops, apart), "{text}, {}\n{plan}", isa.name());
                }
            }
        }
        for n in [1, 7, 64, 1000] {
            for flavour in [Flavour::Unit, Flavour::Wild] {
                let mut rng = Rng(n);
                let mut input = |(name, dtype): &(&'static str, DType)| {
                    let list: Vec<u64> =
                        (0..n).map(|_| element(*dtype, &mut rng, flavour)).collect();
                    array(name, *dtype, &list)
                };
                let inputs = inputs.iter().map(&mut input).collect();
                assert_eq!(check(&engines, &strict(text, inputs)), Ok(Ok(())), "{text}");
            }
        }
    }
}

/// Expressions that the optimizer rewrites, on every dtype: the interpreter runs them as written.
#[test]
fn every_rewrite_keeps_the_bits() {
    let engines = AllEngines::new();
    let texts = [
        "u8(where(a > b, 255, 0))",
        "f32(where(a > b, 3, -1000000000000))",
        "abs(-a)",
        "abs(abs(a))",
        "-(-a)",
        "~~a",
        "a - (-b)",
        "a + (-b)",
        "a * 1",
        "a / 1",
        "a - 0",
        "a + 0",
        "a + (-0.0)",
        "a - 0.0",
        "a * 0",
        "a - a",
        "a / a",
        "a | 0",
        "a ^ 0",
        "a << 0",
        "a >> 0",
        "a // 1",
        "a % 1",
        "a & a",
        "a | a",
        "a ^ a",
        "minimum(a, a)",
        "maximum(a, a)",
        "where(c, a, a)",
        "where(True, a, b)",
        "a if False else b",
        "a / 2",
        "a / 0.125",
        "a / -4.0",
        "a / 1e308",
        "a / 3",
        "a ** 1",
        "a ** 2",
        "a ** 5",
        "a ** 63",
        "a ** 64",
        "a ** 0.5",
        "b + a - (a + b)",
        "2 * a - a * 2",
        "(a < b) != (b > a)",
        "0 < a < 1",
    ];
    let mut valid = 0;
    for dtype in DType::ALL {
        let [a, b, c] = columns(dtype, DType::Bool);
        for text in texts {
            let inputs =
                vec![array("a", dtype, &a), array("b", dtype, &b), array("c", DType::Bool, &c)];
            match check(&engines, &strict(text, inputs)) {
                Ok(agreed) => valid += usize::from(agreed.is_ok()),
                Err(report) => panic!("{text} of {dtype}: {report}"),
            }
        }
    }
    assert!(valid > 300, "only {valid} of {} were programs", texts.len() * DType::ALL.len());
}

/// Values that are known without an engine, in case both engines are wrong.
#[test]
fn known_values() {
    let engine = Engine::builder().backend(Backend::Native).build();
    let ints = |text: &str, x: &[i8], y: &[i8]| -> Vec<i8> {
        let program = engine.compile(text).expect("a program");
        let outputs = program.eval([("a", Arg::from(x)), ("b", Arg::from(y))]);
        outputs.expect("values")[0].view::<i8>().expect("i8").iter().copied().collect()
    };
    let (x, y) = ([-128, -7, 7, 100, 5], [-1, 2, -2, 100, 0]);
    assert_eq!(ints("a + b", &x, &y), [127, -5, 5, -56, 5]);
    assert_eq!(ints("a // b", &x, &y), [-128, -4, -4, 1, 0]);
    assert_eq!(ints("a % b", &x, &y), [0, 1, -1, 0, 0]);
    assert_eq!(ints("fmod(a, b)", &x, &y), [0, -1, 1, 0, 0]);
    assert_eq!(ints("abs(a)", &x, &y), [-128, 7, 7, 100, 5]);
    assert_eq!(ints("minimum(a, b)", &x, &y), [-128, -7, -2, 100, 0]);
    assert_eq!(ints("a << b", &x, &y), [0, -28, 0, 0, 5]);
    assert_eq!(ints("a >> b", &x, &y), [-1, -2, 0, 0, 5]);

    let floats = |text: &str, x: &[f64]| -> Vec<f64> {
        let outputs =
            engine.compile(text).and_then(|p| p.eval([("a", Arg::from(x))])).expect("values");
        outputs[0].view::<f64>().expect("f64").iter().copied().collect()
    };
    assert_eq!(floats("rint(a)", &[0.5, 1.5, -2.5]), [0.0, 2.0, -2.0]);
    assert_eq!(floats("a // 2.0", &[-1.0, 5.0, 4.0]), [-1.0, 2.0, 2.0]);
    assert_eq!(floats("sqrt(a)", &[2.0, 9.0, 0.25]), [std::f64::consts::SQRT_2, 3.0, 0.5]);
    assert_eq!(floats("exp(a)", &[0.0, 1.0, f64::NEG_INFINITY]), [1.0, std::f64::consts::E, 0.0]);
    assert_eq!(floats("f64(i32(a))", &[3e9, f64::NAN, -1.9]), [2147483647.0, 0.0, -1.0]);
}
