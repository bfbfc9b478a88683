//! [`KeyedStream`]: a stream with a state for each key.
//!
//! The rows of a batch are sorted by key, and run key by key: a key's state is put where the scans
//! have theirs, and taken back afterwards.

use std::collections::HashMap;
use std::fmt;
use std::hash::Hash;

use hotloop_runtime::format::Format;
use hotloop_runtime::location::Location;
use hotloop_runtime::storage::Storage;
use hotloop_runtime::strided::{gather, scatter};
use hotloop_runtime::view::View;

use super::batches::Batches;
use super::snapshot::{Identity, Reader, Writer, format_error};
use super::{MOST_ROWS, too_many_rows};
use crate::arg::{ArgValue, Args, Out};
use crate::call::allocate;
use crate::domain::c_strides;
use crate::error::{Error, ErrorKind, Result};
use crate::outputs::{Output, Outputs, Report};

/// Keys of rows: integers, or texts of any bytes.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Keys<'a> {
    /// Integers.
    Integers(&'a [i64]),
    /// Bytes.
    Bytes(&'a [&'a [u8]]),
    /// Texts, which are their bytes.
    Texts(&'a [&'a str]),
}

impl Keys<'_> {
    /// The number of keys.
    pub fn len(&self) -> usize {
        match self {
            Keys::Integers(list) => list.len(),
            Keys::Bytes(list) => list.len(),
            Keys::Texts(list) => list.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

macro_rules! keys {
    ($($variant:ident $t:ty;)*) => {$(
        impl<'a> From<&'a [$t]> for Keys<'a> {
            fn from(list: &'a [$t]) -> Keys<'a> {
                Keys::$variant(list)
            }
        }
        impl<'a> From<&'a Vec<$t>> for Keys<'a> {
            fn from(list: &'a Vec<$t>) -> Keys<'a> {
                Keys::$variant(list)
            }
        }
        impl<'a, const N: usize> From<&'a [$t; N]> for Keys<'a> {
            fn from(list: &'a [$t; N]) -> Keys<'a> {
                Keys::$variant(list)
            }
        }
    )*};
}
keys! { Integers i64; Bytes &'a [u8]; Texts &'a str; }

/// The number of states that are allocated together.
const TOGETHER: usize = 256;
/// The memory of a key besides its state, roughly.
const KEY_BYTES: usize = 64;

/// A stream with a state for each key, such as one for each symbol of a market.
///
/// [`Program::keyed_stream`](crate::Program::keyed_stream) makes one. The rows of a batch may have
/// many keys in any order. Each has the result that a stream of the rows of its key would give.
///
/// ```
/// let program = hotloop::compile("diff(price)")?;
/// let mut stream = program.keyed_stream(("price", &[0.0; 0]), 0)?;
/// stream.push(&["A", "B"], ("price", &[10.0, 500.0]))?;
/// let next = stream.push(&["B", "A", "A"], ("price", &[501.0, 12.0, 15.0]))?;
/// assert_eq!(next[0].view::<f64>()?.as_slice(), Some(&[1.0, 2.0, 3.0][..]));
/// assert_eq!((stream.keys(), stream.rows()), (2, 5));
/// # Ok::<(), hotloop::Error>(())
/// ```
pub struct KeyedStream {
    batches: Batches,
    identity: Identity,
    /// The bytes of a state before its first row.
    fresh: Box<[u8]>,
    integers: HashMap<i64, u32>,
    texts: HashMap<Box<[u8]>, u32>,
    /// The bytes of all texts.
    text_bytes: usize,
    states: States,
}

/// The states of keys, by number: the rows so far, then what is carried.
struct States {
    chunks: Vec<Vec<u8>>,
    count: usize,
    /// The bytes of a state.
    size: usize,
}

impl States {
    fn get(&mut self, number: usize) -> &mut [u8] {
        let at = number % TOGETHER * self.size;
        &mut self.chunks[number / TOGETHER][at..at + self.size]
    }

    fn add(&mut self, fresh: &[u8]) -> Result<()> {
        if self.count.is_multiple_of(TOGETHER) {
            self.chunks.push(allocate(TOGETHER * self.size)?);
        }
        self.count += 1;
        let state = self.get(self.count - 1);
        state[..8].fill(0);
        state[8..].copy_from_slice(fresh);
        Ok(())
    }

    fn truncate(&mut self, count: usize) {
        self.count = count;
        self.chunks.truncate(count.div_ceil(TOGETHER));
    }
}

fn rows_of(state: &[u8]) -> u64 {
    state.first_chunk::<8>().map_or(0, |rows| u64::from_le_bytes(*rows))
}

/// The numbers of keys: known ones, then new ones in order of appearance.
fn numbers<K: Eq + Hash + Clone>(
    keys: impl Iterator<Item = K>,
    known: impl Fn(&K) -> Option<u32>,
    first: usize,
) -> (Vec<u32>, Vec<K>) {
    let mut new: HashMap<K, u32> = HashMap::new();
    let mut list = Vec::new();
    let numbers = keys.map(|key| {
        known(&key).unwrap_or_else(|| {
            *new.entry(key.clone()).or_insert_with(|| {
                list.push(key);
                (first + list.len() - 1) as u32
            })
        })
    });
    let numbers = numbers.collect();
    (numbers, list)
}

/// An array whose rows are sorted by key.
struct Sorted {
    bytes: Vec<u8>,
    /// The array of one row.
    row: View,
    axis: usize,
    /// The bytes of a row.
    size: usize,
}

impl Sorted {
    /// Room for rows of a shape.
    fn new(format: Format, shape: &[usize], axis: usize, rows: usize) -> Result<Sorted> {
        let others = others(shape, axis);
        let elements: usize = others.iter().product();
        let size = elements * format.size();
        let mut strides = c_strides(&others, format.size()).into_vec();
        strides.insert(axis, size as isize);
        let mut extents = shape.to_vec();
        extents[axis] = 1;
        let bytes = allocate(size.saturating_mul(rows))?;
        let storage = Storage::native(bytes.as_ptr().cast_mut(), format.dtype());
        let row = View { storage, shape: (&*extents).into(), strides: (&*strides).into() };
        Ok(Sorted { bytes, row, axis, size })
    }

    /// Makes a view one of some rows.
    fn show(&mut self, view: &mut View, from: usize, count: usize) {
        let first = self.bytes.as_mut_ptr().wrapping_add(from * self.size);
        view.storage.location = Location::Memory(first);
        view.shape[self.axis] = count;
    }

    /// Copies the rows of an array in an order; the low half of a number is that of the row.
    fn gather(&mut self, view: &View, order: &[u64]) {
        let Some(first) = view.address().filter(|_| self.size > 0) else { return };
        let (extents, steps, step) = self.steps(view);
        let format = view.storage.format;
        let n = self.size / format.size();
        for (to, row) in self.bytes.chunks_exact_mut(self.size).zip(order) {
            let from = first.wrapping_offset(step.wrapping_mul(*row as u32 as isize));
            // SAFETY: the array is readable during the call, and has this row; a row fits.
            unsafe {
                match n {
                    1 => from.copy_to_nonoverlapping(to.as_mut_ptr(), format.size()),
                    _ => gather(to.as_mut_ptr(), from, &extents, &steps, format.size(), 0, n),
                }
                format.decode(to.as_mut_ptr(), n);
            }
        }
    }

    /// Copies rows to a new array, each to where the order says.
    fn scatter(&self, view: &View, order: &[u64]) {
        let Some(first) = view.address().filter(|_| self.size > 0) else { return };
        let (extents, steps, step) = self.steps(view);
        let size = view.size();
        let n = self.size / size;
        for (from, row) in self.bytes.chunks_exact(self.size).zip(order) {
            let to = first.wrapping_offset(step.wrapping_mul(*row as u32 as isize));
            // SAFETY: the array is a new output, which nothing else uses, and has this row.
            unsafe {
                match n {
                    1 => to.copy_from_nonoverlapping(from.as_ptr(), size),
                    _ => scatter(to, from.as_ptr(), &extents, &steps, size, 0, n),
                }
            }
        }
    }

    /// The extents and strides of the elements of a row, and the stride from row to row.
    fn steps(&self, view: &View) -> (Vec<usize>, Vec<isize>, isize) {
        let mut steps = view.strides.to_vec();
        let step = steps.remove(self.axis);
        (others(&view.shape, self.axis), steps, step)
    }
}

fn others(shape: &[usize], axis: usize) -> Vec<usize> {
    let extents = shape.iter().enumerate().filter(|(at, _)| *at != axis);
    extents.map(|(_, extent)| *extent).collect()
}

impl fmt::Debug for KeyedStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyedStream")
            .field("program", &self.batches.program)
            .field("keys", &self.states.count)
            .finish_non_exhaustive()
    }
}

