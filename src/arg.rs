//! Arguments and output arrays.

use std::marker::PhantomData;
use std::sync::Arc;

use hotloop_runtime::dtype::{DType, Element};
use hotloop_runtime::location::Location;
use hotloop_runtime::per_axis::PerAxis;
use hotloop_runtime::storage::Storage;
use hotloop_runtime::store::{Sink, Source};
use hotloop_runtime::strided::{MAX_RANK, byte_span, overlaps_itself};
use hotloop_runtime::view::View;
use ndarray::{ArrayBase, ArrayView, ArrayViewMut, Data, DataMut, Dimension};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::error::{Error, ErrorKind, Result, quoted, shown_shape};
use crate::origin::Origin;
use crate::outputs::Output;
use crate::overlap::{Places, may_overlap};
use crate::store;

/// An argument: an array of any shape and strides, or a number.
///
/// Arrays are made from any `ndarray` array or view, from slices, by [`Arg::raw`], and by
/// [`Arg::source`] from outside memory. A plain number (`bool`, `i8` to `i64`, `u8` to `u32`,
/// `f32`, `f64`) is *weak*: it takes the dtype of the other operand, as a literal does. Use
/// [`Arg::typed`] for a number that keeps its dtype.
///
/// ```
/// use hotloop::{Arg, DType};
///
/// let program = hotloop::compile("x * k")?;
/// let x = [1.0f32, 2.0, 3.0];
/// let y = program.eval([("x", Arg::from(&x)), ("k", Arg::from(0.5))])?;
/// assert_eq!(y[0].dtype(), DType::F32);
/// let y = program.eval([("x", Arg::from(&x)), ("k", Arg::typed(0.5f64))])?;
/// assert_eq!(y[0].dtype(), DType::F64);
/// # Ok::<(), hotloop::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Arg<'a> {
    pub(crate) value: ArgValue,
    borrow: PhantomData<&'a ()>,
}

#[derive(Clone, Debug)]
pub(crate) enum ArgValue {
    Array(View),
    Scalar { dtype: DType, weak: bool, bits: u64 },
}

fn bits_of<T: Element>(value: T) -> u64 {
    let mut bytes = [0u8; 8];
    // SAFETY: an element has at most 8 bytes, all of them initialised.
    unsafe {
        std::ptr::copy_nonoverlapping(
            std::ptr::from_ref(&value).cast::<u8>(),
            bytes.as_mut_ptr(),
            size_of::<T>(),
        );
    }
    u64::from_le_bytes(bytes)
}

