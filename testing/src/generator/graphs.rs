//! Graphs built call by call, with each call also written as text: both fail with the same error,
//! or have the same types; then graph and text give the same bits on every engine.

use std::fmt::Write as _;
use std::sync::LazyLock;

use arbitrary::{Result, Unstructured};
use hotloop::graph::Op;
use hotloop::graph::{Builder, Derivation, Index, NodeId, ReduceOptions};
use hotloop::ops::{Class, NONE, Row, TABLE, is_none};
use hotloop::types::Kind;
use hotloop::{ArgType, Backend, DType, Engine, Error, Mode, Program};

use super::calls::arg_types;
use super::check::{AllEngines, check as engines_agree, check_graph};
use super::constants::constant;
use super::data::{Input, Value};
use super::targets::Verdict;
use super::{Case, inputs};

static ENGINES: LazyLock<AllEngines> = LazyLock::new(AllEngines::new);
static ORACLE: LazyLock<Engine> =
    LazyLock::new(|| Engine::builder().threads(1).backend(Backend::Interpreter).build());

/// Builds one graph.
///
/// # Errors
/// The difference between the graph, its text and the engines.
pub fn check(bytes: &[u8]) -> Verdict {
    // Too few bytes for a graph.
    Pair::arbitrary(&mut Unstructured::new(bytes)).unwrap_or(Ok(()))
}

/// A graph and its text.
struct Pair {
    builder: Builder,
    inputs: Vec<Input>,
    types: Vec<(&'static str, ArgType)>,
    text: String,
    /// The nodes that calls may refer to, with their names in the text.
    nodes: Vec<(NodeId, String)>,
    /// Nodes that cannot be written as text.
    unwritten: Vec<NodeId>,
}

/// A call: the builder's result, and its text.
struct Called {
    made: std::result::Result<NodeId, Error>,
    spelled: Option<String>,
}

impl Pair {
    fn arbitrary(u: &mut Unstructured) -> Result<Verdict> {
        let inputs = inputs(u)?;
        let types = arg_types(&inputs);
        let mut builder = Builder::new();
        let input = |(name, ty): &(&str, ArgType)| (builder.input(*ty), name.to_string());
        let nodes = types.iter().map(input).collect();
        let mut pair =
            Pair { builder, inputs, types, text: String::new(), nodes, unwritten: Vec::new() };
        for number in 0..u.int_in_range(1..=20)? {
            let Called { made, spelled } = pair.call(u)?;
            match (made, spelled) {
                (Ok(id), Some(spelled)) => {
                    let name = format!("t{number}");
                    pair.text += &format!("{name} = {spelled}\n");
                    pair.nodes.push((id, name));
                }
                (Ok(id), None) => pair.unwritten.push(id),
                (Err(error), spelled) => {
                    if let Err(wrong) = pair.refused(&error, spelled.as_deref()) {
                        return Ok(Err(wrong));
                    }
                }
            }
            if let Err(broken) = pair.builder.graph().verify() {
                return Ok(Err(format!("{broken}\n{}{}", pair.text, pair.builder.graph())));
            }
        }
        let count = u.int_in_range(1..=3)?;
        let outputs = (0..count).map(|_| Ok(u.choose(&pair.nodes)?.clone()));
        let outputs = outputs.collect::<Result<Vec<_>>>()?;
        let mode = *u.choose(&[Mode::Strict, Mode::Contract, Mode::Fast])?;
        Ok(pair.finish(&outputs, mode, u.arbitrary()?))
    }

    /// The types of a text's inputs.
    fn types(&self, program: &Program) -> Vec<(&'static str, ArgType)> {
        let read = |(name, _): &&(&str, ArgType)| program.inputs().any(|n| n == *name);
        self.types.iter().filter(read).copied().collect()
    }

    /// Checks that a call that the builder rejected is rejected as text, with the same kind of
    /// error.
    fn refused(&self, error: &Error, spelled: Option<&str>) -> Verdict {
        let shown = format!("{error:?}");
        if error.kind() == hotloop::ErrorKind::Internal {
            return Err(shown);
        }
        let Some(spelled) = spelled else { return Ok(()) };
        let text = format!("{}{spelled}", self.text);
        let made = ORACLE.compile(&text).and_then(|p| p.specialize(&self.types(&p)));
        match made {
            Err(other) if other.kind() == error.kind() => Ok(()),
            Err(other) => Err(format!("{text}\nbuilt: {shown}\nwritten: {other:?}")),
            Ok(_) => Err(format!("{text}\nbuilt: {shown}\nwritten, it has a type")),
        }
    }

