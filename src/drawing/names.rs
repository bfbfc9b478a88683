//! What stands in shapes: names of operations and values.

use rustc_hash::FxHashMap;

use super::Subject;
use crate::graph::{Graph, Node, NodeId, show};

/// The most characters of a name in a shape.
const MOST_CHARACTERS: usize = 28;

/// A name as it fits a shape.
pub(super) fn cut(name: &str) -> String {
    shortened(name, MOST_CHARACTERS)
}

/// The beginning of a text that is longer than so many characters.
pub(super) fn shortened(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_string(),
    }
}

/// What a node is called.
pub(super) fn name(graph: &Graph, id: NodeId) -> String {
    match graph.node(id) {
        // Some are written to be followed by their operand.
        Node::Apply(op, _) => op.row().name.trim_end_matches(" of").to_string(),
        Node::Convert(_) | Node::Adopt(_) => format!("to {}", graph.dtype(id)),
        Node::View(_) => "view".to_string(),
        Node::Const(_) | Node::Wide(_) => "constant".to_string(),
        Node::Input(_) => "input".to_string(),
    }
}

/// Whether a name is a word rather than a sign.
pub(super) fn is_word(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic())
}

/// An operation with its operands.
pub(super) fn applied(name: &str, words: &[&str]) -> String {
    match words {
        [x, y] if !is_word(name) => format!("{x} {name} {y}"),
        [x] if !is_word(name) => format!("{name}{x}"),
        _ => format!("{name}({})", words.join(", ")),
    }
}

/// The text of short expressions of numbers that take the dtype of what they meet.
pub(super) fn weak_values(subject: &Subject<'_>) -> FxHashMap<NodeId, String> {
    let graph = subject.graph;
    let mut texts: FxHashMap<NodeId, String> = FxHashMap::default();
    for id in graph.ids().filter(|id| graph.ty(*id).weak) {
        let operands = graph.node(id).operands().iter();
        let words: Option<Vec<&str>> = operands.map(|x| Some(texts.get(x)?.as_str())).collect();
        let Some(words) = words else { continue };
        let text = match graph.node(id) {
            Node::Input(number) => match subject.inputs.get(*number as usize) {
                Some(name) => name.to_string(),
                None => continue,
            },
            Node::Const(bits) => show(*bits, graph.dtype(id)),
            Node::Apply(op, _) if words.len() > 1 => {
                let inner: Vec<String> = words.iter().map(|word| bracketed(word)).collect();
                let inner: Vec<&str> = inner.iter().map(String::as_str).collect();
                applied(op.row().name, &inner)
            }
            _ => applied(&name(graph, id), &words),
        };
        if text.len() <= MOST_CHARACTERS {
            texts.insert(id, text);
        }
    }
    texts
}

/// An operand of a sign, in parentheses if it needs them.
fn bracketed(word: &str) -> String {
    if word.contains(' ') { format!("({word})") } else { word.to_string() }
}
