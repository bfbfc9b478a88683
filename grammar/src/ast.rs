//! The syntax tree: flat tables that refer to each other by index.
//!
//! The tree is faithful to the text: functions are not resolved, constants not folded, types not
//! assigned. Parentheses show only in the shape of the tree.

use std::ops::Range;

use crate::Span;

/// An expression of an [`Ast`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ExprId(pub(crate) u32);

impl ExprId {
    /// The position of the expression in [`Ast::exprs`], to index side tables with.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// A name of an [`Ast`]. Two occurrences of one name have one id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NameId(pub(crate) u32);

impl NameId {
    /// The position of the name among the names of the program, to index side tables with.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// An occurrence of a name. Equality ignores its place.
#[derive(Clone, Copy, Debug)]
pub struct Ident {
    /// The name.
    pub name: NameId,
    /// Its place.
    pub span: Span,
}

impl PartialEq for Ident {
    fn eq(&self, other: &Ident) -> bool {
        self.name == other.name
    }
}

/// The arguments of one call, in [`Ast::arguments`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ArgRange {
    pub(crate) start: u32,
    pub(crate) end: u32,
}

impl ArgRange {
    /// The number of arguments.
    pub fn len(self) -> usize {
        (self.end - self.start) as usize
    }

    /// Whether there are no arguments.
    pub fn is_empty(self) -> bool {
        self.start == self.end
    }
}

/// The links of one comparison chain, in [`Ast::links`]. A chain has at least one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkRange {
    pub(crate) start: u32,
    pub(crate) end: u32,
}

/// The items of one index, in [`Ast::indices`]. An index has at least one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IndexRange {
    pub(crate) start: u32,
    pub(crate) end: u32,
}

/// A program.
///
/// Every expression is an entry of one table, and its operands come before it, so a consumer is a
/// forward loop over [`exprs`](Ast::exprs) and never recurses; neither does the drop of a tree.
/// Each expression is the operand of at most one other: what a program shares, it shares by name.
///
/// Equality is equality of programs: it ignores every [`Span`].
#[derive(Clone, Debug)]
pub struct Ast {
    pub(crate) statements: Vec<Statement>,
    pub(crate) kinds: Vec<ExprKind>,
    pub(crate) spans: Vec<Span>,
    pub(crate) names: Vec<Box<str>>,
    pub(crate) arguments: Vec<Argument>,
    pub(crate) links: Vec<Link>,
    pub(crate) indices: Vec<IndexEntry>,
}

impl Ast {
    /// The statements in the order of the text: at least one, and [`Statement::Outputs`] only as
    /// the last.
    pub fn statements(&self) -> &[Statement] {
        &self.statements
    }

    /// The kind of an expression.
    pub fn kind(&self, id: ExprId) -> &ExprKind {
        &self.kinds[id.index()]
    }

    /// The place of an expression, without surrounding parentheses.
    pub fn span(&self, id: ExprId) -> Span {
        self.spans[id.index()]
    }

    /// The text of a name.
    pub fn name(&self, id: NameId) -> &str {
        &self.names[id.index()]
    }

    /// The text of every name, by [`NameId::index`].
    pub fn names(&self) -> impl ExactSizeIterator<Item = &str> {
        self.names.iter().map(|name| &**name)
    }

    /// Every expression, operands before the expressions that use them.
    pub fn exprs(&self) -> impl Iterator<Item = ExprId> {
        (0..self.kinds.len() as u32).map(ExprId)
    }

    /// The arguments of a call.
    pub fn arguments(&self, range: ArgRange) -> &[Argument] {
        &self.arguments[entries(range.start, range.end)]
    }

    /// The links of a comparison chain.
    pub fn links(&self, range: LinkRange) -> &[Link] {
        &self.links[entries(range.start, range.end)]
    }

    /// The items of an index.
    pub fn indices(&self, range: IndexRange) -> &[IndexEntry] {
        &self.indices[entries(range.start, range.end)]
    }
}

