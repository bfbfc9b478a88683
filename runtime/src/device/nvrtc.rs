//! [`Nvrtc`]: CUDA's compiler as a library, found at run time.

use std::ffi::{CStr, CString, OsStr, c_char, c_int, c_void};
use std::path::{Path, PathBuf};
use std::ptr;

use libloading::os::unix::{Library, RTLD_GLOBAL, RTLD_NOW};

use super::driver::DriverError;

/// The compiler from CUDA C to machine code.
pub struct Nvrtc {
    library: Library,
    /// NVRTC loads this one by its bare name, so it is loaded first.
    _builtins: Option<Library>,
    /// Where it was found.
    path: PathBuf,
    version: (i32, i32),
}

/// What a text is compiled to, for a compute capability such as 90.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// Machine code of devices of this capability.
    Cubin(u32),
    /// Code that drivers of devices of this capability and above compile.
    Ptx(u32),
}

/// The names of the library, the newest first.
const NAMES: [&str; 3] = ["libnvrtc.so.13", "libnvrtc.so.12", "libnvrtc.so.11.2"];

/// Options of every compilation. Nothing may be contracted or flushed to zero, and the process and
/// its folders are left alone.
const OPTIONS: [&str; 7] = [
    "--std=c++17",
    "--fmad=false",
    "--ftz=false",
    "--prec-div=true",
    "--prec-sqrt=true",
    "--device-int128",
    "--disable-warnings",
];
/// The same, unknown to old versions: without headers and a cache of its own, and without raising the
/// limit of the process's stack, which is its default.
const NEWER_OPTIONS: [&str; 4] =
    ["--minimal", "--no-cache", "--modify-stack-limit=false", "--frandom-seed=hotloop"];

const SUCCESS: c_int = 0;
const INVALID_OPTION: c_int = 5;

type Handle = *mut c_void;

impl Nvrtc {
    /// Finds the library: at `path` (a file or a folder) if it is given, else where
    /// `HOTLOOP_NVRTC` says, in a Python environment's wheels, in a toolkit (`CUDA_HOME`,
    /// `CUDA_PATH`), or where the system's loader finds it.
    ///
    /// # Errors
    /// The error names all paths that were tried.
    pub fn find(path: Option<&Path>) -> Result<Nvrtc, DriverError> {
        let mut tried = Vec::new();
        for candidate in candidates(path) {
            match Nvrtc::open(&candidate) {
                Ok(found) => return Ok(found),
                Err(why) => tried.push(format!("{}: {why}", candidate.display())),
            }
        }
        Err(DriverError { what: "finding NVRTC".to_string(), why: tried.join("; ") })
    }

    fn open(path: &Path) -> Result<Nvrtc, libloading::Error> {
        let beside = path.parent().filter(|folder| folder.is_absolute());
        let builtins = beside.and_then(|folder| {
            let named = |name: &OsStr| name.to_string_lossy().starts_with("libnvrtc-builtins.so");
            let mut files = std::fs::read_dir(folder).ok()?.filter_map(Result::ok);
            let file = files.find(|entry| named(&entry.file_name()))?;
            // SAFETY: it is NVIDIA's library, whose initializers only prepare itself.
            unsafe { Library::open(Some(file.path()), RTLD_NOW | RTLD_GLOBAL) }.ok()
        });
        // SAFETY: as above.
        let library = unsafe { Library::open(Some(path), RTLD_NOW) }?;
        let (mut major, mut minor) = (0, 0);
        // SAFETY: the function has this type, and writes two integers.
        unsafe {
            let version = library
                .get::<unsafe extern "C" fn(*mut c_int, *mut c_int) -> c_int>(b"nvrtcVersion")?;
            version(&raw mut major, &raw mut minor);
        }
        let (path, version) = (path.to_path_buf(), (major, minor));
        Ok(Nvrtc { library, _builtins: builtins, path, version })
    }