impl KeyedStream {
    pub(super) fn new(mut batches: Batches) -> Result<KeyedStream> {
        let mut fresh = allocate(batches.saved_bytes())?;
        batches.save(&mut fresh);
        let identity = Identity::new(&batches, true);
        let states = States { chunks: Vec::new(), count: 0, size: 8 + fresh.len() };
        Ok(KeyedStream {
            batches,
            identity,
            fresh: fresh.into(),
            integers: HashMap::new(),
            texts: HashMap::new(),
            text_bytes: 0,
            states,
        })
    }

    /// Computes the outputs of the next rows, each with its key; outputs are in the order of rows.
    ///
    /// # Errors
    /// As [`Stream::push`](crate::Stream::push); `Shape` for another number of keys than rows,
    /// `Limit` if the states of all keys would exceed
    /// [`RunOptions::memory`](crate::RunOptions::memory). The states, and the keys, are then as they
    /// were before.
    pub fn push<'k, 'a>(
        &mut self,
        keys: impl Into<Keys<'k>>,
        args: impl Args<'a>,
    ) -> Result<Outputs> {
        let keys = keys.into();
        let rows = self.batches.take(args, &[])?;
        self.batches.check_values()?;
        if keys.len() != rows {
            let message = format!("{} keys for {rows} rows", keys.len());
            return Err(Error::new(ErrorKind::Shape, message));
        }
        if u32::try_from(rows).is_err() {
            return Err(Error::new(
                ErrorKind::Limit,
                "a batch with keys has at most 2^32 - 1 rows",
            ));
        }
        let list = self.batches.outputs(rows)?;
        if rows == 0 {
            return Ok(Outputs { list, report: Report::default() });
        }
        let (integers, texts) = (&self.integers, &self.texts);
        let count = self.states.count;
        match keys {
            Keys::Integers(list_of) => {
                let known = |key: &i64| integers.get(key).copied();
                let (numbers, new) = numbers(list_of.iter().copied(), known, count);
                let report = self.run(&numbers, new.len(), 0, &list)?;
                self.integers.extend(new.into_iter().zip(count as u32..));
                Ok(Outputs { list, report })
            }
            Keys::Bytes(_) | Keys::Texts(_) => {
                let at = |row: usize| match keys {
                    Keys::Bytes(list) => list[row],
                    Keys::Texts(list) => list[row].as_bytes(),
                    Keys::Integers(_) => &[],
                };
                let known = |key: &&[u8]| texts.get(*key).copied();
                let (numbers, new) = numbers((0..rows).map(at), known, count);
                let bytes = new.iter().map(|text| text.len()).sum();
                let report = self.run(&numbers, new.len(), bytes, &list)?;
                let new = new.into_iter().map(Box::from);
                self.texts.extend(new.zip(count as u32..));
                self.text_bytes += bytes;
                Ok(Outputs { list, report })
            }
        }
    }

