//! What a run gives back: fresh arrays, dense in memory.

use std::any::Any;
use std::borrow::Cow;
use std::fmt;
use std::ops::Index;
use std::sync::Arc;

use hotloop_runtime::dtype::{DType, Element, Visitor};
use hotloop_runtime::memory::{OutOfMemory, reserve, zeroed};
use hotloop_runtime::pages::prefer_huge_pages;
use hotloop_runtime::strided::{gather, is_contiguous};
use hotloop_runtime::view::View;
use ndarray::{ArrayD, ArrayViewD, IxDyn, ShapeBuilder, StrideShape};

use crate::domain::element_count;
use crate::error::{Error, ErrorKind, Result, quoted, shown_shape};
use crate::spare::Spare;
use crate::stats::Stats;

/// What a run reports beside its values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// An integer was divided by zero somewhere; those elements are 0. Advisory: an optimized
    /// program may not compute elements that nothing reads.
    pub divided_by_zero: bool,
    /// Native code ran, not the interpreter.
    pub native: bool,
    pub(crate) stats: Option<Box<Stats>>,
}

impl Report {
    /// What the run took, if [`RunOptions::stats`](crate::RunOptions::stats) asked for it.
    pub fn stats(&self) -> Option<&Stats> {
        self.stats.as_deref()
    }
}

/// The outputs of one run, by number or name.
///
/// ```
/// let program = hotloop::compile("low = minimum(a, b); high = maximum(a, b)")?;
/// let mut outputs = program.eval([("a", &[1, 5]), ("b", &[4, 2])])?;
/// assert_eq!(outputs["low"].view::<i32>()?.as_slice(), Some(&[1, 2][..]));
/// assert_eq!(outputs.take::<i32>("high")?.as_slice(), Some(&[4, 5][..]));
/// for output in outputs {
///     println!("{} is {}", output.name().unwrap_or("an output"), output.dtype());
/// }
/// # Ok::<(), hotloop::Error>(())
/// ```
#[derive(Debug)]
pub struct Outputs {
    pub(crate) list: Vec<Output>,
    pub(crate) report: Report,
}

/// One output.
///
/// ```
/// let mut outputs = hotloop::compile("x + 1")?.eval(("x", &[1i32, 2]))?.into_iter();
/// let output = outputs.next().expect("one output");
/// assert_eq!((output.shape(), output.strides()), (&[2][..], &[4][..]));
/// assert_eq!(output.into_vec::<i32>()?, [2, 3]);
/// # Ok::<(), hotloop::Error>(())
/// ```
pub struct Output {
    name: Option<Box<str>>,
    dtype: DType,
    shape: Box<[usize]>,
    /// In bytes; the elements are dense.
    strides: Box<[isize]>,
    /// A `Vec` of the dtype's type; empty once taken.
    data: Box<dyn Any + Send + Sync>,
    pointer: *mut u8,
    /// Where its memory goes.
    spare: Option<Arc<Spare>>,
}

// SAFETY: the pointer is into `data`, which may be sent and shared.
unsafe impl Send for Output {}
// SAFETY: as above; nothing is written through a shared reference.
unsafe impl Sync for Output {}

impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Output { name, dtype, shape, .. } = self;
        f.debug_struct("Output")
            .field("name", name)
            .field("dtype", dtype)
            .field("shape", shape)
            .finish_non_exhaustive()
    }
}

/// How an output is asked for: `0` or `"name"`.
pub trait Key: Copy {
    /// The output's number.
    fn find(self, outputs: &Outputs) -> Option<usize>;

    /// How messages show it.
    fn shown(self) -> String;
}

impl Key for usize {
    fn find(self, outputs: &Outputs) -> Option<usize> {
        (self < outputs.list.len()).then_some(self)
    }

    fn shown(self) -> String {
        self.to_string()
    }
}

impl Key for &str {
    fn find(self, outputs: &Outputs) -> Option<usize> {
        outputs.list.iter().position(|o| o.name() == Some(self))
    }

    fn shown(self) -> String {
        quoted(self)
    }
}