    /// Checks the graph, and that its text has the same outputs on every engine.
    fn finish(self, outputs: &[(NodeId, String)], mode: Mode, seed: u64) -> Verdict {
        let Pair { builder, inputs, types, mut text, unwritten, .. } = self;
        let names: Vec<&str> = outputs.iter().map(|(_, name)| name.as_str()).collect();
        text += &names.join(", ");
        let built = outputs.iter().map(|(id, _)| *id).chain(unwritten).collect();
        let graph = builder.finish(built).map_err(|e| format!("{e:?}\n{text}"))?;
        graph.verify().map_err(|broken| format!("{broken}\n{text}\n{graph}"))?;
        if graph.live().len() != graph.len() || graph.uses().len() != graph.len() {
            return Err(format!("{graph}"));
        }
        let case = Case { text, mode, inputs, ops: Vec::new(), seed };
        engines_agree(&ENGINES, &case)?.ok();
        check_graph(&ENGINES, &graph, &case)?;
        let program = ORACLE.compile(&case.text).map_err(|e| format!("{}: {e:?}", case.text))?;
        let read = |(name, _): &(&str, ArgType)| program.inputs().any(|n| n == *name);
        let types: Vec<_> = types.into_iter().filter(read).collect();
        program.specialize(&types).map_err(|e| format!("{}\n{graph}{e:?}", case.text))?;
        // The shapes may still not broadcast.
        let Ok(made) = super::check::run(&ORACLE, &case.text, &case) else { return Ok(()) };
        for (id, made) in graph.outputs().iter().zip(made.iter()) {
            if graph.dtype(*id) != made.dtype() {
                let (want, got) = (graph.dtype(*id), made.dtype());
                return Err(format!("{}\n{graph}{want} is {got} as text", case.text));
            }
        }
        Ok(())
    }

    fn node(&self, u: &mut Unstructured) -> Result<(NodeId, String)> {
        // The latest nodes are picked as often as all earlier ones together.
        let from = if u.arbitrary()? { self.nodes.len().saturating_sub(3) } else { 0 };
        Ok(u.choose(&self.nodes[from..])?.clone())
    }

    /// The next call.
    fn call(&mut self, u: &mut Unstructured) -> Result<Called> {
        match u.int_in_range(0..=15)? {
            0..=1 => self.literal(u),
            2..=3 => {
                let (x, name) = self.node(u)?;
                let dtype = *u.choose(&DType::ALL)?;
                let made = self.builder.cast(x, dtype);
                Ok(Called { made, spelled: Some(format!("{dtype}({name})")) })
            }
            4..=5 => self.view(u),
            6..=7 => self.reduce(u),
            8 => self.along(u),
            _ => self.apply(u),
        }
    }

    fn literal(&mut self, u: &mut Unstructured) -> Result<Called> {
        let (id, spelled) = match *u.choose(&[Kind::Bool, Kind::Int, Kind::Float])? {
            Kind::Bool => {
                let value = u.arbitrary()?;
                (self.builder.weak_bool(value), if value { "True" } else { "False" }.to_string())
            }
            Kind::Int => {
                let near = u.int_in_range(-3i64..=70)?;
                let value = *u.choose(&[near, near, 127, 255, 65535, i64::MAX, i64::MIN])?;
                (self.builder.weak_int(value), value.to_string())
            }
            _ => {
                let value = *u.choose(&[0.5, 1.0, 2.0, -0.0, 3.0, -1.5, 1e39, 1e300, 5e-324])?;
                (self.builder.weak_float(value), format!("{value:?}"))
            }
        };
        Ok(Called { made: Ok(id), spelled: Some(spelled) })
    }

    fn apply(&mut self, u: &mut Unstructured) -> Result<Called> {
        let row: &Row = u.choose(TABLE)?;
        let right = row.parameters.len();
        let count = if u.ratio(1, 40)? { u.int_in_range(0..=4)? } else { right };
        let operands = (0..count).map(|_| self.node(u)).collect::<Result<Vec<_>>>()?;
        let (ids, names): (Vec<NodeId>, Vec<String>) = operands.into_iter().unzip();
        let made = self.builder.apply(row.op, &ids);
        let along = row.op.class() == Class::Along && right > 1;
        let written = count == right && row.op.is_public() && !spread(row.op) && !along;
        Ok(Called { made, spelled: written.then(|| spell(row, &names)) })
    }

    fn reduce(&mut self, u: &mut Unstructured) -> Result<Called> {
        let rows: Vec<&Row> =
            TABLE.iter().filter(|r| r.op.is_reduction() && r.op.is_public()).collect();
        let row = *u.choose(&rows)?;
        let (mut ids, mut names) = (Vec::new(), Vec::new());
        for parameter in row.parameters {
            let (id, name) = match parameter.default {
                Some(_) => {
                    let ddof = u.int_in_range(0..=2)?;
                    (self.builder.weak_int(ddof), format!("{}={ddof}", parameter.name))
                }
                None => self.node(u)?,
            };
            ids.push(id);
            names.push(name);
        }
        let axes = if u.ratio(1, 4)? { None } else { Some(axes(u)?) };
        let keepdims = u.arbitrary()?;
        if u.ratio(1, 4)? {
            let (mask, initial) = (self.node(u)?.0, self.node(u)?.0);
            let options = ReduceOptions {
                mask: u.arbitrary::<bool>()?.then_some(mask),
                initial: u.ratio(1, 3)?.then_some(initial),
                dtype: if u.ratio(1, 3)? { Some(*u.choose(&DType::ALL)?) } else { None },
            };
            let made = self.builder.reduce_with(row.op, &ids, axes.as_deref(), keepdims, &options);
            return Ok(Called { made, spelled: None });
        }
        let made = self.builder.reduce(row.op, &ids, axes.as_deref(), keepdims);
        let axes = axes.map_or("None".to_string(), |axes| tuple(&axes));
        let keepdims = if keepdims { "True" } else { "False" };
        let mut spelled = format!("{}({}", row.name, names.join(", "));
        write!(spelled, ", axis={axes}, keepdims={keepdims})").unwrap_or_default();
        Ok(Called { made, spelled: Some(spelled) })
    }

