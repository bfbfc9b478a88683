//! NumPy's `.npy` format for one array, versions 1 to 3.
//!
//! A header is untrusted text. It is limited to 64 KiB and parsed by a strict reader of the
//! dictionary that NumPy writes; its sizes must be checked against the file's length. Pickled
//! objects are never loaded.

use std::cmp::Ordering;
use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::path::Path;

use hotloop_runtime::dtype::DType;
use hotloop_runtime::store::FileArray;

use crate::error::{Error, ErrorKind, Result, shown_shape};

/// The maximum length of a header; NumPy's header of 64 axes has about 2 KiB.
const HEADER_LIMIT: u64 = 64 << 10;

/// The names that dtypes have in NumPy.
const NAMED: [&[u8]; 11] = [
    b"bool", b"int8", b"int16", b"int32", b"int64", b"uint8", b"uint16", b"uint32", b"uint64",
    b"float32", b"float64",
];

/// Every `.npy` file begins with this.
const MAGIC: &[u8; 6] = b"\x93NUMPY";

/// The header of a file: dtype, byte order, memory order and shape of its array.
///
/// ```
/// use hotloop::{DType, npy::Header};
///
/// let header = Header::new(DType::F64, &[3, 4]);
/// let bytes = header.to_bytes();
/// assert_eq!(bytes.len(), 128);
/// assert_eq!(Header::read(&mut &bytes[..])?, (header, 128));
/// # Ok::<(), hotloop::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// The elements' dtype.
    pub dtype: DType,
    /// Whether elements have the opposite byte order to this machine's.
    pub swapped: bool,
    /// Whether the first axis varies fastest, and not the last.
    pub fortran_order: bool,
    /// The extents of the axes.
    pub shape: Vec<usize>,
}

impl Header {
    /// A header of an array in C order and native byte order.
    pub fn new(dtype: DType, shape: &[usize]) -> Header {
        Header { dtype, swapped: false, fortran_order: false, shape: shape.to_vec() }
    }

    /// Reads a header; returns it with the offset of the data.
    ///
    /// # Errors
    /// `Io`; `Format` with the offset of the first invalid byte; `Type` for an unsupported dtype.
    pub fn read(file: &mut impl Read) -> Result<(Header, u64)> {
        read_header(file).map_err(|trouble| match trouble {
            Trouble::Fault(Fault { kind, at, what, hint }) => {
                let error = Error::new(kind, format!("{what} (at byte {at})"));
                hint.into_iter().fold(error, Error::hint)
            }
            // The reader may have returned an [`Error`] inside the `io::Error`.
            Trouble::Io(error) => error.downcast().unwrap_or_else(|error| {
                Error::new(ErrorKind::Io, error.to_string()).caused_by(error)
            }),
        })
    }

    /// Reads the header of a file of `len` bytes, and checks that length.
    fn read_whole(file: &mut impl Read, len: u64) -> Result<(Header, u64)> {
        let (header, start) = Header::read(file)?;
        header.check_len(start, len.saturating_sub(start))?;
        Ok((header, start))
    }

    /// The size of the elements in bytes.
    ///
    /// # Errors
    /// `Format` if the size overflows.
    pub fn data_len(&self) -> Result<usize> {
        if self.shape.contains(&0) {
            return Ok(0);
        }
        let extents = self.shape.iter();
        let bytes = { extents }.try_fold(self.dtype.size(), |n, extent| n.checked_mul(*extent));
        bytes.filter(|bytes| isize::try_from(*bytes).is_ok()).ok_or_else(|| {
            let shape = shown_shape(&self.shape);
            let message =
                format!("an array of {} of shape {shape} does not fit memory", self.dtype);
            Error::new(ErrorKind::Format, message)
        })
    }

    /// Checks that the bytes after the header, which ends at byte `start`, are the array's; the
    /// file has `have` bytes.
    ///
    /// # Errors
    /// `Format` if there are too few or too many.
    pub fn check_len(&self, start: u64, have: u64) -> Result<()> {
        let Header { dtype, shape, .. } = self;
        let (size, shape) = (self.data_len()? as u64, shown_shape(shape));
        let (at, what) = match have.cmp(&size) {
            Ordering::Equal => return Ok(()),
            Ordering::Less => (
                have,
                format!(
                    "the file ends after {have} of the {size} bytes of data of {dtype} {shape}"
                ),
            ),
            Ordering::Greater => {
                (size, format!("the data of {dtype} {shape} ends, but the file goes on"))
            }
        };
        Err(Error::new(ErrorKind::Format, format!("{what} (at byte {})", start + at)))
    }

