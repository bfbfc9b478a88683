//! Checks of the invariants that backends rely on.

use rustc_hash::FxHashSet;

use super::{Array, Destination, Pass, Plan, Source, Value};
use crate::ops::Op;

impl Plan {
    /// Checks the plan; the error says which invariant is violated.
    pub fn verify(&self) -> Result<(), String> {
        for (number, uniform) in self.uniforms.iter().enumerate() {
            let operands = uniform.source.operands();
            if operands.iter().any(|x| *x as usize >= number) {
                return Err(format!("u{number} reads a later uniform"));
            }
            let weak = |x: &u32| self.uniforms[*x as usize].weak;
            let right = match &uniform.source {
                Source::Adopt(x) => weak(x) && !uniform.weak,
                _ => operands.iter().all(|x| weak(x) == uniform.weak),
            };
            if !right {
                return Err(format!("u{number} mixes weak and strong"));
            }
        }
        let mut written: FxHashSet<Destination> = FxHashSet::default();
        let mut ready = 0;
        for (number, pass) in self.passes.iter().enumerate() {
            let wrong = |what: String| Err(format!("pass {number}: {what}"));
            if pass.space.is_scalar() {
                return wrong("it has no elements to go over".to_string());
            }
            if pass.uniforms < ready || pass.uniforms as usize > self.uniforms.len() {
                return wrong("its uniforms are not ready".to_string());
            }
            ready = pass.uniforms;
            let first = pass.group as usize;
            if first > number || self.passes[first].group != pass.group {
                return wrong("its group does not begin with its first pass".to_string());
            }
            if let Err(what) = self.verify_body(number, pass) {
                return wrong(what);
            }
            for load in &pass.loads {
                let there = match load.array {
                    Array::Input(_) => true,
                    Array::Output(number) => written.contains(&Destination::Output(number)),
                    Array::Temporary(number) => written.contains(&Destination::Temporary(number)),
                };
                if !there {
                    return wrong(format!("{} is read before it is written", load.array));
                }
            }
            for to in pass.destinations() {
                let exists = match to {
                    Destination::Output(number) => (number as usize) < self.outputs.len(),
                    Destination::Temporary(number) => (number as usize) < self.temporaries.len(),
                    Destination::Uniform(number) => {
                        let uniform = self.uniforms.get(number as usize);
                        number >= ready && uniform.is_some_and(|u| u.source == Source::Carry)
                    }
                };
                if !exists {
                    return wrong(format!("{to} cannot be written"));
                }
                written.insert(to);
            }
        }
        let carried = |number: u32| written.contains(&Destination::Uniform(number));
        let is_carry = |u: u32| self.uniforms[u as usize].source == Source::Carry;
        if let Some(u) = (0..self.uniforms.len() as u32).find(|u| is_carry(*u) && !carried(*u)) {
            return Err(format!("no pass computes u{u}"));
        }
        for (number, output) in self.outputs.iter().enumerate() {
            let there = match output.uniform {
                Some(uniform) => {
                    let uniform = self.uniforms.get(uniform as usize);
                    uniform.is_some_and(|u| u.dtype == output.dtype && !u.weak)
                }
                None => written.contains(&Destination::Output(number as u32)),
            };
            if !there {
                return Err(format!("nothing computes output {number}"));
            }
        }
        Ok(())
    }

    fn verify_body(&self, place: usize, pass: &Pass) -> Result<(), String> {
        let body = &pass.body;
        for (number, bits) in &pass.constants {
            let source = match body.values().get(*number as usize) {
                Some((Value::Uniform(uniform), _)) => self.uniforms.get(*uniform as usize),
                _ => None,
            };
            if source.is_none_or(|uniform| uniform.source != Source::Constant(*bits)) {
                return Err(format!("v{number} is another constant"));
            }
        }
        for (number, (value, dtype)) in body.values().iter().enumerate() {
            let operands = value.operands();
            if operands.iter().any(|x| *x as usize >= number) {
                return Err(format!("v{number} reads a later value"));
            }
            let right = match value {
                Value::Load(load) => {
                    pass.loads.get(*load as usize).is_some_and(|load| load.dtype == *dtype)
                }
                Value::Uniform(uniform) => {
                    let known = self.uniforms.get(*uniform as usize);
                    *uniform < pass.uniforms && known.is_some_and(|u| u.dtype == *dtype && !u.weak)
                }
                Value::Apply(op, _) => {
                    let values = if *op == Op::Select { &operands[1..] } else { operands };
                    values.iter().all(|x| body.dtype(*x) == body.dtype(values[0]))
                }
                Value::Convert(_) => true,
                Value::Along(op, attributes, _) => {
                    let scan = op.scan().map(|scan| scan.accepts(*attributes, *dtype));
                    let scans =
                        scan == Some(true) && operands.iter().all(|x| body.dtype(*x) == *dtype);
                    scans && pass.axes.is_some() && pass.group as usize == place
                }
            };
            if !right {
                return Err(format!("v{number} is ill-typed"));
            }
        }
        let values = pass.stores.iter().map(|store| store.value);
        let mut used = values.chain(pass.carries.iter().map(|carry| carry.value));
        match used.find(|value| *value as usize >= body.len()) {
            Some(value) => Err(format!("v{value} does not exist")),
            None => Ok(()),
        }
    }
}
