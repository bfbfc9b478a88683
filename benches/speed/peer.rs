//! The C loops, built by the system's compiler when the bench starts.

use std::ffi::{CString, c_long, c_void};
use std::process::Command;

/// The loops of `loops.c`.
pub struct Peer {
    pub triad: unsafe extern "C" fn(*mut f64, *const f64, *const f64, c_long),
    pub horner_128: unsafe extern "C" fn(*mut f64, *const f64, c_long),
    pub horner_native: unsafe extern "C" fn(*mut f64, *const f64, c_long),
    pub ratio_128: unsafe extern "C" fn(*mut f64, *const f64, *const f64, *const f64, c_long),
}

impl Peer {
    /// Builds and loads the loops; `None` where there is no C compiler.
    pub fn build() -> Option<Peer> {
        let folder = tempfile::tempdir().ok()?;
        let (source, library) = (folder.path().join("loops.c"), folder.path().join("loops.so"));
        std::fs::write(&source, include_str!("loops.c")).ok()?;
        let built = Command::new("cc")
            .args(["-O3", "-march=native", "-shared", "-fPIC", "-o"])
            .args([&library, &source])
            .status()
            .ok()?;
        if !built.success() {
            return None;
        }
        let path = CString::new(library.to_str()?).ok()?;
        // SAFETY: the library is the one just built; it has no constructors.
        let handle = unsafe { libc::dlopen(path.as_ptr(), libc::RTLD_NOW) };
        let symbol = |name: &std::ffi::CStr| -> Option<*mut c_void> {
            // SAFETY: the handle is open, and stays so.
            let symbol = unsafe { libc::dlsym(handle, name.as_ptr()) };
            (!symbol.is_null()).then_some(symbol)
        };
        if handle.is_null() {
            return None;
        }
        // SAFETY: each type is that of the function of the name in loops.c.
        unsafe {
            Some(Peer {
                triad: std::mem::transmute::<
                    *mut c_void,
                    unsafe extern "C" fn(*mut f64, *const f64, *const f64, c_long),
                >(symbol(c"triad")?),
                horner_128: std::mem::transmute::<
                    *mut c_void,
                    unsafe extern "C" fn(*mut f64, *const f64, c_long),
                >(symbol(c"horner_128")?),
                horner_native: std::mem::transmute::<
                    *mut c_void,
                    unsafe extern "C" fn(*mut f64, *const f64, c_long),
                >(symbol(c"horner_native")?),
                ratio_128: std::mem::transmute::<
                    *mut c_void,
                    unsafe extern "C" fn(*mut f64, *const f64, *const f64, *const f64, c_long),
                >(symbol(c"ratio_128")?),
            })
        }
    }
}
