//! The programs and their arrays: those of the first table, and [others](super::kinds) by group.

use hotloop::threads::Isa;
use hotloop::{DType, Mode};

use crate::arrays::{Buffer, Layout};
use crate::floor::Work;

#[derive(Clone)]
pub struct Input {
    pub name: &'static str,
    pub dtype: DType,
    pub shape: Vec<usize>,
    pub layout: Layout,
    pub range: (f64, f64),
}

impl Input {
    /// Numbers from 0 to 1 in one axis.
    pub fn unit(name: &'static str, dtype: DType, n: usize) -> Input {
        Input { name, dtype, shape: vec![n], layout: Layout::C, range: (0.0, 1.0) }
    }
}

/// A program and all that is known of it.
#[derive(Clone)]
pub struct Workload {
    /// The name of its rows, or of its group.
    pub id: &'static str,
    /// A description in place of the text.
    pub title: Option<String>,
    /// The program.
    pub text: String,
    pub mode: Mode,
    pub inputs: Vec<Input>,
    /// The dtypes of the outputs, and their shape.
    pub outputs: Vec<DType>,
    pub shape: Vec<usize>,
    /// The loop in C.
    pub peer: &'static str,
    /// Its range: elements, or rows.
    pub range: usize,
    /// The extent that it is given.
    pub extent: usize,
    /// Whether it calls the C library, which has vector variants for `-ffast-math` only.
    pub calls: bool,
    /// Whether it can be divided among threads.
    pub parallel: bool,
    /// Fused multiply-adds for each element.
    pub fused: usize,
    /// The allowed difference of the results, relative to 1 or to the larger value.
    pub tolerance: f64,
}

pub const AXPBY: &str = "2*a + 3*b";
pub const SQUARES: &str = "sin(a)**2 + cos(b)**2";

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
    /// A program of arrays of numbers from 0 to 1, elementwise in `f64`.
    pub fn new(
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
            inputs: names.iter().map(|name| Input::unit(name, DType::F64, n)).collect(),
            outputs: vec![DType::F64],
            shape: vec![n],
            peer,
            range: n,
            extent: n,
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

    /// The same over another number of elements; of one axis only.
    pub fn resized(&self, n: usize) -> Workload {
        let mut other = self.clone();
        other.inputs.iter_mut().for_each(|input| input.shape = vec![n]);
        (other.shape, other.range, other.extent) = (vec![n], n, n);
        other
    }

    /// The same at a size that an instruction set is up to: without fused multiply-adds, math
    /// functions take a hundred times as long.
    pub fn for_isa(&self, isa: Isa) -> Workload {
        let slow = isa < Isa::Avx2 && (self.calls || self.mode != Mode::Strict);
        let one_axis = self.inputs.iter().all(|input| input.shape.len() == 1);
        if slow && one_axis && self.shape == [self.range] && self.range >= 1_000_000 {
            return self.resized(self.range / 100);
        }
        self.clone()
    }

    pub fn all() -> Vec<Workload> {
        let mut list = Self::first();
        list.extend(crate::kinds::all());
        list
    }

    fn first() -> Vec<Workload> {
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
            let (shape, tolerance) = (Vec::new(), 1e-9);
            list.push(Workload { shape, tolerance, ..new("W6", text, N, &["a", "b"], peer) });
        }
        list.push(new("W7", "where((a>0.5)&(b<0.3), a*2, b+1)", N, &["a", "b"], "choose"));
        list.push(Workload {
            inputs: vec![
                Input { range: (0.0, 1000.0), ..Input::unit("i", DType::I32, N / 2) },
                Input::unit("f", DType::F32, N / 2),
                Input { layout: Layout::Second, ..Input::unit("a", DType::F64, N / 2) },
            ],
            ..new("W8", "i*f + a", N / 2, &[], "mixed")
        });
        let text = "exp(-a*b) + log1p(a) + a**b";
        list.push(Workload { calls: true, ..new("W9", text, N, &["a", "b"], "exponentials") });
        list.push(Workload {
            shape: vec![SIDE],
            ..Self::square("sum(c*2 + f, axis=1)", "row_sums")
        });
        list.push(Workload {
            calls: true,
            ..Self::square("sin(c)**2 + cos(f)**2", "sincos_squares_blocked")
        });
        list.push(new("W11", "rolling_mean(x, 20)", N, &["x"], "rolling_mean"));
        list.push(Workload {
            parallel: false,
            ..new("W12", "ewm_mean(x, alpha=.1)", N, &["x"], "moving_average")
        });
        for n in [10_000, N] {
            list.push(Workload {
                title: Some("Horner, 40 operations, `contract`".to_string()),
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
        const N: usize = 4_000_000;
        let input = |name, range| Input { range, ..Input::unit(name, dtype, N) };
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
            outputs: vec![dtype; 2],
            calls: true,
            tolerance,
            title: Some(format!("Black-Scholes, {dtype}")),
            ..Workload::new("W5", BLACK_SCHOLES, N, &[], peer)
        }
    }

    /// Two axes, one array in C order and one in Fortran order.
    fn square(text: &str, peer: &'static str) -> Workload {
        let array = |name, layout| Input {
            shape: vec![SIDE; 2],
            layout,
            ..Input::unit(name, DType::F64, SIDE)
        };
        Workload {
            inputs: vec![array("c", Layout::C), array("f", Layout::Fortran)],
            shape: vec![SIDE; 2],
            ..Workload::new("W10", text, SIDE, &[], peer)
        }
    }

    /// Its title, or its text.
    pub fn name(&self) -> String {
        self.title.clone().unwrap_or_else(|| format!("`{}`", self.text))
    }

    /// The number of elements of its loop.
    pub fn n(&self) -> usize {
        let count = |shape: &[usize]| shape.iter().product::<usize>();
        self.inputs.iter().map(|i| count(&i.shape)).fold(count(&self.shape), usize::max)
    }

    pub fn buffers(&self) -> Vec<Buffer> {
        let draw = |(i, input): (usize, &Input)| {
            Buffer::drawn(input.dtype, &input.shape, input.layout, 1 + i as u64, input.range)
        };
        self.inputs.iter().enumerate().map(draw).collect()
    }

    pub fn targets(&self) -> Vec<Buffer> {
        self.outputs.iter().map(|dtype| Buffer::zeroed(*dtype, &self.shape, Layout::C)).collect()
    }

    /// What it cannot do without.
    pub fn work(&self) -> Work {
        let bytes = |input: &Input| {
            let apart = if input.layout == Layout::Second { 2 } else { 1 };
            input.shape.iter().product::<usize>() * input.dtype.size() * apart
        };
        let read: usize = self.inputs.iter().map(bytes).sum();
        let each: usize = self.outputs.iter().map(|dtype| dtype.size()).sum();
        let written = self.shape.iter().product::<usize>() * each;
        Work {
            bytes: read + written,
            // A number for each row counts for nothing.
            writes: written * 100 > read,
            fused: self.range * self.fused,
        }
    }
}

/// The side of the arrays of two axes.
const SIDE: usize = 4_000;
