//! Exponentially weighted functions, made of means and the odds of their rows.
//!
//! With k_i the weight that the mean before keeps in row i, a_i that of the row, and d the distance of
//! its element from the mean before, the biased variance and the sum of squared weights, as 1 minus it,
//! are
//!
//! ```text
//! V_i = k_i V_(i-1) + k_i a_i d^2        the mean of k d^2
//! R_i = k_i^2 R_(i-1) + 2 k_i a_i        the mean of 2k / (1 + k) with the weights k^2
//! ```
//!
//! from 0, so that no term is negative and nothing cancels. The variance without bias is V / R. (West,
//! "Updating mean and variance estimates", 1979, has the first for any weights.)
//!
//! Weights that are not adjusted leave the 0 of the first row the weight `K_i = k_1 .. k_i`, which is
//! near 1 as long as alpha i is small: both would be small distances from a mean. So they are made of
//! M and S, the means of the later rows alone, in which the mean before keeps
//! `k_i (1 - K_(i-1)) / (1 - K_i)`, or the same of the squares: `V = M (1 - K)`, `R = S (1 - K^2)`, and
//! `V / R = M / (S (1 + K))`. The logarithm of K is minus the running sum of `log(1 + odds)`.

use hotloop_runtime::dtype::DType;
use hotloop_runtime::scan::Attributes;

use super::{Builder, NodeId, Op, type_error};
use crate::error::Error;

type Result<T> = std::result::Result<T, Error>;

/// The weights of the rows of a call.
#[derive(Clone, Copy)]
struct Decay {
    alpha: f64,
    adjust: bool,
    attributes: Attributes,
    axis: i64,
}

/// The rows after the first with an element, if weights are not adjusted.
struct Later {
    /// The weights that the means of these rows alone keep of the means before: those of their
    /// weights, and of the squares.
    kept: [NodeId; 2],
    /// Their weight, 1 - K.
    weight: NodeId,
    /// 1 + K, with K the weight of the first row.
    one_and_first: NodeId,
}

impl Builder {
    /// A function of operands: one array or two, then alpha, span, halflife and com, one of which is
    /// given, adjust, ignore_na, min_periods and, if it has one, bias.
    pub(super) fn exponential(
        &mut self,
        op: Op,
        x: NodeId,
        operands: &[NodeId],
        axis: i64,
    ) -> Result<NodeId> {
        let constants = &operands[op.arrays()..];
        let alpha = self.alpha(op, &constants[..4])?;
        let adjust = self.flag(op, "adjust", constants[4])?;
        // Without memory, missing rows have nothing to weaken.
        let ignore_missing = self.flag(op, "ignore_na", constants[5])? || alpha == 1.0;
        let least = self.whole(op, "min_periods", constants[6], 0..=i64::from(u32::MAX))?;
        let bias = match constants.get(7) {
            Some(bias) => self.flag(op, "bias", *bias)?,
            None => false,
        };
        let bits = alpha.to_bits();
        let halves = [bits as u32, (bits >> 32) as u32];
        let attributes = Attributes::Decay { alpha: halves, ignore_missing, adjust };
        let decay = Decay { alpha, adjust, attributes, axis };
        let (sides, narrowest) = if op.arrays() == 2 {
            let (pair, narrowest) = self.wide_pair([x, operands[1]])?;
            (self.whole_pairs(pair)?.to_vec(), narrowest)
        } else {
            (vec![self.convert(x, DType::F64)], self.graph.dtype(x))
        };
        let mut result = match op {
            Op::EwmMean if adjust && alpha < 1.0 => {
                let odds = self.scan(Op::EwmOdds, sides[0], attributes, axis)?;
                let weights = self.kept_weight(odds)?;
                self.decayed(decay, sides[0], weights)?
            }
            Op::EwmMean => self.decayed(decay, sides[0], sides[0])?,
            _ => self.spread_of(op, decay, &sides, bias)?,
        };
        if least > 1 {
            let present = self.apply_own(Op::Eq, &[sides[0], sides[0]])?;
            let count = self.along_own(Op::Cumsum, &[present], axis)?;
            let least = self.weak_int(least);
            let enough = self.apply_own(Op::Le, &[least, count])?;
            let nan = self.literal_like(result, f64::NAN);
            result = self.apply_own(Op::Select, &[enough, result, nan])?;
        }
        Ok(self.narrow(result, narrowest))
    }

    /// The mean of elements, given the weights of the means before if they are adjusted.
    fn decayed(&mut self, decay: Decay, x: NodeId, weights: NodeId) -> Result<NodeId> {
        let Decay { alpha, adjust, attributes, axis } = decay;
        match adjust {
            _ if alpha == 1.0 => self.scan(Op::Ffill, x, Attributes::None, axis),
            true => self.pairs(Op::EwmBlend, [x, weights], Attributes::None, axis),
            false => self.scan(Op::EwmMean, x, attributes, axis),
        }
    }

