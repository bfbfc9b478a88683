//! [`Plan`]: the passes over the data that compute a program.
//!
//! A plan is a value. It refers to no graph, instruction set or address, so equal plans compare
//! equal, and everything that runs programs starts from here. It says *what* is computed where:
//! which values each [`Pass`] reads, computes, stores and reduces. A [backend](crate::backend)
//! turns a pass into code.
//!
//! A value without a shape is a [`Uniform`]. Values of arrays are computed in passes. Results of
//! reductions are read from earlier passes. Cheap elementwise values that two passes need are
//! computed in both, which costs less than a trip through memory.
//!
//! Some arrays are *kept*: written by one pass, into an output or a temporary array, and read by
//! later ones. They are the results of reductions over axes, operands of views, and costly values
//! of fewer axes than their users: `sin(x)` in `sin(x) + y`, where x is a row and y a matrix, is
//! computed once for each column.

mod body;
mod display;
mod group;
mod kept;
mod planner;
mod uniform;
mod verify;

pub use body::{Body, Value};
pub(crate) use display::applied;
pub use planner::plan;
pub use uniform::{Source, Uniform, adoptions};

use hotloop_runtime::dtype::DType;
use hotloop_runtime::reduce::{Order, Reduction};

use crate::domain::{Derivation, Derived, Domain};

/// The passes over the data that compute a program.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Plan {
    /// The values without a shape; operands come before their users.
    pub uniforms: Vec<Uniform>,
    /// The passes, in the order in which they run.
    pub passes: Vec<Pass>,
    /// The arrays that passes write for later passes.
    pub temporaries: Vec<Temporary>,
    /// The outputs, in order.
    pub outputs: Vec<PlannedOutput>,
    /// How the derived shapes come from those of the inputs and from each other.
    pub derived: Vec<Derived>,
}

/// One pass over the elements of a space.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Pass {
    /// The iteration space.
    pub space: Domain,
    /// The axes along which values are carried; `None` for all.
    pub axes: Option<Derivation>,
    /// The arrays that it reads.
    pub loads: Vec<Load>,
    /// What is computed for each element.
    pub body: Body,
    /// The values that are written, element by element.
    pub stores: Vec<Store>,
    /// The states carried from element to element.
    pub carries: Vec<Carry>,
    /// The number of uniforms that are computed before the pass runs.
    pub uniforms: u32,
    /// The values of the body that are constants, by number, and their bits.
    pub constants: Vec<(u32, u64)>,
    /// The number of the first pass of its group. The passes of a group may run together, block of
    /// rows after block of rows, so that the results of one are in the cache for the next.
    pub group: u32,
}

/// An array operand of a pass.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Load {
    /// The array.
    pub array: Array,
    /// The views to apply, innermost first.
    pub views: Vec<Derived>,
    /// The elements' dtype.
    pub dtype: DType,
    /// The domain of the last view; it broadcasts to the pass's space.
    pub domain: Domain,
}

/// A value of the body that is written to an array.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Store {
    /// The value's number in the body.
    pub value: u32,
    /// Where it goes.
    pub to: Destination,
}

/// State carried from element to element, and the destination of its final value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Carry {
    /// How an element changes the state.
    pub reduction: Reduction,
    /// The number in the body of the value that enters the state.
    pub value: u32,
    /// Where the result goes.
    pub to: Destination,
    /// The domain of the result.
    pub domain: Domain,
}

/// The destination of a value that a pass computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Destination {
    /// An output of the program.
    Output(u32),
    /// A temporary array.
    Temporary(u32),
    /// A uniform.
    Uniform(u32),
}

/// An array that passes read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Array {
    /// An input of the program.
    Input(u32),
    /// An output of the program that an earlier pass has written.
    Output(u32),
    /// A temporary array that an earlier pass has written.
    Temporary(u32),
}

/// A temporary array.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Temporary {
    /// The elements' dtype.
    pub dtype: DType,
    /// Its shape.
    pub domain: Domain,
    /// The group of passes that alone uses it, if they are over its domain: then a few rows of it
    /// are enough.
    pub local: Option<u32>,
}

