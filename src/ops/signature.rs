//! Signatures: the options that follow the operands, their order and their names.

use super::{Class, Op, Parameter, Row, is_none};

impl Op {
    /// The options of a function: positional ones in NumPy's order, then keyword-only ones. Some,
    /// like `ddof`, are parameters of the row.
    pub fn options(self) -> [&'static [&'static str]; 2] {
        use Op::*;
        match self {
            Sum | Prod | Nansum | Nanprod => {
                [&["axis", "dtype", "out", "keepdims", "initial", "where"], &[]]
            }
            Min | Max | Nanmin | Nanmax => [&["axis", "out", "keepdims", "initial", "where"], &[]],
            Mean | Nanmean => [&["axis", "dtype", "out", "keepdims"], &["where"]],
            Var | Std | Nanvar | Nanstd => {
                [&["axis", "dtype", "out", "ddof", "keepdims"], &["where"]]
            }
            Any | All => [&["axis", "out", "keepdims"], &["where"]],
            CountNonzero => [&["axis"], &["keepdims", "where"]],
            Argmin | Argmax | Nanargmin | Nanargmax => [&["axis", "out"], &["keepdims"]],
            Ptp | Median => [&["axis", "out", "keepdims"], &[]],
            Quantile => [&["axis", "out"], &["keepdims"]],
            WeightedMean => [&["axis"], &["keepdims"]],
            Cumsum | Cumprod => [&["axis", "dtype", "out"], &[]],
            Cummin | Cummax | Ffill | Cumcount | Since | CountWhile | Demean | Scale => {
                [&["axis"], &[]]
            }
            AnyWithin | AllWithin => [&[], &["axis"]],
            Last => [&["nth"], &["axis"]],
            Zscore => [&["axis", "ddof"], &[]],
            Rank => [&["axis", "pct"], &[]],
            Shift => [&["n", "fill"], &["axis"]],
            Diff | PctChange => [&["n"], &["axis"]],
            RollingVar | RollingStd | RollingCov => [&["min_periods", "ddof"], &["axis"]],
            EwmMean | EwmCorr => [
                &[],
                &["alpha", "span", "halflife", "com", "adjust", "ignore_na", "min_periods", "axis"],
            ],
            EwmVar | EwmStd | EwmCov => [
                &[],
                &[
                    "alpha",
                    "span",
                    "halflife",
                    "com",
                    "adjust",
                    "ignore_na",
                    "min_periods",
                    "bias",
                    "axis",
                ],
            ],
            RollingRank => [&["min_periods"], &["pct", "axis"]],
            _ if self.class() == Class::Along => [&["min_periods"], &["axis"]],
            Dot => [&["axis"], &["keepdims", "out"]],
            Allclose => [&["rtol", "atol", "equal_nan"], &["axis", "keepdims"]],
            ArrayEqual => [&["equal_nan"], &["axis", "keepdims"]],
            OnesLike | ZerosLike | FullLike => [&["dtype"], &[]],
            _ => [&[], &[]],
        }
    }

    /// Whether it has this option: `dtype`, `initial`, `where`, ...
    pub fn takes(self, option: &str) -> bool {
        self.options().into_iter().flatten().any(|own| *own == option)
    }
}

impl Parameter {
    /// Whether a keyword names this parameter.
    pub fn is_called(&self, keyword: &str) -> bool {
        self.name == keyword || self.aliases.contains(&keyword)
    }

    /// The parameter under one of its names, with its default.
    fn shown(&self, name: &str) -> String {
        match self.default {
            Some(value) if is_none(value) => format!("{name}=None"),
            Some(_)
                if matches!(self.name, "equal_nan" | "adjust" | "ignore_na" | "bias" | "pct") =>
            {
                format!("{name}=False")
            }
            Some(value) if value != 0.0 && value.abs() < 1e-3 => format!("{name}={value:e}"),
            Some(value) => format!("{name}={value}"),
            None => name.to_string(),
        }
    }
}

impl Row {
    /// The minimum number of arguments.
    pub fn required(&self) -> usize {
        self.parameters.iter().filter(|p| p.default.is_none()).count()
    }

    /// The row's own copy of one of its names.
    pub fn named(&self, name: &str) -> Option<&'static str> {
        self.names().find(|own| *own == name)
    }

    /// The signature: `clip(x, min=None, max=None, *, a_min=None, a_max=None)`. Parameters after
    /// the star are keyword-only.
    pub fn signature(&self) -> String {
        self.call(self.names().next().unwrap_or(self.name))
    }

    /// The signature under one of its names.
    pub fn call(&self, name: &str) -> String {
        let [placed, named] = self.op.options();
        let option = |option: &&str| match self.parameters.iter().find(|p| p.name == *option) {
            Some(parameter) => parameter.shown(option),
            None => match *option {
                "keepdims" => "keepdims=False".to_string(),
                "where" => "where=True".to_string(),
                "axis" if self.op.class() == Class::Along => "axis=-1".to_string(),
                option => format!("{option}=None"),
            },
        };
        let listed = |p: &&Parameter| placed.contains(&p.name) || named.contains(&p.name);
        let own = self.parameters.iter().filter(|p| !listed(p));
        let mut list: Vec<String> = own.map(|p| p.shown(p.name)).collect();
        list.extend(placed.iter().map(option));
        let optional = self.parameters.iter().filter(|p| p.default.is_some());
        let others = optional.flat_map(|p| p.aliases.iter().map(|a| p.shown(a)));
        let mut by_name = named.iter().map(option).chain(others).peekable();
        if by_name.peek().is_some() {
            list.push("*".to_string());
            list.extend(by_name);
        }
        format!("{name}({})", list.join(", "))
    }
}