    /// The weights that means before keep, 1 / (1 + odds).
    fn kept_weight(&mut self, odds: NodeId) -> Result<NodeId> {
        let one = self.literal_like(odds, 1.0);
        let more = self.apply_own(Op::Add, &[one, odds])?;
        self.apply_own(Op::Div, &[one, more])
    }

    /// A variance, a standard deviation, a covariance or a correlation.
    fn spread_of(&mut self, op: Op, decay: Decay, sides: &[NodeId], bias: bool) -> Result<NodeId> {
        let Decay { attributes, axis, adjust, .. } = decay;
        let odds = self.scan(Op::EwmOdds, sides[0], attributes, axis)?;
        let weights = self.kept_weight(odds)?;
        let one = self.weak_int(1);
        let mut distances = Vec::with_capacity(2);
        for x in sides {
            let mean = self.decayed(decay, *x, weights)?;
            let before = self.before(op, mean, one, axis)?;
            distances.push(self.apply_own(Op::Sub, &[*x, before])?);
        }
        let (dx, dy) = (distances[0], distances[distances.len() - 1]);
        let square = self.apply_own(Op::Mul, &[weights, weights])?;
        let later = if adjust { None } else { Some(self.later(weights, odds, axis)?) };
        let [kept, kept_square] = later.as_ref().map_or([weights, square], |later| later.kept);
        let both = self.products(decay, [weights, kept], [dx, dy])?;
        if op == Op::EwmCorr {
            let [x, y] = [dx, dy].map(|d| self.products(decay, [weights, kept], [d, d]));
            let (x, y) = (x?, y?);
            let zero = self.literal_like(x, 0.0);
            let some = [x, y].map(|side| self.apply_own(Op::Lt, &[zero, side]));
            let [root_x, root_y] = [x, y].map(|side| self.apply_own(Op::Sqrt, &[side]));
            let ratio = self.apply_own(Op::Div, &[both, root_x?])?;
            let corr = self.apply_own(Op::Div, &[ratio, root_y?])?;
            let [least, most, nan] =
                [-1.0, 1.0, f64::NAN].map(|value| self.literal_like(corr, value));
            let corr = self.apply_own(Op::Minimum, &[corr, most])?;
            let corr = self.apply_own(Op::Maximum, &[corr, least])?;
            let [some_x, some_y] = some;
            let some = self.apply_own(Op::BitAnd, &[some_x?, some_y?])?;
            return self.apply_own(Op::Select, &[some, corr, nan]);
        }
        let mut result = both;
        if !bias {
            // The weights of rows with an element, of which missing ones have none.
            let twice = self.apply_own(Op::Add, &[weights, weights])?;
            let one = self.literal_like(weights, 1.0);
            let more = self.apply_own(Op::Add, &[weights, one])?;
            let share = self.apply_own(Op::Div, &[twice, more])?;
            let share = self.where_present(sides[0], share)?;
            let rest = self.pairs(Op::EwmBlend, [share, kept_square], Attributes::None, axis)?;
            let rest = match &later {
                Some(later) => self.apply_own(Op::Mul, &[rest, later.one_and_first])?,
                None => rest,
            };
            result = self.apply_own(Op::Div, &[both, rest])?;
        } else if let Some(later) = later {
            result = self.apply_own(Op::Mul, &[both, later.weight])?;
        }
        if op == Op::EwmStd { self.apply_own(Op::Sqrt, &[result]) } else { Ok(result) }
    }

    /// The rows after the first with an element, given the weights that means before keep.
    fn later(&mut self, weights: NodeId, odds: NodeId, axis: i64) -> Result<Later> {
        let [zero, two, infinity] =
            [0.0, 2.0, f64::INFINITY].map(|value| self.literal_like(odds, value));
        let not_first = self.apply_own(Op::Lt, &[odds, infinity])?;
        let logarithm = self.apply_own(Op::Log1p, &[odds])?;
        let logarithm = self.apply_own(Op::Select, &[not_first, logarithm, zero])?;
        let sum = self.along_own(Op::Cumsum, &[logarithm], axis)?;
        let sum_before = self.apply_own(Op::Sub, &[sum, logarithm])?;
        // 1 minus K and 1 plus K, in this row and in the one before.
        let mut weight = [sum, sum_before];
        let mut one_and_first = weight;
        for (weight, one_and_first) in weight.iter_mut().zip(&mut one_and_first) {
            let minus = self.apply_own(Op::Neg, &[*weight])?;
            let first = self.apply_own(Op::Expm1, &[minus])?;
            *weight = self.apply_own(Op::Neg, &[first])?;
            *one_and_first = self.apply_own(Op::Add, &[two, first])?;
        }
        let some = self.apply_own(Op::Lt, &[zero, weight[0]])?;
        let ratio = self.apply_own(Op::Div, &[weight[1], weight[0]])?;
        let kept = self.apply_own(Op::Mul, &[weights, ratio])?;
        let ratio = self.apply_own(Op::Div, &[one_and_first[1], one_and_first[0]])?;
        let ratio = self.apply_own(Op::Mul, &[weights, ratio])?;
        let mut both = [kept, self.apply_own(Op::Mul, &[kept, ratio])?];
        for kept in &mut both {
            *kept = self.apply_own(Op::Select, &[some, *kept, zero])?;
        }
        Ok(Later { kept: both, weight: weight[0], one_and_first: one_and_first[0] })
    }