impl Outputs {
    /// How many outputs.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The outputs in order.
    pub fn iter(&self) -> std::slice::Iter<'_, Output> {
        self.list.iter()
    }

    /// An output by number or name, if there is one.
    ///
    /// ```
    /// let outputs = hotloop::compile("y = x * 2; y")?.eval(("x", 2.0))?;
    /// assert!(outputs.get("y").is_some() && outputs.get(1).is_none());
    /// # Ok::<(), hotloop::Error>(())
    /// ```
    pub fn get(&self, key: impl Key) -> Option<&Output> {
        key.find(self).and_then(|number| self.list.get(number))
    }

    /// What the run reported.
    pub fn report(&self) -> &Report {
        &self.report
    }

    /// Moves an output out; it is empty afterwards.
    ///
    /// # Errors
    /// `Name` for an output that does not exist, `Taken` for one that was taken, `Type` if `T` is
    /// not its dtype: nothing is cast.
    pub fn take<T: Element>(&mut self, key: impl Key) -> Result<ArrayD<T>> {
        match key.find(self) {
            Some(i) => self.list[i].take(),
            None => Err(Error::new(ErrorKind::Name, format!("there is no output {}", key.shown()))),
        }
    }
}

impl IntoIterator for Outputs {
    type Item = Output;
    type IntoIter = std::vec::IntoIter<Output>;

    fn into_iter(self) -> Self::IntoIter {
        self.list.into_iter()
    }
}

impl<'a> IntoIterator for &'a Outputs {
    type Item = &'a Output;
    type IntoIter = std::slice::Iter<'a, Output>;

    fn into_iter(self) -> Self::IntoIter {
        self.list.iter()
    }
}

impl<T: Element> TryFrom<Output> for ArrayD<T> {
    type Error = Error;

    /// The output as an array, in its order in memory; nothing is copied.
    fn try_from(mut output: Output) -> Result<ArrayD<T>> {
        output.take()
    }
}

impl<K: Key> Index<K> for Outputs {
    type Output = Output;

    /// # Panics
    /// If there is no such output.
    fn index(&self, key: K) -> &Output {
        match key.find(self) {
            Some(i) => &self.list[i],
            None => panic!("there is no output {}", key.shown()),
        }
    }
}

impl Output {
    /// Strides are those of a dense array, in some order of the axes.
    pub(crate) fn new(
        name: Option<Box<str>>,
        dtype: DType,
        shape: Box<[usize]>,
        strides: Box<[isize]>,
        spare: Option<Arc<Spare>>,
    ) -> Result<Output> {
        let (data, pointer) = dtype.visit(Fresh(element_count(&shape)?, spare.as_deref()))?;
        Ok(Output { name, dtype, shape, strides, data, pointer, spare })
    }

    pub(crate) fn target(&self) -> View {
        let (pointer, dtype) = (self.pointer, self.dtype);
        let (shape, strides) = ((*self.shape).into(), (*self.strides).into());
        View { pointer, dtype, shape, strides, swapped: false, store: None }
    }

    /// The shape and the strides as `ndarray` takes them.
    fn layout(&self) -> StrideShape<IxDyn> {
        let size = self.dtype.size() as isize;
        // Without elements there is nothing to step to, and `ndarray` wants no steps.
        let empty = self.shape.contains(&0);
        let step = |s: &isize| if empty { 0 } else { (s / size) as usize };
        let strides: Vec<usize> = self.strides.iter().map(step).collect();
        IxDyn(&self.shape).strides(IxDyn(&strides))
    }

    /// The name, if the program gives it one.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// The element type.
    pub fn dtype(&self) -> DType {
        self.dtype
    }

    /// The extents of the axes; none for a single number.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// Bytes from one element to the next along each axis. The elements are dense, in some order of
    /// the axes.
    pub fn strides(&self) -> &[isize] {
        &self.strides
    }

    /// The address of the first element; null once the output was taken.
    pub fn as_ptr(&self) -> *const u8 {
        self.pointer
    }

    /// The elements in C order. They are moved unless they lie in another order.
    ///
    /// # Errors
    /// `Type` if `T` is not its dtype, `Taken`, `OutOfMemory`.
    pub fn into_vec<T: Element>(mut self) -> Result<Vec<T>> {
        let array: ArrayD<T> = self.take()?;
        if array.is_standard_layout() {
            return Ok(array.into_raw_vec_and_offset().0);
        }
        let mut list = reserve(array.len()).map_err(out_of_memory)?;
        list.extend(array.iter());
        Ok(list)
    }

