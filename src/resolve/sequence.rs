//! Ordered events: `sequence(c1, c2, ...)`, expanded to functions along an axis.
//!
//! Whether a match ends in a row depends on the latest row in which one can have begun: if any match
//! is short enough, and has not been ended by `unless`, the one with the latest beginning is. With
//! `before(x)` the element of the row before, the latest beginning of a match of the first j conditions
//! up to a row is
//!
//! ```text
//! begin_1 = last(t, c_1)    begin_j = last(before(begin_(j-1)), c_j)
//! ```
//!
//! and a match ends where the last condition holds and `t - before(begin_(n-1)) <= within`.

use hotloop_grammar::{Argument, Span};
use hotloop_runtime::dtype::DType;

use super::arguments::{once, one_axis};
use super::{Callee, Frame, Located, Resolver, Term, TermId, fail};
use crate::error::{Error, ErrorKind};
use crate::ops::{self, Op};

/// The largest number of conditions: each takes a scan and a shift.
const MOST: usize = 16;

/// The axis of a call, and the place that errors point to.
#[derive(Clone, Copy)]
struct Rows {
    axis: i64,
    span: Span,
}

impl Resolver<'_> {
    /// Expands `sequence(c1, c2, ..., within=, t=, strict=, unless=, axis=)`.
    pub(super) fn sequence(
        &mut self,
        name: &str,
        arguments: &[Argument],
        span: Span,
        frame: &Frame,
    ) -> Located<TermId> {
        let (mut within, mut time, mut unless) = (None, None, None);
        let (mut strict, mut axes) = (None, None);
        let mut conditions = Vec::with_capacity(arguments.len());
        for argument in arguments {
            let own = argument.span;
            match argument.keyword.map(|keyword| self.ast.name(keyword.name)) {
                Some("within") => once(&mut within, self.value(argument, frame)?, "within", own)?,
                Some("t") => once(&mut time, self.value(argument, frame)?, "t", own)?,
                Some("unless") => once(&mut unless, self.value(argument, frame)?, "unless", own)?,
                Some("strict") => {
                    once(&mut strict, self.truth(argument, "strict")?, "strict", own)?
                }
                Some("axis") => once(&mut axes, self.axes(argument)?, "axis", own)?,
                Some(keyword) => {
                    return Err((self.unknown_keyword(name, Callee::Sequence, keyword), own));
                }
                None => match self.value(argument, frame)? {
                    Some(condition) => conditions.push(condition),
                    None => return fail(ErrorKind::Type, own, format!("'{name}' takes no None")),
                },
            }
        }
        if conditions.len() < 2 {
            return Err((self.arity_error(name, Callee::Sequence, arguments.len()), span));
        }
        if conditions.len() > MOST {
            let message = format!("'{name}' takes at most {MOST} conditions");
            return Err((Error::new(ErrorKind::Limit, message), span));
        }
        let rows = Rows { axis: one_axis(name, axes.as_ref(), span)?, span };
        let (within, time, unless) = (within.flatten(), time.flatten(), unless.flatten());
        self.matches(rows, conditions, (within, time), (strict == Some(true), unless))
    }

    /// The rows in which matches end.
    fn matches(
        &mut self,
        rows: Rows,
        mut conditions: Vec<TermId>,
        (within, time): (Option<TermId>, Option<TermId>),
        (strict, unless): (bool, Option<TermId>),
    ) -> Located<TermId> {
        let span = rows.span;
        for condition in &mut conditions {
            *condition = self.holds(*condition, span)?;
        }
        let unless = unless.map(|condition| self.holds(condition, span)).transpose()?;
        // A row without a time begins nothing.
        if let Some(time) = time {
            let is_known = self.apply(Op::Eq, &[time, time], span)?;
            conditions[0] = self.apply(Op::BitAnd, &[conditions[0], is_known], span)?;
        }
        // All in one shape.
        let mut all = conditions[0];
        for other in conditions[1..].iter().copied().chain(unless) {
            all = self.apply(Op::BitOr, &[all, other], span)?;
        }
        let each = self.apply(Op::Eq, &[all, all], span)?;
        for condition in &mut conditions {
            *condition = self.apply(Op::BitAnd, &[*condition, each], span)?;
        }
        let number = self.term(Term::Along(Op::Cumsum, [each].into(), rows.axis), span)?;
        let (earlier, end) = conditions.split_at(conditions.len() - 1);
        let mut found = end[0];
        if strict {
            for (condition, distance) in earlier.iter().rev().zip(1..) {
                let none = self.term(Term::Bool(false), span)?;
                let held = self.shifted(rows, *condition, distance, none)?;
                found = self.apply(Op::BitAnd, &[found, held], span)?;
            }
        }
        let time = time.unwrap_or(number);
        let begin = self.beginning(rows, earlier, time, strict)?;
        let near = match within {
            Some(within) => {
                let duration = self.apply(Op::Sub, &[time, begin], span)?;
                self.apply(Op::Le, &[duration, within], span)?
            }
            None => self.apply(Op::Eq, &[begin, begin], span)?,
        };
        found = self.apply(Op::BitAnd, &[found, near], span)?;
        if let Some(unless) = unless {
            let begin = self.beginning(rows, earlier, number, strict)?;
            let ended = self.latest(rows, number, unless)?;
            let ended = self.apply(Op::Lt, &[begin, ended], span)?;
            let goes_on = self.apply(Op::BitNot, &[ended], span)?;
            found = self.apply(Op::BitAnd, &[found, goes_on], span)?;
        }
        Ok(found)
    }

    /// The times, or numbers, of the rows in which matches that end in each row began; NaN where there
    /// is none.
    fn beginning(
        &mut self,
        rows: Rows,
        earlier: &[TermId],
        times: TermId,
        strict: bool,
    ) -> Located<TermId> {
        let none = self.default(ops::NONE, rows.span)?;
        if strict {
            return self.shifted(rows, times, earlier.len(), none);
        }
        let mut begin = times;
        for (j, condition) in earlier.iter().enumerate() {
            if j > 0 {
                begin = self.shifted(rows, begin, 1, none)?;
            }
            begin = self.latest(rows, begin, *condition)?;
        }
        self.shifted(rows, begin, 1, none)
    }

    /// Whether a condition holds, which NaN does not.
    fn holds(&mut self, condition: TermId, span: Span) -> Located<TermId> {
        let is_known = self.apply(Op::Eq, &[condition, condition], span)?;
        let truth = self.term(Term::Cast(DType::Bool, condition), span)?;
        self.apply(Op::BitAnd, &[truth, is_known], span)
    }

    /// `last(x, condition)`.
    fn latest(&mut self, rows: Rows, x: TermId, condition: TermId) -> Located<TermId> {
        let first = self.term(Term::Int(1), rows.span)?;
        self.term(Term::Along(Op::Last, [x, condition, first].into(), rows.axis), rows.span)
    }

    /// `shift(x, distance, fill)`.
    fn shifted(&mut self, rows: Rows, x: TermId, distance: usize, fill: TermId) -> Located<TermId> {
        let distance = self.term(Term::Int(distance as i128), rows.span)?;
        self.term(Term::Along(Op::Shift, [x, distance, fill].into(), rows.axis), rows.span)
    }
}