    fn along(&mut self, u: &mut Unstructured) -> Result<Called> {
        let along = |r: &&Row| r.op.class() == Class::Along && r.op.is_public();
        let rows: Vec<&Row> = TABLE.iter().filter(along).collect();
        let row = *u.choose(&rows)?;
        let arrays = row.op.arrays();
        let operands = (0..arrays).map(|_| self.node(u)).collect::<Result<Vec<_>>>()?;
        let (mut operands, names): (Vec<NodeId>, Vec<String>) = operands.into_iter().unzip();
        let axis = axes(u)?[0];
        let mut spelled = format!("{}({}", row.name, names.join(", "));
        for parameter in &row.parameters[arrays..] {
            let constant = constant(u, parameter)?;
            operands.push(match (constant, parameter.default) {
                (Some(value), _) => self.builder.weak_int(value),
                (None, Some(default)) if !is_none(default) => self.builder.weak_int(default as i64),
                (None, _) => self.builder.weak_float(NONE),
            });
            if let Some(value) = constant {
                write!(spelled, ", {}={value}", parameter.name).unwrap_or_default();
            }
        }
        write!(spelled, ", axis={axis})").unwrap_or_default();
        Ok(Called { made: self.builder.along(row.op, &operands, axis), spelled: Some(spelled) })
    }

    fn view(&mut self, u: &mut Unstructured) -> Result<Called> {
        let (x, name) = self.node(u)?;
        let (how, spelled) = match u.int_in_range(0..=5)? {
            0 => {
                let axes = axes(u)?;
                let spelled = format!("expand_dims({name}, axis={})", tuple(&axes));
                (Derivation::ExpandDims(axes.into()), spelled)
            }
            1 => (Derivation::Transpose(None), format!("transpose({name})")),
            2 => {
                let axes = axes(u)?;
                let spelled = format!("transpose({name}, axes={})", tuple(&axes));
                (Derivation::Transpose(Some(axes.into())), spelled)
            }
            _ => {
                let items = index(u)?;
                let texts: Vec<String> = items.iter().map(Index::to_string).collect();
                (Derivation::Index(items.into()), format!("{name}[{}]", texts.join(", ")))
            }
        };
        // The shape of a result is known without arrays.
        for input in &self.inputs {
            if let Value::Array(array) = &input.value {
                drop((how.shape(&array.shape), how.reduced(&array.shape)));
            }
        }
        drop(how.shape(&[usize::MAX, 0]));
        Ok(Called { made: self.builder.view(x, how), spelled: Some(spelled) })
    }
}

/// Whether the text of an operation requires its last operand to be a constant.
fn spread(op: Op) -> bool {
    op.row().parameters.iter().any(|p| p.default.is_some()) && op.is_reduction()
}

/// The text of an operation's call.
fn spell(row: &Row, names: &[String]) -> String {
    match names {
        _ if row.is_function() => format!("{}({})", row.name, names.join(", ")),
        [x] => format!("{} {x}", row.name),
        [x, y] => format!("{x} {} {y}", row.name),
        _ => unreachable!("operators have one operand or two"),
    }
}

fn axes(u: &mut Unstructured) -> Result<Vec<i64>> {
    let far = [0, 1, -1, 2, -2, -3, 3, 64, i64::MIN, i64::MAX];
    let near = if u.ratio(1, 20)? { far.len() } else { 6 };
    (0..u.int_in_range(1..=3)?).map(|_| Ok(far[u.choose_index(near)?])).collect()
}

fn tuple(axes: &[i64]) -> String {
    let list: Vec<String> = axes.iter().map(i64::to_string).collect();
    format!("({},)", list.join(", "))
}

fn index(u: &mut Unstructured) -> Result<Vec<Index>> {
    let count = u.int_in_range(1..=4)?;
    let mut items = Vec::with_capacity(count);
    for _ in 0..count {
        let mut place = || -> Result<Option<i64>> {
            let far = [0, 1, -1, 2, -2, 5, 100, i64::MAX, i64::MIN];
            let near = if u.ratio(1, 10)? { far.len() } else { 6 };
            Ok(if u.arbitrary()? { None } else { Some(far[u.choose_index(near)?]) })
        };
        let (start, stop, step) = (place()?, place()?, place()?);
        items.push(match u.int_in_range(0..=6)? {
            0 => Index::At(start.unwrap_or(0)),
            1 => Index::NewAxis,
            2 => Index::Ellipsis,
            _ => Index::Slice { start, stop, step },
        });
    }
    Ok(items)
}
