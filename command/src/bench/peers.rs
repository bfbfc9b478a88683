//! Other implementations of the same program.

use hotloop::{DType, Error, ErrorKind, Output};

use super::Bench;
use super::c_peer::CPeer;
use super::c_text::Job;
use super::drawn::Drawn;
use super::ndarray_peer::{NdarrayPeer, Real};
use super::race::Contender;

/// Another implementation: its name and description.
pub(super) struct Peer<'a> {
    pub name: &'static str,
    pub run: Run<'a>,
}

/// A description and a contender, or the reason why there is none.
pub(super) type Run<'a> = Result<(String, Contender<'a>), String>;

impl Bench {
    /// The plain loop in C, if it computes the same.
    pub(super) fn c(&self, job: &Job<'_>, sums: &[f64]) -> Peer<'static> {
        let run = CPeer::start(job).and_then(|mut peer| {
            let close = |(x, y): (&f64, &f64)| {
                x == y || x.is_nan() && y.is_nan() || (x - y).abs() <= 1e-3 * x.abs() + 1e-3
            };
            if !sums.iter().zip(&peer.sums).all(close) {
                return Err("the loop in C computes something else".to_string());
            }
            let plural = if peer.threads == 1 { "" } else { "s" };
            let what = format!("plain loop, {} thread{plural}", peer.threads);
            Ok((what, Contender::measured(move |calls| peer.time(calls))))
        });
        Peer { name: "c", run }
    }

    /// `ndarray`, in the dtype of all arrays.
    pub(super) fn ndarray<'a>(&'a self, arrays: &'a [Drawn]) -> Peer<'a> {
        let run = match arrays.first().map(|a| a.dtype) {
            Some(DType::F64) => self.evaluated::<f64>(arrays),
            Some(DType::F32) => self.evaluated::<f32>(arrays),
            _ => Err("not all arrays are of one float dtype".to_string()),
        };
        Peer { name: "ndarray", run }
    }

    fn evaluated<'a, T: Real>(&'a self, arrays: &'a [Drawn]) -> Run<'a> {
        let peer = NdarrayPeer::<T>::new(&self.expression, arrays, &self.numbers)
            .map_err(|what| format!("{what} is not written with ndarray here"))?;
        let run = move || peer.evaluate().map_err(|what| Error::new(ErrorKind::Internal, what));
        Ok(("operation by operation, one thread".to_string(), Contender::new(run)))
    }
}

/// The sum of an output's elements.
pub(super) fn sum(output: &Output) -> f64 {
    macro_rules! sum {
        ($($dtype:ident $t:ident)*) => {
            match output.dtype() {
                DType::Bool => output.bytes().iter().map(|x| f64::from(*x)).sum(),
                $(DType::$dtype => {
                    let bytes = output.bytes();
                    let elements = bytes.as_chunks().0.iter();
                    elements.map(|bytes| $t::from_ne_bytes(*bytes) as f64).sum()
                })*
                _ => f64::NAN,
            }
        };
    }
    sum!(I8 i8 I16 i16 I32 i32 I64 i64 U8 u8 U16 u16 U32 u32 U64 u64 F32 f32 F64 f64)
}