impl Arg<'_> {
    fn scalar(dtype: DType, weak: bool, bits: u64) -> Self {
        Arg { value: ArgValue::Scalar { dtype, weak, bits }, borrow: PhantomData }
    }

    /// A number that keeps its dtype.
    pub fn typed<T: Element>(value: T) -> Self {
        Arg::scalar(T::DTYPE, false, bits_of(value))
    }

    /// An array given by address, from another library. Strides are in bytes and may be zero,
    /// negative and of any alignment; any non-zero byte of a `bool` is true.
    ///
    /// When the argument is used, the rank (at most 64), null pointers and overflow of the span are
    /// checked.
    ///
    /// # Safety
    /// Every element of the array is readable for `'a`, and nothing writes to it except a program
    /// that also has it as an output. Memory mapped from a file is readable only while the file is
    /// not truncated: reading beyond the end raises a signal that ends the process. [`Arg::source`]
    /// with [`npy::open`](crate::npy::open) reads without a map, and then truncation is an error.
    pub unsafe fn raw(
        pointer: *const u8,
        shape: &[usize],
        byte_strides: &[isize],
        dtype: DType,
    ) -> Self {
        let view = View {
            storage: Storage::native(pointer.cast_mut(), dtype),
            shape: shape.into(),
            strides: taken_strides(shape, byte_strides.iter().copied()),
        };
        Arg { value: ArgValue::Array(view), borrow: PhantomData }
    }

    /// An array outside memory, read in chunks; it may be larger than memory. Each pass over the
    /// elements reads it again, unless it is small.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use hotloop::io::FileArray;
    /// use hotloop::{Arg, DType};
    ///
    /// # let path = std::env::temp_dir().join(format!("hotloop-doc-{}", std::process::id()));
    /// # std::fs::write(&path, [1.0f64, 2.0, 3.0].iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<_>>()).unwrap();
    /// let file = std::fs::File::open(&path).expect("three numbers of 8 bytes");
    /// let x = Arc::new(FileArray::new(file, 0, DType::F64, &[3]));
    /// let sum = hotloop::compile("sum(x)")?.eval_as::<f64>([("x", Arg::source(&x))])?;
    /// assert_eq!(sum[[]], 6.0);
    /// # std::fs::remove_file(path).unwrap();
    /// # Ok::<(), hotloop::Error>(())
    /// ```
    pub fn source<S: Source + 'static>(source: &Arc<S>) -> Self {
        let view = store::source(source.clone());
        Arg { value: ArgValue::Array(view), borrow: PhantomData }
    }

    /// The same array with elements in the opposite byte order, such as big-endian data on a
    /// little-endian machine. A plain number is unchanged.
    ///
    /// ```
    /// use hotloop::{Arg, DType};
    ///
    /// let file: Vec<u8> = [1.0f64, 2.0].iter().flat_map(|x| x.to_be_bytes()).collect();
    /// // SAFETY: the bytes of two elements, which outlive the call.
    /// let x = unsafe { Arg::raw(file.as_ptr(), &[2], &[8], DType::F64) }.byte_swapped();
    /// assert_eq!(hotloop::compile("sum(x)")?.eval_as::<f64>([("x", x)])?[[]], 3.0);
    /// # Ok::<(), hotloop::Error>(())
    /// ```
    pub fn byte_swapped(mut self) -> Self {
        if let ArgValue::Array(view) = &mut self.value {
            view.storage.format = view.storage.format.byte_swapped();
        }
        self
    }
}

/// Normalized strides: 0 along axes that are never stepped along, where any number is valid.
fn taken_strides(shape: &[usize], strides: impl Iterator<Item = isize>) -> PerAxis<isize> {
    let empty = shape.contains(&0);
    let stays = |axis: usize| empty || shape.get(axis) == Some(&1);
    strides.enumerate().map(|(axis, stride)| if stays(axis) { 0 } else { stride }).collect()
}

fn view_of<T: Element, D: Dimension>(view: &ArrayView<'_, T, D>) -> View {
    let size = size_of::<T>() as isize;
    View {
        storage: Storage::native(view.as_ptr().cast_mut().cast(), T::DTYPE),
        shape: view.shape().into(),
        strides: taken_strides(view.shape(), view.strides().iter().map(|s| s.wrapping_mul(size))),
    }
}

impl<'a, T: Element, D: Dimension> From<ArrayView<'a, T, D>> for Arg<'a> {
    fn from(view: ArrayView<'a, T, D>) -> Arg<'a> {
        Arg { value: ArgValue::Array(view_of(&view)), borrow: PhantomData }
    }
}

impl<'a, T: Element, S: Data<Elem = T>, D: Dimension> From<&'a ArrayBase<S, D>> for Arg<'a> {
    fn from(array: &'a ArrayBase<S, D>) -> Arg<'a> {
        array.view().into()
    }
}

impl<'a, T: Element> From<&'a [T]> for Arg<'a> {
    fn from(slice: &'a [T]) -> Arg<'a> {
        ArrayView::from(slice).into()
    }
}

impl<'a, T: Element> From<&'a Vec<T>> for Arg<'a> {
    fn from(list: &'a Vec<T>) -> Arg<'a> {
        list.as_slice().into()
    }
}

impl<'a, T: Element, const N: usize> From<&'a [T; N]> for Arg<'a> {
    fn from(list: &'a [T; N]) -> Arg<'a> {
        list.as_slice().into()
    }
}

