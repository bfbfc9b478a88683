//! The loops of `loops.c`, built by the system's compiler when the bench starts.

use std::ffi::{CString, c_int, c_long, c_void};
use std::process::Command;

type Loop = unsafe extern "C" fn(*const *mut c_void, c_long, c_long, c_int);
type Run = unsafe extern "C" fn(Loop, *const *mut c_void, c_long, c_long, c_int);

/// The loops, and threads for them.
pub struct Peer {
    library: *mut c_void,
    run: Run,
}

/// A loop over its arrays.
pub struct Call<'a> {
    peer: &'a Peer,
    body: Loop,
    arrays: Vec<*mut c_void>,
    n: usize,
    grain: usize,
}

impl Peer {
    /// Builds and loads the loops, and starts their threads; `None` where that cannot be done.
    pub fn build(threads: usize, flags: &[&str]) -> Option<Peer> {
        let folder = tempfile::tempdir().ok()?;
        let (source, library) = (folder.path().join("loops.c"), folder.path().join("loops.so"));
        std::fs::write(&source, include_str!("loops.c")).ok()?;
        let built = Command::new("cc")
            .args(["-O3", "-march=native", "-fopenmp-simd", "-pthread", "-shared", "-fPIC"])
            .args(flags)
            .arg("-o")
            .args([&library, &source])
            .arg("-lm")
            .status()
            .ok()?;
        if !built.success() {
            return None;
        }
        let path = CString::new(library.to_str()?).ok()?;
        // SAFETY: the library is the one just built; it has no constructors.
        let library = unsafe { libc::dlopen(path.as_ptr(), libc::RTLD_NOW) };
        if library.is_null() {
            return None;
        }
        let (start, run) = (symbol(library, "start")?, symbol(library, "run")?);
        // SAFETY: the types of the functions of these names in loops.c.
        let (start, run) = unsafe {
            (
                std::mem::transmute::<*mut c_void, unsafe extern "C" fn(c_int) -> c_int>(start),
                std::mem::transmute::<*mut c_void, Run>(run),
            )
        };
        // SAFETY: called once.
        let started = unsafe { start(threads as c_int) };
        (started != 0).then_some(Peer { library, run })
    }

    /// A loop over arrays, outputs first, and a range; its parts begin at multiples of a grain.
    ///
    /// # Safety
    /// The arrays are those that the loop of this name takes, and hold what the range needs for as
    /// long as the call is used.
    pub unsafe fn call(
        &self,
        name: &str,
        arrays: Vec<*mut c_void>,
        n: usize,
        grain: usize,
    ) -> Call<'_> {
        let body = symbol(self.library, name).expect("a loop of loops.c");
        // SAFETY: every loop has this type.
        let body = unsafe { std::mem::transmute::<*mut c_void, Loop>(body) };
        Call { peer: self, body, arrays, n, grain }
    }
}

impl Call<'_> {
    /// Runs it on one thread or on all.
    pub fn run(&self, threads: usize) {
        let alone = c_int::from(threads == 1);
        let (n, grain) = (self.n as c_long, self.grain as c_long);
        // SAFETY: the arrays are guaranteed by the maker of the call.
        unsafe { (self.peer.run)(self.body, self.arrays.as_ptr(), n, grain, alone) }
    }
}

fn symbol(library: *mut c_void, name: &str) -> Option<*mut c_void> {
    let name = CString::new(name).ok()?;
    // SAFETY: the library is open, and stays so.
    let symbol = unsafe { libc::dlsym(library, name.as_ptr()) };
    (!symbol.is_null()).then_some(symbol)
}