    /// Runs the rows of a batch, whose keys have these numbers; some of them are new.
    fn run(
        &mut self,
        numbers: &[u32],
        new: usize,
        new_bytes: usize,
        list: &[Output],
    ) -> Result<Report> {
        let before = self.states.count;
        let bytes = self.bytes_of(before + new, self.text_bytes + new_bytes);
        let most = self.batches.program.options.limits.memory;
        if before + new > u32::MAX as usize || new > 0 && bytes > most {
            let message =
                format!("the states of {} keys take {bytes} bytes of {most}", before + new);
            return Err(Error::new(ErrorKind::Limit, message)
                .hint("raise the memory limit, or shorten the windows"));
        }
        for _ in 0..new {
            if let Err(error) = self.states.add(&self.fresh) {
                self.states.truncate(before);
                return Err(error);
            }
        }
        let mut order: Vec<u64> = numbers
            .iter()
            .zip(0u64..)
            .map(|(number, row)| u64::from(*number) << 32 | row)
            .collect();
        order.sort_unstable();
        let mut undo = Vec::new();
        let ran = self.run_sorted(&order, list, &mut undo);
        if ran.is_err() {
            for part in undo.rchunks_exact(4 + self.states.size) {
                let (number, state) = part.split_at(4);
                let number = number.first_chunk::<4>().map_or(0, |n| u32::from_le_bytes(*n));
                self.states.get(number as usize).copy_from_slice(state);
            }
            self.states.truncate(before);
        }
        ran
    }

