//! The floating-point environment of a run.

use std::marker::PhantomData;

/// A guard for IEEE 754 defaults: while it lives, the thread rounds to nearest even, keeps
/// subnormals, and does not trap. Dropping it restores the host's settings.
///
/// The control register is written only if it differs, so that the usual cost is one read.
#[derive(Debug)]
#[must_use = "the environment lasts as long as the guard"]
pub struct FpEnv {
    #[cfg(target_arch = "x86_64")]
    host: u32,
    // The register belongs to the thread, so the guard must stay on it.
    thread: PhantomData<*const ()>,
}

#[cfg(target_arch = "x86_64")]
mod mxcsr {
    use std::arch::asm;

    /// All exceptions masked, no flag raised, round to nearest, neither FTZ nor DAZ.
    pub(super) const DEFAULT: u32 = 0x1F80;

    /// The sticky exception flags, which record past exceptions and change no result.
    pub(super) const FLAGS: u32 = 0x3F;

    pub(super) fn read() -> u32 {
        let mut value = 0_u32;
        // SAFETY: the instruction stores 4 bytes to a local.
        unsafe { asm!("stmxcsr [{}]", in(reg) &raw mut value, options(nostack, preserves_flags)) };
        value
    }

    pub(super) fn write(value: u32) {
        // SAFETY: the instruction reads 4 bytes of a local. Every value written here is either
        // the default or one that was read from the register, so no reserved bit is set. The
        // guard restores the host's value before any code that expects it runs.
        unsafe { asm!("ldmxcsr [{}]", in(reg) &raw const value, options(nostack)) };
    }
}

impl FpEnv {
    /// Saves the host's environment and sets the default one.
    #[cfg(target_arch = "x86_64")]
    #[inline]
    pub fn enter() -> FpEnv {
        let host = mxcsr::read();
        // Raised exception flags alone do not matter: they change no result.
        if host & !mxcsr::FLAGS != mxcsr::DEFAULT {
            mxcsr::write(mxcsr::DEFAULT);
        }
        FpEnv { host, thread: PhantomData }
    }

    /// Does nothing on other architectures.
    #[cfg(not(target_arch = "x86_64"))]
    #[inline]
    pub fn enter() -> FpEnv {
        FpEnv { thread: PhantomData }
    }
}

#[cfg(target_arch = "x86_64")]
impl Drop for FpEnv {
    #[inline]
    fn drop(&mut self) {
        if self.host & !mxcsr::FLAGS != mxcsr::DEFAULT {
            mxcsr::write(self.host);
        }
    }
}