/// An output of the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PlannedOutput {
    /// Its dtype.
    pub dtype: DType,
    /// Its shape.
    pub domain: Domain,
    /// The uniform, if the output has no shape; passes write arrays.
    pub uniform: Option<u32>,
}

impl Pass {
    /// The order of accumulation along the axes of `mask`. It decides the bits of results, so it
    /// depends on nothing else: row order if the last axis is among them, column order otherwise.
    pub fn order(&self, mask: &[bool]) -> Order {
        let keeps_last = mask.last() == Some(&false);
        if keeps_last { Order::Column } else { Order::Row }
    }

    /// The destinations of its stores, then those of its carries.
    pub fn destinations(&self) -> impl Iterator<Item = Destination> {
        let stores = self.stores.iter().map(|store| store.to);
        stores.chain(self.carries.iter().map(|carry| carry.to))
    }

    /// The number of operations for each element; carries count as one.
    pub fn operations(&self) -> usize {
        self.body.computed().count() + self.carries.len()
    }
}

impl Plan {
    /// The loads and the stores of a pass that move memory if the passes of its group run together:
    /// arrays that an earlier pass has read or written are in the cache.
    pub fn moved(&self, number: usize) -> (Vec<bool>, Vec<bool>) {
        let pass = &self.passes[number];
        let before = &self.passes[pass.group as usize..number];
        let is_local = |to: Destination| match to {
            Destination::Temporary(array) => self.temporaries[array as usize].local.is_some(),
            _ => false,
        };
        let loads = pass.loads.iter().map(|load| {
            let read = before.iter().flat_map(|pass| &pass.loads).any(|other| other == load);
            let written = load.array.destination();
            !read && !before.iter().flat_map(Pass::destinations).any(|to| Some(to) == written)
        });
        let stores = pass.stores.iter().map(|store| !is_local(store.to));
        (loads.collect(), stores.collect())
    }

    /// The number of bytes that each element of a pass moves: read, and written.
    pub fn bytes_of_pass(&self, number: usize) -> (usize, usize) {
        let pass = &self.passes[number];
        let (loads, stores) = self.moved(number);
        let read = pass.loads.iter().zip(loads).filter(|(_, moved)| *moved);
        let written = pass.stores.iter().zip(stores).filter(|(_, moved)| *moved);
        (
            read.map(|(load, _)| load.dtype.size()).sum(),
            written.map(|(store, _)| pass.body.dtype(store.value).size()).sum(),
        )
    }

    /// The number of bytes that an element moves in all passes over all axes.
    pub fn bytes_per_element(&self) -> usize {
        let bytes = self.largest_passes().map(|number| self.bytes_of_pass(number));
        bytes.map(|(read, written)| read + written).sum()
    }

    /// The number of operations for an element in all passes over all axes.
    pub fn operations(&self) -> usize {
        self.largest_passes().map(|number| self.passes[number].operations()).sum()
    }

    /// The passes, except those of fewer axes than another.
    fn largest_passes(&self) -> impl Iterator<Item = usize> {
        let larger = |own: Domain, other: Domain| other != own && other.contains(own);
        let is_reduced = |own: Domain| own.derived().is_some();
        let spaces: Vec<Domain> = self.passes.iter().map(|pass| pass.space).collect();
        let whole = spaces.iter().any(|space| !is_reduced(*space));
        let is_largest = move |number: &usize| {
            let own = spaces[*number];
            let smaller = spaces.iter().any(|other| larger(own, *other));
            !smaller && (!whole || !is_reduced(own))
        };
        (0..self.passes.len()).filter(is_largest)
    }
}

impl Array {
    /// The array as a destination; `None` for an input.
    pub fn destination(self) -> Option<Destination> {
        match self {
            Array::Input(_) => None,
            Array::Output(number) => Some(Destination::Output(number)),
            Array::Temporary(number) => Some(Destination::Temporary(number)),
        }
    }
}
