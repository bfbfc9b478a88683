//! The programs and their arrays.

use hotloop::{DType, Mode};

use crate::arrays::{Buffer, Layout};
use crate::floor::Work;

pub struct Input {
    pub name: &'static str,
    pub dtype: DType,
    layout: Layout,
    range: (f64, f64),
}

/// A program and all that is known of it.
pub struct Workload {
    pub id: &'static str,
    /// What it is called, if not by its text.
    pub title: Option<&'static str>,
    /// The program.
    pub text: String,
    pub mode: Mode,
    /// Elements; the square of the arrays' side if there are two axes.
    pub n: usize,
    axes: usize,
    pub inputs: Vec<Input>,
    outputs: usize,
    reduced: Option<Reduced>,
    /// Of the outputs.
    dtype: DType,
    /// The loop in C.
    pub peer: &'static str,
    /// Whether it calls the C library, which has vector variants for `-ffast-math` only.
    pub calls: bool,
    /// Whether it can be divided among threads.
    pub parallel: bool,
    /// Fused multiply-adds for each element.
    fused: usize,
    /// How far apart the two results may be, relative to 1 or to the larger value.
    pub tolerance: f64,
}

/// What a reduction leaves.
#[derive(Clone, Copy, PartialEq)]
enum Reduced {
    /// A number.
    All,
    /// A number for each row.
    Rows,
}

fn unit(name: &'static str) -> Input {
    Input { name, dtype: DType::F64, layout: Layout::C, range: (0.0, 1.0) }
}

pub const AXPBY: &str = "2*a + 3*b";
pub const SQUARES: &str = "sin(a)**2 + cos(b)**2";

/// What hotloop has no program for.
const NOT_YET: &str = "";

/// 20 multiplications and 20 additions by Horner's rule.
pub fn horner() -> String {
    (1..=20).fold("1.0".to_string(), |inner, k| format!("({inner})*x + {}", f64::from(k) / 32.0))
}

pub const BLACK_SCHOLES: &str = "\
def N(x) = 0.5 * (1 + erf(x * sqrt(0.5)))
root = 0.2 * sqrt(T)
d1 = (log(S / K) + 0.05 * T) / root
ke = K * exp(-0.03 * T)
call = S * N(d1) - ke * N(d1 - root)
call, call - S + ke";