    /// Encodes the header, padded so that the data is aligned to 64 bytes: version 1, or 2 if its
    /// length does not fit 16 bits.
    pub fn to_bytes(&self) -> Vec<u8> {
        let native = if cfg!(target_endian = "little") { '<' } else { '>' };
        let other = if cfg!(target_endian = "little") { '>' } else { '<' };
        let order = match (self.dtype.size(), self.swapped) {
            (1, _) => '|',
            (_, true) => other,
            (_, false) => native,
        };
        let sort = match self.dtype {
            DType::Bool => 'b',
            dtype if dtype.is_float() => 'f',
            dtype if dtype.is_signed_int() => 'i',
            _ => 'u',
        };
        let code = format!("{sort}{}", self.dtype.size());
        let fortran = if self.fortran_order { "True" } else { "False" };
        let shape = shown_shape(&self.shape);
        let text =
            format!("{{'descr': '{order}{code}', 'fortran_order': {fortran}, 'shape': {shape}, }}");
        // The length of the text after `prefix` bytes, with padding and a line feed.
        let length = |prefix: usize| (prefix + text.len() + 1).next_multiple_of(64) - prefix;
        let (version, field) = match u16::try_from(length(10)) {
            Ok(length) => (1, length.to_le_bytes().to_vec()),
            Err(_) => (2, (length(12) as u32).to_le_bytes().to_vec()),
        };
        let end = (MAGIC.len() + 2 + field.len() + text.len() + 1).next_multiple_of(64);
        let mut bytes = [MAGIC, &[version, 0][..], &field, text.as_bytes()].concat();
        bytes.resize(end - 1, b' ');
        bytes.push(b'\n');
        bytes
    }
}

/// Opens the array of a file, to be read in chunks by [`Arg::source`](crate::Arg::source).
///
/// The file must not change while it is read. If it is truncated meanwhile, the run fails.
///
/// ```
/// use std::sync::Arc;
/// use hotloop::{Arg, npy};
///
/// let (a, b) = (npy::open("examples/data/a.npy")?, npy::open("examples/data/b.npy")?);
/// let program = hotloop::compile("sum(sin(a)**2 + cos(b)**2)")?;
/// let args = [("a", Arg::source(&Arc::new(a))), ("b", Arg::source(&Arc::new(b)))];
/// assert!(program.eval_as::<f64>(args)?[[]] > 0.0);
/// # Ok::<(), hotloop::Error>(())
/// ```
///
/// # Errors
/// As [`Header::read`]; `Format` if the file's length does not match its header; `Io` if it is not
/// a regular file but, for example, a pipe.
pub fn open(path: impl AsRef<Path>) -> Result<FileArray> {
    let path = path.as_ref();
    let cannot = |error: io::Error| {
        Error::new(ErrorKind::Io, format!("cannot read {path:?}: {error}")).caused_by(error)
    };
    let mut options = OpenOptions::new();
    options.read(true);
    // Opening a pipe must not block until it has a writer; regular files are not affected.
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, libc::O_NONBLOCK);
    let mut file = options.open(path).map_err(cannot)?;
    let metadata = file.metadata().map_err(cannot)?;
    if !metadata.is_file() {
        return Err(cannot(io::Error::other("it is not a file")));
    }
    let (header, start) = Header::read_whole(&mut file, metadata.len())
        .map_err(|error| error.within(&format!("{path:?}")))?;
    let array = FileArray::new(file, start, header.dtype, &header.shape);
    let array = array.with_fortran_order(header.fortran_order).with_byte_swapped(header.swapped);
    Ok(array.with_path(path))
}

/// Starts an `.npy` file, to be written in chunks by [`Out::sink`](crate::Out::sink). It is written
/// from the first byte of the file, whatever the file position.
///
/// ```
/// use std::sync::Arc;
/// use hotloop::{Arg, Out, npy};
///
/// # let path = std::env::temp_dir().join(format!("hotloop-doc-{}.npy", std::process::id()));
/// let a = Arc::new(npy::open("examples/data/a.npy")?);
/// let program = hotloop::compile("(a - mean(a)) / std(a)")?;
/// let shapes = program.eval_shape([("a", Arg::source(&a))])?;
/// let file = std::fs::File::create(&path).unwrap();
/// let z = npy::create(file, shapes[0].dtype, &shapes[0].shape).unwrap();
/// let z = Arc::new(z);
/// program.eval_into([("a", Arg::source(&a))], &mut [Out::sink(&z)])?;
/// assert_eq!(std::fs::metadata(&path).unwrap().len(), a.file().metadata().unwrap().len());
/// # std::fs::remove_file(path).unwrap();
/// # Ok::<(), hotloop::Error>(())
/// ```
///
/// # Errors
/// If the header cannot be written, the size exceeds a limit or the free space, or overflows.
pub fn create(file: File, dtype: DType, shape: &[usize]) -> io::Result<FileArray> {
    let header = Header::new(dtype, shape);
    header.data_len().map_err(io::Error::other)?;
    let bytes = header.to_bytes();
    let array = FileArray::new(file, bytes.len() as u64, dtype, shape);
    array.write_head(&bytes)?;
    array.reserve()?;
    Ok(array)
}

