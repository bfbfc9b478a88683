//! What a run gives back: fresh arrays, dense in memory.

use std::any::Any;
use std::borrow::Cow;
use std::fmt;
use std::ops::Index;

use hotloop_runtime::dtype::{DType, Element};
use hotloop_runtime::memory::{OutOfMemory, zeroed};
use hotloop_runtime::pages::prefer_huge_pages;
use hotloop_runtime::strided::{gather, is_contiguous};
use hotloop_runtime::view::View;
use ndarray::{ArrayD, ArrayViewD, IxDyn, ShapeBuilder, StrideShape};

use crate::domain::element_count;
use crate::error::{Error, ErrorKind, Result, quoted};
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
/// let mut outputs = program.eval([("a", (&[1, 5]).into()), ("b", (&[4, 2]).into())])?;
/// assert_eq!(outputs["low"].view::<i32>()?.as_slice(), Some(&[1, 2][..]));
/// assert_eq!(outputs.take::<i32>("high")?.into_raw_vec_and_offset().0, [4, 5]);
/// # Ok::<(), hotloop::Error>(())
/// ```
#[derive(Debug)]
pub struct Outputs {
    pub(crate) list: Vec<Output>,
    pub(crate) report: Report,
}

/// One output.
pub struct Output {
    name: Option<Box<str>>,
    dtype: DType,
    shape: Box<[usize]>,
    /// In bytes; the elements are dense.
    strides: Box<[isize]>,
    /// A `Vec` of the dtype's type; empty once taken.
    data: Box<dyn Any + Send + Sync>,
    pointer: *mut u8,
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
    pub fn iter(&self) -> impl Iterator<Item = &Output> {
        self.list.iter()
    }

    /// What the run reported.
    pub fn report(&self) -> &Report {
        &self.report
    }

    /// Moves an output out; it is empty afterwards.
    ///
    /// # Errors
    /// `Name` for an output that does not exist or was taken, `Type` if `T` is not its dtype:
    /// nothing is cast.
    pub fn take<T: Element>(&mut self, key: impl Key) -> Result<ArrayD<T>> {
        match key.find(self) {
            Some(i) => self.list[i].take(),
            None => Err(Error::new(ErrorKind::Name, format!("there is no output {}", key.shown()))),
        }
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
    ) -> Result<Output> {
        fn make<T: Element>(n: usize) -> Result<(Box<dyn Any + Send + Sync>, *mut u8)> {
            let mut data = zeroed::<T>(n).map_err(|OutOfMemory(bytes)| {
                Error::new(
                    ErrorKind::OutOfMemory,
                    format!("cannot allocate {bytes} bytes for an output"),
                )
            })?;
            prefer_huge_pages(&mut data);
            let pointer = data.as_mut_ptr().cast();
            Ok((Box::new(data), pointer))
        }
        let n = element_count(&shape)?;
        let (data, pointer) = match dtype {
            DType::Bool => make::<bool>(n),
            DType::I8 => make::<i8>(n),
            DType::I16 => make::<i16>(n),
            DType::I32 => make::<i32>(n),
            DType::I64 => make::<i64>(n),
            DType::U8 => make::<u8>(n),
            DType::U16 => make::<u16>(n),
            DType::U32 => make::<u32>(n),
            DType::U64 => make::<u64>(n),
            DType::F32 => make::<f32>(n),
            DType::F64 => make::<f64>(n),
        }?;
        Ok(Output { name, dtype, shape, strides, data, pointer })
    }

    pub(crate) fn target(&self) -> View {
        let (pointer, dtype) = (self.pointer, self.dtype);
        let (shape, strides) = (self.shape.clone(), self.strides.clone());
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

    fn wrong_type<T: Element>(&self) -> Error {
        Error::new(ErrorKind::Type, format!("the output is {}, not {}", self.dtype, T::DTYPE))
            .hint(format!("convert it in the program: {}(...)", T::DTYPE))
    }

    /// The elements as an array view.
    ///
    /// # Errors
    /// `Type` if `T` is not its dtype; `Name` if it was taken.
    pub fn view<T: Element>(&self) -> Result<ArrayViewD<'_, T>> {
        let data: &Vec<T> = self.data.downcast_ref().ok_or_else(|| self.wrong_type::<T>())?;
        ArrayViewD::from_shape(self.layout(), data)
            .map_err(|_| Error::new(ErrorKind::Name, "the output was taken already"))
    }

    fn take<T: Element>(&mut self) -> Result<ArrayD<T>> {
        if self.dtype != T::DTYPE {
            return Err(self.wrong_type::<T>());
        }
        let layout = self.layout();
        let data: &mut Vec<T> =
            self.data.downcast_mut().ok_or_else(|| Error::internal("an output of another type"))?;
        ArrayD::from_shape_vec(layout, std::mem::take(data))
            .map_err(|_| Error::new(ErrorKind::Name, "the output was taken already"))
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
        fn bytes<T: Element>(data: &(dyn Any + Send + Sync)) -> &[u8] {
            let data: &[T] = data.downcast_ref::<Vec<T>>().map_or(&[], Vec::as_slice);
            // SAFETY: elements have no padding, so all their bytes are initialised.
            unsafe { std::slice::from_raw_parts(data.as_ptr().cast(), size_of_val(data)) }
        }
        let data = &*self.data;
        match self.dtype {
            DType::Bool => bytes::<bool>(data),
            DType::I8 => bytes::<i8>(data),
            DType::I16 => bytes::<i16>(data),
            DType::I32 => bytes::<i32>(data),
            DType::I64 => bytes::<i64>(data),
            DType::U8 => bytes::<u8>(data),
            DType::U16 => bytes::<u16>(data),
            DType::U32 => bytes::<u32>(data),
            DType::U64 => bytes::<u64>(data),
            DType::F32 => bytes::<f32>(data),
            DType::F64 => bytes::<f64>(data),
        }
    }
}