/// Ids and ranges compare as numbers here. This is correct because the order in which the parser
/// fills the tables depends only on the shape of the program.
impl PartialEq for Ast {
    fn eq(&self, other: &Ast) -> bool {
        self.statements == other.statements
            && self.kinds == other.kinds
            && self.names == other.names
            && self.arguments == other.arguments
            && self.links == other.links
            && self.indices == other.indices
    }
}

fn entries(start: u32, end: u32) -> Range<usize> {
    start as usize..end as usize
}

/// One statement. Equality ignores spans.
#[derive(Clone, Debug)]
pub enum Statement {
    /// `name = value`, or `name, name = value` for a function with several results
    Binding {
        /// The bound names, at least one; the consumer checks that they differ.
        names: Vec<Ident>,
        /// The value.
        value: ExprId,
    },
    /// `def name(parameters) = body`
    Def {
        /// The function's name.
        name: Ident,
        /// Its parameters, perhaps none; the consumer checks that they differ.
        parameters: Vec<Ident>,
        /// The expression that a call evaluates to.
        body: ExprId,
    },
    /// `value, value`: the outputs of the program.
    Outputs {
        /// The outputs in order, at least one.
        values: Vec<ExprId>,
        /// The whole statement.
        span: Span,
    },
}

impl PartialEq for Statement {
    fn eq(&self, other: &Statement) -> bool {
        match (self, other) {
            (
                Statement::Binding { names, value },
                Statement::Binding { names: other_names, value: other_value },
            ) => names == other_names && value == other_value,
            (
                Statement::Def { name, parameters, body },
                Statement::Def { name: other_name, parameters: other_parameters, body: other_body },
            ) => name == other_name && parameters == other_parameters && body == other_body,
            (
                Statement::Outputs { values, .. },
                Statement::Outputs { values: other_values, .. },
            ) => values == other_values,
            _ => false,
        }
    }
}

/// The kind of an expression. Equality ignores spans.
#[derive(Clone, Debug, PartialEq)]
pub enum ExprKind {
    /// An integer literal, at most `i128::MAX`.
    Int(i128),
    /// A decimal literal, rounded to the nearest double; infinity if it is too large for one.
    Float(f64),
    /// A literal such as `2j`: its imaginary part, rounded as [`ExprKind::Float`].
    Imaginary(f64),
    /// `True` or `False`
    Bool(bool),
    /// A text literal, its escapes resolved.
    Text(Box<str>),
    /// `pi`, `inf` or `nan`
    Constant(Constant),
    /// A binding, a parameter or an input; the consumer resolves it.
    Name(NameId),
    /// An operator before its operand.
    Unary {
        /// The operator.
        op: UnaryOp,
        /// Its operand.
        arg: ExprId,
    },
    /// An operator between two operands.
    Binary {
        /// The operator.
        op: BinaryOp,
        /// The operand on its left.
        left: ExprId,
        /// The operand on its right.
        right: ExprId,
    },
    /// A comparison or a chain of them, `first < right <= right`.
    Compare {
        /// The leftmost operand.
        first: ExprId,
        /// The operators, each with the operand on its right.
        rest: LinkRange,
    },
    /// `then if condition else otherwise`
    Conditional {
        /// The condition.
        condition: ExprId,
        /// The value where the condition holds.
        then: ExprId,
        /// The value where it does not.
        otherwise: ExprId,
    },
    /// `function(arguments)` or `x.function(arguments)`
    Call {
        /// The function's name, in a namespace separate from that of [`ExprKind::Name`].
        function: Ident,
        /// The arguments in the order of the text.
        arguments: ArgRange,
        /// Whether it is written as a method of the first argument.
        method: bool,
    },
    /// `base.real`, `base.imag` or `base.T`
    Attribute {
        /// The expression with the attribute.
        base: ExprId,
        /// Which one: `real`, `imag` or `T`.
        attribute: Ident,
    },
    /// `base[items]`
    Index {
        /// The indexed expression.
        base: ExprId,
        /// The items in the order of the text.
        items: IndexRange,
    },
}