    /// The only element.
    pub(crate) fn scalar<T: Element>(&self) -> Result<T> {
        let view = self.view::<T>()?;
        match (view.len(), view.first()) {
            (1, Some(element)) => Ok(*element),
            _ => {
                let message = format!("the output has the shape {}", shown_shape(&self.shape));
                Err(Error::new(ErrorKind::Shape, message).hint("`eval_as` gives arrays"))
            }
        }
    }

    fn wrong_type<T: Element>(&self) -> Error {
        Error::new(ErrorKind::Type, format!("the output is {}, not {}", self.dtype, T::DTYPE))
            .hint(format!("convert it in the program: {}(...)", T::DTYPE))
    }

    /// The elements as an array view.
    ///
    /// # Errors
    /// `Type` if `T` is not its dtype; `Taken`.
    pub fn view<T: Element>(&self) -> Result<ArrayViewD<'_, T>> {
        let data: &Vec<T> = self.data.downcast_ref().ok_or_else(|| self.wrong_type::<T>())?;
        ArrayViewD::from_shape(self.layout(), data).map_err(|_| taken())
    }

    fn take<T: Element>(&mut self) -> Result<ArrayD<T>> {
        if self.dtype != T::DTYPE {
            return Err(self.wrong_type::<T>());
        }
        let layout = self.layout();
        let data: &mut Vec<T> =
            self.data.downcast_mut().ok_or_else(|| Error::internal("an output of another type"))?;
        self.pointer = std::ptr::null_mut();
        ArrayD::from_shape_vec(layout, std::mem::take(data)).map_err(|_| taken())
    }

    /// The elements' bytes, in C order, little end first; none if it was taken. They are copied
    /// if the elements lie in another order.
    pub fn bytes(&self) -> Cow<'_, [u8]> {
        let (memory, size) = (self.memory(), self.dtype.size());
        if memory.is_empty() || is_contiguous(&self.shape, &self.strides, size) {
            return Cow::Borrowed(memory);
        }
        let mut bytes = vec![0; memory.len()];
        let (base, n) = (memory.as_ptr(), memory.len() / size);
        // SAFETY: the strides are those of a dense array of all elements of the memory.
        unsafe { gather(bytes.as_mut_ptr(), base, &self.shape, &self.strides, size, 0, n) };
        Cow::Owned(bytes)
    }

    /// The elements' bytes as they lie in memory.
    fn memory(&self) -> &[u8] {
        self.dtype.visit(Bytes(&*self.data))
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        if let Some(spare) = &self.spare {
            self.dtype.visit(Dropped(&mut *self.data, spare));
        }
    }
}

/// Gives the memory of an output back.
struct Dropped<'a>(&'a mut (dyn Any + Send + Sync), &'a Spare);

impl Visitor for Dropped<'_> {
    type Output = ();

    fn visit<T: Element>(self) {
        if let Some(data) = self.0.downcast_mut::<Vec<T>>() {
            self.1.put(std::mem::take(data));
        }
    }
}

fn taken() -> Error {
    Error::new(ErrorKind::Taken, "the output was taken already")
}

fn out_of_memory(OutOfMemory(bytes): OutOfMemory) -> Error {
    let message = format!("cannot allocate {bytes} bytes for an output");
    Error::new(ErrorKind::OutOfMemory, message)
}

/// Makes the elements of an output, which a run writes.
struct Fresh<'a>(usize, Option<&'a Spare>);

impl Visitor for Fresh<'_> {
    type Output = Result<(Box<dyn Any + Send + Sync>, *mut u8)>;

    fn visit<T: Element>(self) -> Self::Output {
        let Fresh(n, spare) = self;
        let mut data = match spare.and_then(|spare| spare.take(n)) {
            Some(data) => data,
            None => {
                let mut data = zeroed::<T>(n).map_err(out_of_memory)?;
                prefer_huge_pages(&mut data);
                data
            }
        };
        let pointer = data.as_mut_ptr().cast();
        Ok((Box::new(data), pointer))
    }
}

/// The bytes of an output's elements, as they lie in memory.
struct Bytes<'a>(&'a (dyn Any + Send + Sync));

impl<'a> Visitor for Bytes<'a> {
    type Output = &'a [u8];

    fn visit<T: Element>(self) -> &'a [u8] {
        let data: &[T] = self.0.downcast_ref::<Vec<T>>().map_or(&[], Vec::as_slice);
        // SAFETY: elements have no padding, so all their bytes are initialised.
        unsafe { std::slice::from_raw_parts(data.as_ptr().cast(), size_of_val(data)) }
    }
}