    /// Where it was found.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its version.
    pub fn version(&self) -> (i32, i32) {
        self.version
    }

    /// The compute capabilities that it compiles for.
    ///
    /// # Errors
    /// [`DriverError`] if it does not say.
    pub fn capabilities(&self) -> Result<Vec<i32>, DriverError> {
        let mut count = 0;
        let what = "listing the devices that NVRTC compiles for";
        // SAFETY: the functions have these types; the second writes as many integers as the first
        // says.
        unsafe {
            let number: unsafe extern "C" fn(*mut c_int) -> c_int =
                self.function("nvrtcGetNumSupportedArchs")?;
            self.check(number(&raw mut count), what)?;
            let mut list = vec![0; usize::try_from(count).unwrap_or(0)];
            let fill: unsafe extern "C" fn(*mut c_int) -> c_int =
                self.function("nvrtcGetSupportedArchs")?;
            self.check(fill(list.as_mut_ptr()), what)?;
            Ok(list)
        }
    }

    /// Compiles a text.
    ///
    /// # Errors
    /// [`DriverError`] with the messages of the compiler.
    pub fn compile(&self, text: &str, target: Target) -> Result<Vec<u8>, DriverError> {
        let (architecture, size, get) = match target {
            Target::Cubin(cc) => (format!("-arch=sm_{cc}"), "nvrtcGetCUBINSize", "nvrtcGetCUBIN"),
            Target::Ptx(cc) => (format!("-arch=compute_{cc}"), "nvrtcGetPTXSize", "nvrtcGetPTX"),
        };
        let mut options = vec![&*architecture];
        options.extend(OPTIONS);
        options.extend(NEWER_OPTIONS);
        let mut program = Program::new(self, text)?;
        let mut result = program.compile(&options)?;
        if result == INVALID_OPTION {
            options.truncate(options.len() - NEWER_OPTIONS.len());
            program = Program::new(self, text)?;
            result = program.compile(&options)?;
        }
        if result != SUCCESS {
            let log = program.bytes("nvrtcGetProgramLogSize", "nvrtcGetProgramLog")?;
            let why = String::from_utf8_lossy(&log).trim_end_matches('\0').to_string();
            let what = format!("compiling text with NVRTC ({})", self.message(result));
            return Err(DriverError { what, why });
        }
        program.bytes(size, get)
    }

    /// A function of the library.
    ///
    /// # Safety
    /// `F` is its type.
    unsafe fn function<F: Copy>(&self, name: &str) -> Result<F, DriverError> {
        // SAFETY: the caller's promise.
        let symbol = unsafe { self.library.get::<F>(name.as_bytes()) };
        symbol.map(|symbol| *symbol).map_err(|e| DriverError {
            what: format!("finding {name} in {}", self.path.display()),
            why: e.to_string(),
        })
    }

    fn check(&self, result: c_int, what: &str) -> Result<(), DriverError> {
        match result {
            SUCCESS => Ok(()),
            _ => Err(DriverError { what: what.to_string(), why: self.message(result) }),
        }
    }

    /// What a code means.
    fn message(&self, result: c_int) -> String {
        type Name = unsafe extern "C" fn(c_int) -> *const c_char;
        // SAFETY: the function has this type, and gives a string that stays.
        unsafe {
            match self.function::<Name>("nvrtcGetErrorString") {
                Ok(name) => CStr::from_ptr(name(result)).to_string_lossy().into_owned(),
                Err(_) => format!("error {result}"),
            }
        }
    }
}

/// A program of NVRTC.
struct Program<'a> {
    compiler: &'a Nvrtc,
    handle: Handle,
}