macro_rules! weak_numbers {
    ($($t:ty as $wide:ident, $dtype:ident, $bits:expr;)*) => {$(
        /// A weak number.
        impl From<$t> for Arg<'_> {
            fn from(value: $t) -> Self {
                let bits: fn($wide) -> u64 = $bits;
                Arg::scalar(DType::$dtype, true, bits(value.into()))
            }
        }
    )*};
}
weak_numbers! {
    bool as bool, Bool, u64::from;
    i8 as i64, I64, |x| x as u64;
    i16 as i64, I64, |x| x as u64;
    i32 as i64, I64, |x| x as u64;
    i64 as i64, I64, |x| x as u64;
    u8 as i64, I64, |x| x as u64;
    u16 as i64, I64, |x| x as u64;
    u32 as i64, I64, |x| x as u64;
    f32 as f64, F64, f64::to_bits;
    f64 as f64, F64, f64::to_bits;
}

/// An array to write an output to, of exactly its dtype and shape.
///
/// It may be strided. It may overlap inputs: the result is as if the inputs had been copied first.
/// [`Out::inout`] passes one array as both.
#[derive(Debug)]
pub struct Out<'a> {
    pub(crate) view: View,
    pub(crate) input: Option<Box<str>>,
    borrow: PhantomData<&'a mut ()>,
}

impl<'a> Out<'a> {
    /// An array that outlives the runs that it is used for.
    pub(crate) fn of_view(view: View) -> Out<'a> {
        Out { view, input: None, borrow: PhantomData }
    }

    /// An output that is also the input of this name: computed in place.
    ///
    /// ```
    /// use hotloop::Out;
    ///
    /// let mut x = [1.0, 2.0, 3.0];
    /// let program = hotloop::compile("x * 2 + k")?;
    /// program.eval_into(("k", 1.0), &mut [Out::inout("x", &mut x)])?;
    /// assert_eq!(x, [3.0, 5.0, 7.0]);
    /// # Ok::<(), hotloop::Error>(())
    /// ```
    pub fn inout(name: &str, array: impl Into<Out<'a>>) -> Out<'a> {
        Out { input: Some(name.into()), ..array.into() }
    }

    /// An array given by address; see [`Arg::raw`].
    ///
    /// # Safety
    /// Every element of the array is readable and writable for `'a`, and nothing else reads or
    /// writes it during a run.
    pub unsafe fn raw(
        pointer: *mut u8,
        shape: &[usize],
        byte_strides: &[isize],
        dtype: DType,
    ) -> Out<'a> {
        let strides = taken_strides(shape, byte_strides.iter().copied());
        let storage = Storage::native(pointer, dtype);
        let view = View { storage, shape: shape.into(), strides };
        Out { view, input: None, borrow: PhantomData }
    }

    /// An array outside memory, written in chunks; see [`Arg::source`].
    ///
    /// After an error its contents are unspecified. It must not be the source of an input: this is
    /// an error if both are one value, and cannot be detected otherwise.
    ///
    /// ```
    /// use std::io;
    /// use std::sync::{Arc, Mutex};
    /// use hotloop::io::Sink;
    /// use hotloop::{DType, Out};
    ///
    /// /// An array that grows as it is written.
    /// struct Log([usize; 1], Mutex<Vec<u8>>);
    ///
    /// impl Sink for Log {
    ///     fn dtype(&self) -> DType {
    ///         DType::F32
    ///     }
    ///
    ///     fn shape(&self) -> &[usize] {
    ///         &self.0
    ///     }
    ///
    ///     fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
    ///         let mut log = self.1.lock().unwrap();
    ///         let (start, end) = (offset as usize, offset as usize + bytes.len());
    ///         let length = log.len().max(end);
    ///         log.resize(length, 0);
    ///         log[start..end].copy_from_slice(bytes);
    ///         Ok(())
    ///     }
    /// }
    ///
    /// let log = Arc::new(Log([3], Mutex::default()));
    /// let program = hotloop::compile("x * 2")?;
    /// program.eval_into(("x", &[1.0f32, 2.0, 3.0]), &mut [Out::sink(&log)])?;
    /// assert_eq!(log.1.lock().unwrap()[4..8], 4.0f32.to_le_bytes());
    /// # Ok::<(), hotloop::Error>(())
    /// ```
    pub fn sink<S: Sink + 'static>(sink: &Arc<S>) -> Out<'static> {
        Out { view: store::sink(sink.clone()), input: None, borrow: PhantomData }
    }

    /// The same array, written in the opposite byte order; see [`Arg::byte_swapped`].
    pub fn byte_swapped(mut self) -> Out<'a> {
        self.view.storage.format = self.view.storage.format.byte_swapped();
        self
    }
}

