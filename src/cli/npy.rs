//! Reading `.npy` files: NumPy's format for one array, versions 1 to 3.
//!
//! The header is text that a stranger may have written. It is limited to 64 KiB, parsed by a
//! strict reader of the one dictionary that NumPy writes, and believed only as far as the file's
//! length bears it out: no allocation is larger than what follows the header. Pickled objects are
//! never loaded. The data is read once, into the memory that the program will read; Fortran
//! order stays as strides.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use hotloop::{DType, Error, ErrorKind};

use super::array::{Array, Order, byte_count};

/// The longest header that is read; NumPy's own of 64 axes has about 2 KiB.
const HEADER_LIMIT: u64 = 64 << 10;

/// Every `.npy` file begins with this.
const MAGIC: &[u8; 6] = b"\x93NUMPY";

/// What a header says.
#[derive(Debug, PartialEq)]
struct Header {
    dtype: DType,
    swapped: bool,
    order: Order,
    shape: Vec<usize>,
}

/// What is wrong with a file, and at which byte.
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

/// What can go wrong while reading, before the file has a name.
enum Trouble {
    Fault(Fault),
    Io(io::Error),
    Error(Error),
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

/// Reads an array from a file.
///
/// # Errors
/// `Io`; `Format` with the byte at which the file stops being an `.npy` file; `Type` for an array
/// of a dtype that hotloop does not have; `OutOfMemory`.
pub(crate) fn read(path: &Path) -> hotloop::Result<Array> {
    let name = format!("{path:?}");
    read_file(path).map_err(|trouble| match trouble {
        Trouble::Fault(fault) => {
            let error =
                Error::new(fault.kind, format!("{name}: {} (at byte {})", fault.what, fault.at));
            fault.hint.into_iter().fold(error, Error::hint)
        }
        Trouble::Io(error) if error.kind() == io::ErrorKind::OutOfMemory => {
            Error::new(ErrorKind::OutOfMemory, format!("{name}: no memory for the array"))
        }
        Trouble::Io(error) => Error::new(ErrorKind::Io, format!("cannot read {name}: {error}")),
        Trouble::Error(error) => Error::new(error.kind(), format!("{name}: {}", error.message())),
    })
}

fn read_file(path: &Path) -> Result<Array, Trouble> {
    let mut file = File::open(path)?;
    let (header, start) = read_header(&mut file)?;
    let Some(size) = byte_count(header.dtype, &header.shape) else {
        let what =
            format!("an array of {} of shape {:?} does not fit memory", header.dtype, header.shape);
        return Err(Fault::new(start, what).into());
    };
    let checked = |have: u64| match have.cmp(&(size as u64)) {
        std::cmp::Ordering::Equal => Ok(()),
        std::cmp::Ordering::Less => {
            let what = format!(
                "the file ends after {have} of the {size} bytes of data of {} {:?}",
                header.dtype, header.shape
            );
            Err(Fault::new(start + have, what))
        }
        std::cmp::Ordering::Greater => {
            let what = format!(
                "the data of {} {:?} ends, but the file goes on",
                header.dtype, header.shape
            );
            Err(Fault::new(start + size as u64, what))
        }
    };
    let metadata = file.metadata()?;
    let mut array;
    if metadata.is_file() {
        checked(metadata.len().saturating_sub(start))?;
        array = Array::zeroed(header.dtype, &header.shape, header.order).map_err(Trouble::Error)?;
        // The file may have been cut since it was measured.
        let have = fill(&mut file, array.bytes_mut())?;
        checked(have as u64)?;
    } else {
        // A pipe has no length: memory grows with what arrives.
        let mut bytes = Vec::new();
        file.take(size as u64 + 1).read_to_end(&mut bytes)?;
        checked(bytes.len() as u64)?;
        array = Array::zeroed(header.dtype, &header.shape, header.order).map_err(Trouble::Error)?;
        array.bytes_mut().copy_from_slice(&bytes);
    }
    if header.swapped {
        array.swap_bytes();
    }
    Ok(array)
}

/// Reads until the buffer is full or the file ends; how much there was.
fn fill(file: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut have = 0;
    while have < buffer.len() {
        match file.read(&mut buffer[have..]) {
            Ok(0) => break,
            Ok(n) => have += n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(have)
}

/// Reads the header, and gives the byte at which the data starts.
fn read_header(file: &mut impl Read) -> Result<(Header, u64), Trouble> {
    let mut prefix = [0u8; 12];
    let have = fill(file, &mut prefix[..8])?;
    let common = MAGIC.iter().zip(&prefix[..have]).take_while(|(want, got)| want == got).count();
    if common < MAGIC.len() {
        let what =
            if have < MAGIC.len() && common == have { "the file ends" } else { "not an .npy file" };
        return Err(Fault::new(common as u64, what).into());
    }
    if have < 8 {
        return Err(Fault::new(have as u64, "the file ends before the version").into());
    }
    let start: u64 = match prefix[6..8] {
        [1, 0] => 10,
        [2 | 3, 0] => 12,
        [major, minor] => {
            return Err(Fault::new(6, format!("unknown .npy version {major}.{minor}")).into());
        }
        _ => unreachable!("two bytes"),
    };
    let have = 8 + fill(file, &mut prefix[8..start as usize])? as u64;
    if have < start {
        return Err(Fault::new(have, "the file ends in the header's length").into());
    }
    // Version 1 leaves the upper two bytes zero.
    let length = u64::from(u32::from_le_bytes([prefix[8], prefix[9], prefix[10], prefix[11]]));
    if length > HEADER_LIMIT {
        let what = format!("a header of {length} bytes; at most {HEADER_LIMIT} are read");
        return Err(Fault::new(8, what).into());
    }
    let mut text = vec![0; length as usize];
    let have = fill(file, &mut text)?;
    if have < text.len() {
        let what = format!("the file ends in the header, of which {length} bytes are promised");
        return Err(Fault::new(start + have as u64, what).into());
    }
    let header = Literal { text: &text, at: 0, start }.header()?;
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

    fn header(&mut self) -> Result<Header, Fault> {
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
                let order = if fortran { Order::Fortran } else { Order::C };
                Ok(Header { dtype, swapped, order, shape })
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

    fn expect(&mut self, byte: u8) -> Result<(), Fault> {
        if self.eat(byte) {
            Ok(())
        } else {
            Err(self.fault(format!("the header lacks a '{}' here", char::from(byte))))
        }
    }

    fn string(&mut self) -> Result<&'a [u8], Fault> {
        let quote = self.peek().filter(|c| matches!(c, b'\'' | b'"'));
        let quote = quote.ok_or_else(|| self.fault("the header lacks a string here"))?;
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

    fn boolean(&mut self) -> Result<bool, Fault> {
        self.peek();
        for (word, value) in [("True", true), ("False", false)] {
            if self.text[self.at..].starts_with(word.as_bytes()) {
                self.at += word.len();
                return Ok(value);
            }
        }
        Err(self.fault("'fortran_order' is neither True nor False"))
    }

    fn shape(&mut self) -> Result<Vec<usize>, Fault> {
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

    fn extent(&mut self) -> Result<usize, Fault> {
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
        // Python 2 wrote its long integers so.
        self.at += digits + usize::from(rest.get(digits) == Some(&b'L'));
        Ok(value)
    }

    /// The dtype, and whether its bytes are in the other order than this machine's.
    fn descr(&mut self) -> Result<(DType, bool), Fault> {
        if self.peek() == Some(b'[') {
            let hint = "save each field as an array of its own";
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
            [kind, ..] => {
                let (what, hint) = match kind {
                    b'O' => (
                        "pickled Python objects",
                        "pickles are never loaded; save numbers: x.astype('float64')",
                    ),
                    b'c' => ("complex numbers", "save x.real and x.imag as arrays of their own"),
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

    fn parse(text: &str) -> Result<Header, Fault> {
        Literal { text: text.as_bytes(), at: 0, start: 10 }.header()
    }

    #[test]
    fn headers_that_numpy_writes() {
        let header =
            parse("{'descr': '<f8', 'fortran_order': False, 'shape': (3, 4), }      \n").unwrap();
        assert_eq!(
            header,
            Header { dtype: DType::F64, swapped: false, order: Order::C, shape: vec![3, 4] }
        );
        let header = parse("{\"shape\": (5L,), 'fortran_order':True,'descr':'>i2'}").unwrap();
        assert_eq!(
            header,
            Header { dtype: DType::I16, swapped: true, order: Order::Fortran, shape: vec![5] }
        );
        assert_eq!(
            parse("{'descr': '|b1', 'fortran_order': False, 'shape': ()}").unwrap().shape,
            []
        );
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
