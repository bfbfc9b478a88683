//! [`Stream`]: a program whose rows arrive batch by batch.
//!
//! A stream carries the states of all scans (windows, running sums, shifts) from one batch to the
//! next. They have fixed sizes, so memory is bounded and known before the first row.

mod batches;
mod causal;
mod keyed;
mod snapshot;

use std::fmt;

use crate::arg::{Args, Out};
use crate::error::{Error, ErrorKind, Result};
use crate::outputs::{Outputs, Report};
use crate::program::Program;
use batches::Batches;
use snapshot::Identity;

pub use keyed::{KeyedStream, Keys};

/// The greatest number of rows of a stream, or of a key.
const MOST_ROWS: u64 = hotloop_runtime::scan::MOST_ROWS;

/// A program whose rows arrive batch by batch: windows, running sums and shifts go on where the
/// batch before ended.
///
/// [`Program::stream`] makes one. Each batch may have any number of rows; the results have the bits
/// of one call with all rows at once.
///
/// ```
/// let program = hotloop::compile("x - shift(x, 1, fill=0), rolling_mean(x, 2)")?;
/// let mut stream = program.stream(("x", &[0.0; 0]), 0)?;
/// let first = stream.push(("x", &[1.0, 4.0]))?;
/// assert_eq!(first[0].view::<f64>()?.as_slice(), Some(&[1.0, 3.0][..]));
/// let next = stream.push(("x", &[5.0]))?;
/// assert_eq!(next[0].view::<f64>()?.as_slice(), Some(&[1.0][..]));
/// assert_eq!(next[1].view::<f64>()?.as_slice(), Some(&[4.5][..]));
/// assert_eq!(stream.rows(), 3);
/// # Ok::<(), hotloop::Error>(())
/// ```
pub struct Stream {
    batches: Batches,
    identity: Identity,
    rows: u64,
    /// The states before a run that can be stopped.
    before: Vec<u8>,
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stream")
            .field("program", &self.batches.program)
            .field("rows", &self.rows)
            .finish_non_exhaustive()
    }
}

impl Program {
    /// A stream of rows that arrive along an axis of the inputs.
    ///
    /// `like` are arguments like those of each batch: their dtypes, and their extents along other
    /// axes. Elements and the number of rows do not matter, and may be none. An array that has no
    /// such axis is the same in each row: with the axis -2, a vector beside a matrix.
    ///
    /// Every function along an axis must go along this one, and nothing may need rows that have not
    /// arrived: no reduction, slice or transposition of it, no shift by a negative number. A mean
    /// across another axis is possible.
    ///
    /// ```
    /// use hotloop::ndarray::{Array2, array};
    ///
    /// // Prices of three symbols.
    /// let program = hotloop::compile("d = diff(p, axis=0); d - mean(d, axis=1, keepdims=True)")?;
    /// let mut stream = program.stream(("p", &Array2::<f64>::zeros((0, 3))), 0)?;
    /// stream.push(("p", &array![[1.0, 2.0, 3.0]]))?;
    /// let d = stream.push(("p", &array![[4.0, 5.0, 9.0]]))?;
    /// assert_eq!(d[0].view::<f64>()?.as_slice(), Some(&[-1.0, -1.0, 2.0][..]));
    ///
    /// let error = hotloop::compile("x - mean(x)")?.stream(("x", &[0.0; 0]), 0).unwrap_err();
    /// assert!(error.to_string().contains("`expanding_mean` is the mean so far"));
    /// # Ok::<(), hotloop::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Program::eval`]; `Type` for what is not possible in a stream, at its place in the text;
    /// `Shape` if no input has the axis; `Limit` for a state that exceeds
    /// [`RunOptions::memory`](crate::RunOptions::memory).
    pub fn stream<'a>(&self, like: impl Args<'a>, axis: i64) -> Result<Stream> {
        let batches = Batches::new(self, like, axis, false)?;
        let identity = Identity::new(&batches, false);
        Ok(Stream { batches, identity, rows: 0, before: Vec::new() })
    }

    /// A stream with a state for each key; see [`KeyedStream`].
    ///
    /// # Errors
    /// As [`Program::stream`].
    pub fn keyed_stream<'a>(&self, like: impl Args<'a>, axis: i64) -> Result<KeyedStream> {
        KeyedStream::new(Batches::new(self, like, axis, true)?)
    }
}