    /// Runs rows in the order of their keys. What states were before is added to `undo`.
    fn run_sorted(&mut self, order: &[u64], list: &[Output], undo: &mut Vec<u8>) -> Result<Report> {
        let rows = order.len();
        let mut inputs = Vec::new();
        let axes: Vec<Option<usize>> = self.batches.inputs.iter().map(|input| input.axis).collect();
        for (value, axis) in self.batches.values().iter_mut().zip(axes) {
            let (Some(ArgValue::Array(view)), Some(axis)) = (value, axis) else {
                inputs.push(None);
                continue;
            };
            let mut sorted = Sorted::new(view.storage.format, &view.shape, axis, rows)?;
            sorted.gather(view, order);
            *view = sorted.row.clone();
            inputs.push(Some(sorted));
        }
        let (mut sorted, mut outs) = (Vec::new(), Vec::new());
        for (output, axis) in list.iter().zip(self.batches.output_axes.iter()) {
            let target = output.target();
            let of = Sorted::new(target.storage.format, &target.shape, *axis, rows)?;
            outs.push(Out::of_view(of.row.clone()));
            sorted.push(of);
        }
        let mut report = Report { native: true, ..Report::default() };
        let mut from = 0;
        while from < rows {
            let number = (order[from] >> 32) as usize;
            let same = order[from..].iter().take_while(|at| (*at >> 32) as usize == number);
            let end = from + same.count();
            let state = self.states.get(number);
            undo.extend((number as u32).to_le_bytes());
            undo.extend_from_slice(state);
            let before = rows_of(state);
            let after = before + (end - from) as u64;
            if after > MOST_ROWS {
                return Err(too_many_rows());
            }
            self.batches.resume(before, &state[8..]);
            while from < end {
                // Powers of two, so that few numbers of rows are bound.
                let count = 1 << (end - from).ilog2();
                for (value, sorted) in self.batches.values().iter_mut().zip(&mut inputs) {
                    if let (Some(ArgValue::Array(view)), Some(sorted)) = (value, sorted) {
                        sorted.show(view, from, count);
                    }
                }
                for (out, sorted) in outs.iter_mut().zip(&mut sorted) {
                    sorted.show(&mut out.view, from, count);
                }
                let ran = self.batches.run_into(count, &outs)?;
                report.divided_by_zero |= ran.divided_by_zero;
                report.native &= ran.native;
                from += count;
            }
            let state = self.states.get(number);
            state[..8].copy_from_slice(&after.to_le_bytes());
            self.batches.save(&mut state[8..]);
        }
        for (output, sorted) in list.iter().zip(&sorted) {
            sorted.scatter(&output.target(), order);
        }
        Ok(report)
    }

    /// The memory of some keys.
    fn bytes_of(&self, keys: usize, text_bytes: usize) -> usize {
        let chunks = keys.div_ceil(TOGETHER).saturating_mul(TOGETHER);
        let states = chunks.saturating_mul(self.states.size);
        states.saturating_add(keys.saturating_mul(KEY_BYTES)).saturating_add(text_bytes)
    }