impl<'a, T: Element, D: Dimension> From<ArrayViewMut<'a, T, D>> for Out<'a> {
    fn from(mut array: ArrayViewMut<'a, T, D>) -> Out<'a> {
        let location = Location::Memory(array.as_mut_ptr().cast());
        let view = view_of(&array.view()).at(location);
        Out { view, input: None, borrow: PhantomData }
    }
}

impl<'a, T: Element, S: DataMut<Elem = T>, D: Dimension> From<&'a mut ArrayBase<S, D>> for Out<'a> {
    fn from(array: &'a mut ArrayBase<S, D>) -> Out<'a> {
        array.view_mut().into()
    }
}

impl<'a, T: Element> From<&'a mut [T]> for Out<'a> {
    fn from(slice: &'a mut [T]) -> Out<'a> {
        ArrayViewMut::from(slice).into()
    }
}

impl<'a, T: Element> From<&'a mut Vec<T>> for Out<'a> {
    fn from(list: &'a mut Vec<T>) -> Out<'a> {
        list.as_mut_slice().into()
    }
}

impl<'a, T: Element, const N: usize> From<&'a mut [T; N]> for Out<'a> {
    fn from(list: &'a mut [T; N]) -> Out<'a> {
        list.as_mut_slice().into()
    }
}

impl<'a> From<&'a Output> for Arg<'a> {
    fn from(output: &'a Output) -> Arg<'a> {
        Arg { value: ArgValue::Array(output.target()), borrow: PhantomData }
    }
}

/// Arguments, by name or by position.
///
/// A named argument is a pair, `("x", &x)`. One pair is one argument; several are a tuple of up to
/// twelve pairs, whose arguments may differ in type, or an array, slice, `Vec`, `HashMap` or
/// `BTreeMap` of pairs. Arrays, slices and vectors of arguments without names are positional; `()`
/// is no argument.
///
/// Names that the program does not read are ignored, so that one set of columns can serve many
/// programs.
///
/// ```
/// use hotloop::Arg;
///
/// let program = hotloop::compile("a * b + k")?;
/// let (a, b) = (vec![1.0, 2.0], [3.0, 4.0]);
/// let y = program.eval_vec::<f64>((("a", &a), ("b", &b), ("k", 1.0)))?;
/// assert_eq!(y, [4.0, 9.0]);
/// let list = vec![("a", Arg::from(&a)), ("b", Arg::from(&b)), ("k", Arg::from(1.0))];
/// assert_eq!(program.eval_vec::<f64>(list)?, y);
/// assert_eq!(program.eval_vec::<f64>([Arg::from(&a), Arg::from(&b), Arg::from(1.0)])?, y);
/// assert_eq!(hotloop::compile("-x")?.eval_vec::<f64>(("x", &b))?, [-3.0, -4.0]);
/// # Ok::<(), hotloop::Error>(())
/// ```
pub trait Args<'a>: private::Sealed<'a> {}

impl<'a, T: private::Sealed<'a>> Args<'a> for T {}