impl Workload {
    fn new(
        id: &'static str,
        text: &str,
        n: usize,
        names: &[&'static str],
        peer: &'static str,
    ) -> Self {
        Workload {
            id,
            title: None,
            text: text.to_string(),
            mode: Mode::Strict,
            n,
            axes: 1,
            inputs: names.iter().map(|name| unit(name)).collect(),
            outputs: 1,
            reduced: None,
            dtype: DType::F64,
            peer,
            calls: false,
            parallel: true,
            fused: 0,
            tolerance: 1e-12,
        }
    }

    /// A program of two arrays that has no loop in C.
    pub fn line(text: &str, n: usize) -> Workload {
        Workload::new("", text, n, &["a", "b"], "")
    }

    pub fn all() -> Vec<Workload> {
        const N: usize = 10_000_000;
        let new = Workload::new;
        let mut list = vec![
            Workload { calls: true, ..new("W1", SQUARES, N, &["a", "b"], "sincos_squares") },
            new("W2", AXPBY, N, &["a", "b"], "axpby"),
        ];
        for n in [1_000, 10_000, 100_000, 1_000_000] {
            list.push(new("W3", AXPBY, n, &["a", "b"], "axpby"));
        }
        for n in [N, 10_000] {
            list.push(new("W4", "((.25*x + .75)*x - 1.5)*x - 2", n, &["x"], "cubic"));
        }
        list.extend([Self::black_scholes(DType::F64), Self::black_scholes(DType::F32)]);
        for (text, peer) in [("sum(a*b)", "dot"), ("sum((a-b)**2)", "squared_distance")] {
            let (reduced, tolerance) = (Some(Reduced::All), 1e-9);
            list.push(Workload { reduced, tolerance, ..new("W6", text, N, &["a", "b"], peer) });
        }
        list.push(new("W7", "where((a>0.5)&(b<0.3), a*2, b+1)", N, &["a", "b"], "choose"));
        list.push(Workload {
            inputs: vec![
                Input { dtype: DType::I32, range: (0.0, 1000.0), ..unit("i") },
                Input { dtype: DType::F32, ..unit("f") },
                Input { layout: Layout::Second, ..unit("a") },
            ],
            ..new("W8", "i*f + a", N / 2, &[], "mixed")
        });
        let text = "exp(-a*b) + log1p(a) + a**b";
        list.push(Workload { calls: true, ..new("W9", text, N, &["a", "b"], "exponentials") });
        list.push(Workload {
            reduced: Some(Reduced::Rows),
            ..Self::square("sum(c*2 + f, axis=1)", "row_sums")
        });
        list.push(Workload {
            calls: true,
            ..Self::square("sin(c)**2 + cos(f)**2", "sincos_squares_blocked")
        });
        list.push(Workload {
            title: Some("rolling mean of 20"),
            ..new("W11", NOT_YET, N, &["x"], "rolling_mean")
        });
        list.push(Workload {
            title: Some("exponential moving average"),
            parallel: false,
            ..new("W12", NOT_YET, N, &["x"], "moving_average")
        });
        for n in [10_000, N] {
            list.push(Workload {
                title: Some("Horner, 40 operations, `contract`"),
                mode: Mode::Contract,
                fused: 20,
                ..new("W13", &horner(), n, &["x"], "horner")
            });
        }
        list.push(new("W15", "(a-b)/(a+b)*c", 64, &["a", "b", "c"], "ratio"));
        list
    }

    /// A call and a put price from three arrays.
    fn black_scholes(dtype: DType) -> Workload {
        let input = |name, range| Input { dtype, range, ..unit(name) };
        let (peer, tolerance) = match dtype {
            DType::F32 => ("black_scholes_f32", 1e-3),
            _ => ("black_scholes_f64", 1e-11),
        };
        Workload {
            inputs: vec![
                input("S", (50.0, 150.0)),
                input("K", (50.0, 150.0)),
                input("T", (0.1, 2.0)),
            ],
            outputs: 2,
            dtype,
            calls: true,
            tolerance,
            title: Some(match dtype {
                DType::F32 => "Black-Scholes, f32",
                _ => "Black-Scholes, f64",
            }),
            ..Workload::new("W5", BLACK_SCHOLES, 4_000_000, &[], peer)
        }
    }

    /// Two axes, one array in C order and one in Fortran order.
    fn square(text: &str, peer: &'static str) -> Workload {
        let inputs = vec![unit("c"), Input { layout: Layout::Fortran, ..unit("f") }];
        Workload { axes: 2, inputs, ..Workload::new("W10", text, 16_000_000, &[], peer) }
    }

    pub fn side(&self) -> usize {
        if self.axes == 2 { self.n.isqrt() } else { self.n }
    }

    fn shape(&self) -> Vec<usize> {
        vec![self.side(); self.axes]
    }

    pub fn buffers(&self) -> Vec<Buffer> {
        let draw = |(i, input): (usize, &Input)| {
            Buffer::drawn(input.dtype, &self.shape(), input.layout, 1 + i as u64, input.range)
        };
        self.inputs.iter().enumerate().map(draw).collect()
    }

    pub fn targets(&self) -> Vec<Buffer> {
        let shape = match self.reduced {
            None => self.shape(),
            Some(Reduced::Rows) => vec![self.side()],
            Some(Reduced::All) => Vec::new(),
        };
        (0..self.outputs).map(|_| Buffer::zeroed(self.dtype, &shape, Layout::C)).collect()
    }

    /// What it cannot do without.
    pub fn work(&self) -> Work {
        let read: usize = self
            .inputs
            .iter()
            .map(|i| i.dtype.size() * if i.layout == Layout::Second { 2 } else { 1 })
            .sum();
        let written = if self.reduced.is_some() { 0 } else { self.outputs * self.dtype.size() };
        Work { bytes: self.n * (read + written), writes: written > 0, fused: self.n * self.fused }
    }
}
