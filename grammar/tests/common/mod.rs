//! Helpers for the tests of the grammar.

#![allow(dead_code, reason = "each test file uses a part")]

use hotloop_grammar::{
    ArgumentValue, Ast, ExprKind, Ident, IndexItem, Statement, SyntaxErrorKind, parse,
};

/// The program with every operator in parentheses, prefix form, one statement after `; `.
///
/// It shows the shape of a tree without the printer under test, and it is what a consumer looks
/// like: one forward loop with a side table.
pub fn shape(text: &str) -> String {
    shape_of(&parse(text).unwrap_or_else(|error| panic!("{text:?}: {error}")))
}

/// The same for a tree.
pub fn shape_of(ast: &Ast) -> String {
    let mut shapes: Vec<String> = Vec::new();
    for id in ast.exprs() {
        let of = |id: hotloop_grammar::ExprId| shapes[id.index()].as_str();
        let list = |ids: &[hotloop_grammar::ExprId]| {
            ids.iter().map(|id| of(*id)).collect::<Vec<_>>().join(" ")
        };
        let shape = match ast.kind(id) {
            ExprKind::Int(value) => value.to_string(),
            ExprKind::Float(value) => format!("{value:?}"),
            ExprKind::Imaginary(value) => format!("{value:?}j"),
            ExprKind::Bool(value) => value.to_string(),
            ExprKind::Text(text) => format!("{text:?}"),
            ExprKind::Constant(constant) => constant.symbol().to_owned(),
            ExprKind::Name(name) => ast.name(*name).to_owned(),
            ExprKind::Unary { op, arg } => format!("({} {})", op.symbol(), of(*arg)),
            ExprKind::Binary { op, left, right } => {
                format!("({} {} {})", op.symbol(), of(*left), of(*right))
            }
            ExprKind::Compare { first, rest } => {
                let mut chain = format!("(chain {}", of(*first));
                for link in ast.links(*rest) {
                    chain += &format!(" {} {}", link.op.symbol(), of(link.right));
                }
                chain + ")"
            }
            ExprKind::Conditional { condition, then, otherwise } => {
                format!("(if {} {} {})", of(*condition), of(*then), of(*otherwise))
            }
            ExprKind::Call { function, arguments, .. } => {
                let mut call = format!("(call {}", ast.name(function.name));
                for argument in ast.arguments(*arguments) {
                    call += " ";
                    if let Some(keyword) = argument.keyword {
                        call += &format!("{}=", ast.name(keyword.name));
                    }
                    call += &match &argument.value {
                        ArgumentValue::Expr(value) => of(*value).to_owned(),
                        ArgumentValue::Step { parameter, body } => {
                            format!("{}->{}", ast.name(parameter.name), of(*body))
                        }
                        ArgumentValue::Tuple(values) => format!("[{}]", list(values)),
                        ArgumentValue::List(values) => format!("[list {}]", list(values)),
                    };
                }
                call + ")"
            }
            ExprKind::Attribute { base, attribute } => {
                format!("(.{} {})", ast.name(attribute.name), of(*base))
            }
            ExprKind::Index { base, items } => {
                let mut index = format!("(index {}", of(*base));
                for entry in ast.indices(*items) {
                    index += &format!(" {}", item_shape(entry.item));
                }
                index + ")"
            }
        };
        shapes.push(shape);
    }
    let of = |id: &hotloop_grammar::ExprId| shapes[id.index()].as_str();
    let words = |names: &[Ident]| {
        names.iter().map(|name| ast.name(name.name)).collect::<Vec<_>>().join(" ")
    };
    let statements = ast.statements().iter().map(|statement| match statement {
        Statement::Binding { names, value } => format!("{} = {}", words(names), of(value)),
        Statement::Def { name, parameters, body } => {
            format!("def {}({}) = {}", ast.name(name.name), words(parameters), of(body))
        }
        Statement::Outputs { values, .. } => values.iter().map(of).collect::<Vec<_>>().join(", "),
    });
    statements.collect::<Vec<_>>().join("; ")
}

fn item_shape(item: IndexItem) -> String {
    let part = |part: Option<i64>| part.map_or("_".to_owned(), |value| value.to_string());
    match item {
        IndexItem::At(at) => at.to_string(),
        IndexItem::Slice { start, stop, step } => {
            format!("{}:{}:{}", part(start), part(stop), part(step))
        }
        IndexItem::NewAxis => "new".to_owned(),
        IndexItem::Ellipsis => "rest".to_owned(),
    }
}

/// What is wrong with a text: the stage, what is underlined, the message and the hints.
#[derive(Debug, PartialEq)]
pub struct Wrong {
    pub kind: SyntaxErrorKind,
    pub at: std::ops::Range<usize>,
    pub message: String,
    pub hints: Vec<String>,
}

pub fn wrong(text: &str) -> Wrong {
    match parse(text) {
        Ok(ast) => panic!("{text:?} parses as {}", shape_of(&ast)),
        Err(error) => Wrong {
            kind: error.kind,
            at: error.span.range(),
            message: error.message,
            hints: error.hints,
        },
    }
}

/// Asserts the stage, the underlined text with its offset, and the message.
#[track_caller]
pub fn assert_wrong(
    text: &str,
    kind: SyntaxErrorKind,
    at: usize,
    piece: &str,
    message: &str,
) -> Vec<String> {
    let wrong = wrong(text);
    assert_eq!(
        (wrong.kind, wrong.at.start, &text[wrong.at.clone()], wrong.message.as_str()),
        (kind, at, piece, message),
        "{text:?}"
    );
    wrong.hints
}

/// A small generator of random numbers (Marsaglia's xorshift64*).
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Random {
        Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        ((self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize) % limit
    }

    pub fn pick<'a, T: ?Sized>(&mut self, choices: &[&'a T]) -> &'a T {
        choices[self.below(choices.len())]
    }
}