    /// A mean of weighted products of distances from the means before, given the weights that those
    /// keep and the weights that this mean keeps; NaN from the first infinite one on. It is the biased
    /// variance or covariance, or that over the weight of the later rows.
    fn products(
        &mut self,
        decay: Decay,
        [weights, kept]: [NodeId; 2],
        [dx, dy]: [NodeId; 2],
    ) -> Result<NodeId> {
        let product = self.apply_own(Op::Mul, &[dx, dy])?;
        let product = self.apply_own(Op::Mul, &[weights, product])?;
        let zero = self.literal_like(product, 0.0);
        let first = self.apply_own(Op::Eq, &[weights, zero])?;
        let product = self.apply_own(Op::Select, &[first, zero, product])?;
        let mean = match decay.alpha {
            1.0 => self.scan(Op::Ffill, product, Attributes::None, decay.axis)?,
            _ => self.pairs(Op::EwmBlend, [product, kept], Attributes::None, decay.axis)?,
        };
        let [infinite, nan] = [f64::INFINITY, f64::NAN].map(|value| self.literal_like(mean, value));
        let magnitude = self.apply_own(Op::Abs, &[mean])?;
        let infinite = self.apply_own(Op::Eq, &[magnitude, infinite])?;
        self.apply_own(Op::Select, &[infinite, nan, mean])
    }

    /// Pairs of which both sides are missing if one is.
    fn whole_pairs(&mut self, [x, y]: [NodeId; 2]) -> Result<[NodeId; 2]> {
        Ok([self.where_present(y, x)?, self.where_present(x, y)?])
    }

    /// `x` where another array is not NaN, and NaN.
    fn where_present(&mut self, other: NodeId, x: NodeId) -> Result<NodeId> {
        let present = self.apply_own(Op::Eq, &[other, other])?;
        let nan = self.literal_like(x, f64::NAN);
        self.apply_own(Op::Select, &[present, x, nan])
    }

    /// A constant True or False.
    pub(super) fn flag(&self, op: Op, parameter: &str, x: NodeId) -> Result<bool> {
        match self.graph.constant_f64(x) {
            Some(0.0) => Ok(false),
            Some(1.0) => Ok(true),
            _ => Err(type_error(format!("{op}: `{parameter}` is True or False"))),
        }
    }

    /// The weight of a new element in an exponentially weighted mean.
    fn alpha(&mut self, op: Op, decays: &[NodeId]) -> Result<f64> {
        let hint = "alpha=0.1, span=19, halflife=6.6 or com=9, and only one of them";
        let mut given = decays.iter().zip(["alpha", "span", "halflife", "com"]).filter(|(x, _)| {
            // What is left out.
            !self.is_none(**x)
        });
        let (Some((x, name)), None) = (given.next(), given.next()) else {
            return Err(type_error(format!("{op} takes one decay")).hint(hint));
        };
        let value = self.graph.constant_f64(*x).filter(|_| self.graph.ty(*x).weak);
        let (value, above) = match (name, value) {
            (_, None) => {
                return Err(type_error(format!("{op}: `{name}` is a constant")).hint(hint));
            }
            ("alpha", Some(alpha)) => (alpha, "0 < alpha <= 1"),
            ("span", Some(span)) => {
                (if span >= 1.0 { 2.0 / (span + 1.0) } else { 0.0 }, "span >= 1")
            }
            ("com", Some(com)) => (if com >= 0.0 { 1.0 / (1.0 + com) } else { 0.0 }, "com >= 0"),
            (_, Some(halflife)) => {
                let exponent = self.weak_float(-std::f64::consts::LN_2 / halflife);
                let rest = self.apply_own(Op::Expm1, &[exponent])?;
                let alpha = -self.graph.constant_f64(rest).unwrap_or(0.0);
                (if halflife > 0.0 { alpha } else { 0.0 }, "halflife > 0")
            }
        };
        if !(value > 0.0 && value <= 1.0) {
            return Err(type_error(format!("{op}: {above}")));
        }
        Ok(value)
    }
}
