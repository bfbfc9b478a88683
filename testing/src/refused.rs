//! System calls that fail in a test, by seccomp.

/// Makes the kernel reject system calls of this process from now on: all with this number, or those
/// whose third argument has one of these bits. Returns whether that works.
pub fn refuse_calls(number: libc::c_long, bits: Option<u32>) -> bool {
    let code =
        |parts: u32, jt: u8, jf: u8, k: u32| libc::sock_filter { code: parts as u16, jt, jf, k };
    let load = |offset: u32| code(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0, offset);
    let answer = |k: u32| code(libc::BPF_RET | libc::BPF_K, 0, 0, k);
    let jump =
        |test: u32, k: u32, yes: u8, no: u8| code(libc::BPF_JMP | test | libc::BPF_K, yes, no, k);
    let third = std::mem::offset_of!(libc::seccomp_data, args) as u32 + 16;
    let program = [
        load(std::mem::offset_of!(libc::seccomp_data, nr) as u32),
        jump(libc::BPF_JEQ, number as u32, 0, 3),
        load(third),
        jump(if bits.is_some() { libc::BPF_JSET } else { libc::BPF_JGE }, bits.unwrap_or(0), 0, 1),
        answer(libc::SECCOMP_RET_ERRNO | libc::EACCES as u32),
        answer(libc::SECCOMP_RET_ALLOW),
    ];
    let program =
        libc::sock_fprog { len: program.len() as u16, filter: program.as_ptr().cast_mut() };
    // SAFETY: the calls copy the filter, which lives until they return.
    unsafe {
        libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
            && libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const program) == 0
    }
}
