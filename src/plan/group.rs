//! Groups passes that may run together, one block of rows at a time.

use super::{Array, Destination, Pass};
use crate::domain::{Derivation, Derived, Domain};

/// Groups passes that share an outer space: those with carries along the same axes of a space, and
/// those over the results. Such passes can exchange values row by row. Whether they do is decided
/// when arrays are bound.
pub(super) fn group(passes: &mut [Pass], derived: &[Derived]) {
    let mut first = 0;
    for number in 0..passes.len() {
        if !joins(&passes[first..number], &passes[number], derived) {
            first = number;
        }
        passes[number].group = first as u32;
    }
}

/// Whether a pass can run together with a group, row by row.
fn joins(group: &[Pass], pass: &Pass, derived: &[Derived]) -> bool {
    let Some(head) = group.first() else { return true };
    // Scans go through a whole sequence, whatever the rows of others.
    if head.body.scans() || pass.body.scans() {
        return false;
    }
    // The axes inside a row.
    let carrying = group.iter().chain([pass]).find(|pass| !pass.carries.is_empty());
    let Some(Pass { axes: Some(axes), .. }) = carrying else { return false };
    let own_axes = pass.carries.is_empty() || pass.axes.as_ref() == Some(axes);
    let fits = match pass.space == head.space {
        true => own_axes,
        false => pass.carries.is_empty() && is_reduced(pass.space, head.space, axes, derived),
    };
    // A uniform result is known only after the whole pass.
    let number = |to: Destination| matches!(to, Destination::Uniform(_));
    let numbers = group.iter().flat_map(Pass::destinations).any(number);
    let written = |array: Array| {
        let mut all = group.iter().flat_map(Pass::destinations);
        array.destination().is_some_and(|to| all.any(|other| other == to))
    };
    fits && !numbers && pass.loads.iter().any(|load| written(load.array))
}

/// Whether a domain is the result of a reduction of a space along axes.
fn is_reduced(domain: Domain, space: Domain, axes: &Derivation, derived: &[Derived]) -> bool {
    let Some(Derived { of, how }) = domain.derived().map(|number| &derived[usize::from(number)])
    else {
        return false;
    };
    match (how, axes) {
        (Derivation::Reduce { axes: own, .. }, Derivation::Reduce { axes, .. }) => {
            *of == space && own == axes
        }
        _ => false,
    }
}