impl<'a> Program<'a> {
    fn new(compiler: &'a Nvrtc, text: &str) -> Result<Program<'a>, DriverError> {
        type Create = unsafe extern "C" fn(
            *mut Handle,
            *const c_char,
            *const c_char,
            c_int,
            *const *const c_char,
            *const *const c_char,
        ) -> c_int;
        let what = "making a program of NVRTC";
        let text = CString::new(text)
            .map_err(|e| DriverError { what: what.to_string(), why: e.to_string() })?;
        let mut handle = ptr::null_mut();
        // SAFETY: the function has this type; it copies the strings.
        unsafe {
            let create: Create = compiler.function("nvrtcCreateProgram")?;
            let name = c"hotloop.cu";
            let none = ptr::null();
            let result = create(&raw mut handle, text.as_ptr(), name.as_ptr(), 0, none, none);
            compiler.check(result, what)?;
        }
        Ok(Program { compiler, handle })
    }

    /// Compiles it; returns the library's code.
    fn compile(&self, options: &[&str]) -> Result<c_int, DriverError> {
        type Compile = unsafe extern "C" fn(Handle, c_int, *const *const c_char) -> c_int;
        let options: Vec<CString> =
            options.iter().filter_map(|option| CString::new(*option).ok()).collect();
        let pointers: Vec<*const c_char> = options.iter().map(|option| option.as_ptr()).collect();
        // SAFETY: the function has this type, and reads as many strings.
        unsafe {
            let compile: Compile = self.compiler.function("nvrtcCompileProgram")?;
            Ok(compile(self.handle, pointers.len() as c_int, pointers.as_ptr()))
        }
    }

    /// The bytes that one function gives, as many as another says.
    fn bytes(&self, size: &str, get: &str) -> Result<Vec<u8>, DriverError> {
        let mut length = 0usize;
        // SAFETY: the functions have these types; the second writes as many bytes as the first says.
        unsafe {
            let size: unsafe extern "C" fn(Handle, *mut usize) -> c_int =
                self.compiler.function(size)?;
            self.compiler.check(size(self.handle, &raw mut length), get)?;
            let mut bytes = vec![0u8; length];
            let fill: unsafe extern "C" fn(Handle, *mut u8) -> c_int =
                self.compiler.function(get)?;
            self.compiler.check(fill(self.handle, bytes.as_mut_ptr()), get)?;
            Ok(bytes)
        }
    }
}

impl Drop for Program<'_> {
    fn drop(&mut self) {
        type Destroy = unsafe extern "C" fn(*mut Handle) -> c_int;
        // SAFETY: the function has this type, and the program is used no more.
        unsafe {
            if let Ok(destroy) = self.compiler.function::<Destroy>("nvrtcDestroyProgram") {
                destroy(&raw mut self.handle);
            }
        }
    }
}

/// Where the library may be, in the order in which it is tried.
fn candidates(path: Option<&Path>) -> Vec<PathBuf> {
    let variable = |name: &str| std::env::var_os(name).map(PathBuf::from);
    let mut list = Vec::new();
    let mut folder = |folder: PathBuf| list.extend(NAMES.map(|name| folder.join(name)));
    if let Some(path) = path.map(Path::to_path_buf).or_else(|| variable("HOTLOOP_NVRTC")) {
        if !path.is_dir() {
            return vec![path];
        }
        folder(path);
        return list;
    }
    for environment in ["VIRTUAL_ENV", "CONDA_PREFIX"].into_iter().filter_map(variable) {
        let versions = std::fs::read_dir(environment.join("lib")).into_iter().flatten();
        for version in versions.filter_map(Result::ok) {
            let wheels = version.path().join("site-packages/nvidia");
            folder(wheels.join("cu13/lib"));
            folder(wheels.join("cuda_nvrtc/lib"));
        }
    }
    for toolkit in ["CUDA_HOME", "CUDA_PATH"].into_iter().filter_map(variable) {
        folder(toolkit.join("lib64"));
        folder(toolkit.join("targets/x86_64-linux/lib"));
    }
    list.retain(|path| path.exists());
    // The loader also finds what the process has loaded.
    list.extend(NAMES.map(PathBuf::from));
    list
}