pub(crate) mod private {
    use std::collections::{BTreeMap, HashMap};

    use super::Arg;

    /// A callback that takes an argument and its name, if any.
    pub type Taker<'t, 'a> = &'t mut dyn FnMut(Option<&str>, Arg<'a>);

    pub trait Sealed<'a> {
        /// Passes the arguments to `to`, one after the other.
        fn give(self, to: Taker<'_, 'a>);
    }

    /// One of several arguments.
    pub trait One<'a> {
        fn give_one(self, to: Taker<'_, 'a>);
    }

    impl<'a, V: Into<Arg<'a>>> One<'a> for V {
        fn give_one(self, to: Taker<'_, 'a>) {
            to(None, self.into());
        }
    }

    impl<'a, K: AsRef<str>, V: Into<Arg<'a>>> One<'a> for (K, V) {
        fn give_one(self, to: Taker<'_, 'a>) {
            to(Some(self.0.as_ref()), self.1.into());
        }
    }

    impl<'a> Sealed<'a> for () {
        fn give(self, _: Taker<'_, 'a>) {}
    }

    impl<'a, V: Into<Arg<'a>>> Sealed<'a> for (&str, V) {
        fn give(self, to: Taker<'_, 'a>) {
            self.give_one(to);
        }
    }

    impl<'a, T: One<'a>, const N: usize> Sealed<'a> for [T; N] {
        fn give(self, to: Taker<'_, 'a>) {
            self.into_iter().for_each(|one| one.give_one(to));
        }
    }

    impl<'a, T: One<'a> + Clone> Sealed<'a> for &[T] {
        fn give(self, to: Taker<'_, 'a>) {
            self.iter().for_each(|one| one.clone().give_one(to));
        }
    }

    impl<'a, T: One<'a> + Clone> Sealed<'a> for &Vec<T> {
        fn give(self, to: Taker<'_, 'a>) {
            self.as_slice().give(to);
        }
    }

    impl<'a, T: One<'a>> Sealed<'a> for Vec<T> {
        fn give(self, to: Taker<'_, 'a>) {
            self.into_iter().for_each(|one| one.give_one(to));
        }
    }

    impl<'a, K: AsRef<str>, V: Into<Arg<'a>>, S> Sealed<'a> for HashMap<K, V, S> {
        fn give(self, to: Taker<'_, 'a>) {
            self.into_iter().for_each(|one| one.give_one(to));
        }
    }

    impl<'a, K: AsRef<str>, V: Into<Arg<'a>>> Sealed<'a> for BTreeMap<K, V> {
        fn give(self, to: Taker<'_, 'a>) {
            self.into_iter().for_each(|one| one.give_one(to));
        }
    }

    macro_rules! tuples {
        ($(($($v:ident $at:tt),*))*) => {$(
            impl<'a, $($v: Into<Arg<'a>>),*> Sealed<'a> for ($((&str, $v),)*) {
                fn give(self, to: Taker<'_, 'a>) {
                    $(self.$at.give_one(to);)*
                }
            }
        )*};
    }
    tuples! {
        (A 0)
        (A 0, B 1)
        (A 0, B 1, C 2)
        (A 0, B 1, C 2, D 3)
        (A 0, B 1, C 2, D 3, E 4)
        (A 0, B 1, C 2, D 3, E 4, F 5)
        (A 0, B 1, C 2, D 3, E 4, F 5, G 6)
        (A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7)
        (A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8)
        (A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9)
        (A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10)
        (A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10, L 11)
    }
}

