//! Workloads of many kinds, a group for each.

use hotloop::DType;
use hotloop::DType::{F32, F64, I16, I32, I64, U8, U32, U64};

use crate::workloads::{AXPBY, Input, Workload};

/// All of them.
pub fn all() -> Vec<Workload> {
    [
        small(),
        images(),
        bands(),
        stencils(),
        distances(),
        losses(),
        polynomials(),
        integers(),
        rows(),
        maps(),
    ]
    .concat()
}

type Range = (f64, f64);

/// An elementwise program of arrays of one dtype, with an output of a dtype.
fn line(
    id: &'static str,
    text: &str,
    (n, dtype, range): (usize, DType, Range),
    names: &[&'static str],
    (output, peer): (DType, &'static str),
) -> Workload {
    let input = |name: &&'static str| Input { range, ..Input::unit(name, dtype, n) };
    Workload {
        inputs: names.iter().map(input).collect(),
        outputs: vec![output],
        tolerance: if output == F32 { 1e-4 } else { 1e-12 },
        ..Workload::new(id, text, n, &[], peer)
    }
}

fn titled(title: &str, workload: Workload) -> Workload {
    Workload { title: Some(title.to_string()), ..workload }
}

fn calling(workload: Workload) -> Workload {
    Workload { calls: true, tolerance: workload.tolerance.max(1e-9), ..workload }
}

fn small() -> Vec<Workload> {
    let new = Workload::new;
    let mut list: Vec<Workload> =
        [16, 64, 1_000].map(|n| new("small", "(a-b)/(a+b)*c", n, &["a", "b", "c"], "ratio")).into();
    list.push(new("small", AXPBY, 16, &["a", "b"], "axpby"));
    list.push(calling(new("small", "sin(a) + b", 16, &["a", "b"], "sine_plus")));
    let dot = new("small", "sum(a*b)", 16, &["a", "b"], "dot");
    list.push(Workload { shape: Vec::new(), ..dot });
    list
}

fn images() -> Vec<Workload> {
    let pixels = (12_000_000, U8, (0.0, 256.0));
    let new =
        |text: &str, names: &[&'static str], peer| line("images", text, pixels, names, (U8, peer));
    vec![
        new("u8((u16(a)*77 + u16(b)*179) >> 8)", &["a", "b"], "blend"),
        new("maximum(a, b) - minimum(a, b)", &["a", "b"], "difference"),
        new("u8(where(a > 127, 255, 0))", &["a"], "threshold"),
        new("u8(clip((f32(a) - 128)*1.4 + 128, 0, 255))", &["a"], "contrast"),
        new("u8(clip((i16(a) - 128)*7 // 5 + 128, 0, 255))", &["a"], "contrast_integer"),
        new("u8((u16(r)*77 + u16(g)*150 + u16(b)*29) >> 8)", &["r", "g", "b"], "grey"),
    ]
}

fn bands() -> Vec<Workload> {
    let pixels = (12_000_000, I16, (1.0, 10_000.0));
    let evi = "2.5*(f32(n) - f32(r)) / (f32(n) + 6.0*f32(r) - 7.5*f32(b) + 10000.0)";
    let scaled = "i16(clip(10000.0*f32(n - r) / f32(n + r), -10000.0, 10000.0))";
    let two = &["n", "r"];
    let mut evi = line("bands", evi, pixels, &["n", "r", "b"], (F32, "evi"));
    evi.inputs[2].range = (1.0, 1_000.0);
    vec![
        line("bands", "f32(n - r) / f32(n + r)", pixels, two, (F32, "ndvi")),
        line("bands", "f64(n - r) / f64(n + r)", pixels, two, (F64, "ndvi_f64")),
        evi,
        line("bands", scaled, pixels, two, (I16, "scaled_index")),
    ]
}

fn stencils() -> Vec<Workload> {
    const M: usize = 2_000;
    let grid = |text: &str, dtype, peer, title: &str| {
        let inputs = vec![Input { shape: vec![M; 2], ..Input::unit("x", dtype, M) }];
        let one = line("stencils", text, (M, dtype, (0.0, 1.0)), &[], (dtype, peer));
        let shape = vec![M - 2; 2];
        titled(title, Workload { inputs, shape, range: M - 2, extent: M, ..one })
    };
    let rod = |dtype, peer, title: &str| {
        let text = "x[1:-1] + 0.1*(x[2:] - 2*x[1:-1] + x[:-2])";
        let n = 4_000_000;
        let one = line("stencils", text, (n, dtype, (0.0, 1.0)), &["x"], (dtype, peer));
        titled(title, Workload { shape: vec![n - 2], range: n - 2, ..one })
    };
    let laplacian = "x[:-2, 1:-1] + x[2:, 1:-1] + x[1:-1, :-2] + x[1:-1, 2:] - 4*x[1:-1, 1:-1]";
    let length = "sqrt((x[1:-1, 2:] - x[1:-1, :-2])**2 + (x[2:, 1:-1] - x[:-2, 1:-1])**2)";
    vec![
        grid(laplacian, F64, "laplacian_f64", "5-point Laplacian, f64 (2000, 2000)"),
        grid(laplacian, F32, "laplacian_f32", "5-point Laplacian, f32 (2000, 2000)"),
        rod(F64, "heat_f64", "heat step along a line, f64"),
        rod(F32, "heat_f32", "heat step along a line, f32"),
        grid(length, F32, "gradient_length", "length of the gradient, f32 (2000, 2000)"),
    ]
}

fn distances() -> Vec<Workload> {
    const M: usize = 3_000;
    let new = |text: &str, names: &[&'static str], peer, title| {
        let one = line("distances", text, (M, F32, (0.0, 1.0)), names, (F32, peer));
        titled(title, Workload { shape: vec![M; 2], ..one })
    };
    let points = &["x", "y", "z"];
    let squares = "(x[:, None] - x)**2 + (y[:, None] - y)**2 + (z[:, None] - z)**2";
    let all = new(&format!("sqrt({squares})"), points, "pair_distances", "pair distances, f32");
    let text = "exp(-0.5*((x[:, None] - x)**2 + (y[:, None] - y)**2))";
    let kernel = new(text, &["x", "y"], "pair_kernel", "Gaussian of pair distances, f32");
    let text = format!("min({squares}, axis=1)");
    let nearest = new(&text, points, "nearest", "least squared distance of each, f32");
    vec![all, calling(kernel), Workload { shape: vec![M], ..nearest }]
}

fn losses() -> Vec<Workload> {
    let mut list = Vec::new();
    for (dtype, loss, gradient, haversine) in [
        (F64, "logistic_loss_f64", "logistic_gradient_f64", "haversine_f64"),
        (F32, "logistic_loss_f32", "logistic_gradient_f32", "haversine_f32"),
    ] {
        let new = |n, text: &str, names: &[&'static str], peer, title: &str, ranges: &[Range]| {
            let mut one = line("losses", text, (n, dtype, (0.0, 1.0)), names, (dtype, peer));
            for (input, range) in one.inputs.iter_mut().zip(ranges) {
                input.range = *range;
            }
            calling(titled(&format!("{title}, {dtype}"), one))
        };
        let (n, ranges) = (4_000_000, [(-4.0, 4.0)]);
        let text = "mean(maximum(z, 0) - z*y + log1p(exp(-abs(z))))";
        let all = new(n, text, &["z", "y"], loss, "logistic loss", &ranges);
        let tolerance = if dtype == F32 { 1e-2 } else { 1e-9 };
        list.push(Workload { shape: Vec::new(), tolerance, ..all });
        let (text, title) = ("1 / (1 + exp(-z)) - y", "`1 / (1 + exp(-z)) - y`");
        list.push(new(n, text, &["z", "y"], gradient, title, &ranges));
        let ranges = [(-1.5, 1.5), (-1.5, 1.5), (-3.0, 3.0), (-3.0, 3.0)];
        let text = "12742*arcsin(sqrt(sin((q - p)/2)**2 + cos(p)*cos(q)*sin((m - l)/2)**2))";
        let all = new(n / 2, text, &["p", "q", "l", "m"], haversine, "haversine", &ranges);
        let tolerance = if dtype == F32 { 1e-2 } else { 1e-7 };
        list.push(Workload { tolerance, ..all });
    }
    list
}

fn polynomials() -> Vec<Workload> {
    let five = "((((0.2*x + 0.3)*x - 0.7)*x + 1.1)*x - 0.4)*x + 0.9";
    let cubics = "(1 + x*(0.5 + x*(0.1 + x*0.008))) / (1 - x*(0.5 - x*(0.1 - x*0.008)))";
    let new = |text: &str, n, peer, title| {
        titled(title, line("polynomials", text, (n, F32, (0.0, 1.0)), &["x"], (F32, peer)))
    };
    let mut list = Vec::new();
    for n in [10_000, 10_000_000] {
        list.push(new(five, n, "degree_5", "degree 5, f32"));
        list.push(new(cubics, n, "quotient_of_cubics", "quotient of cubics, f32"));
    }
    let horner = crate::workloads::horner();
    list.push(new(&horner, 10_000, "degree_20", "degree 20, f32"));
    list
}

fn integers() -> Vec<Workload> {
    let new = |text: &str, dtype, range, peer, title: &str| {
        let shape = (4_000_000, dtype, range);
        titled(title, line("integers", text, shape, &["x"], (dtype, peer)))
    };
    let hash = "y = (x ^ (x >> 16)) * 0x85ebca6b\nz = (y ^ (y >> 13)) * 0xc2b2ae35\nz ^ (z >> 16)";
    let shift = "y = x ^ (x << 13)\nz = y ^ (y >> 7)\nz ^ (z << 17)";
    let (whole, words) = ((-2147483648.0, 2147483648.0), (0.0, 4294967296.0));
    let two = |text: &str, peer, title: &str| {
        let mut one = new(text, I32, whole, peer, title);
        one.inputs.push(Input { range: (1.0, 1_000.0), ..Input::unit("m", I32, 4_000_000) });
        one
    };
    vec![
        new(hash, U32, words, "murmur", "Murmur's finisher, u32"),
        new(shift, U64, (0.0, 9e15), "xorshift", "xorshift, u64"),
        new("x % 1000", I32, whole, "bucket_i32", "`x % 1000`, i32"),
        new("x % 1000", I64, (-1e15, 1e15), "bucket_i64", "`x % 1000`, i64"),
        new("x % 1000", U32, words, "bucket_u32", "`x % 1000`, u32"),
        two("x % m", "modulus", "`x % m`, i32"),
        two("x // m", "quotient", "`x // m`, i32"),
    ]
}

fn rows() -> Vec<Workload> {
    let new = |text: &str, (n, m): (usize, usize), dtype, peer, title| {
        let inputs =
            vec![Input { shape: vec![n, m], range: (-1.0, 1.0), ..Input::unit("x", dtype, n) }];
        let one = line("rows", text, (n, dtype, (-1.0, 1.0)), &[], (dtype, peer));
        titled(title, Workload { inputs, shape: vec![n, m], extent: m, ..one })
    };
    let softmax = "e = exp(x - max(x, axis=1, keepdims=True))\ne / sum(e, axis=1, keepdims=True)";
    let norm = "(x - mean(x, axis=1, keepdims=True)) / sqrt(var(x, axis=1, keepdims=True) + 1e-5)";
    let unit = "x / sqrt(sum(x*x, axis=1, keepdims=True))";
    let columns = "(x - mean(x, axis=0)) / std(x, axis=0)";
    let columns =
        new(columns, (1_000_000, 8), F64, "standard_columns", "standardised columns, f64 (1e6, 8)");
    vec![
        calling(new(softmax, (4_000, 1_000), F32, "softmax", "softmax, f32 (4000, 1000)")),
        new(norm, (8_192, 768), F32, "layer_norm", "layer norm, f32 (8192, 768)"),
        new(unit, (4_000, 1_000), F32, "unit_rows", "rows of unit length, f32 (4000, 1000)"),
        Workload { parallel: false, tolerance: 1e-8, ..columns },
    ]
}

fn maps() -> Vec<Workload> {
    let mut text = String::new();
    let (mut a, mut b) = ("x".to_string(), "y".to_string());
    for k in 0..9 {
        text += &format!("a{k} = {a}*{a} - {b}*{b} + x\nb{k} = 2*{a}*{b} + y\n");
        (a, b) = (format!("a{k}"), format!("b{k}"));
    }
    text += &format!("{a}*{a} + {b}*{b}");
    let squares = |dtype, peer| {
        let shape = (1_000_000, dtype, (-0.5, 0.2));
        let title = format!("`z*z + c`, ten steps, {dtype}");
        titled(&title, line("maps", &text, shape, &["x", "y"], (dtype, peer)))
    };
    let steps = (1..10).map(|k| format!("s{k} = 3.7*s{}*(1 - s{})\n", k - 1, k - 1));
    let logistic = format!("s0 = 3.7*x*(1 - x)\n{}s9", steps.collect::<String>());
    let shape = (1_000_000, F64, (0.0, 1.0));
    let logistic = line("maps", &logistic, shape, &["x"], (F64, "logistic_map"));
    let tolerance = 1e-4;
    vec![
        Workload { tolerance: 1e-9, ..squares(F64, "ten_steps_f64") },
        Workload { tolerance: 1e-3, ..squares(F32, "ten_steps_f32") },
        Workload { tolerance, ..titled("logistic map, ten steps, f64", logistic) },
    ]
}