impl Stream {
    /// Computes the outputs of the next rows.
    ///
    /// # Errors
    /// `Name` and `Arity` for missing arguments, `Type` and `Shape` for other dtypes and extents
    /// than the stream was made for; `OutOfMemory`, `Cancelled`. The state is then as it was before.
    pub fn push<'a>(&mut self, args: impl Args<'a>) -> Result<Outputs> {
        let rows = self.batches.take(args, &[])?;
        let list = self.batches.outputs(rows)?;
        let report = self.run(rows, |batches| batches.run_fresh(rows, &list))?;
        Ok(Outputs { list, report })
    }

    /// Computes the outputs of the next rows into the caller's arrays. Does not allocate if one of
    /// the last few calls had as many rows, and arrays with the same strides.
    ///
    /// ```
    /// let program = hotloop::compile("cumsum(x)")?;
    /// let mut stream = program.stream(("x", &[0.0; 0]), 0)?;
    /// let mut sum = [0.0];
    /// for x in [1.0, 2.0, 4.0] {
    ///     stream.push_into(("x", &[x]), &mut [(&mut sum).into()])?;
    /// }
    /// assert_eq!(sum, [7.0]);
    /// # Ok::<(), hotloop::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Stream::push`], and as [`Program::eval_into`] for the outputs, whose contents are
    /// unspecified if the run is cancelled.
    pub fn push_into<'a>(&mut self, args: impl Args<'a>, outs: &mut [Out<'_>]) -> Result<Report> {
        let rows = self.batches.take(args, outs)?;
        self.run(rows, |batches| batches.run_into(rows, outs))
    }

    /// Runs a batch, and counts its rows.
    fn run(
        &mut self,
        rows: usize,
        run: impl FnOnce(&mut Batches) -> Result<Report>,
    ) -> Result<Report> {
        let after = self.rows.checked_add(rows as u64).filter(|rows| *rows <= MOST_ROWS);
        let after = after.ok_or_else(too_many_rows)?;
        let can_stop = !self.batches.program.options.are_plain();
        if can_stop {
            self.before.resize(self.batches.saved_bytes(), 0);
            self.batches.save(&mut self.before);
        }
        match run(&mut self.batches) {
            Ok(report) => {
                self.rows = after;
                Ok(report)
            }
            Err(error) => {
                if can_stop {
                    self.batches.resume(self.rows, &self.before);
                }
                Err(error)
            }
        }
    }

    /// The number of rows so far, those before a restored snapshot included.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// The axis of rows of each output.
    pub fn output_axes(&self) -> &[usize] {
        &self.batches.output_axes
    }

    /// The number of earlier rows that a row of the outputs depends on; `None` if it depends on all.
    /// Parts of a sequence that begin with as many rows of the part before can be computed apart.
    ///
    /// ```
    /// let reach = |text| Ok::<_, hotloop::Error>(hotloop::compile(text)?.stream(("x", &[0.0; 0]), 0)?.reach());
    /// assert_eq!(reach("x * 2")?, Some(0));
    /// assert_eq!(reach("rolling_mean(x, 20) - shift(x, 5)")?, Some(19));
    /// assert_eq!(reach("diff(rolling_mean(x, 20))")?, Some(20));
    /// assert_eq!(reach("x - cumsum(x)")?, None);
    /// # Ok::<(), hotloop::Error>(())
    /// ```
    pub fn reach(&self) -> Option<usize> {
        self.batches.reach()
    }

    /// The bytes of memory of the state. They do not grow.
    ///
    /// ```
    /// let program = hotloop::compile("rolling_mean(x, 10000)")?;
    /// let stream = program.stream(("x", &[0.0; 0]), 0)?;
    /// assert!(stream.state_bytes() < 1 << 20);
    /// # Ok::<(), hotloop::Error>(())
    /// ```
    pub fn state_bytes(&self) -> usize {
        self.batches.state_bytes()
    }

    /// The state as bytes, from which [`restore`](Stream::restore) goes on, also in another process
    /// and on a machine with another instruction set.
    ///
    /// ```
    /// let program = hotloop::compile("cumsum(x)")?;
    /// let mut stream = program.stream(("x", &[0.0; 0]), 0)?;
    /// stream.push(("x", &[1.0, 2.0]))?;
    /// let bytes = stream.snapshot();
    ///
    /// let mut other = program.stream(("x", &[0.0; 0]), 0)?;
    /// other.restore(&bytes)?;
    /// assert_eq!(other.push(("x", &[4.0]))?[0].view::<f64>()?.as_slice(), Some(&[7.0][..]));
    /// assert!(other.restore(&bytes[1..]).is_err());
    /// # Ok::<(), hotloop::Error>(())
    /// ```
    pub fn snapshot(&mut self) -> Vec<u8> {
        let mut state = vec![0; self.batches.saved_bytes()];
        self.batches.save(&mut state);
        let mut writer = self.identity.begin();
        writer.number(self.rows);
        writer.bytes(&state);
        writer.finish()
    }

    /// Replaces the state, whatever it is, by that of a snapshot of a stream of the same program,
    /// dtypes, extents and floating-point mode.
    ///
    /// # Errors
    /// `Format` for bytes that are no snapshot, are damaged, or are of another stream or version.
    /// The state is then as it was.
    pub fn restore(&mut self, snapshot: &[u8]) -> Result<()> {
        let mut reader = self.identity.open(snapshot)?;
        let rows = reader.rows()?;
        let state = reader.exactly(self.batches.saved_bytes())?;
        reader.end()?;
        self.batches.resume(rows, state);
        self.rows = rows;
        Ok(())
    }
}

fn too_many_rows() -> Error {
    Error::new(ErrorKind::Limit, format!("a stream has at most {MOST_ROWS} rows"))
}