/// The arguments in the order of the program's inputs, those of in-place outputs included.
pub(crate) fn arrange<'a>(
    args: impl Args<'a>,
    inputs: &[Box<str>],
    origin: &Origin,
    outs: &[Out<'_>],
) -> Result<Vec<ArgValue>> {
    let mut by_name: FxHashMap<&str, ArgValue> = FxHashMap::default();
    let in_place = outs.iter().any(|out| out.input.is_some());
    let known: FxHashSet<&str> =
        if in_place { inputs.iter().map(|i| &**i).collect() } else { FxHashSet::default() };
    for out in outs {
        if let Some(name) = out.input.as_deref() {
            if !known.contains(name) {
                return Err(Error::new(
                    ErrorKind::Name,
                    format!("the program has no input {} to compute in place", quoted(name)),
                ));
            }
            if out.view.store().is_some() {
                let message = format!("{} can be computed in place in memory only", quoted(name));
                return Err(Error::new(ErrorKind::Layout, message));
            }
            if by_name.insert(name, ArgValue::Array(out.view.clone())).is_some() {
                return Err(Error::new(
                    ErrorKind::Name,
                    format!("two outputs are the input {}", quoted(name)),
                ));
            }
        }
    }
    let mut values = Vec::with_capacity(inputs.len());
    let (mut list, mut named) = (Vec::new(), Vec::<(Box<str>, ArgValue)>::new());
    args.give(&mut |name, arg| match name {
        Some(name) => named.push((name.into(), arg.value)),
        None => list.push(arg.value),
    });
    match (list.is_empty(), named.is_empty()) {
        (false, false) => {
            let message = "some arguments have names and others do not";
            return Err(Error::new(ErrorKind::Arity, message));
        }
        (false, true) => {
            let wanted = inputs.len() - by_name.len();
            if list.len() != wanted {
                let names: Vec<&str> = inputs.iter().map(|n| &**n).collect();
                let plural = |n: usize| if n == 1 { "" } else { "s" };
                let (given, s, t) = (list.len(), plural(list.len()), plural(wanted));
                let message = format!("{given} argument{s} for {wanted} input{t}");
                let error = Error::new(ErrorKind::Arity, message);
                return Err(error.hint(format!("the inputs are {}", names.join(", "))));
            }
            let mut list = list.into_iter();
            for name in inputs {
                let value = by_name.remove(&**name).or_else(|| list.next());
                values.extend(value);
            }
        }
        (true, _) => {
            for (name, value) in &named {
                if by_name.insert(name, value.clone()).is_some() {
                    return Err(Error::new(
                        ErrorKind::Name,
                        format!("the argument {} is given twice", quoted(name)),
                    ));
                }
            }
            for name in inputs {
                match by_name.get(&**name) {
                    Some(value) => values.push(value.clone()),
                    None => {
                        let error = origin.missing(name);
                        let near = crate::ops::suggestions(name, named.iter().map(|(n, _)| &**n));
                        return Err(match near.first() {
                            Some(near) => {
                                error.hint(format!("there is an argument {}", quoted(near)))
                            }
                            None => error,
                        });
                    }
                }
            }
            if let Some(error) = named.iter().find_map(|(name, _)| origin.never_read(name)) {
                return Err(error);
            }
        }
    }
    for (value, name) in values.iter().zip(inputs) {
        if let ArgValue::Array(view) = value {
            check(view, &quoted(name))?;
        }
    }
    Ok(values)
}

