//! The loops in C, built by the system's compiler when the bench starts.

use std::ffi::{CString, c_int, c_long, c_void};
use std::process::Command;

use hotloop::threads::Isa;

type Loop = unsafe extern "C" fn(*const *mut c_void, c_long, c_long, c_int);
type Run = unsafe extern "C" fn(Loop, *const *mut c_void, c_long, c_long, c_int);

/// The sources, by file name.
const SOURCES: [(&str, &str); 8] = [
    ("loop.h", include_str!("loops/loop.h")),
    ("threads.c", include_str!("loops/threads.c")),
    ("first.c", include_str!("loops/first.c")),
    ("floor.c", include_str!("loops/floor.c")),
    ("bytes.c", include_str!("loops/bytes.c")),
    ("grids.c", include_str!("loops/grids.c")),
    ("models.c", include_str!("loops/models.c")),
    ("rows.c", include_str!("loops/rows.c")),
];

/// The compiler's flags for an instruction set. By itself it prefers 256 bits on some processors
/// that have 512.
pub fn flags(isa: Isa) -> &'static [&'static str] {
    match isa {
        Isa::Avx512 => &["-march=native", "-mprefer-vector-width=512"],
        Isa::Avx2 if Isa::detect() == Isa::Avx2 => &["-march=native"],
        Isa::Avx2 => &["-march=x86-64-v3"],
        _ => &["-march=x86-64"],
    }
}

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
    /// Builds and loads the loops for an instruction set, and starts their threads; `None` if the
    /// system has no compiler.
    pub fn build(threads: usize, isa: Isa, more: &[&str]) -> Option<Peer> {
        let folder = tempfile::tempdir().ok()?;
        let library = folder.path().join("loops.so");
        for (name, text) in SOURCES {
            std::fs::write(folder.path().join(name), text).ok()?;
        }
        let files = SOURCES.iter().map(|(name, _)| *name).filter(|name| name.ends_with(".c"));
        let cc = |arguments: &[&str]| {
            let status = Command::new("cc").current_dir(folder.path()).args(arguments).status();
            status.is_ok_and(|status| status.success())
        };
        let mut compile = vec!["-c", "-O3", "-fopenmp-simd", "-pthread", "-fPIC"];
        compile.extend(flags(isa).iter().chain(more));
        compile.extend(files.clone());
        // Linked without the flags: with `-ffast-math` the library would set the flushing of
        // subnormals for the whole process, and every run of hotloop would reset it.
        let objects: Vec<String> = files.map(|name| name.replace(".c", ".o")).collect();
        let mut link = vec!["-shared", "-pthread", "-o", "loops.so"];
        link.extend(objects.iter().map(String::as_str));
        link.push("-lm");
        if !cc(&compile) || !cc(&link) {
            return None;
        }
        let path = CString::new(library.to_str()?).ok()?;
        // SAFETY: the library is the one just built; it has no constructors.
        let library = unsafe { libc::dlopen(path.as_ptr(), libc::RTLD_NOW) };
        if library.is_null() {
            return None;
        }
        let (start, run) = (symbol(library, "start")?, symbol(library, "run")?);
        // SAFETY: the types of the functions of these names.
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
        let body = symbol(self.library, name).expect("a loop in C");
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