/// An invalid file: the message and the offset.
#[derive(Debug)]
struct Fault {
    kind: ErrorKind,
    at: u64,
    what: String,
    hint: Option<&'static str>,
}

impl Fault {
    fn new(at: u64, what: impl Into<String>) -> Fault {
        Fault { kind: ErrorKind::Format, at, what: what.into(), hint: None }
    }

    fn dtype(at: u64, what: String, hint: &'static str) -> Fault {
        Fault { kind: ErrorKind::Type, at, what, hint: Some(hint) }
    }
}

/// An error while reading a header.
enum Trouble {
    Fault(Fault),
    Io(io::Error),
}

impl From<Fault> for Trouble {
    fn from(fault: Fault) -> Trouble {
        Trouble::Fault(fault)
    }
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Trouble {
        Trouble::Io(error)
    }
}

/// Appends `count` bytes, or fewer at the file's end; returns whether there were `count`.
fn more(file: &mut impl Read, bytes: &mut Vec<u8>, count: u64) -> io::Result<bool> {
    Ok(file.take(count).read_to_end(bytes)? as u64 == count)
}

/// Reads the header, and gives the byte at which the data starts.
fn read_header(file: &mut impl Read) -> std::result::Result<(Header, u64), Trouble> {
    let mut prefix = Vec::new();
    let whole = more(file, &mut prefix, 8)?;
    let common = MAGIC.iter().zip(&prefix).take_while(|(want, got)| want == got).count();
    if common < MAGIC.len() {
        let ends = prefix.len() < MAGIC.len() && common == prefix.len();
        let what = if ends { "the file ends" } else { "not an .npy file" };
        return Err(Fault::new(common as u64, what).into());
    }
    if !whole {
        return Err(Fault::new(prefix.len() as u64, "the file ends before the version").into());
    }
    let start: u64 = match prefix[6..8] {
        [1, 0] => 10,
        [2 | 3, 0] => 12,
        _ => {
            let version = format!("{}.{}", prefix[6], prefix[7]);
            return Err(Fault::new(6, format!("unknown .npy version {version}")).into());
        }
    };
    if !more(file, &mut prefix, start - 8)? {
        return Err(Fault::new(prefix.len() as u64, "the file ends in the header's length").into());
    }
    // The lowest byte comes first.
    let length = prefix[8..].iter().rev().fold(0, |length, byte| length << 8 | u64::from(*byte));
    if length > HEADER_LIMIT {
        let what = format!("a header of {length} bytes; at most {HEADER_LIMIT} are read");
        return Err(Fault::new(8, what).into());
    }
    let mut text = Vec::new();
    if !more(file, &mut text, length)? {
        let what = format!("the file ends in the header, of which {length} bytes are promised");
        return Err(Fault::new(start + text.len() as u64, what).into());
    }
    let header = Literal { text: &text, at: 0, start }.header()?;
    if let Err(error) = header.data_len() {
        return Err(Fault::new(start + length, error.message()).into());
    }
    Ok((header, start + length))
}

/// A reader of the header's dictionary.
struct Literal<'a> {
    text: &'a [u8],
    at: usize,
    start: u64,
}

impl<'a> Literal<'a> {
    fn fault(&self, what: impl Into<String>) -> Fault {
        Fault::new(self.start + self.at as u64, what)
    }

    fn header(&mut self) -> std::result::Result<Header, Fault> {
        let (mut descr, mut fortran, mut shape) = (None, None, None);
        self.expect(b'{')?;
        while !self.eat(b'}') {
            let at = self.at;
            let key = self.string()?;
            self.expect(b':')?;
            let again = match key {
                b"descr" => descr.replace(self.descr()?).is_some(),
                b"fortran_order" => fortran.replace(self.boolean()?).is_some(),
                b"shape" => shape.replace(self.shape()?).is_some(),
                _ => {
                    self.at = at;
                    return Err(self.fault(
                        "the header has a key other than 'descr', 'fortran_order', 'shape'",
                    ));
                }
            };
            if again {
                self.at = at;
                return Err(self.fault("the header has a key twice"));
            }
            if !self.eat(b',') {
                self.expect(b'}')?;
                break;
            }
        }
        if self.peek().is_some() {
            return Err(self.fault("the header goes on after its dictionary"));
        }
        match (descr, fortran, shape) {
            (Some((dtype, swapped)), Some(fortran), Some(shape)) => {
                Ok(Header { dtype, swapped, fortran_order: fortran, shape })
            }
            _ => Err(self.fault("the header lacks 'descr', 'fortran_order' or 'shape'")),
        }
    }

