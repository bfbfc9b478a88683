//! Mutations of known inputs, for runs without a fuzzer.

use hotloop::ops::TABLE;

use super::data::Rng;

/// Words and characters of texts, besides the names of operations.
const TOKENS: [&str; 40] = [
    "(",
    ")",
    "[",
    "]",
    ",",
    "\n",
    ";",
    "=",
    ":",
    "...",
    "None",
    "a",
    "b",
    "x1",
    "axis=",
    "-1",
    "0",
    "1",
    "2.5",
    "0xff",
    "1e300",
    "9223372036854775807",
    "def f(p) = ",
    "f(",
    " if ",
    " else ",
    "not ",
    "~",
    "**",
    "->",
    ".",
    "#",
    "'",
    "\u{e9}",
    "\u{202e}",
    "nan",
    "True",
    "isin(",
    "keepdims=True",
    "f32(",
];

/// An input of at most `longest` bytes: one of a corpus with a few mutations.
pub fn mutated(corpus: &[Vec<u8>], rng: &mut Rng, longest: usize) -> Vec<u8> {
    let pick = |rng: &mut Rng| &corpus[rng.below(corpus.len() as u64) as usize];
    let mut bytes = if corpus.is_empty() { Vec::new() } else { pick(rng).clone() };
    for _ in 0..=rng.below(4) {
        let at = rng.below(bytes.len() as u64 + 1) as usize;
        let end = at + rng.below((bytes.len() - at) as u64 + 1).min(16) as usize;
        match rng.below(8) {
            0 if at < bytes.len() => bytes[at] ^= 1 << rng.below(8),
            1 if at < bytes.len() => bytes[at] = rng.next() as u8,
            2 => drop(bytes.drain(at..end)),
            3 => {
                let piece = bytes[at..end].to_vec();
                let to = rng.below(bytes.len() as u64 + 1) as usize;
                bytes.splice(to..to, piece);
            }
            4 if !corpus.is_empty() => {
                // The beginning of one input and the end of another.
                let other = pick(rng);
                let from = rng.below(other.len() as u64 + 1) as usize;
                bytes.truncate(at);
                bytes.extend(&other[from..]);
            }
            5 => {
                let count = rng.below(16);
                bytes.splice(at..end, (0..count).map(|_| rng.next() as u8));
            }
            _ => drop(bytes.splice(at..end, token(rng).bytes())),
        }
    }
    bytes.truncate(longest);
    bytes
}

fn token(rng: &mut Rng) -> &'static str {
    let all = TOKENS.len() + TABLE.len();
    let number = rng.below(all as u64) as usize;
    TOKENS.get(number).copied().unwrap_or_else(|| TABLE[number - TOKENS.len()].name)
}