/// One argument of a call. Equality ignores the span.
#[derive(Clone, Debug)]
pub struct Argument {
    /// The name in `name = value`.
    pub keyword: Option<Ident>,
    /// The value passed.
    pub value: ArgumentValue,
    /// The whole argument, keyword included.
    pub span: Span,
}

impl PartialEq for Argument {
    fn eq(&self, other: &Argument) -> bool {
        self.keyword == other.keyword && self.value == other.value
    }
}

/// The value of an argument.
#[derive(Clone, Debug, PartialEq)]
pub enum ArgumentValue {
    /// An expression.
    Expr(ExprId),
    /// `parameter -> body`: a step. It never has a keyword.
    Step {
        /// The name that stands for the previous value in the body.
        parameter: Ident,
        /// The next value.
        body: ExprId,
    },
    /// `(0, 1)`: a tuple, as in `axis=(0, 1)`. The elements are any expressions; `(0)` is an
    /// expression in parentheses, `(0,)` a tuple.
    Tuple(Vec<ExprId>),
    /// `[0, 1]`: a list, as in `isin(x, [0, 1])`. The elements are any expressions.
    List(Vec<ExprId>),
}

/// One step of a comparison chain. Equality ignores the span.
#[derive(Clone, Copy, Debug)]
pub struct Link {
    /// The operator.
    pub op: CompareOp,
    /// The place of the operator.
    pub op_span: Span,
    /// The operand on its right.
    pub right: ExprId,
}

impl PartialEq for Link {
    fn eq(&self, other: &Link) -> bool {
        self.op == other.op && self.right == other.right
    }
}

/// One item of an index and its place. Equality ignores the place.
#[derive(Clone, Copy, Debug)]
pub struct IndexEntry {
    /// The item.
    pub item: IndexItem,
    /// Its place.
    pub span: Span,
}

impl PartialEq for IndexEntry {
    fn eq(&self, other: &IndexEntry) -> bool {
        self.item == other.item
    }
}

/// An item of an index. Items are not expressions, and only the range of numbers, `i64`, is
/// checked: a step may be 0, and there may be several ellipses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum IndexItem {
    /// `2` or `-1`: one position along an axis.
    At(i64),
    /// `start:stop:step`, each part perhaps absent.
    Slice {
        /// The start.
        start: Option<i64>,
        /// The end, exclusive.
        stop: Option<i64>,
        /// The step.
        step: Option<i64>,
    },
    /// `None`: a new axis of extent 1.
    NewAxis,
    /// `...`: the axes that no other item takes.
    Ellipsis,
}

/// Defines an enum whose variants have one spelling each, and `symbol`.
macro_rules! spelled {
    ($(#[$doc:meta])* $name:ident { $($variant:ident $symbol:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name {
            $(#[doc = concat!("`", $symbol, "`")] $variant,)*
        }

        impl $name {
            /// The spelling.
            pub fn symbol(self) -> &'static str {
                match self {
                    $($name::$variant => $symbol,)*
                }
            }
        }
    };
}

spelled! {
    /// A number with a reserved name.
    Constant {
        Pi "pi",
        Inf "inf",
        Nan "nan",
    }
}

spelled! {
    /// An operator before its operand.
    UnaryOp {
        Negate "-",
        Plus "+",
        BitNot "~",
        Not "not",
    }
}

spelled! {
    /// An operator between two operands, loosest first.
    BinaryOp {
        Or "or",
        And "and",
        BitOr "|",
        BitXor "^",
        BitAnd "&",
        ShiftLeft "<<",
        ShiftRight ">>",
        Add "+",
        Subtract "-",
        Multiply "*",
        Divide "/",
        FloorDivide "//",
        Remainder "%",
        Power "**",
    }
}

spelled! {
    /// An operator of a comparison chain.
    CompareOp {
        Less "<",
        LessEqual "<=",
        Greater ">",
        GreaterEqual ">=",
        Equal "==",
        NotEqual "!=",
    }
}
