//! [`Host`]: a driver that stands in for a device, on the processor.
//!
//! It compiles the same text with the system's C++ compiler and runs the blocks of a launch in
//! random order, so that a kernel whose result depends on their order gives wrong bits. With
//! `HOTLOOP_SANITIZE` (`undefined`, or `address,undefined` in a process that was started with the
//! sanitizer's library) every access and every operation of the text is checked.

use std::ffi::OsString;
use std::fs::{self, DirBuilder};
use std::io::Write as _;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use libloading::Library;

use super::driver::{Driver, DriverError, Function};
use crate::fpenv::FpEnv;

/// A kernel: a block of this number, with these parameters.
type Block = unsafe extern "C" fn(parameters: *const u64, block: u64);

/// The driver.
pub struct Host {
    compiler: OsString,
    sanitize: Option<OsString>,
    /// The state of the random orders.
    orders: AtomicU64,
    /// The number of launches.
    launches: AtomicU64,
    /// What is loaded stays, for functions have no lifetime.
    loaded: Mutex<Vec<Library>>,
}

impl Host {
    /// A driver whose random orders follow from a seed. The compiler is `$CXX`, or `c++`.
    pub fn new(seed: u64) -> Host {
        Host {
            compiler: std::env::var_os("CXX").unwrap_or_else(|| "c++".into()),
            sanitize: std::env::var_os("HOTLOOP_SANITIZE"),
            orders: AtomicU64::new(seed),
            launches: AtomicU64::new(0),
            loaded: Mutex::new(Vec::new()),
        }
    }

    /// The number of launches so far.
    pub fn launches(&self) -> u64 {
        self.launches.load(Ordering::Relaxed)
    }

    /// Compiles a text to a shared object.
    fn compile(&self, text: &str, to: &Path) -> Result<(), DriverError> {
        let failed = |why: String| DriverError {
            what: format!("compiling text with {}", self.compiler.display()),
            why,
        };
        let mut command = Command::new(&self.compiler);
        command.args(["-x", "c++", "-std=c++17", "-O1", "-fPIC", "-shared", "-w"]);
        // Nothing may be contracted, reordered or assumed that the text does not say.
        command.args(["-ffp-contract=off", "-fno-math-errno", "-fno-strict-aliasing"]);
        if let Some(sanitize) = &self.sanitize {
            let mut option = OsString::from("-fsanitize=");
            option.push(sanitize);
            command.arg(option).arg("-fno-sanitize-recover=all");
        }
        command.arg("-o").arg(to).args(["-", "-lm"]);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|e| failed(e.to_string()))?;
        let written = match child.stdin.take() {
            Some(mut input) => input.write_all(text.as_bytes()),
            None => Ok(()),
        };
        let output = child.wait_with_output().map_err(|e| failed(e.to_string()))?;
        if !output.status.success() {
            return Err(failed(String::from_utf8_lossy(&output.stderr).into_owned()));
        }
        written.map_err(|e| failed(e.to_string()))
    }

    /// A random number, by SplitMix64.
    fn random(&self) -> u64 {
        let step = 0x9e37_79b9_7f4a_7c15;
        let mut z = self.orders.fetch_add(step, Ordering::Relaxed).wrapping_add(step);
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }
}

impl Driver for Host {
    fn load(&self, text: &str, names: &[String]) -> Result<Vec<Function>, DriverError> {
        let failed = |what: &str, why: String| DriverError { what: what.to_string(), why };
        let folder = Folder::new().map_err(|e| failed("making a folder", e.to_string()))?;
        let object = folder.0.join("text.so");
        self.compile(text, &object)?;
        // SAFETY: the object is what was just compiled; it has no initializers.
        let library = unsafe { Library::new(&object) };
        let library = library.map_err(|e| failed("loading compiled text", e.to_string()))?;
        let mut functions = Vec::with_capacity(names.len());
        for name in names {
            // SAFETY: kernels have this type, by the prelude of the text.
            let symbol = unsafe { library.get::<Block>(name.as_bytes()) };
            let symbol = symbol.map_err(|e| failed("finding a kernel", e.to_string()))?;
            functions.push(Function(*symbol as usize));
        }
        self.loaded.lock().unwrap_or_else(PoisonError::into_inner).push(library);
        Ok(functions)
    }

    unsafe fn launch(
        &self,
        Function(function): Function,
        blocks: u64,
        parameters: &[u64],
    ) -> Result<(), DriverError> {
        self.launches.fetch_add(1, Ordering::Relaxed);
        // SAFETY: `load` made the number of a kernel, which is still loaded.
        let block = unsafe { std::mem::transmute::<usize, Block>(function) };
        let mut order: Vec<u64> = (0..blocks).collect();
        for last in (1..order.len()).rev() {
            order.swap(last, (self.random() % (last as u64 + 1)) as usize);
        }
        let _environment = FpEnv::enter();
        for number in order {
            // SAFETY: the caller's promise.
            unsafe { block(parameters.as_ptr(), number) };
        }
        Ok(())
    }
}

/// A folder that only this user can access, removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new() -> std::io::Result<Folder> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let next = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("hotloop-text-{}-{next}", std::process::id());
        let path = std::env::temp_dir().join(name);
        DirBuilder::new().mode(0o700).create(&path)?;
        Ok(Folder(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // Nothing can be done about a folder that stays.
        let _ = fs::remove_dir_all(&self.0);
    }
}