    /// The next byte that is not white space.
    fn peek(&mut self) -> Option<u8> {
        while self.text.get(self.at).is_some_and(u8::is_ascii_whitespace) {
            self.at += 1;
        }
        self.text.get(self.at).copied()
    }

    fn eat(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, byte: u8) -> std::result::Result<(), Fault> {
        if self.eat(byte) {
            Ok(())
        } else {
            Err(self.fault(format!("expected '{}' in the header", char::from(byte))))
        }
    }

    fn string(&mut self) -> std::result::Result<&'a [u8], Fault> {
        let quote = self.peek().filter(|c| matches!(c, b'\'' | b'"'));
        let quote = quote.ok_or_else(|| self.fault("expected a string in the header"))?;
        let rest = &self.text[self.at + 1..];
        let end = rest.iter().position(|c| *c == quote || matches!(c, b'\\' | b'\n'));
        match end.filter(|end| rest[*end] == quote) {
            Some(end) => {
                self.at += end + 2;
                Ok(&rest[..end])
            }
            None => Err(self.fault("the header has a string that does not end")),
        }
    }

    fn boolean(&mut self) -> std::result::Result<bool, Fault> {
        self.peek();
        for (word, value) in [("True", true), ("False", false)] {
            if self.text[self.at..].starts_with(word.as_bytes()) {
                self.at += word.len();
                return Ok(value);
            }
        }
        Err(self.fault("'fortran_order' is neither True nor False"))
    }

    fn shape(&mut self) -> std::result::Result<Vec<usize>, Fault> {
        self.expect(b'(')?;
        let mut shape = Vec::new();
        while !self.eat(b')') {
            shape.push(self.extent()?);
            let comma = self.eat(b',');
            if !comma {
                if shape.len() == 1 {
                    return Err(self.fault("'shape' is not a tuple"));
                }
                self.expect(b')')?;
                break;
            }
        }
        Ok(shape)
    }

    fn extent(&mut self) -> std::result::Result<usize, Fault> {
        if self.peek() == Some(b'-') {
            return Err(self.fault("'shape' has a negative extent"));
        }
        let rest = &self.text[self.at..];
        let digits = rest.iter().take_while(|c| c.is_ascii_digit()).count();
        if digits == 0 {
            return Err(self.fault("'shape' has an extent that is not an integer"));
        }
        let value = rest[..digits]
            .iter()
            .try_fold(0usize, |n, c| n.checked_mul(10)?.checked_add(usize::from(c - b'0')))
            .ok_or_else(|| self.fault("'shape' has an extent that does not fit memory"))?;
        // Python 2 wrote long integers with an `L`.
        self.at += digits + usize::from(rest.get(digits) == Some(&b'L'));
        Ok(value)
    }

    /// The dtype, and whether its byte order is the opposite of this machine's.
    fn descr(&mut self) -> std::result::Result<(DType, bool), Fault> {
        if self.peek() == Some(b'[') {
            let hint = "save each field as an array of its own: np.save(\"x.npy\", a[\"x\"])";
            return Err(Fault::dtype(
                self.start + self.at as u64,
                "a structured array".to_string(),
                hint,
            ));
        }
        let at = self.start + self.at as u64;
        let text = self.string()?;
        let shown = String::from_utf8_lossy(text).escape_debug().to_string();
        let (order, code) = match text {
            [order @ (b'<' | b'>' | b'=' | b'|'), code @ ..] => (*order, code),
            code => (b'=', code),
        };
        let dtype = match code {
            b"b1" | b"?" => DType::Bool,
            b"i1" => DType::I8,
            b"i2" => DType::I16,
            b"i4" => DType::I32,
            b"i8" => DType::I64,
            b"u1" => DType::U8,
            b"u2" => DType::U16,
            b"u4" => DType::U32,
            b"u8" => DType::U64,
            b"f4" => DType::F32,
            b"f8" => DType::F64,
            // NumPy also reads dtype names, although it never writes them.
            name if NAMED.contains(&name) && order == b'=' => {
                let named = str::from_utf8(name).ok().and_then(DType::from_name);
                named.ok_or_else(|| Fault::new(at, format!("unknown dtype '{shown}'")))?
            }
            [kind, ..] => {
                let (what, hint) = match kind {
                    b'O' => (
                        "pickled Python objects",
                        "pickles are never loaded; save numbers: x.astype('float64')",
                    ),
                    b'c' => ("complex numbers", "save x.real and x.imag as arrays of their own"),
                    b'f' if [&b"f2"[..], b"float16"].contains(&code) => {
                        ("half floats", "save it as x.astype('float32')")
                    }
                    b'f' => ("floats of this size", "save it as x.astype('float64')"),
                    b'S' | b'a' | b'U' | b'T' => ("strings", "save numbers"),
                    b'M' | b'm' => ("dates or durations", "save it as x.astype('int64')"),
                    b'V' => ("structured or raw elements", "save numbers"),
                    _ => return Err(Fault::new(at, format!("unknown dtype '{shown}'"))),
                };
                return Err(Fault::dtype(at, format!("an array of dtype '{shown}': {what}"), hint));
            }
            [] => return Err(Fault::new(at, "an empty dtype")),
        };
        let other = if cfg!(target_endian = "little") { b'>' } else { b'<' };
        Ok((dtype, order == other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> std::result::Result<Header, Fault> {
        Literal { text: text.as_bytes(), at: 0, start: 10 }.header()
    }

    #[test]
    fn headers_that_numpy_writes() {
        let header =
            parse("{'descr': '<f8', 'fortran_order': False, 'shape': (3, 4), }      \n").unwrap();
        assert_eq!(header, Header::new(DType::F64, &[3, 4]));
        let header = parse("{\"shape\": (5L,), 'fortran_order':True,'descr':'>i2'}").unwrap();
        assert_eq!(
            header,
            Header { dtype: DType::I16, swapped: true, fortran_order: true, shape: vec![5] }
        );
        assert_eq!(
            parse("{'descr': '|b1', 'fortran_order': False, 'shape': ()}").unwrap().shape,
            []
        );
        // NumPy also reads names.
        for dtype in DType::ALL {
            let name = dtype.numpy_name();
            let text = format!("{{'descr': '{name}', 'fortran_order': False, 'shape': (2,)}}");
            assert_eq!(parse(&text).unwrap(), Header::new(dtype, &[2]), "{name}");
        }
    }

    #[test]
    fn a_header_that_fits_no_16_bits_is_of_version_2() {
        for axes in [60, 30_000] {
            let header = Header::new(DType::U8, &vec![1; axes]);
            let bytes = header.to_bytes();
            assert_eq!((bytes.len() % 64, bytes.last()), (0, Some(&b'\n')));
            let (version, start) = if axes == 60 { (1, 10) } else { (2, 12) };
            assert_eq!(bytes[6..8], [version, 0]);
            let mut length = [0; 4];
            length[..start - 8].copy_from_slice(&bytes[8..start]);
            assert_eq!(u32::from_le_bytes(length) as usize, bytes.len() - start);
            let mut literal = Literal { text: &bytes[start..], at: 0, start: start as u64 };
            assert_eq!(literal.header().unwrap(), header);
        }
    }

    #[test]
    fn headers_that_nobody_should_write() {
        for (text, at) in [
            ("", 10),
            ("{", 11),
            ("{'descr': '<f8', 'fortran_order': False}", 50),
            ("{'descr': '<f8', 'descr': '<f8'}", 27),
            ("{'descr': '<f8", 20),
            ("{'descr': 'zz'}", 20),
            ("{'shape': (3)}", 22),
            ("{'shape': (-3,)}", 21),
            ("{'shape': (99999999999999999999,)}", 21),
            ("{'shape': (3 4)}", 23),
            ("{'fortran_order': 1}", 28),
            ("{'descr': '<f8', 'fortran_order': False, 'shape': (3,)} + 1", 66),
        ] {
            let fault = parse(text).unwrap_err();
            assert_eq!((fault.kind, fault.at), (ErrorKind::Format, at), "{text}: {}", fault.what);
        }
    }

    #[test]
    fn every_byte_flipped_is_a_header_or_a_fault() {
        let text = b"{'descr': '<f8', 'fortran_order': False, 'shape': (3, 4), }";
        for i in 0..text.len() {
            for byte in 0..=255 {
                let mut text = *text;
                text[i] = byte;
                if let Err(fault) = (Literal { text: &text, at: 0, start: 10 }).header() {
                    assert!(fault.at <= 10 + text.len() as u64);
                }
            }
        }
    }
}
