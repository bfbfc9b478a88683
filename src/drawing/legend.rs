//! The notes below the boxes.

use super::Subject;
use super::names::cut;

/// The maximum number of notes.
const MOST_NOTES: usize = 16;

/// The explanation of the shapes' names.
pub(super) fn notes(subject: &Subject<'_>) -> Vec<String> {
    let mut notes: Vec<(String, Vec<&str>)> = Vec::new();
    for (name, ty) in subject.inputs.iter().zip(subject.types).filter(|(_, ty)| !ty.is_scalar()) {
        let shape = ty.0.domain.to_string();
        match notes.iter_mut().find(|(s, _)| *s == shape) {
            Some((_, names)) => names.push(name),
            None => notes.push((shape, vec![name])),
        }
    }
    let shape_of = |(shape, names): (String, Vec<&str>)| {
        let more = if names.len() > 6 { ", ..." } else { "" };
        let names: Vec<String> = names.into_iter().take(6).map(cut).collect();
        format!("{shape} = the shape of {}{more}", names.join(", "))
    };
    let mut notes: Vec<String> = notes.into_iter().map(shape_of).collect();
    let derived = subject.plan.map_or(&[][..], |plan| &plan.derived).iter().enumerate();
    notes.extend(derived.map(|(i, d)| format!("d{i} = [{}] {}", d.of, d.how)));
    if notes.len() > MOST_NOTES {
        let more = notes.len() - MOST_NOTES;
        notes.truncate(MOST_NOTES);
        notes.push(format!("and {more} more shapes"));
    }
    notes
}