/// Puts arguments into `values`, in the order of the program's inputs, without allocation. Where
/// [`arrange`] takes any arrays, these are to be offered to a kernel that is bound already, which
/// checks them.
pub(crate) fn place<'a>(
    args: impl Args<'a>,
    inputs: &[Box<str>],
    origin: &Origin,
    outs: &[Out<'_>],
    values: &mut [Option<ArgValue>],
) -> Result<()> {
    values.fill(None);
    let mut failed = None;
    let mut put = |number: usize, value: ArgValue| {
        if values[number].replace(value).is_some() {
            let message = format!("the argument {} is given twice", quoted(&inputs[number]));
            failed.get_or_insert(Error::new(ErrorKind::Name, message));
        }
    };
    for out in outs {
        let Some(name) = &out.input else { continue };
        match inputs.iter().position(|input| input == name) {
            Some(number) => put(number, ArgValue::Array(out.view.clone())),
            None => {
                let message = format!("the program has no input {}", quoted(name));
                return Err(Error::new(ErrorKind::Name, message));
            }
        }
    }
    let (mut at, mut count, mut named, mut never_read) = (0, 0, false, None);
    args.give(&mut |name, arg| match name {
        Some(name) => {
            named = true;
            // Arguments nearly always come in the order of the inputs.
            let number = match inputs.get(at) {
                Some(input) if **input == *name => Some(at),
                _ => inputs.iter().position(|input| **input == *name),
            };
            match number {
                Some(number) => {
                    at = number + 1;
                    put(number, arg.value);
                }
                None if never_read.is_none() => never_read = origin.never_read(name),
                None => {}
            }
        }
        None => {
            if count < inputs.len() {
                put(count, arg.value);
            }
            count += 1;
        }
    });
    if let Some(error) = failed.or(never_read) {
        return Err(error);
    }
    if named && count > 0 {
        let message = "some arguments have names and others do not";
        return Err(Error::new(ErrorKind::Arity, message));
    }
    if count > inputs.len() {
        let message = format!("{count} arguments for {} inputs", inputs.len());
        return Err(Error::new(ErrorKind::Arity, message));
    }
    match values.iter().position(Option::is_none) {
        Some(number) => Err(origin.missing(&inputs[number])),
        None => Ok(()),
    }
}

/// Checks an array's rank, address and span.
pub(crate) fn check(view: &View, name: &str) -> Result<()> {
    let layout = |message: String| Err(Error::new(ErrorKind::Layout, message));
    if view.shape.len() > MAX_RANK {
        return Err(Error::new(
            ErrorKind::Limit,
            format!("{name} has {} axes; at most {MAX_RANK} are supported", view.shape.len()),
        ));
    }
    if view.strides.len() != view.shape.len() {
        return layout(format!(
            "{name} has {} axes and {} strides",
            view.shape.len(),
            view.strides.len()
        ));
    }
    let empty = view.shape.contains(&0);
    if view.address().is_some_and(<*mut u8>::is_null) && !empty {
        return layout(format!("{name} is a null pointer"));
    }
    let span = byte_span(&view.shape, &view.strides, view.size());
    let at = view.address().map_or(0, <*mut u8>::addr);
    let inside = span.is_some_and(|(low, high)| {
        at.checked_add_signed(low).is_some() && at.checked_add_signed(high).is_some()
    });
    if !inside && !empty {
        return layout(format!(
            "{name} of shape {} reaches beyond the address space",
            shown_shape(&view.shape)
        ));
    }
    Ok(())
}

/// Checks outputs against each other and themselves.
pub(crate) fn check_outs(outs: &[Out<'_>], names: &[Option<Box<str>>]) -> Result<()> {
    let name = |i: usize| match names.get(i).and_then(|n| n.as_deref()) {
        Some(name) => format!("the output {}", quoted(name)),
        None => format!("output {i}"),
    };
    for (i, out) in outs.iter().enumerate() {
        check(&out.view, &name(i))?;
        if overlaps_itself(&out.view.shape, &out.view.strides, out.view.size()) {
            return Err(Error::new(ErrorKind::Alias, format!("{} overlaps itself", name(i)))
                .hint("its strides put several elements at one address"));
        }
    }
    let places = Places::new(outs.iter().map(|out| &out.view));
    for (i, out) in outs.iter().enumerate() {
        let before = |j: &usize| *j < i && may_overlap(&outs[*j].view, &out.view);
        if let Some(j) = places.meeting(&out.view).find(before) {
            let message = format!("{} overlaps {}", name(i), name(j));
            return Err(Error::new(ErrorKind::Alias, message));
        }
        if let Some(j) = outs[..i].iter().position(|other| store::same(&other.view, &out.view)) {
            let message = format!("{} and {} share a sink", name(i), name(j));
            return Err(Error::new(ErrorKind::Alias, message));
        }
    }
    Ok(())
}