    /// The number of rows of all keys so far, those before a restored snapshot included.
    pub fn rows(&self) -> u64 {
        let states = self.states.chunks.iter().flat_map(|c| c.chunks_exact(self.states.size));
        states.take(self.states.count).map(rows_of).fold(0, u64::saturating_add)
    }

    /// The number of keys so far.
    pub fn keys(&self) -> usize {
        self.states.count
    }

    /// The axis of rows of each output.
    pub fn output_axes(&self) -> &[usize] {
        &self.batches.output_axes
    }

    /// The bytes of memory of the state of each key, the key itself not counted.
    pub fn bytes_per_key(&self) -> usize {
        self.states.size
    }

    /// The bytes of memory of all states and keys, roughly.
    pub fn state_bytes(&self) -> usize {
        self.bytes_of(self.states.count, self.text_bytes) + self.batches.state_bytes()
    }

    /// The states of all keys as bytes; see [`Stream::snapshot`](crate::Stream::snapshot).
    pub fn snapshot(&mut self) -> Vec<u8> {
        let mut writer = self.identity.begin();
        writer.number(self.states.count as u64);
        let mut keys: Vec<(u32, std::result::Result<i64, &[u8]>)> =
            Vec::with_capacity(self.states.count);
        keys.extend(self.integers.iter().map(|(key, number)| (*number, Ok(*key))));
        keys.extend(self.texts.iter().map(|(key, number)| (*number, Err(&**key))));
        keys.sort_unstable_by_key(|(number, _)| *number);
        for (number, key) in keys {
            write_key(&mut writer, key);
            writer.bytes(self.states.get(number as usize));
        }
        writer.finish()
    }

    /// Replaces the states of all keys by those of a snapshot; see
    /// [`Stream::restore`](crate::Stream::restore).
    ///
    /// # Errors
    /// As there; `Limit` and `OutOfMemory` for more keys than fit.
    pub fn restore(&mut self, snapshot: &[u8]) -> Result<()> {
        let mut reader = self.identity.open(snapshot)?;
        let count = reader.number()?;
        let size = self.states.size;
        let mut states = States { chunks: Vec::new(), count: 0, size };
        let (mut integers, mut texts, mut text_bytes) = (HashMap::new(), HashMap::new(), 0);
        for number in 0..count {
            let other = match read_key(&mut reader)? {
                Ok(key) => integers.insert(key, number as u32),
                Err(key) => {
                    text_bytes += key.len();
                    texts.insert(Box::from(key), number as u32)
                }
            };
            let state = reader.exactly(size)?;
            if other.is_some() || rows_of(state) > MOST_ROWS || number >= u64::from(u32::MAX) {
                return Err(format_error("the keys of the snapshot are wrong"));
            }
            let most = self.batches.program.options.limits.memory;
            if self.bytes_of(states.count + 1, text_bytes) > most {
                let message = format!("the states of {count} keys do not fit {most} bytes");
                return Err(Error::new(ErrorKind::Limit, message).hint("raise the memory limit"));
            }
            states.add(&self.fresh)?;
            states.get(number as usize).copy_from_slice(state);
        }
        reader.end()?;
        (self.states, self.integers, self.texts) = (states, integers, texts);
        self.text_bytes = text_bytes;
        Ok(())
    }
}

/// Writes an integer, or a text.
fn write_key(writer: &mut Writer, key: std::result::Result<i64, &[u8]>) {
    match key {
        Ok(key) => {
            writer.number(0);
            writer.number(key as u64);
        }
        Err(key) => {
            writer.number(1);
            writer.text(key);
        }
    }
}

fn read_key<'a>(reader: &mut Reader<'a>) -> Result<std::result::Result<i64, &'a [u8]>> {
    match reader.number()? {
        0 => Ok(Ok(reader.number()? as i64)),
        1 => Ok(Err(reader.text()?)),
        _ => Err(format_error("the keys of the snapshot are wrong")),
    }
}
